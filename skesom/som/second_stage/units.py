# SPDX-License-Identifier: BSD-3-Clause
"""Units of a map as the second stage sees them, and tools that its rules share."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from skesom.som.codebook import distances_to_units, nearest_units

FEWEST = 3  # samples of an island or a part that stands apart: bad rows are single
_MOST_CELLS = 2**22  # of a table of all pairs of units


@dataclass(frozen=True)
class Units:
    """Units of a map, comparable by Euclidean distances, and their training samples."""

    codebook: np.ndarray  # (n_units, n_features)
    hits: np.ndarray  # (n_units,), samples by nearest unit
    counts: sparse.csr_array | None = None  # by nearest and second nearest unit
    radii: np.ndarray | None = None  # (n_units,), mean distance of the samples, or 0
    # Of the samples, in their unit; (n_units, n_features), and once more n_features for
    # covariances, which may be variances.
    means: np.ndarray | None = None
    covariances: np.ndarray | None = None

    def __len__(self):
        return len(self.codebook)


def contingency(rows, columns, shape, weights=None):
    """Count how often two labels meet; those below 0 are no labels."""
    known = (rows >= 0) & (columns >= 0)
    places = rows[known].astype(np.intp) * shape[1] + columns[known]
    weights = None if weights is None else weights[known]
    return np.bincount(places, weights, shape[0] * shape[1]).reshape(shape)


def count_pairs(winners, n_units, weights=None):
    """Count how often two units are nearest and second nearest to a sample."""
    dtype, shape = np.int64 if weights is None else weights.dtype, (n_units, n_units)
    if n_units**2 <= _MOST_CELLS:
        table = contingency(winners[:, 0], winners[:, 1], shape, weights)
        return sparse.csr_array(table.astype(dtype, copy=False))
    known = winners[:, 1] >= 0
    weights = np.ones(len(winners), dtype=dtype) if weights is None else weights
    return sparse.csr_array((weights[known], tuple(winners[known].T)), shape=shape)


def both_ways(counts):
    """Return the pairs of different units of any sample, in both directions."""
    both = (counts + counts.T).tocoo()
    return *both.coords, both.data.astype(np.float64)


def linked(links, kept):
    """Return the components of those links of a coo_array that are kept."""
    ends = tuple(axis[kept] for axis in links.coords)
    links = sparse.coo_array((np.ones(len(ends[0])), ends), shape=links.shape)
    return connected_components(links, directed=False)[1]


def clusters_of(clusterer, units):
    """Fit a clone of a clusterer on the units that have samples."""
    inside = units.hits > 0
    fit_predict = clone(clusterer).fit_predict
    if has_fit_parameter(clusterer, "sample_weight"):
        hits = units.hits[inside].astype(np.float64)
        fit_predict = partial(fit_predict, sample_weight=hits)
    codebook = units.codebook[inside].astype(np.float64)  # squares of any float32 fit
    groups = np.asarray(fit_predict(codebook))
    # Units that are noise to the clusterer (-1) stay a cluster of their own kind.
    return spread(groups, inside, units.codebook)


def held_groups(groups, units):
    """Return groups of units from 0 on; those without samples join others."""
    held = units.hits > 0
    inside = np.isin(groups, groups[held])
    groups = spread(groups[inside], inside, units.codebook)
    return np.unique(groups, return_inverse=True)[1].astype(np.int32)


def majority_groups(winners, labels, codebook):
    """Give each unit the label that most of its samples have."""
    counts = contingency(winners, labels, (len(codebook), labels.max(initial=0) + 1))
    hit = counts.any(axis=1)
    if not hit.any():
        return np.zeros(len(codebook), dtype=np.int32)
    return spread(counts[hit].argmax(axis=1), hit, codebook).astype(np.int32)


def spread(groups, inside, codebook):
    """Give units outside the group of their nearest unit inside."""
    everywhere = np.empty(len(codebook), dtype=np.intp)
    everywhere[inside] = groups
    if not inside.all():
        outside = np.ascontiguousarray(codebook[~inside])
        nearest, _ = nearest_units(outside, codebook[inside])
        everywhere[~inside] = groups[nearest]
    return everywhere


def component_gaps(codebook, component):
    """Find the closest units of each pair of components, and their distance."""
    n_components = component.max(initial=-1) + 1
    gaps = np.zeros((n_components, n_components))
    ends = np.zeros((n_components, n_components), dtype=np.intp)
    if n_components < 2:
        return gaps, ends
    largest = np.argmax(np.bincount(component))
    by_component = np.argsort(component, kind="stable")
    sorted_component, columns = component[by_component], codebook[by_component]
    starts = np.searchsorted(sorted_component, np.arange(n_components))
    for one in range(n_components):
        if one == largest:  # the others have measured it
            continue
        own = np.flatnonzero(component == one)
        distances = distances_to_units(codebook[own], columns)
        nearest, closest = distances.min(axis=0), own[distances.argmin(axis=0)]
        gaps[one] = np.minimum.reduceat(nearest, starts)
        least = np.flatnonzero(nearest == gaps[one, sorted_component])
        _, first = np.unique(sorted_component[least], return_index=True)
        ends[one] = closest[least[first]]
        ends[:, one] = by_component[least[first]]
    gaps[largest] = gaps[:, largest]
    np.fill_diagonal(gaps, 0)
    return gaps, ends


def joined(codebook, component, n_clusters):
    """Join the components whose units come closest until n_clusters are left."""
    n_components = component.max() + 1
    if n_components == n_clusters:
        return component
    gaps, _ = component_gaps(codebook, component)
    tree = tree_of_gaps(gaps)
    kept = np.argsort(tree.data, kind="stable")[: n_components - n_clusters]
    return linked(tree, kept)[component]


def tree_of_gaps(gaps):
    """Return the minimum spanning tree of all pairs, by a table of their gaps."""
    pairs = np.triu_indices(len(gaps), 1)
    return spanning_tree(gaps[pairs], pairs, len(gaps))


def spanning_tree(lengths, ends, n_nodes):
    """Return the minimum spanning tree of edges, each given in one direction or both.

    It is found by the ranks of the lengths, so that it depends on no unit: SciPy takes
    a length of 0, and in a dense table one below 1e-8, for no edge.
    """
    lengths, ranks = np.unique(lengths, return_inverse=True)
    ends = tuple(np.asarray(end, dtype=np.intc) for end in ends)  # for older SciPy
    edges = sparse.csr_array((ranks + 1.0, ends), shape=(n_nodes, n_nodes))
    tree = minimum_spanning_tree(edges).tocoo()
    tree.data = lengths[tree.data.astype(np.intp) - 1]
    return tree
