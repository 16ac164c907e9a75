# SPDX-License-Identifier: BSD-3-Clause
"""Nearest units of many samples, and sums over the samples of each unit.

Rows are independent, and sums are added up in chunks whose bounds are given, so the
results are the same for any number of threads.
"""

from cython cimport floating
from cython.parallel cimport parallel, prange

from libc.math cimport NAN, sqrt
from libc.stdint cimport uint32_t

from skesom.som._vectors cimport (
    ABSOLUTE_VALUES,
    MOST_PATIENCE,
    PATCH,
    SCREENED,
    SQUARES,
    WEIGHTED_SQUARES,
    Vectors,
    keep_patience,
    omp_get_thread_num,
    present_features,
    vectors_for,
)

cdef enum:
    ROWS = 1024  # after which a search tries again what did not pay

cdef struct Search:
    const Vectors *vectors
    const void *codebook
    Py_ssize_t n_features
    Py_ssize_t stride
    Py_ssize_t n_units
    int n_nearest
    int terms
    const void *patches
    const void *radii
    const int *units_in_patches
    Py_ssize_t n_patches
    int *features  # scratch of this thread
    void *sums     # scratch of this thread
    int patience
    int patches_pay


cdef Search _search(
    const floating[:, ::1] codebook,
    Py_ssize_t n_units,
    int n_nearest,
    int terms,
):
    """Return a search of a codebook."""
    cdef Search search
    search.vectors = vectors_for(sizeof(floating))
    search.codebook = &codebook[0, 0]
    search.n_features = codebook.shape[0] - 1
    search.stride = codebook.shape[1]
    search.n_units = n_units
    search.n_nearest = n_nearest
    search.terms = terms
    search.patches = search.radii = search.units_in_patches = NULL
    search.n_patches = 0
    _start(&search, NULL, NULL)
    return search


cdef void _use_patches(
    Search *search,
    const floating[:, :, ::1] patches,
    const floating[::1] radii,
    const int[::1] units_in_patches,
):
    search.patches = &patches[0, 0, 0]
    search.radii = &radii[0]
    search.units_in_patches = &units_in_patches[0]
    search.n_patches = units_in_patches.shape[0] // PATCH


cdef inline void _start(Search *search, int *features, void *sums) noexcept nogil:
    """Begin with fresh rows: try everything that may make the search faster."""
    search.features = features
    search.sums = sums
    search.patches_pay = search.n_patches > 0
    search.patience = MOST_PATIENCE


cdef void _find(
    Search *search,
    const floating *X,
    const floating *factors,
    int n_rows,
    Py_ssize_t *winners,
    floating *sums,
) noexcept nogil:
    """Find the nearest units of up to SCREENED rows, and their sums if not NULL.

    Each row has n_nearest winners and sums, of which only the first sum is set. A row
    without features has the winner -1 and the sum NaN.
    """
    cdef uint32_t decided = 0
    cdef Py_ssize_t nearest[2]
    cdef floating total
    cdef int row
    if (
        search.terms == SQUARES
        and search.n_units >= search.n_nearest
        and search.patience >= 0
    ):
        decided = _screen(search, X, n_rows, winners, sums)
    _keep_patience(search, decided, n_rows)
    for row in range(n_rows):
        if decided >> row & 1:
            continue
        total = _measure(
            search, X + row * search.n_features,
            factors + row * search.n_features if factors != NULL else NULL, nearest,
        )
        winners[row * search.n_nearest] = nearest[0]
        winners[(row + 1) * search.n_nearest - 1] = nearest[search.n_nearest - 1]
        if sums != NULL:
            sums[row * search.n_nearest] = total


cdef inline uint32_t _screen(
    Search *search,
    const floating *X,
    int n_rows,
    Py_ssize_t *winners,
    floating *sums,
) noexcept nogil:
    """Decide rows by their scores; return a bit for each that is decided."""
    cdef uint32_t decided = 0
    if search.patches_pay:
        decided = search.vectors.screen_patches(
            X, n_rows, search.n_features, search.patches, search.radii,
            search.units_in_patches, search.n_patches, search.n_nearest, search.sums,
            winners, sums, &search.patches_pay,
        )
    if not search.patches_pay:
        decided = search.vectors.screen(
            X, n_rows, search.n_features, search.codebook, search.stride,
            search.n_units, search.n_nearest, search.sums, winners, sums,
        )
    return decided


cdef inline void _keep_patience(
    Search *search, uint32_t decided, int n_rows
) noexcept nogil:
    """Count one search for each four rows."""
    cdef int n_decided = 0
    cdef int _step
    while decided:
        decided &= decided - 1
        n_decided += 1
    for _step in range(0, n_rows, 4):
        search.patience = keep_patience(search.patience, 2 * n_decided > n_rows)


cdef floating _measure(
    Search *search, const floating *sample, const floating *factors, Py_ssize_t *nearest
) noexcept nogil:
    """Add up the terms with every unit; return the least sum, for all features."""
    cdef Py_ssize_t n_present = present_features(
        sample, search.n_features, search.features
    )
    nearest[0] = nearest[1] = -1
    if n_present == 0:
        return <floating> NAN
    search.vectors.nearest_two(
        search.terms, sample, factors, search.features, n_present, search.codebook,
        search.stride, search.n_units, search.sums, nearest,
    )
    return _scaled_up(
        (<floating *> search.sums)[nearest[0]], search.n_features, n_present
    )


