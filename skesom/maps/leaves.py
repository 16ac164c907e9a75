# SPDX-License-Identifier: BSD-3-Clause
"""The leaves of the tree of a fitted clusterer of cubes: finer than its clusters."""

import hashlib
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skesom._common.labels import mark_sky
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.pipelines import pipeline_end
from skesom._common.strips import strips_of
from skesom.pixels import unflatten
from skesom.som.tree import has_tree, tree_of_pieces


class LeafTree(NamedTuple):
    """A tree whose leaves are numbered as by ``labels_at(n_leaves)``."""

    children: np.ndarray  # (n_leaves - 1, 2), as in AgglomerativeClustering
    distances: np.ndarray  # (n_leaves - 1,), not falling
    clusters: np.ndarray  # (n_leaves,), cluster of the fitted label map

    @property
    def n_leaves(self):
        """Number of leaves."""
        return len(self.clusters)

    @property
    def sha256(self):
        """Digest of the shape of the tree, which groups of leaves are of."""
        return hashlib.sha256(self.children.astype("<i8").tobytes()).hexdigest()


def has_leaves(step):
    """Return whether a fitted CubeClusterer has a tree of pixels below its clusters."""
    if not hasattr(step, "estimator_") or step.pattern != "pixel":
        return False
    last, _ = pipeline_end(step.estimator_)
    return has_tree(last)


def leaf_tree(step):
    """Return the tree of a fitted CubeClusterer."""
    last, _ = pipeline_end(step.estimator_)
    tree = tree_of_pieces(last)
    return LeafTree(tree.children, tree.heights, step._clusters_of(tree.clusters))


def tree_digest(pipeline):
    """Return the digest of the tree of a fitted pipeline, None if it has none."""
    step = pipeline[-1] if isinstance(pipeline, Pipeline) else None
    return leaf_tree(step).sha256 if has_leaves(step) else None


def leaf_labels(last, table, errors=None):
    """Return the leaf of each row that the last estimator of a CubeClusterer gets."""
    n_pieces = len(tree_of_pieces(last).clusters)
    return last.labels_at(n_pieces, table, errors)


def leaf_map_of(step, X, label_map):
    """Return the leaf of each pixel of a cube, and codes below 0 as in the label map.

    Each pixel is in a leaf of the cluster that the label map gives it.
    """
    cube, valid, last, table, errors = step._at_end(X)
    leaves = unflatten(leaf_labels(last, table, errors), valid)
    leaves, sky_mask = in_memory_by_strips(leaves, cube.sky_mask)
    leaves = mark_sky(leaves, sky_mask)
    return keep_inside(leaves, label_map, leaf_tree(step).clusters)


def keep_inside(leaves, label_map, clusters):
    """Move pixels to leaves of the cluster that a label map gives them, in place.

    They are in others where neighbors have voted, or where members that part a cluster
    disagree: such a pixel takes the largest leaf of its cluster.
    """
    n_leaves = len(clusters)
    sizes = np.zeros(n_leaves, dtype=np.int64)
    for rows in strips_of(leaves.shape, "block"):
        block = leaves[rows]
        sizes += np.bincount(block[block >= 0], minlength=n_leaves)
    largest = np.zeros(clusters.max() + 1, dtype=np.int32)
    by_size = np.argsort(sizes, kind="stable")
    by_size = by_size[clusters[by_size] >= 0]  # a vote may leave a cluster no pixel
    largest[clusters[by_size]] = by_size
    for rows in strips_of(leaves.shape, "block"):
        block, labels = leaves[rows], label_map[rows]
        held_by = np.where(block >= 0, clusters[np.maximum(block, 0)], block)
        moved = held_by != labels
        to = labels[moved]
        block[moved] = np.where(to >= 0, largest[np.maximum(to, 0)], to)
    return leaves
