# SPDX-License-Identifier: BSD-3-Clause
"""The vector code of _distances.h, and how rows with missing features enter it."""

from cython cimport floating

from libc.float cimport DBL_MAX, FLT_MAX
from libc.stdint cimport uint32_t

cdef extern from "_distances.h":
    cdef enum:
        UNIT_PADDING
        FEATURES_AT_A_TIME
        PATCH
        SCREENED
        SQUARES
        WEIGHTED_SQUARES
        ABSOLUTE_VALUES
    Py_ssize_t ROOM_FOR(Py_ssize_t n_patches) noexcept nogil
    void PREFETCH(const void *address) noexcept nogil
    void nearest_two_float(
        int terms, const float *sample, const float *factors, const int *features,
        Py_ssize_t n_features, const float *codebook, Py_ssize_t stride,
        Py_ssize_t n_units, float *sums, Py_ssize_t *nearest) noexcept nogil
    void nearest_two_double(
        int terms, const double *sample, const double *factors, const int *features,
        Py_ssize_t n_features, const double *codebook, Py_ssize_t stride,
        Py_ssize_t n_units, double *sums, Py_ssize_t *nearest) noexcept nogil
    bint screen_one_float(
        const float *sample, Py_ssize_t n_features, const float *codebook,
        Py_ssize_t stride, Py_ssize_t n_units, double bound, float *scores,
        Py_ssize_t *nearest, float *squared) noexcept nogil
    bint screen_one_double(
        const double *sample, Py_ssize_t n_features, const double *codebook,
        Py_ssize_t stride, Py_ssize_t n_units, double bound, double *scores,
        Py_ssize_t *nearest, double *squared) noexcept nogil
    uint32_t screen_float(
        const float *samples, int n_samples, Py_ssize_t n_features,
        const float *codebook, Py_ssize_t stride, Py_ssize_t n_units, int n_nearest,
        float *scores, Py_ssize_t *nearest, float *squared) noexcept nogil
    uint32_t screen_double(
        const double *samples, int n_samples, Py_ssize_t n_features,
        const double *codebook, Py_ssize_t stride, Py_ssize_t n_units, int n_nearest,
        double *scores, Py_ssize_t *nearest, double *squared) noexcept nogil
    uint32_t screen_patches_float(
        const float *samples, int n_samples, Py_ssize_t n_features,
        const float *patches, const float *radii, const int *units,
        Py_ssize_t n_patches, int n_nearest, float *room, Py_ssize_t *nearest,
        float *squared, int *worthwhile) noexcept nogil
    uint32_t screen_patches_double(
        const double *samples, int n_samples, Py_ssize_t n_features,
        const double *patches, const double *radii, const int *units,
        Py_ssize_t n_patches, int n_nearest, double *room, Py_ssize_t *nearest,
        double *squared, int *worthwhile) noexcept nogil
    void measure_members_float(
        const float *sample, Py_ssize_t n_features, const float *rows,
        Py_ssize_t row_length, const float *codebook, Py_ssize_t stride,
        int *members, Py_ssize_t n_members, float *squared) noexcept nogil
    void measure_members_double(
        const double *sample, Py_ssize_t n_features, const double *rows,
        Py_ssize_t row_length, const double *codebook, Py_ssize_t stride,
        int *members, Py_ssize_t n_members, double *squared) noexcept nogil
    void pull_members_float(
        const float *sample, Py_ssize_t n_features, float *rows, Py_ssize_t row_length,
        float *codebook, Py_ssize_t stride, const int *members, Py_ssize_t n_members,
        float step, const float *activation) noexcept nogil
    void pull_members_double(
        const double *sample, Py_ssize_t n_features, double *rows,
        Py_ssize_t row_length, double *codebook, Py_ssize_t stride, const int *members,
        Py_ssize_t n_members, double step, const double *activation) noexcept nogil
    double activate_float(
        const float *squared, Py_ssize_t n, double factor,
        float *activation) noexcept nogil
    double activate_double(
        const double *squared, Py_ssize_t n, double factor,
        double *activation) noexcept nogil


cdef enum:
    ROWS = 1024  # that are searched alike, a multiple of SCREENED
    MOST_PATIENCE = 64
    EXACT_STEPS = 1024  # before screening is tried again


