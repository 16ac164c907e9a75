# SPDX-License-Identifier: BSD-3-Clause
"""Clusters from pairs of winners, the two-winner linkage of the DAME platform."""

import numpy as np

from skesom.som._second_stage._units import (
    both_ways,
    joined,
    linked,
    root_of,
    spanning_tree,
    spread,
)

_THRESHOLD = 0.1  # samples of a link, in samples per unit
_SMALLEST_SHARE = 0.02  # of the samples, in a cluster


def two_winner_clusters(units, n_clusters):
    """Group units by the links of the nearest two units of the samples."""
    hits = units.hits
    least = min(_SMALLEST_SHARE * hits.sum(), hits.max())
    tree = _strongest_links(units.counts)
    if n_clusters == "auto":
        dropped = tree.data <= _THRESHOLD * hits.sum() / np.count_nonzero(hits)
    else:
        dropped = _weakest_divisions(tree, hits, least, n_clusters)
    component = linked(tree, ~dropped)
    inside = np.bincount(component, weights=hits)[component] >= least
    _, groups = np.unique(component[inside], return_inverse=True)
    if n_clusters != "auto" and groups.max() + 1 > n_clusters:
        groups = joined(units.codebook[inside], groups, n_clusters)
    return spread(groups, inside, units.codebook)


def _strongest_links(counts):
    """Return the maximum spanning tree of the links, each with its samples."""
    rows, columns, between = both_ways(counts)
    tree = spanning_tree(-between, (rows, columns), counts.shape[0])
    tree.data = -tree.data
    return tree


def _weakest_divisions(tree, hits, least, n_clusters):
    """Return which links to drop; each parts groups of enough samples."""
    dropped = np.zeros(len(tree.data), dtype=bool)
    top, held = np.arange(len(hits)), hits.astype(np.float64)
    divisions = []
    for link in np.argsort(-tree.data, kind="stable"):
        one, other = (root_of(top, axis[link]) for axis in tree.coords)
        if min(held[one], held[other]) >= least:
            divisions.append(link)
        top[other] = one
        held[one] += held[other]
    roots = np.flatnonzero(top == np.arange(len(top)))
    n_parts = np.count_nonzero(held[roots] >= least)
    dropped[divisions[::-1][: max(n_clusters - n_parts, 0)]] = True
    return dropped
