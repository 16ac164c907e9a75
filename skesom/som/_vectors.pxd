# SPDX-License-Identifier: BSD-3-Clause
"""The vector code as other modules see it, and how rows with missing features enter."""

from cython cimport floating

from libc.stdint cimport uint32_t

cdef extern from "_kernels.h":
    cdef enum:
        UNIT_PADDING
        PATCH
        FEATURES_FOR_AXES
        AXES
        SCREENED
        SQUARES
        WEIGHTED_SQUARES
        ABSOLUTE_VALUES
    Py_ssize_t N_BOUNDS(Py_ssize_t n_features, Py_ssize_t n_patches) noexcept nogil
    Py_ssize_t ROOM_FOR(Py_ssize_t n_patches) noexcept nogil
    void PREFETCH(const void *address) noexcept nogil
    double exponential(double x) noexcept nogil

    # Real numbers are void: float or double, as the table is. _kernels.h explains all.
    ctypedef struct Vectors:
        void (*nearest_two)(
            int terms, const void *sample, const void *factors, const int *features,
            Py_ssize_t n_features, const void *codebook, Py_ssize_t stride,
            Py_ssize_t n_units, void *sums, Py_ssize_t *nearest) noexcept nogil
        bint (*screen_one)(
            const void *sample, const void *next, bint scored, Py_ssize_t n_features,
            const void *codebook, Py_ssize_t stride, Py_ssize_t n_units, double bound,
            void *scores, Py_ssize_t *nearest, void *squared) noexcept nogil
        void (*renew_scores)(
            const void *sample, Py_ssize_t n_features, const int *units, Py_ssize_t n,
            const void *squared, void *scores) noexcept nogil
        uint32_t (*screen)(
            const void *samples, int n_samples, Py_ssize_t n_features,
            const void *codebook, Py_ssize_t stride, Py_ssize_t n_units,
            const void *rows, int n_nearest, void *scores, Py_ssize_t *nearest,
            void *squared) noexcept nogil
        uint32_t (*screen_patches)(
            const void *samples, int n_samples, Py_ssize_t n_features,
            const void *patches, const void *radii, const int *units,
            Py_ssize_t n_patches, const void *rows, int n_nearest, void *room,
            Py_ssize_t *nearest, void *squared, int *worthwhile) noexcept nogil
        void (*measure_members)(
            const void *sample, Py_ssize_t n_features, const void *rows,
            Py_ssize_t row_length, const void *codebook, Py_ssize_t stride,
            int *members, Py_ssize_t n_members, void *squared) noexcept nogil
        void (*pull_members)(
            const void *sample, Py_ssize_t n_features, void *rows,
            Py_ssize_t row_length, void *codebook, Py_ssize_t stride,
            const int *members, Py_ssize_t n_members, double step,
            const void *activation) noexcept nogil
        double (*activate)(
            const void *squared, Py_ssize_t n, double factor,
            void *activation) noexcept nogil


cdef const Vectors *vectors_for(size_t item_size) noexcept nogil


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


cdef enum:
    MOST_PATIENCE = 64
    EXACT_STEPS = 1024  # before screening is tried again


cdef inline int keep_patience(int patience, bint screened) noexcept nogil:
    """Return the patience after one more search.

    Screening pays unless many units are as near as the nearest, as far as the precision
    of a score goes. It stops when patience falls below 0, until it is 0 again.
    """
    if patience < 0:
        return patience + 1
    if screened:
        return min(patience + 1, MOST_PATIENCE)
    return patience - 4 if patience >= 4 else -EXACT_STEPS


cdef inline Py_ssize_t present_features(
    const floating *sample, Py_ssize_t n_features, int *features
) noexcept nogil:
    """List the features of a sample that are not NaN and return how many."""
    cdef Py_ssize_t n_present = 0
    cdef int feature
    for feature in range(<int> n_features):
        features[n_present] = feature
        n_present += sample[feature] == sample[feature]
    return n_present