cdef inline void nearest_two(
    int terms, const floating *sample, const floating *factors, const int *features,
    Py_ssize_t n_present, const floating *codebook, Py_ssize_t stride,
    Py_ssize_t n_units, floating *sums, Py_ssize_t *nearest,
) noexcept nogil:
    if floating is float:
        nearest_two_float(
            terms, sample, factors, features, n_present, codebook, stride, n_units,
            sums, nearest,
        )
    else:
        nearest_two_double(
            terms, sample, factors, features, n_present, codebook, stride, n_units,
            sums, nearest,
        )


cdef inline bint screen_one(
    const floating *sample, Py_ssize_t n_features, const floating *codebook,
    Py_ssize_t stride, Py_ssize_t n_units, double bound, floating *scores,
    Py_ssize_t *nearest, floating *squared,
) noexcept nogil:
    if floating is float:
        return screen_one_float(
            sample, n_features, codebook, stride, n_units, bound, scores, nearest,
            squared,
        )
    else:
        return screen_one_double(
            sample, n_features, codebook, stride, n_units, bound, scores, nearest,
            squared,
        )


cdef inline uint32_t screen(
    const floating *samples, int n_samples, Py_ssize_t n_features,
    const floating *codebook, Py_ssize_t stride, Py_ssize_t n_units, int n_nearest,
    floating *scores, Py_ssize_t *nearest, floating *squared,
) noexcept nogil:
    if floating is float:
        return screen_float(
            samples, n_samples, n_features, codebook, stride, n_units, n_nearest,
            scores, nearest, squared,
        )
    else:
        return screen_double(
            samples, n_samples, n_features, codebook, stride, n_units, n_nearest,
            scores, nearest, squared,
        )


cdef inline uint32_t screen_patches(
    const floating *samples, int n_samples, Py_ssize_t n_features,
    const floating *patches, const floating *radii, const int *units,
    Py_ssize_t n_patches, int n_nearest, floating *room, Py_ssize_t *nearest,
    floating *squared, int *worthwhile,
) noexcept nogil:
    if floating is float:
        return screen_patches_float(
            samples, n_samples, n_features, patches, radii, units, n_patches, n_nearest,
            room, nearest, squared, worthwhile,
        )
    else:
        return screen_patches_double(
            samples, n_samples, n_features, patches, radii, units, n_patches, n_nearest,
            room, nearest, squared, worthwhile,
        )


cdef inline void measure_members(
    const floating *sample, Py_ssize_t n_features, const floating *rows,
    Py_ssize_t row_length, const floating *codebook, Py_ssize_t stride,
    int *members, Py_ssize_t n_members, floating *squared,
) noexcept nogil:
    if floating is float:
        measure_members_float(
            sample, n_features, rows, row_length, codebook, stride, members,
            n_members, squared,
        )
    else:
        measure_members_double(
            sample, n_features, rows, row_length, codebook, stride, members,
            n_members, squared,
        )


cdef inline void pull_members(
    const floating *sample, Py_ssize_t n_features, floating *rows,
    Py_ssize_t row_length, floating *codebook, Py_ssize_t stride, const int *members,
    Py_ssize_t n_members, floating step, const floating *activation,
) noexcept nogil:
    if floating is float:
        pull_members_float(
            sample, n_features, rows, row_length, codebook, stride, members,
            n_members, step, activation,
        )
    else:
        pull_members_double(
            sample, n_features, rows, row_length, codebook, stride, members,
            n_members, step, activation,
        )


cdef inline double activate(
    const floating *squared, Py_ssize_t n, double factor, floating *activation
) noexcept nogil:
    """Set activation to exp(factor * squared) and return the sum."""
    if floating is float:
        return activate_float(squared, n, factor, activation)
    else:
        return activate_double(squared, n, factor, activation)


cdef inline floating nowhere(const floating *any_value) noexcept nogil:
    """Return half the squared length of a unit that is not there."""
    if floating is float:
        return FLT_MAX
    else:
        return DBL_MAX


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


cdef inline int keep_patience_of_many(
    int patience, uint32_t decided, int n_samples
) noexcept nogil:
    """Return the patience after some searches, as after one for each four of them."""
    cdef int n_decided = 0
    cdef int _step
    while decided:
        decided &= decided - 1
        n_decided += 1
    for _step in range(0, n_samples, 4):
        patience = keep_patience(patience, 2 * n_decided > n_samples)
    return patience


cdef inline bint is_complete(
    const floating *values, Py_ssize_t n_values
) noexcept nogil:
    """Tell whether no value is NaN."""
    cdef int missing = 0
    cdef Py_ssize_t place
    for place in range(n_values):
        missing |= values[place] != values[place]
    return not missing


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
