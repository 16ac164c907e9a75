# SPDX-License-Identifier: BSD-3-Clause
"""One thread where sums must not depend on how many there are."""

import os
import sys
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_limits = None
_found = 0, None  # modules of Python when libraries were looked for, and these


def _after_fork():
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def limited(user_api):
    """Let the libraries of a kind that are loaded use one thread."""
    # To look for them takes 10 ms, so only where modules have come that may load some.
    global _found
    if _found[0] != len(sys.modules):
        _found = len(sys.modules), ThreadpoolController()
    return _found[1].limit(limits=1, user_api=user_api)


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread: its sums must not depend on how many there are."""
    # For the whole process: the first Python thread sets it, the last one lifts it.
    global _inside, _limits
    with _lock:
        if _inside == 0:
            _limits = limited("blas")
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
    with one_blas_thread(), limited("openmp"):  # the latter of this thread
        yield
