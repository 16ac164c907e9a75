# SPDX-License-Identifier: BSD-3-Clause
"""How many threads the kernels may use."""

import os
import threading

import joblib
from threadpoolctl import threadpool_limits

from skesom.som._vectors import has_openmp, most_threads


def effective_n_threads():
    """Return the number of threads for a kernel, within all limits that are set."""
    if threads_were_lost() or not has_openmp:
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
        threadpool_limits(limits=1, user_api="openmp")
    return lost
