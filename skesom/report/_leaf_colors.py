# SPDX-License-Identifier: BSD-3-Clause
"""Colors of the leaves of a tree, which stay where the tree is cut elsewhere."""

import numpy as np

from skesom.displays.colors import cluster_palette

_N_CANDIDATES = 150  # of a palette whose colors are far from each other
# Ottosson (2020), https://bottosson.github.io/posts/oklab
_TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
_TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def leaf_colors(children, sizes, clusters, colors):
    """Return a color for each leaf, shape (n_leaves, 4).

    A node has the color of its larger child, down to a leaf, and the nodes that are the
    clusters have the given colors. So the larger part of what is split keeps its color,
    and the smaller one gets the color that is farthest from all above it in the tree
    and beside it.

    Parameters
    ----------
    children : ndarray of shape (n_leaves - 1, 2)
        The tree.
    sizes : ndarray of shape (n_leaves,)
        Pixels of each leaf.
    clusters : ndarray of shape (n_leaves,)
        Cluster of each leaf; the leaves of one are those of a node.
    colors : ndarray of shape (n_clusters, 4)
        Color of each cluster.
    """
    leaf_of_node = _leaves_of_nodes(children, sizes)
    leaves = _leaves_from_the_root(children, leaf_of_node)
    chosen = np.full((len(clusters), 4), np.nan)
    for leaf in leaves:
        # The first leaf of a cluster, seen from the root, is that of its node.
        cluster = clusters[leaf]
        is_first = np.isnan(chosen[clusters == cluster, 0]).all()
        if cluster >= 0 and is_first:
            chosen[leaf] = colors[cluster]

    palette = cluster_palette(_N_CANDIDATES)
    candidates = _oklab(palette)
    used = _oklab(colors)
    for leaf in leaves:
        if np.isnan(chosen[leaf, 0]):
            distances = np.linalg.norm(candidates[:, np.newaxis] - used, axis=2)
            farthest = distances.min(axis=1).argmax()
            chosen[leaf] = palette[farthest]
            used = np.vstack([used, candidates[farthest]])
    return chosen


def _leaves_of_nodes(children, sizes):
    """Return the leaf whose color each node has: that of its larger child."""
    leaf_of_node = list(range(len(sizes)))
    node_sizes = [float(size) for size in sizes]
    for left, right in children.tolist():
        larger = left if node_sizes[left] >= node_sizes[right] else right
        leaf_of_node.append(leaf_of_node[larger])
        node_sizes.append(node_sizes[left] + node_sizes[right])
    return leaf_of_node


def _leaves_from_the_root(children, leaf_of_node):
    """Return the leaves of the nodes below the root, from there down; they repeat."""
    leaves = []
    for left, right in children[::-1].tolist():
        leaves.append(leaf_of_node[left])
        leaves.append(leaf_of_node[right])
    leaves.append(leaf_of_node[-1])  # the only one of a tree of one leaf
    return leaves


def _oklab(colors):
    """Return colors in a space where distances are as the eye sees them."""
    levels = np.asarray(colors)[:, :3]
    linear = np.where(
        levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4
    )
    return np.cbrt(linear @ np.transpose(_TO_CONES)) @ np.transpose(_TO_LAB)
