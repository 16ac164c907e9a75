# SPDX-License-Identifier: BSD-3-Clause
"""Colors of the leaves of a tree, which stay where the tree is cut elsewhere."""

import numpy as np

from skesom.displays.colors import cluster_palette

_CANDIDATES = 150  # of a palette whose colors are far from each other
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
    n_leaves = len(clusters)
    heads = list(range(n_leaves))  # the leaf whose color a node has
    held = [float(size) for size in sizes]
    for one, other in children.tolist():
        larger = one if held[one] >= held[other] else other
        heads.append(heads[larger])
        held.append(held[one] + held[other])
    found = np.full((n_leaves, 4), np.nan)
    for step in range(len(children) - 1, -1, -1):
        for node in children[step].tolist():
            _take_given(found, heads[node], clusters, colors)
    _take_given(found, heads[-1], clusters, colors)
    candidates = cluster_palette(_CANDIDATES)
    to_candidates = _oklab(candidates)
    used = _oklab(colors[:, :3])
    for step in range(len(children) - 1, -1, -1):  # from the root
        for node in children[step].tolist():
            leaf = heads[node]
            if np.isnan(found[leaf, 0]):
                apart = np.linalg.norm(to_candidates[:, None] - used, axis=2)
                best = apart.min(axis=1).argmax()
                found[leaf] = candidates[best]
                used = np.vstack([used, to_candidates[best]])
    return found


def _take_given(found, head, clusters, colors):
    """Give the first head of each cluster, from the root, the color of the cluster."""
    own = clusters == clusters[head]
    if clusters[head] >= 0 and np.isnan(found[own, 0]).all():
        found[head] = colors[clusters[head]]


def _oklab(colors):
    """Return colors in a space where distances are as the eye sees them."""
    levels = np.asarray(colors)[:, :3]
    linear = np.where(
        levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4
    )
    return np.cbrt(linear @ np.transpose(_TO_CONES)) @ np.transpose(_TO_LAB)
