# SPDX-License-Identifier: BSD-3-Clause
"""Nearest units of many samples, parallel over the rows.

Rows are independent, so the result is the same for any number of threads.
"""

from cython cimport floating
from cython.parallel cimport parallel, prange

from libc.math cimport NAN, sqrt
from libc.stdint cimport uint32_t

from skesom.som._distances cimport (
    ABSOLUTE_VALUES,
    MOST_PATIENCE,
    PATCH,
    ROWS,
    SCREENED,
    SQUARES,
    UNIT_PADDING,
    WEIGHTED_SQUARES,
    keep_patience_of_many,
    nearest_two,
    present_features,
    screen,
    screen_patches,
)
from skesom.som._openmp cimport thread_number

unit_padding = UNIT_PADDING
screened = SCREENED
squares = SQUARES
weighted_squares = WEIGHTED_SQUARES
absolute_values = ABSOLUTE_VALUES


def find_winners(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const floating[:, ::1] codebook,    # IN (n_features + 1, padded units)
    Py_ssize_t n_units,                 # IN
    int[:, ::1] features,               # SCRATCH (n_threads, n_features)
    floating[:, ::1] sums,              # SCRATCH (n_threads, room of a search)
    Py_ssize_t[:, ::1] winners,         # OUT (n_samples, 1 or 2), -1 = none
    floating[::1] distances,            # OUT (n_samples,) to the nearest unit, or (0,)
    int n_threads,                      # IN
    *,
    int terms=SQUARES,                  # IN what is added up over the features
    const floating[:, ::1] factors=None,  # IN (n_samples, n_features) of the terms
    const floating[:, :, ::1] patches=None,  # IN the codebook as _patches stores it
    const floating[::1] radii=None,          # IN
    const int[::1] units_in_patches=None,    # IN
):
    """Find the nearest unit, or the nearest two, of every sample.

    A distance over missing features is scaled up to all of them. A row without any
    feature has the winner -1 at the distance NaN.
    """
    cdef const floating *in_patches = NULL
    cdef const floating *around = NULL
    cdef const int *members = NULL
    cdef Py_ssize_t n_patches = 0
    if patches is not None:
        in_patches = &patches[0, 0, 0]
        around = &radii[0]
        members = &units_in_patches[0]
        n_patches = units_in_patches.shape[0] // PATCH
    cdef Py_ssize_t n_blocks = (X.shape[0] + ROWS - 1) // ROWS
    cdef Py_ssize_t block
    with nogil, parallel(num_threads=n_threads):
        for block in prange(n_blocks, schedule="static"):
            _find_in_block(
                X, codebook, n_units, in_patches, around, members, n_patches,
                block * ROWS,
                min(ROWS, X.shape[0] - block * ROWS), terms, factors,
                &features[thread_number(), 0], &sums[thread_number(), 0],
                winners, distances,
            )


cdef void _find_in_block(
    const floating[:, ::1] X,
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    const floating *patches,
    const floating *radii,
    const int *units_in_patches,
    Py_ssize_t n_patches,
    Py_ssize_t begin,
    Py_ssize_t n_rows,
    int terms,
    const floating[:, ::1] factors,
    int *features,
    floating *sums,
    Py_ssize_t[:, ::1] winners,
    floating[::1] distances,
) noexcept nogil:
    cdef int n_nearest = <int> winners.shape[1]
    cdef floating[2 * SCREENED] squares_found
    cdef floating *squared = squares_found if distances.shape[0] > 0 else NULL
    cdef bint screening = terms == SQUARES and n_units >= n_nearest
    cdef int patience = MOST_PATIENCE
    cdef int n_screened, offset
    cdef int worthwhile = n_patches > 0
    cdef uint32_t decided
    cdef Py_ssize_t row = begin
    while row < begin + n_rows:
        n_screened = <int> min(SCREENED, begin + n_rows - row)
        decided = 0
        if screening and patience >= 0:
            if worthwhile:
                decided = screen_patches(
                    &X[row, 0], n_screened, X.shape[1], patches, radii,
                    units_in_patches, n_patches, n_nearest, sums, &winners[row, 0],
                    squared, &worthwhile,
                )
            if not worthwhile:
                decided = screen(
                    &X[row, 0], n_screened, X.shape[1], &codebook[0, 0],
                    codebook.shape[1], n_units, n_nearest, sums, &winners[row, 0],
                    squared,
                )
        patience = keep_patience_of_many(patience, decided, n_screened)
        for offset in range(n_screened):
            if decided >> offset & 1:
                if squared != NULL:
                    distances[row + offset] = sqrt(squared[n_nearest * offset])
            else:
                _find_one(
                    X, codebook, n_units, row + offset, terms, factors, features, sums,
                    winners, distances,
                )
        row += n_screened


