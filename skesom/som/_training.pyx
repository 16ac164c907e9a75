# SPDX-License-Identifier: BSD-3-Clause
"""The classical map learns in batch: sums over the samples of each unit."""

from cython cimport floating
from cython.parallel cimport parallel, prange

from libc.stdint cimport uint32_t

from skesom.som._distances cimport (
    MOST_PATIENCE,
    PATCH,
    ROWS,
    SCREENED,
    SQUARES,
    keep_patience_of_many,
    nearest_two,
    present_features,
    screen,
    screen_patches,
)
from skesom.som._openmp cimport thread_number


def sum_by_winner(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const floating[:, ::1] codebook,    # IN (n_features + 1, padded units)
    Py_ssize_t n_units,                 # IN
    const Py_ssize_t[::1] bounds,       # IN (n_chunks + 1,) rows of the chunks
    int[:, ::1] features,               # SCRATCH (n_threads, n_features)
    floating[:, ::1] squared,           # SCRATCH (n_threads, room of a search)
    double[:, :, ::1] sums,             # OUT (n_chunks, n_units, n_features)
    double[:, :, ::1] counts,           # OUT (n_chunks, n_units, 1 or n_features)
    int n_threads,                      # IN
    *,
    const double[::1] sample_weight=None,  # IN (n_samples,) 1 by default
    const floating[:, ::1] values=None,    # IN (n_samples, n_features) to sum, X itself
    const floating[:, :, ::1] patches=None,  # IN the codebook as _patches stores it
    const floating[::1] radii=None,          # IN
    const int[::1] units_in_patches=None,    # IN
):
    """Add up the samples of each unit, in chunks whose bounds are given.

    A chunk is added up by one thread in the order of its rows, so the sums do not
    depend on the number of threads. `counts` adds up the weights of the samples, or of
    their present features if it has a column for each. The outputs must be zero at the
    start.
    """
    if values is None:
        values = X
    cdef const double *weight = NULL
    if sample_weight is not None and X.shape[0] > 0:
        weight = &sample_weight[0]
    cdef const floating *in_patches = NULL
    cdef const floating *around = NULL
    cdef const int *members = NULL
    cdef Py_ssize_t n_patches = 0
    if patches is not None:
        in_patches = &patches[0, 0, 0]
        around = &radii[0]
        members = &units_in_patches[0]
        n_patches = units_in_patches.shape[0] // PATCH
    cdef Py_ssize_t n_chunks = bounds.shape[0] - 1
    cdef Py_ssize_t chunk
    with nogil, parallel(num_threads=n_threads):
        for chunk in prange(n_chunks, schedule="dynamic"):
            _sum_chunk(
                X, values, weight, codebook, n_units, in_patches, around, members,
                n_patches, bounds[chunk], bounds[chunk + 1],
                &features[thread_number(), 0], &squared[thread_number(), 0],
                &sums[chunk, 0, 0], &counts[chunk, 0, 0], counts.shape[2],
            )


cdef void _sum_chunk(
    const floating[:, ::1] X,
    const floating[:, ::1] values,
    const double *weight,
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    const floating *patches,
    const floating *radii,
    const int *units_in_patches,
    Py_ssize_t n_patches,
    Py_ssize_t begin,
    Py_ssize_t end,
    int *features,
    floating *squared,
    double *sums,
    double *counts,
    Py_ssize_t n_counts,
) noexcept nogil:
    cdef Py_ssize_t n_features = X.shape[1]
    cdef Py_ssize_t winners[SCREENED]
    cdef Py_ssize_t pair[2]
    cdef Py_ssize_t n_present
    cdef Py_ssize_t row = begin
    cdef int patience = MOST_PATIENCE
    cdef int n_rows, offset
    cdef int worthwhile = n_patches > 0
    cdef uint32_t decided
    while row < end:
        n_rows = <int> min(SCREENED, end - row)
        decided = 0
        if patience >= 0:
            if (row - begin) % ROWS == 0:
                worthwhile = n_patches > 0
            if worthwhile:
                decided = screen_patches(
                    &X[row, 0], n_rows, n_features, patches, radii, units_in_patches,
                    n_patches, 1, squared, winners, <floating *> NULL, &worthwhile,
                )
            if not worthwhile:
                decided = screen(
                    &X[row, 0], n_rows, n_features, &codebook[0, 0], codebook.shape[1],
                    n_units, 1, squared, winners, <floating *> NULL,
                )
        patience = keep_patience_of_many(patience, decided, n_rows)
        for offset in range(n_rows):
            if not decided >> offset & 1:
                n_present = present_features(
                    &X[row + offset, 0], n_features, features
                )
                if n_present == 0:
                    continue
                nearest_two(
                    SQUARES, &X[row + offset, 0], NULL, features, n_present,
                    &codebook[0, 0], codebook.shape[1], n_units, squared, pair,
                )
                winners[offset] = pair[0]
            _add(
                &values[row + offset, 0], 1 if weight == NULL else weight[row + offset],
                n_features, winners[offset], sums, counts, n_counts,
            )
        row += n_rows


cdef void _add(
    const floating *sample,
    double weight,
    Py_ssize_t n_features,
    Py_ssize_t winner,
    double *sums,
    double *counts,
    Py_ssize_t n_counts,
) noexcept nogil:
    cdef Py_ssize_t feature
    cdef double *total = sums + winner * n_features
    cdef double *count = counts + winner * n_counts
    if n_counts == 1:
        count[0] += weight
        for feature in range(n_features):
            total[feature] += weight * sample[feature]
        return
    for feature in range(n_features):
        if sample[feature] == sample[feature]:
            total[feature] += weight * sample[feature]
            count[feature] += weight
