# SPDX-License-Identifier: BSD-3-Clause
"""The classical map learns one sample after the other; sums over its lattice.

A step is Kohonen's: w_i += rate * h_i * (x - w_i) for all units i, with the weight h of
the neighborhood around the winner. A step needs the units of the one before, so that
there are no threads; the compiler turns the loops over units into vector code. The
codebook is feature-major, codebook[feature, unit], with the units in the order of the
lattice, row by row: neighbors on a row of the lattice are neighbors in memory, and a
run of rows within reach is one long loop.

The winner is found by plain sums over all units, as most of them move in each step. A
gaussian of a distance on the lattice is the product of one of the row and one of the
column: it takes an exponential for each row and each column, not for each unit.
`exponential` is our own, so that weights have the same bits on every processor.
"""

from cython cimport floating

from libc.math cimport INFINITY, sqrt

from skesom.som._vectors cimport (
    PREFETCH, SQUARES, WEIGHTED_SQUARES, Vectors, exponential, present_features,
    vectors_for,
)

cdef enum:
    CUT_GAUSSIAN = 1  # in the order of NEIGHBORHOODS; 0 and 1 differ by their reach
    BUBBLE = 2
    EPANECHNIKOV = 3
    MEXICAN_HAT = 4
    STEPS_AHEAD = 4  # rows in random order are fetched before they are needed
    TOGETHER = 512  # values that are added up side by side, in the near cache

cdef struct Winner:
    Py_ssize_t row
    Py_ssize_t column


def learn_one_by_one(
    const floating[:, ::1] X,           # IN (n_samples, n_features), NaN = missing
    const Py_ssize_t[::1] order,        # IN rows to learn, in this order
    const double[::1] rates,            # IN (n_order,) learning rate of each step
    const double[::1] widths,           # IN (n_order,) sigma of each step
    const double[::1] reaches,          # IN (n_order,) squared distance, h = 0 beyond
    int neighborhood,                  # IN its code
    const double[::1] along,            # IN (n_rows,) squared distances of rows
    const double[:, ::1] across,        # IN (3, 2 * n_columns - 1), of columns
    bint hexagonal,                     # IN whether odd rows are shifted
    floating[:, ::1] codebook,          # IN/OUT (n_features + 1, padded units)
    int[::1] features,                  # SCRATCH (n_features,)
    floating[::1] squared,              # SCRATCH (padded units,)
    floating[::1] pull,                 # SCRATCH (padded units,)
    double[:, ::1] columns,             # SCRATCH (2, n_columns)
    *,
    bint of_angles=False,               # IN whether units keep the length 1
    int terms=SQUARES,                  # IN what distances add up
    const floating[:, ::1] factors=None,  # IN (n_order, n_features) of the terms
):
    """Pull the units to each sample by w += rate * h * (x - w).

    The tables of squared distances are those of the lattice. Rows of it that are out
    of reach are passed over. Half the squared lengths of the units, the last row of the
    codebook, are not kept up.

    Where angles count, samples and units have the length 1, samples in the features
    that they have. The winner is then the unit of the least angle over these features,
    and what has been pulled is scaled to the length 1 again.

    Returns the sum of the squared differences of the samples and their winners before
    they learn, and the number of samples that have any present feature.
    """
    cdef Py_ssize_t n_features = X.shape[1]
    cdef Py_ssize_t n_rows = along.shape[0]
    cdef Py_ssize_t n_columns = columns.shape[1]
    cdef Py_ssize_t nearest[2]
    cdef Py_ssize_t step, n_present, row, begin
    cdef Py_ssize_t n_learned = 0
    cdef double squares = 0
    cdef const floating *sample
    cdef const floating *step_factors = NULL
    cdef Winner winner
    cdef const Vectors *vectors = vectors_for(sizeof(floating))
    with nogil:
        for step in range(order.shape[0]):
            if step + STEPS_AHEAD < order.shape[0]:
                PREFETCH(&X[order[step + STEPS_AHEAD], 0])
            sample = &X[order[step], 0]
            n_present = present_features(sample, n_features, &features[0])
            if n_present == 0:
                continue
            if terms == WEIGHTED_SQUARES:
                step_factors = &factors[step, 0]
            if of_angles and n_present < n_features:
                nearest[0] = _least_angle(
                    sample, &features[0], n_present, codebook, n_rows * n_columns,
                    &squared[0], &pull[0],
                )
            else:
                vectors.nearest_two(
                    terms, sample, step_factors, &features[0], n_present,
                    &codebook[0, 0], codebook.shape[1], n_rows * n_columns,
                    &squared[0], nearest,
                )
            n_learned += 1
            squares += _squared_difference(
                sample, step_factors, &features[0], n_present, codebook, nearest[0]
            )
            winner.row = nearest[0] // n_columns
            winner.column = nearest[0] - winner.row * n_columns
            if neighborhood <= CUT_GAUSSIAN or neighborhood == MEXICAN_HAT:
                _weigh_columns(winner, widths[step], across, hexagonal, columns)
            begin = 0
            for row in range(n_rows):
                if not _weigh_row(
                    row, winner, neighborhood, rates[step], widths[step],
                    reaches[step], along, across, hexagonal, columns,
                    &pull[row * n_columns],
                ):
                    # Neighboring rows learn in one run, in long loops.
                    _learn(
                        sample, &features[0], n_present, codebook, &pull[0],
                        begin * n_columns, row * n_columns,
                    )
                    begin = row + 1
            _learn(
                sample, &features[0], n_present, codebook, &pull[0],
                begin * n_columns, n_rows * n_columns,
            )
            if of_angles:
                _scale(codebook, n_features, n_rows * n_columns, &squared[0])
    return squares, n_learned


