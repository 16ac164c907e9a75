# SPDX-License-Identifier: BSD-3-Clause
"""What clusters of units need of many rows: moments and votes.

Rows or units are independent of each other, and each sum is added up by one thread in
the order of the rows, so the results are the same for any number of threads.
"""

from cython cimport floating
from cython.parallel cimport parallel, prange

from libc.math cimport NAN

from skesom.som._vectors cimport omp_get_thread_num


def add_moments(
    const floating[:, ::1] X,       # IN (n_rows, n_features), NaN = as the unit
    const double[::1] weights,      # IN (n_rows,)
    const Py_ssize_t[::1] order,    # IN rows, those of each unit together
    const Py_ssize_t[::1] bounds,   # IN (n_units + 1,) places in it of each unit
    const floating[:, ::1] codebook,  # IN (n_units, n_features)
    double[:, ::1] first,           # IN/OUT (n_units, n_features)
    double[:, :, ::1] second,       # IN/OUT (n_units, n_features or 1, n_features)
    double[:, ::1] apart,           # SCRATCH (n_threads, n_features)
    int n_threads,                  # IN
):
    """Add up differences of rows from their unit, and the products of these.

    Loops: units (threads), rows of the unit in their order, features, features up to
    the diagonal. Around the unit and in double precision: sums of squares of values far
    from zero would lose the digits in which the samples of a unit differ.

    Products are written up to the diagonal only; with one row they are squares.
    """
    cdef Py_ssize_t unit
    with nogil, parallel(num_threads=n_threads):
        for unit in prange(codebook.shape[0], schedule="dynamic", chunksize=8):
            _add_around(
                X, weights, order, bounds[unit], bounds[unit + 1], &codebook[unit, 0],
                &first[unit, 0], &second[unit, 0, 0], second.shape[1] > 1,
                &apart[omp_get_thread_num(), 0],
            )


cdef void _add_around(
    const floating[:, ::1] X, const double[::1] weights, const Py_ssize_t[::1] order,
    Py_ssize_t begin, Py_ssize_t end, const floating *center, double *first,
    double *second, bint full, double *apart
) noexcept nogil:
    cdef Py_ssize_t n_features = X.shape[1]
    cdef Py_ssize_t place, row, feature, other
    cdef double weighted
    cdef double *products
    for place in range(begin, end):
        row = order[place]
        for feature in range(n_features):
            apart[feature] = <double> X[row, feature] - <double> center[feature]
            if apart[feature] != apart[feature]:
                apart[feature] = 0
        for feature in range(n_features):
            weighted = weights[row] * apart[feature]
            first[feature] += weighted
            if not full:
                second[feature] += weighted * apart[feature]
                continue
            products = second + feature * n_features
            for other in range(feature + 1):
                products[other] += weighted * apart[other]


def count_votes(
    const int[:, ::1] labels,       # IN (n_members, n_rows), below 0 = none
    const Py_ssize_t[::1] first,    # IN (n_members + 1,) rows of the members below
    const double[:, ::1] votes,     # IN (n_clusters of all members and none, n_groups)
    const float[:, ::1] overlaps,   # IN (as many, n_groups + 1) with groups and none
    const double[::1] bias,         # IN (n_groups,) added for each member that votes
    double[:, ::1] room,            # SCRATCH (n_threads, n_groups)
    int[::1] winner,                # OUT (n_rows,)
    float[::1] agreement,           # OUT (n_rows,) mean overlap, NaN below -1
    int n_threads,                  # IN
):
    """Give each row the group with most votes, if half of the members vote.

    Loops: rows (threads), members in their order, groups. Votes are added up in double
    precision, and the lowest group wins a tie.

    The last row of a member in `votes` and `overlaps` is for labels that it lacks.
    """
    cdef Py_ssize_t row
    with nogil, parallel(num_threads=n_threads):
        for row in prange(labels.shape[1], schedule="static"):
            _vote(
                labels, row, first, votes, overlaps, bias,
                &room[omp_get_thread_num(), 0], winner, agreement,
            )


cdef void _vote(
    const int[:, ::1] labels, Py_ssize_t row, const Py_ssize_t[::1] first,
    const double[:, ::1] votes, const float[:, ::1] overlaps, const double[::1] bias,
    double *total, int[::1] winner, float[::1] agreement
) noexcept nogil:
    cdef Py_ssize_t n_members = labels.shape[0], n_groups = bias.shape[0]
    cdef Py_ssize_t member, group, n_voters = 0
    cdef const double *of_member
    cdef double agree = 0
    cdef int best = 0, largest = labels[0, row]
    for member in range(n_members):
        n_voters += labels[member, row] >= 0
        largest = max(largest, labels[member, row])
    for group in range(n_groups):
        total[group] = n_voters * bias[group]
    for member in range(n_members):
        of_member = &votes[_own(labels, member, row, first), 0]
        for group in range(n_groups):
            total[group] += of_member[group]
    for group in range(1, n_groups):
        if total[group] > total[best]:
            best = <int> group
    if 2 * n_voters < n_members:
        best = min(largest, -1)
    group = best if best >= 0 else n_groups
    for member in range(n_members):
        agree += overlaps[_own(labels, member, row, first), group]
    winner[row] = best
    agreement[row] = <float> (agree / n_members)
    if largest < -1:
        agreement[row] = NAN


cdef inline Py_ssize_t _own(
    const int[:, ::1] labels, Py_ssize_t member, Py_ssize_t row,
    const Py_ssize_t[::1] first
) noexcept nogil:
    """Return the row of a member's votes for the label that it gives."""
    cdef Py_ssize_t last = first[member + 1] - 1
    cdef int label = labels[member, row]
    return last if label < 0 else min(first[member] + label, last)
