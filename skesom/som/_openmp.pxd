# SPDX-License-Identifier: BSD-3-Clause
"""OpenMP where the compiler has it, one thread where it does not."""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define SKESOM_OPENMP 1
    #else
    #define SKESOM_OPENMP 0
    #define omp_get_thread_num() 0
    #define omp_get_max_threads() 1
    #endif
    """
    int SKESOM_OPENMP
    int omp_get_thread_num() noexcept nogil
    int omp_get_max_threads() noexcept nogil


cdef inline int thread_number() noexcept nogil:
    return omp_get_thread_num()
