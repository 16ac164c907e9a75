# SPDX-License-Identifier: BSD-3-Clause
"""How much memory a call takes, on any machine."""

import tracemalloc

from threadpoolctl import threadpool_limits


def peak_of(function):
    """Return the most memory that a call with one thread takes, and its result.

    Arrays and objects of Python are counted: neither a page of the system nor the
    room of one more thread.
    """
    with threadpool_limits(1, user_api="openmp"):
        tracemalloc.start()
        try:
            result = function()
            return tracemalloc.get_traced_memory()[1], result
        finally:
            tracemalloc.stop()
