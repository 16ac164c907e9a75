# SPDX-License-Identifier: BSD-3-Clause
"""The vector code of _distances.h, and how rows with missing features enter it."""

from cython cimport floating

cdef extern from "_distances.h":
    cdef enum:
        UNIT_PADDING
    void PREFETCH(const void *address) noexcept nogil
    void nearest_two_float(
        const float *sample, const int *features, Py_ssize_t n_features,
        const float *codebook, Py_ssize_t stride, Py_ssize_t n_units,
        float *squared, Py_ssize_t *nearest) noexcept nogil
    void nearest_two_double(
        const double *sample, const int *features, Py_ssize_t n_features,
        const double *codebook, Py_ssize_t stride, Py_ssize_t n_units,
        double *squared, Py_ssize_t *nearest) noexcept nogil
    void nearest_of_four_float(
        const float *samples, Py_ssize_t n_features,
        const float *codebook, Py_ssize_t stride, Py_ssize_t n_units,
        Py_ssize_t *winners, float *squared) noexcept nogil
    void nearest_of_four_double(
        const double *samples, Py_ssize_t n_features,
        const double *codebook, Py_ssize_t stride, Py_ssize_t n_units,
        Py_ssize_t *winners, double *squared) noexcept nogil
    double activate_float(
        const float *squared, const int *units, Py_ssize_t n, double factor,
        float *activation) noexcept nogil
    double activate_double(
        const double *squared, const int *units, Py_ssize_t n, double factor,
        double *activation) noexcept nogil


cdef inline void nearest_two(
    const floating *sample, const int *features, Py_ssize_t n_present,
    const floating *codebook, Py_ssize_t stride, Py_ssize_t n_units,
    floating *squared, Py_ssize_t *nearest,
) noexcept nogil:
    if floating is float:
        nearest_two_float(
            sample, features, n_present, codebook, stride, n_units, squared, nearest
        )
    else:
        nearest_two_double(
            sample, features, n_present, codebook, stride, n_units, squared, nearest
        )


cdef inline void nearest_of_four(
    const floating *samples, Py_ssize_t n_features,
    const floating *codebook, Py_ssize_t stride, Py_ssize_t n_units,
    Py_ssize_t *winners, floating *squared,
) noexcept nogil:
    if floating is float:
        nearest_of_four_float(
            samples, n_features, codebook, stride, n_units, winners, squared
        )
    else:
        nearest_of_four_double(
            samples, n_features, codebook, stride, n_units, winners, squared
        )


cdef inline double activate(
    const floating *squared, const int *units, Py_ssize_t n, double factor,
    floating *activation,
) noexcept nogil:
    """Set activation to exp(factor * squared) of the listed units; return the sum."""
    if floating is float:
        return activate_float(squared, units, n, factor, activation)
    else:
        return activate_double(squared, units, n, factor, activation)


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
