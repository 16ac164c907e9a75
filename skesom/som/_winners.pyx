# SPDX-License-Identifier: BSD-3-Clause
"""Nearest units of many samples, and sums over the samples of each unit.

Rows are independent, and sums are added up in chunks whose bounds are given, so the
results are the same for any number of threads.

Threads take blocks of at most ROWS rows. In a block, SCREENED rows at a time go to the
vector code, which proposes units by scores: in patches of units, of which most are
skipped, or among all units where patches do not pay. What it cannot decide (missing
features, overflow, too many candidates) is measured with every unit. All three ways
choose by the same plain sums: which one is taken changes the time, not the winner.

Tables are row-major, a sample in each row; the codebook is feature-major, with half the
squared lengths of the units in a last row (see `by_feature` in codebook.py).
"""

from cython cimport floating
from cython.parallel cimport parallel, prange

from libc.math cimport NAN, sqrt
from libc.stdint cimport uint32_t

from skesom.som._vectors cimport (
    ABSOLUTE_VALUES, MOST_PATIENCE, PATCH, SCREENED, SQUARES, WEIGHTED_SQUARES, Vectors,
    keep_patience, omp_get_thread_num, present_features, vectors_for,
)

cdef enum:
    ROWS = 1024  # at most, after which a search tries again what did not pay

cdef struct Search:
    const Vectors *vectors
    const void *codebook
    Py_ssize_t n_features, stride, n_units, n_patches
    int n_nearest, terms, patience, patches_pay
    const void *patches
    const void *radii
    const void *rows
    const int *units_in_patches
    int *features  # scratch of this thread
    void *sums     # scratch of this thread


cdef Search _search(
    const floating[:, ::1] codebook, Py_ssize_t n_units, int n_nearest, int terms,
    patches
):
    """Return a search of a codebook, whose patches may be empty."""
    cdef Search search
    cdef const floating[:, ::1] rows
    cdef const floating[:, :, ::1] stored
    cdef const floating[::1] radii
    cdef const int[::1] units
    search.vectors = vectors_for(sizeof(floating))
    search.codebook = &codebook[0, 0]
    search.n_features = codebook.shape[0] - 1
    search.stride = codebook.shape[1]
    search.n_units = n_units
    search.n_nearest = n_nearest
    search.terms = terms
    search.n_patches = 0
    search.patches = search.radii = search.rows = search.units_in_patches = NULL
    if patches:
        stored = patches["patches"]
        radii = patches["radii"]
        rows = patches["rows"]
        units = patches["units_in_patches"]
        search.patches = &stored[0, 0, 0]
        search.radii = &radii[0]
        search.rows = &rows[0, 0]
        search.units_in_patches = &units[0]
        search.n_patches = units.shape[0] // PATCH
    search.patches_pay = search.n_patches > 0
    search.patience = MOST_PATIENCE
    return search


cdef void _find(
    Search *search, const floating *X, const floating *factors, int n_rows,
    Py_ssize_t *winners, floating *sums
) noexcept nogil:
    """Find the nearest units of up to SCREENED rows, and their sums if not NULL.

    Whether patches pay, and whether scores decide (`patience`), is remembered from one
    call to the next: that saves time where they do not, and decides nothing else.

    Each row has n_nearest winners and sums, of which only the first sum is set. A row
    without features has the winner -1 and the sum NaN.
    """
    cdef uint32_t decided = 0
    cdef Py_ssize_t nearest[2]
    cdef floating total
    cdef int row
    if (
        search.vectors.screen != NULL
        and search.terms == SQUARES
        and search.n_units >= search.n_nearest
        and search.patience >= 0
    ):
        if search.patches_pay:
            decided = search.vectors.screen_patches(
                X, n_rows, search.n_features, search.patches, search.radii,
                search.units_in_patches, search.n_patches, search.rows,
                search.n_nearest, search.sums, winners, sums, &search.patches_pay,
            )
        if not search.patches_pay:
            decided = search.vectors.screen(
                X, n_rows, search.n_features, search.codebook, search.stride,
                search.n_units, search.rows, search.n_nearest, search.sums, winners,
                sums,
            )
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
    patches=None,                       # IN what by_patches returns
):
    """Find the nearest unit, or the nearest two, of every sample.

    A distance over missing features is scaled up to all of them. A row without any
    feature has the winner -1 at the distance NaN.
    """
    cdef Search search = _search(
        codebook, n_units, <int> winners.shape[1], terms, patches
    )
    cdef Py_ssize_t share = (X.shape[0] + n_threads - 1) // n_threads
    cdef Py_ssize_t n_rows = min(<Py_ssize_t> ROWS, max(share, <Py_ssize_t> SCREENED))
    cdef Py_ssize_t n_blocks = (X.shape[0] + n_rows - 1) // n_rows
    cdef Py_ssize_t block
    with nogil, parallel(num_threads=n_threads):
        for block in prange(n_blocks, schedule="static"):
            _find_in_block(
                search, X, factors, block * n_rows,
                min((block + 1) * n_rows, X.shape[0]),
                &features[omp_get_thread_num(), 0], &sums[omp_get_thread_num(), 0],
                winners, distances,
            )


