# SPDX-License-Identifier: BSD-3-Clause
"""Fewer nodes where there is no room for more: close ones merge, and epsilon grows."""

import numpy as np

from skesom.som._codebook import by_feature, distances_to_units

_GROWTH = 1.1  # of epsilon, at least


def make_room(network, epsilon):
    """Merge nodes until half to three quarters are left, and enlarge epsilon.

    As BIRCH rebuilds its tree with a larger threshold (Zhang, Ramakrishnan & Livny
    1996, doi:10.1145/233269.233324). Each merge costs the square of the number of
    nodes and is paid for by the insertions until the next one, so learning stays
    linear in the number of samples.
    """
    least = (network.n_nodes + 1) // 2
    enough = max(1, 3 * network.n_nodes // 4)
    epsilon = _GROWTH * epsilon
    if network.n_nodes == 1:
        return 2 * epsilon
    while network.n_nodes > enough:
        epsilon = max(epsilon, merge_closest(network, least))
    return epsilon


def merge_closest(network, least):
    """Merge nodes that are closer than half of them are to their nearest neighbor.

    A node joins the nearest kept node of its class and gives it its links; the kept
    node moves to their mean. Of several links between the same two nodes the strongest
    stays.
    """
    nodes = network.nodes()
    node_class = network.node_class[: network.n_nodes]
    distances = distances_to_units(nodes, nodes)
    if node_class.any():
        distances[node_class[:, np.newaxis] != node_class] = np.inf
    np.fill_diagonal(distances, np.inf)
    spacing = distances.min(axis=1)
    distance = np.median(spacing)
    if not distance < np.inf:
        distance = spacing.min()
    kept, joins = _thin_out(distances, distance, least)
    sums = np.zeros((len(kept), nodes.shape[1]))
    np.add.at(sums, joins, nodes)
    means = (sums / np.bincount(joins)[:, None]).astype(nodes.dtype)
    links = network.links().tocoo()
    low, high = (joins[end] for end in links.coords)
    network.codebook = by_feature(means, len(network.begin))
    network.identity[: len(kept)] = network.identity[kept]
    network.node_class[: len(kept)] = network.node_class[kept]
    network.n_nodes = len(kept)
    network.set_links(*_strongest(low, high, links.data))
    return float(distance)


def _thin_out(distances, distance, least):
    """Keep nodes in order that are farther apart than a distance, or enough of them."""
    n_nodes = len(distances)
    free = np.ones(n_nodes, dtype=bool)
    surplus = n_nodes - least
    kept = []
    for node in range(n_nodes):
        if free[node]:
            kept.append(node)
            free[node] = False
            near = np.flatnonzero(free & (distances[node] <= distance))[:surplus]
            free[near] = False
            surplus -= len(near)
    kept = np.array(kept)
    joins = np.argmin(distances[:, kept], axis=1)
    joins[kept] = np.arange(len(kept))
    return kept, joins


def _strongest(low, high, strength):
    """Return the links between different nodes once each, with the largest strength."""
    once = low < high
    low, high, strength = low[once], high[once], strength[once]
    order = np.lexsort((strength, high, low))
    low, high, strength = low[order], high[order], strength[order]
    last = np.ones(len(low), dtype=bool)
    last[:-1] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return low[last], high[last], strength[last]
