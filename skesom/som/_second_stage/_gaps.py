# SPDX-License-Identifier: BSD-3-Clause
"""How near components of units come to each other; the nearest joined; their roots."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from skesom.som._codebook import distances_to_units


def component_gaps(codebook, component):
    """Find the closest units of each pair of components, and their distance."""
    n_components = component.max(initial=-1) + 1
    gaps = np.zeros((n_components, n_components))
    ends = np.zeros((n_components, n_components), dtype=np.intp)
    largest = np.argmax(np.bincount(component))
    by_component = np.argsort(component, kind="stable")
    starts = np.searchsorted(component[by_component], np.arange(n_components))
    for one in range(n_components):
        if one == largest:  # the others have measured it
            continue
        own = np.flatnonzero(component == one)
        distances = distances_to_units(codebook[own], codebook[by_component])
        nearest = distances.min(axis=0)
        who = own[distances.argmin(axis=0)]
        gaps[one] = np.minimum.reduceat(nearest, starts)
        for other, columns in enumerate(np.split(np.arange(len(nearest)), starts[1:])):
            place = columns[np.argmin(nearest[columns])]
            ends[one, other], ends[other, one] = who[place], by_component[place]
    gaps[largest] = gaps[:, largest]
    np.fill_diagonal(gaps, 0)
    return gaps, ends


def joined(codebook, component, n_clusters):
    """Join the components whose units come closest until n_clusters are left."""
    n_components = component.max() + 1
    if n_components == n_clusters:
        return component
    gaps, _ = component_gaps(codebook, component)
    tree = minimum_spanning_tree(gaps).tocoo()
    kept = np.argsort(tree.data, kind="stable")[: n_components - n_clusters]
    joins = sparse.coo_array(
        (np.ones(len(kept)), (tree.row[kept], tree.col[kept])), shape=gaps.shape
    )
    return connected_components(joins, directed=False)[1][component]


def root_of(parents, node):
    """Follow the parents of a node to the one that is its own, and shorten the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node