cdef inline double _squared_difference(
    const floating *sample, const floating *factors, const int *features,
    Py_ssize_t n_present, const floating[:, ::1] codebook, Py_ssize_t unit
) noexcept nogil:
    cdef double total = 0
    cdef double difference
    cdef Py_ssize_t k
    for k in range(n_present):
        difference = sample[features[k]] - codebook[features[k], unit]
        if factors != NULL:
            difference *= difference * factors[features[k]]
        else:
            difference *= difference
        total += difference
    return total


cdef inline const double *_squared_across(
    Py_ssize_t row, Winner winner, const double[:, ::1] across, bint hexagonal
) noexcept nogil:
    """Return the squared distances of the columns of a row to the winner's column."""
    cdef Py_ssize_t shift = 1
    if hexagonal:
        shift += row % 2 - winner.row % 2
    return &across[shift, across.shape[1] // 2 - winner.column]


cdef inline void _weigh_columns(
    Winner winner, double width, const double[:, ::1] across, bint hexagonal,
    double[:, ::1] columns
) noexcept nogil:
    """Set the part of a gaussian that depends on the column, for each kind of row."""
    cdef double factor = -0.5 / (width * width)
    cdef Py_ssize_t kind, column
    cdef const double *squared
    for kind in range(1 + hexagonal):
        squared = _squared_across(kind, winner, across, hexagonal)
        for column in range(columns.shape[1]):
            columns[kind, column] = exponential(factor * squared[column])


cdef inline bint _weigh_row(
    Py_ssize_t row, Winner winner, int neighborhood, double rate, double width,
    double reach, const double[::1] along, const double[:, ::1] across, bint hexagonal,
    const double[:, ::1] columns, floating *pull
) noexcept nogil:
    """Set rate * h of the units of a row; return whether any of them may learn."""
    cdef double factor = -0.5 / (width * width)
    cdef double row_squared = along[max(row - winner.row, winner.row - row)]
    cdef const double *squared = _squared_across(row, winner, across, hexagonal)
    cdef const double *part = &columns[row % 2 if hexagonal else 0, 0]
    cdef double row_part
    cdef Py_ssize_t column
    if row_squared > reach:
        return False
    if neighborhood == BUBBLE:
        for column in range(columns.shape[1]):
            pull[column] = <floating> rate
    elif neighborhood == EPANECHNIKOV:
        for column in range(columns.shape[1]):
            pull[column] = <floating> (
                rate * max(1 + 2 * factor * (row_squared + squared[column]), 0)
            )
    else:
        row_part = rate * exponential(factor * row_squared)
        if row_part == 0:
            return False
        for column in range(columns.shape[1]):
            pull[column] = <floating> (row_part * part[column])
        if neighborhood == MEXICAN_HAT:
            for column in range(columns.shape[1]):
                pull[column] *= <floating> (
                    1 + factor * (row_squared + squared[column])
                )
    if reach < INFINITY:
        for column in range(columns.shape[1]):
            if row_squared + squared[column] > reach:
                pull[column] = 0
    return True


cdef inline void _learn(
    const floating *sample, const int *features, Py_ssize_t n_present,
    floating[:, ::1] codebook, const floating *pull, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """Pull the units from begin to end to the sample."""
    cdef Py_ssize_t k, unit
    cdef floating value
    cdef floating *weights
    for k in range(n_present if begin < end else 0):
        value = sample[features[k]]
        weights = &codebook[features[k], 0]
        for unit in range(begin, end):
            weights[unit] += pull[unit] * (value - weights[unit])


cdef inline Py_ssize_t _least_angle(
    const floating *sample, const int *features, Py_ssize_t n_present,
    const floating[:, ::1] codebook, Py_ssize_t n_units, floating *products,
    floating *squares
) noexcept nogil:
    """Return the unit of the largest cosine over the present features."""
    cdef Py_ssize_t k, unit
    cdef Py_ssize_t nearest = 0
    cdef floating value, cosine
    cdef floating largest = -2
    cdef const floating *weights
    for unit in range(n_units):
        products[unit] = squares[unit] = 0
    for k in range(n_present):
        value = sample[features[k]]
        weights = &codebook[features[k], 0]
        for unit in range(n_units):
            products[unit] += value * weights[unit]
            squares[unit] += weights[unit] * weights[unit]
    for unit in range(n_units):
        cosine = 0
        if squares[unit] > 0:
            cosine = products[unit] / sqrt(squares[unit])
        if cosine > largest:
            largest = cosine
            nearest = unit
    return nearest


cdef inline void _scale(
    floating[:, ::1] codebook, Py_ssize_t n_features, Py_ssize_t n_units,
    floating *lengths
) noexcept nogil:
    """Scale the units to the length 1; a unit of zeros stays."""
    cdef Py_ssize_t feature, unit
    cdef floating *weights
    for unit in range(n_units):
        lengths[unit] = 0
    for feature in range(n_features):
        weights = &codebook[feature, 0]
        for unit in range(n_units):
            lengths[unit] += weights[unit] * weights[unit]
    for unit in range(n_units):
        lengths[unit] = 1 / sqrt(lengths[unit]) if lengths[unit] > 0 else 1
    for feature in range(n_features):
        weights = &codebook[feature, 0]
        for unit in range(n_units):
            weights[unit] *= lengths[unit]


def multiply_by_differences(
    const double[::1] table,            # IN (2 * n - 1,) from the difference 1 - n on
    const double[:, ::1] values,        # IN (n, n_values)
    const Py_ssize_t[:] wanted,         # IN rows of the product
    double[:, ::1] product,             # IN/OUT (n_wanted, n_values)
):
    """Add the product of a matrix, whose entry (i, j) is that of i - j, and values.

    Such a (Toeplitz) matrix smooths values along one axis of the lattice. Loops: strips
    of TOGETHER values, rows of the product, j, values of the strip. Terms are added one
    by one in the order of j, whatever the width of the vectors: the sums that are added
    up side by side are independent. BLAS has an order for each processor.
    """
    cdef Py_ssize_t n = values.shape[0]
    cdef Py_ssize_t n_values = values.shape[1]
    cdef Py_ssize_t first, row, j, k
    cdef double weight
    cdef double *sums
    cdef const double *terms
    with nogil:
        for first in range(0, n_values, 512):
            for row in range(wanted.shape[0]):
                sums = &product[row, first]
                for j in range(n):
                    weight = table[wanted[row] - j + n - 1]
                    if weight == 0:
                        continue
                    terms = &values[j, first]
                    for k in range(min(TOGETHER, n_values - first)):
                        sums[k] += weight * terms[k]
