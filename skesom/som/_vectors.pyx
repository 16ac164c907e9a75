# SPDX-License-Identifier: BSD-3-Clause
"""The vector code, compiled once: other modules get at it by tables of functions."""

import numpy as np

cdef extern from "_vectors.h":
    const Vectors *best_vectors(size_t item_size) noexcept nogil

has_openmp = bool(SKESOM_OPENMP)
unit_padding = UNIT_PADDING
screened = SCREENED
patch_size = PATCH
features_for_axes = FEATURES_FOR_AXES
n_axes = AXES
squares = SQUARES
weighted_squares = WEIGHTED_SQUARES
absolute_values = ABSOLUTE_VALUES

cdef const Vectors *for_float = best_vectors(sizeof(float))
cdef const Vectors *for_double = best_vectors(sizeof(double))


cdef const Vectors *vectors_for(size_t item_size) noexcept nogil:
    return for_float if item_size == sizeof(float) else for_double


def most_threads():
    """Return the number of threads that OpenMP would use, 1 without it."""
    return omp_get_max_threads()


def n_bounds(Py_ssize_t n_features, Py_ssize_t n_patches):
    """Return how many centers and axes there are, and places behind them."""
    return N_BOUNDS(n_features, n_patches)


def room_for(Py_ssize_t n_patches):
    """Return how many numbers a search in patches writes down."""
    return ROOM_FOR(n_patches)


def exp(values):
    """Return exp of numbers, in the same bits on every processor; 0 below -708."""
    result = np.array(values, dtype=np.float64)
    cdef double[::1] flat = result.reshape(-1)
    cdef Py_ssize_t k
    for k in range(flat.shape[0]):
        flat[k] = exponential(flat[k])
    return result
