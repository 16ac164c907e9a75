# SPDX-License-Identifier: BSD-3-Clause
"""How many threads the kernels may use."""

import os

import joblib

from skesom.som._openmp cimport SKESOM_OPENMP, omp_get_max_threads

has_openmp = bool(SKESOM_OPENMP)


def effective_n_threads():
    """Return the number of threads for a kernel.

    ``OMP_NUM_THREADS``, limits set by threadpoolctl and the processors that this
    process may use are all honoured; without OpenMP there is one thread.
    """
    if not has_openmp:
        return 1
    if os.environ.get("OMP_NUM_THREADS"):
        return omp_get_max_threads()
    return min(omp_get_max_threads(), joblib.cpu_count())
