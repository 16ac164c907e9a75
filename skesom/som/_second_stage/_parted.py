# SPDX-License-Identifier: BSD-3-Clause
"""Clusters beyond those that gaps of the graph support."""

import numpy as np
from scipy.cluster.hierarchy import linkage

from skesom.som._second_stage._units import FEWEST, root_of, spread


def parted(units, groups, n_groups):
    """Part groups of units at the widest gaps inside them until there are n_groups.

    Gaps are the edges of the shortest tree that spans the units of a group; those that
    part enough samples come first. So the parts of a larger number lie inside those of
    a smaller one, and no body is halved while something lies apart.
    """
    hit = np.flatnonzero(units.hits > 0)
    _, of_hit = np.unique(groups[hit], return_inverse=True)
    merges = _merges(units.codebook[hit], units.hits[hit], of_hit)
    parts = _joined(len(hit), merges[: len(hit) - min(n_groups, len(hit))])
    return spread(parts, units.hits > 0, units.codebook)


def _merges(codebook, held, groups):
    """Return pairs of units to join inside the groups, those that part last first."""
    pairs, enough, lengths = [], [], []
    for group in range(groups.max() + 1):
        own = np.flatnonzero(groups == group)
        if len(own) < 2:
            continue
        steps = linkage(codebook[own], "single")
        first = np.concatenate([own, np.zeros(len(steps), dtype=np.intp)])
        inside = np.concatenate([held[own], np.zeros(len(steps))])
        for number, (one, other) in enumerate(steps[:, :2].astype(np.intp), len(own)):
            first[number] = first[one]
            inside[number] = inside[one] + inside[other]
            pairs.append((first[one], first[other]))
            enough.append(min(inside[one], inside[other]) >= FEWEST)
        lengths.append(steps[:, 2])
    order = np.lexsort((np.concatenate([np.empty(0), *lengths]), enough))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)[order]


def _joined(n_units, pairs):
    """Return the numbers of what the pairs join."""
    top = np.arange(n_units)
    for one, other in pairs:
        top[root_of(top, other)] = root_of(top, one)
    return np.array([root_of(top, unit) for unit in range(n_units)])
