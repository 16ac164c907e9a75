# SPDX-License-Identifier: BSD-3-Clause
"""One thread where sums must not depend on how many there are."""

import os
import threading
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_inside = 0
_limits = None


def _after_fork():
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread: its sums must not depend on how many there are."""
    # For the whole process: the first Python thread sets it, the last one lifts it.
    global _inside, _limits
    with _lock:
        if _inside == 0:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.restore_original_limits()


@contextmanager
def one_thread():
    """Let compiled code use one thread, where Python threads share the processors."""
    with one_blas_thread(), threadpool_limits(1, user_api="openmp"):  # of this thread
        yield
