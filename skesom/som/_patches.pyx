# SPDX-License-Identifier: BSD-3-Clause
"""Patches: groups of units that lie close together, of which a search skips most.

How units are grouped decides how many patches a search visits, never which unit it
finds: bounds come from the radii of the patches as they are stored, whatever lies in
them. So sums need no fixed order here.
"""

from cython cimport floating

from libc.float cimport DBL_MAX, FLT_MAX

from skesom.som._vectors cimport PATCH

cdef enum:
    HALVINGS = 3  # between means, the last two: more leave out no more units


def arrange(
    const floating[:, ::1] codebook,    # IN (n_units, n_features)
    Py_ssize_t n_patches,               # IN
    double[::1] keys,                   # SCRATCH (n_units,)
    floating[:, ::1] ends,              # SCRATCH (2, n_features)
    int[::1] order,                     # OUT (n_units,) units, patch by patch
    int[::1] bounds,                    # OUT (n_patches + 1,) where patches begin
):
    """Group units by halving along lines, as a ball tree is built from above.

    The first line is that between two units far from each other, the next ones are
    those between the means of the halves, as in k-means with halves of a size. Patches
    are as large as each other, give or take one.
    """
    cdef Py_ssize_t unit
    for unit in range(codebook.shape[0]):
        order[unit] = <int> unit
    bounds[0] = 0
    _halve(
        codebook, 0, codebook.shape[0], 0, n_patches, &keys[0], ends, &order[0],
        &bounds[0],
    )


cdef void _halve(
    const floating[:, ::1] codebook, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t patch,
    Py_ssize_t n_patches, double *keys, floating[:, ::1] ends, int *order, int *bounds
) noexcept:
    if n_patches == 1:
        bounds[patch + 1] = <int> end
        return
    cdef Py_ssize_t n_features = codebook.shape[1]
    cdef Py_ssize_t n_first = n_patches // 2
    cdef Py_ssize_t middle = begin + (end - begin) * n_first // n_patches
    cdef const floating *one = &codebook[
        _farthest(codebook, &codebook[order[begin], 0], begin, end, order), 0
    ]
    cdef const floating *other = &codebook[
        _farthest(codebook, one, begin, end, order), 0
    ]
    cdef Py_ssize_t place
    cdef int _step
    for _step in range(HALVINGS):
        for place in range(begin, end):
            keys[place] = (
                _squared(&codebook[order[place], 0], one, n_features)
                - _squared(&codebook[order[place], 0], other, n_features)
            )
        _part(keys, order, begin, end - 1, middle)
        one = _mean(codebook, begin, middle, order, &ends[0, 0])
        other = _mean(codebook, middle, end, order, &ends[1, 0])
    _halve(codebook, begin, middle, patch, n_first, keys, ends, order, bounds)
    _halve(
        codebook, middle, end, patch + n_first, n_patches - n_first, keys, ends, order,
        bounds,
    )


cdef const floating *_mean(
    const floating[:, ::1] codebook, Py_ssize_t begin, Py_ssize_t end,
    const int *order, floating *mean
) noexcept:
    cdef floating share = <floating> 1 / (end - begin)
    cdef Py_ssize_t place, feature
    for feature in range(codebook.shape[1]):
        mean[feature] = 0
    for place in range(begin, end):
        for feature in range(codebook.shape[1]):
            mean[feature] += share * codebook[order[place], feature]
    return mean


cdef Py_ssize_t _farthest(
    const floating[:, ::1] codebook, const floating *origin, Py_ssize_t begin,
    Py_ssize_t end, const int *order
) noexcept:
    cdef Py_ssize_t place, farthest = order[begin]
    cdef double squared, largest = -1
    for place in range(begin, end):
        squared = _squared(&codebook[order[place], 0], origin, codebook.shape[1])
        if squared > largest:
            largest = squared
            farthest = order[place]
    return farthest


cdef double _squared(
    const floating *one, const floating *other, Py_ssize_t n_features
) noexcept:
    cdef double total = 0
    cdef Py_ssize_t feature
    for feature in range(n_features):
        total += (<double> one[feature] - other[feature]) ** 2
    return total


cdef void _part(
    double *keys, int *order, Py_ssize_t low, Py_ssize_t high, Py_ssize_t middle
) noexcept:
    """Bring the units of small keys before a place (Hoare 1961, "Find")."""
    cdef Py_ssize_t i, j
    cdef double pivot
    while low < high:
        pivot = keys[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while pivot < keys[j]:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


def store(
    const floating[:, ::1] codebook,    # IN (n_units, n_features)
    const int[::1] order,               # IN (n_units,)
    const int[::1] bounds,              # IN (n_patches + 1,)
    floating[:, :, ::1] patches,  # OUT (centers and patches, n_features + 1, PATCH)
    double[:, ::1] squared,             # OUT (n_patches, PATCH) of units from centers
    int[:, ::1] units,                  # OUT (n_patches, PATCH)
):
    """Store centers and units of patches as the vector code wants them.

    Memory: patches[patch, feature, lane], so that a vector holds one feature of
    neighboring units; behind the features half the squared length of each unit, the
    largest number in an unused lane, which is never chosen. The centers come first, as
    if they were units: center p is in the lane p % PATCH of the patch p // PATCH.

    All outputs must be zero at the start, `units` -1.
    """
    cdef Py_ssize_t n_features = codebook.shape[1]
    cdef Py_ssize_t n_patches = bounds.shape[0] - 1
    cdef Py_ssize_t n_centers = patches.shape[0] - n_patches
    cdef Py_ssize_t patch, feature, lane, place, n_members
    cdef double total, half
    cdef floating largest = <floating> (FLT_MAX if floating is float else DBL_MAX)
    for patch in range(n_patches, n_centers * PATCH):
        patches[patch // PATCH, n_features, patch % PATCH] = largest
    for patch in range(n_patches):
        n_members = bounds[patch + 1] - bounds[patch]
        place = n_centers + patch
        for lane in range(n_members, PATCH):
            patches[place, n_features, lane] = largest
        for lane in range(n_members):
            units[patch, lane] = order[bounds[patch] + lane]
            half = 0
            for feature in range(n_features):
                total = codebook[units[patch, lane], feature]
                patches[place, feature, lane] = <floating> total
                half += total * total
            patches[place, n_features, lane] = <floating> (half / 2)
        half = 0
        for feature in range(n_features):
            total = 0
            for lane in range(n_members):
                total += patches[place, feature, lane]
            patches[patch // PATCH, feature, patch % PATCH] = <floating> (
                total / n_members
            )
            total = patches[patch // PATCH, feature, patch % PATCH]
            half += total * total
            for lane in range(PATCH):
                squared[patch, lane] += (patches[place, feature, lane] - total) ** 2
        patches[patch // PATCH, n_features, patch % PATCH] = <floating> (half / 2)
        for lane in range(n_members, PATCH):
            squared[patch, lane] = 0