cdef void _find_one(
    const floating[:, ::1] X,
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    Py_ssize_t row,
    int terms,
    const floating[:, ::1] factors,
    int *features,
    floating *sums,
    Py_ssize_t[:, ::1] winners,
    floating[::1] distances,
) noexcept nogil:
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t n_present = _measure_row(
        X, codebook, n_units, row, terms, factors, features, sums, nearest
    )
    winners[row, 0] = nearest[0]
    winners[row, winners.shape[1] - 1] = nearest[winners.shape[1] - 1]
    if distances.shape[0] == 0:
        return
    if n_present == 0:
        distances[row] = <floating> NAN
    else:
        distances[row] = _distance(sums[nearest[0]], terms, X.shape[1], n_present)


cdef Py_ssize_t _measure_row(
    const floating[:, ::1] X,
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    Py_ssize_t row,
    int terms,
    const floating[:, ::1] factors,
    int *features,
    floating *sums,
    Py_ssize_t *nearest,
) noexcept nogil:
    """Add up the terms of a row with every unit; return how many features it has."""
    cdef const floating *row_factors = NULL
    cdef Py_ssize_t n_present = present_features(&X[row, 0], X.shape[1], features)
    nearest[0] = nearest[1] = -1
    if n_present == 0:
        return 0
    if terms == WEIGHTED_SQUARES:
        row_factors = &factors[row, 0]
    nearest_two(
        terms, &X[row, 0], row_factors, features, n_present, &codebook[0, 0],
        codebook.shape[1], n_units, sums, nearest,
    )
    return n_present


cdef floating _distance(
    floating total, int terms, Py_ssize_t n_features, Py_ssize_t n_present
) noexcept nogil:
    if n_present < n_features:
        total = total * (<floating> n_features / <floating> n_present)
    return total if terms == ABSOLUTE_VALUES else sqrt(total)


def find_distances(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const floating[:, ::1] codebook,    # IN (n_features + 1, padded units)
    Py_ssize_t n_units,                 # IN
    int[:, ::1] features,               # SCRATCH (n_threads, n_features)
    floating[:, ::1] sums,              # SCRATCH (n_threads, padded units)
    floating[:, ::1] distances,         # OUT (n_samples, n_units)
    int n_threads,                      # IN
    *,
    int terms=SQUARES,                  # IN what is added up over the features
    const floating[:, ::1] factors=None,  # IN (n_samples, n_features) of the terms
):
    """Measure the distance of every sample to every unit."""
    cdef Py_ssize_t row
    with nogil, parallel(num_threads=n_threads):
        for row in prange(X.shape[0], schedule="static"):
            _distances_of_one(
                X, codebook, n_units, row, terms, factors,
                &features[thread_number(), 0], &sums[thread_number(), 0],
                &distances[row, 0],
            )


cdef void _distances_of_one(
    const floating[:, ::1] X,
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    Py_ssize_t row,
    int terms,
    const floating[:, ::1] factors,
    int *features,
    floating *sums,
    floating *distances,
) noexcept nogil:
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t unit
    cdef Py_ssize_t n_present = _measure_row(
        X, codebook, n_units, row, terms, factors, features, sums, nearest
    )
    for unit in range(n_units):
        if n_present == 0:
            distances[unit] = <floating> NAN
        else:
            distances[unit] = _distance(sums[unit], terms, X.shape[1], n_present)