cdef void _find_in_block(
    Search search, const floating[:, ::1] X, const floating[:, ::1] factors,
    Py_ssize_t begin, Py_ssize_t end, int *features, floating *sums,
    Py_ssize_t[:, ::1] winners, floating[::1] distances
) noexcept nogil:
    cdef floating[2 * SCREENED] found
    cdef bint measured = distances.shape[0] > 0
    cdef Py_ssize_t row = begin
    cdef int n_rows, offset
    search.features = features
    search.sums = sums
    while row < end:
        n_rows = <int> min(SCREENED, end - row)
        _find(
            &search, &X[row, 0],
            &factors[row, 0] if search.terms == WEIGHTED_SQUARES else NULL, n_rows,
            &winners[row, 0], found if measured else NULL,
        )
        for offset in range(n_rows if measured else 0):
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
    cdef Search search = _search(codebook, n_units, 1, terms, None)
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
    Search search, const floating *sample, const floating *factors, int *features,
    floating *sums, floating *distances
) noexcept nogil:
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t unit, n_present
    search.features = features
    search.sums = sums
    _measure(&search, sample, factors, nearest)
    n_present = present_features(sample, search.n_features, features)
    for unit in range(search.n_units):
        distances[unit] = <floating> NAN
        if n_present > 0:
            distances[unit] = _distance(
                _scaled_up(sums[unit], search.n_features, n_present), search.terms
            )


def sum_by_winner(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const Py_ssize_t[::1] winners,      # IN (n_samples,), -1 = none
    const Py_ssize_t[::1] bounds,       # IN (n_chunks + 1,) rows of the chunks
    double[:, :, ::1] sums,             # OUT (n_chunks, n_units, n_features)
    double[:, :, ::1] counts,           # OUT (n_chunks, n_units, 1 or n_features)
    int n_threads,                      # IN
    *,
    const double[::1] sample_weight=None,  # IN (n_samples,) 1 by default
):
    """Add up the samples of each unit, in chunks whose bounds are given.

    Loops: chunks (threads), rows of a chunk in their order, features. Each chunk has
    sums of its own, (chunk, unit, feature), in double precision.

    A chunk is added up by one thread in the order of its rows, so the sums do not
    depend on the number of threads. `counts` adds up the weights of the samples, or of
    their present features if it has a column for each. The outputs must be zero at the
    start.
    """
    cdef bint weighted = sample_weight is not None
    cdef Py_ssize_t n_chunks = bounds.shape[0] - 1
    cdef Py_ssize_t chunk, row
    with nogil, parallel(num_threads=n_threads):
        for chunk in prange(n_chunks, schedule="dynamic"):
            for row in range(bounds[chunk], bounds[chunk + 1]):
                if winners[row] >= 0:
                    _add(
                        &X[row, 0], sample_weight[row] if weighted else 1, X.shape[1],
                        counts.shape[2], &sums[chunk, winners[row], 0],
                        &counts[chunk, winners[row], 0],
                    )


cdef void _add(
    const floating *sample, double weight, Py_ssize_t n_features, Py_ssize_t n_counts,
    double *total, double *count
) noexcept nogil:
    cdef Py_ssize_t feature
    if n_counts == 1:
        count[0] += weight
        for feature in range(n_features):
            total[feature] += weight * sample[feature]
        return
    for feature in range(n_features):
        if sample[feature] == sample[feature]:
            total[feature] += weight * sample[feature]
            count[feature] += weight
