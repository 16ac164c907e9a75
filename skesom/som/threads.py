# SPDX-License-Identifier: BSD-3-Clause
"""How many threads the kernels may use."""

import os
import threading

import joblib

from skesom._common.threads import limited
from skesom.som._vectors import has_openmp, most_threads

_LEAST_WORK = 1_000_000  # products; to start a team of threads takes as long as these


def effective_n_threads(work):
    """Return the threads for a kernel with so many products, within all limits set."""
    if threads_were_lost() or not has_openmp or work < _LEAST_WORK:
        return 1
    if os.environ.get("OMP_NUM_THREADS"):
        return most_threads()
    return min(most_threads(), joblib.cpu_count())


_left_by_fork = None  # the thread of a child of os.fork whose helpers do not exist


def _after_fork():
    global _left_by_fork
    _left_by_fork = threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def threads_were_lost():
    """Return whether OpenMP would wait forever; limit scikit-learn's to one thread."""
    lost = _left_by_fork == threading.get_ident()
    if lost and (most_threads() > 1 or not has_openmp):
        limited("openmp")
    return lost
