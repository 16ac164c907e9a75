# SPDX-License-Identifier: BSD-3-Clause
"""Rules of others: valleys of the U-matrix, and the two-winner linkage of DAME.

After Hamel & Brown (2011), "Improved interpretability of the unified distance matrix
with connected components", and the manual of the DAME platform.
"""

import numpy as np

from skesom.som._second_stage._units import (
    both_ways,
    joined,
    linked,
    root_of,
    spanning_tree,
    spread,
)

_DEEP = 2.0  # pass of a valley over its ground; a body of 4000 samples has up to 1.9


def umatrix_clusters(units, n_clusters):
    """Group units by the valleys of the U-matrix."""
    valley = valleys(units.heights, units.links)
    parent, depth = _depths(valley, units)
    if n_clusters == "auto":
        kept = depth >= _DEEP
    else:
        kept = np.zeros(len(depth), dtype=bool)
        kept[np.argsort(-depth, kind="stable")[:n_clusters]] = True
        kept &= depth > 0
    root = np.arange(len(parent))
    while (moving := ~kept[root] & (parent[root] != root)).any():
        root[moving] = parent[root[moving]]
    inside = kept[root[valley]]
    return spread(root[valley][inside], inside, units.codebook)


def valleys(heights, links):
    """Let every unit run downhill, and number the minima where they end."""
    links = links.tocoo()
    rows, columns = links.coords
    order = np.lexsort((columns, heights[columns], rows))
    rows, columns = rows[order], columns[order]
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    target = np.arange(len(heights))
    lower = heights[columns[first]] < heights[rows[first]]
    target[rows[first][lower]] = columns[first][lower]
    while (target[target] != target).any():
        target = target[target]
    return np.unique(target, return_inverse=True)[1]


def _depths(valley, units):
    """Join valleys over their passes, from the lowest up."""
    n_valleys = valley.max() + 1
    ground = np.full(n_valleys, np.inf)
    np.minimum.at(ground, valley, units.heights)
    held = np.bincount(valley, weights=units.hits, minlength=n_valleys)
    parent = np.arange(n_valleys)
    depth = np.where(held > 0, np.inf, 0.0)
    top = np.arange(n_valleys)
    for one, other, height in _passes(valley, units):
        one, other = root_of(top, one), root_of(top, other)
        if one == other:
            continue
        # The shallower one ends here; one without samples in any case.
        one, other = sorted((one, other), key=lambda v: (held[v] > 0, -ground[v], -v))
        top[one] = parent[one] = other
        if held[one] > 0:
            depth[one] = height / ground[one] if ground[one] > 0 else np.inf
        held[other] += held[one]
    if not (depth > 0).any():
        depth[0] = np.inf
    return parent, depth


def _passes(valley, units):
    """Yield two valleys and the height of a way between them, the lowest first."""
    links = units.links.tocoo()
    rows, columns = links.coords
    between = valley[rows] < valley[columns]
    rows, columns = rows[between], columns[between]
    height = np.maximum(units.heights[rows], units.heights[columns])
    order = np.argsort(height, kind="stable")
    return zip(valley[rows[order]], valley[columns[order]], height[order], strict=True)


def two_winner_clusters(units, n_clusters):
    """Group units by the links of the nearest two units of the samples."""
    hits = units.hits
    least = min(0.02 * hits.sum(), hits.max())  # samples of a cluster
    tree = _strongest_links(units.counts)
    if n_clusters == "auto":
        # A link needs a tenth of the samples that a unit has.
        dropped = tree.data <= 0.1 * hits.sum() / np.count_nonzero(hits)
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