cdef inline floating _scaled_up(
    floating total, Py_ssize_t n_features, Py_ssize_t n_present
) noexcept nogil:
    """Return a sum over the present features as if it were one over all."""
    if n_present < n_features:
        return total * (<floating> n_features / <floating> n_present)
    return total


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
    cdef Search search = _search(codebook, n_units, <int> winners.shape[1], terms)
    cdef Py_ssize_t n_blocks = (X.shape[0] + ROWS - 1) // ROWS
    cdef Py_ssize_t block
    if patches is not None:
        _use_patches(&search, patches, radii, units_in_patches)
    with nogil, parallel(num_threads=n_threads):
        for block in prange(n_blocks, schedule="static"):
            _find_in_block(
                search, X, factors, block * ROWS,
                min((block + 1) * ROWS, X.shape[0]),
                &features[omp_get_thread_num(), 0], &sums[omp_get_thread_num(), 0],
                winners, distances,
            )


cdef void _find_in_block(
    Search search,
    const floating[:, ::1] X,
    const floating[:, ::1] factors,
    Py_ssize_t begin,
    Py_ssize_t end,
    int *features,
    floating *sums,
    Py_ssize_t[:, ::1] winners,
    floating[::1] distances,
) noexcept nogil:
    cdef floating[2 * SCREENED] found
    cdef bint measured = distances.shape[0] > 0
    cdef Py_ssize_t row = begin
    cdef int n_rows, offset
    _start(&search, features, sums)
    while row < end:
        n_rows = <int> min(SCREENED, end - row)
        _find(
            &search, &X[row, 0],
            &factors[row, 0] if search.terms == WEIGHTED_SQUARES else NULL, n_rows,
            &winners[row, 0], found if measured else NULL,
        )
        if measured:
            for offset in range(n_rows):
                distances[row + offset] = _distance(
                    found[search.n_nearest * offset], search.terms
                )
        row += n_rows


cdef inline floating _distance(floating total, int terms) noexcept nogil:
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
    cdef Search search = _search(codebook, n_units, 1, terms)
    cdef Py_ssize_t row
    with nogil, parallel(num_threads=n_threads):
        for row in prange(X.shape[0], schedule="static"):
            _distances_of_one(
                search, &X[row, 0],
                &factors[row, 0] if terms == WEIGHTED_SQUARES else NULL,
                &features[omp_get_thread_num(), 0], &sums[omp_get_thread_num(), 0],
                &distances[row, 0],
            )


cdef void _distances_of_one(
    Search search,
    const floating *sample,
    const floating *factors,
    int *features,
    floating *sums,
    floating *distances,
) noexcept nogil:
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t unit, n_present
    _start(&search, features, sums)
    _measure(&search, sample, factors, nearest)
    n_present = present_features(sample, search.n_features, features)
    for unit in range(search.n_units):
        if n_present == 0:
            distances[unit] = <floating> NAN
        else:
            distances[unit] = _distance(
                _scaled_up(sums[unit], search.n_features, n_present), search.terms
            )


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
    cdef Search search = _search(codebook, n_units, 1, SQUARES)
    cdef const double *weight = NULL
    cdef Py_ssize_t n_chunks = bounds.shape[0] - 1
    cdef Py_ssize_t chunk
    if patches is not None:
        _use_patches(&search, patches, radii, units_in_patches)
    if values is None:
        values = X
    if sample_weight is not None and X.shape[0] > 0:
        weight = &sample_weight[0]
    with nogil, parallel(num_threads=n_threads):
        for chunk in prange(n_chunks, schedule="dynamic"):
            _sum_chunk(
                search, X, values, weight, bounds[chunk], bounds[chunk + 1],
                &features[omp_get_thread_num(), 0], &squared[omp_get_thread_num(), 0],
                &sums[chunk, 0, 0], &counts[chunk, 0, 0], counts.shape[2],
            )


cdef void _sum_chunk(
    Search search,
    const floating[:, ::1] X,
    const floating[:, ::1] values,
    const double *weight,
    Py_ssize_t begin,
    Py_ssize_t end,
    int *features,
    floating *squared,
    double *sums,
    double *counts,
    Py_ssize_t n_counts,
) noexcept nogil:
    cdef Py_ssize_t winners[SCREENED]
    cdef Py_ssize_t row = begin
    cdef int n_rows, offset
    while row < end:
        if (row - begin) % ROWS == 0:
            _start(&search, features, squared)
        n_rows = <int> min(SCREENED, end - row)
        _find(
            &search, &X[row, 0], <const floating *> NULL, n_rows, winners,
            <floating *> NULL,
        )
        for offset in range(n_rows):
            if winners[offset] >= 0:
                _add(
                    &values[row + offset, 0],
                    1 if weight == NULL else weight[row + offset],
                    search.n_features, winners[offset], sums, counts, n_counts,
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
