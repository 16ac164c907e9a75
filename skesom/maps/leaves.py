# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a fitted clusterer of cubes, and its leaves: finer than clusters."""

import hashlib
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skesom._common.labels import mark_sky
from skesom._common.lazy_strips import in_memory_by_strips
from skesom._common.pipelines import pipeline_end
from skesom._common.strips import strips_of
from skesom.pixels import unflatten
from skesom.som.tree import check_cut, has_tree, tree_of_pieces


class LeafTree(NamedTuple):
    """A tree whose leaves are numbered as by ``labels_at(n_leaves)``."""

    children: np.ndarray  # (n_leaves - 1, 2), as in AgglomerativeClustering
    distances: np.ndarray  # (n_leaves - 1,), not falling
    clusters: np.ndarray  # (n_leaves,), cluster of each leaf in the fitted label map

    @property
    def n_leaves(self):
        """Number of leaves."""
        return len(self.clusters)

    @property
    def sha256(self):
        """Digest of the shape of the tree: files of groups name it."""
        return hashlib.sha256(self.children.astype("<i8").tobytes()).hexdigest()


def has_leaves(step):
    """Return whether a fitted CubeClusterer has a tree of pixels below its clusters."""
    if not hasattr(step, "estimator_") or step.pattern != "pixel":
        return False
    last, _ = pipeline_end(step.estimator_)
    return has_tree(last)


def check_tree_and_cut(step, n_clusters):
    """Refuse a fitted CubeClusterer without a tree of so many leaves."""
    last, _ = pipeline_end(step.estimator_)
    if not has_tree(last):
        raise ValueError(
            f"there is no tree to cut: this {type(last).__name__} has none, as only "
            "a consensus, and a map with clusterer='tree', have one. Fit again with "
            "that number of clusters."
        )
    tree, _ = last._tree_and_sizes()
    check_cut(tree, n_clusters)


def leaf_tree(step):
    """Return the tree of a fitted CubeClusterer."""
    last, _ = pipeline_end(step.estimator_)
    tree = tree_of_pieces(last)
    return LeafTree(
        children=tree.children,
        distances=tree.heights,
        clusters=step._clusters_of(tree.clusters),
    )


def tree_digest(pipeline):
    """Return the digest of the tree of a fitted pipeline, None if it has none."""
    if not isinstance(pipeline, Pipeline) or not has_leaves(pipeline[-1]):
        return None
    return leaf_tree(pipeline[-1]).sha256


def leaf_labels(last, table, errors=None):
    """Return the leaf of each row that the last estimator of a CubeClusterer gets."""
    n_leaves = len(tree_of_pieces(last).clusters)
    return last.labels_at(n_leaves, table, errors)


def leaf_map_of(step, X, label_map):
    """Return the leaf of each pixel of a cube.

    Parameters
    ----------
    step : CubeClusterer
        A fitted one that `has_leaves`.
    X : Cube or array-like of shape (n_rows, n_columns, n_bands)
    label_map : ndarray of int of shape (n_rows, n_columns)
        Its labels: each pixel is in a leaf of the cluster that this gives it.

    Returns
    -------
    leaves : ndarray of shape (n_rows, n_columns), dtype int32
        Leaves from 0, and codes below 0 as in the label map.
    """
    at_last = step._input_of_last_step(X)
    leaves = leaf_labels(at_last.estimator, at_last.table, at_last.errors)
    leaves = unflatten(leaves, at_last.valid)
    leaves, sky_mask = in_memory_by_strips(leaves, at_last.cube.sky_mask)
    leaves = mark_sky(leaves, sky_mask)
    return keep_inside(leaves, label_map, leaf_tree(step).clusters)


def keep_inside(leaves, label_map, clusters):
    """Move pixels to leaves of the cluster that a label map gives them, in place.

    They are in others where neighbors have voted, or where members that part a cluster
    disagree: such a pixel takes the largest leaf of its cluster.

    Parameters
    ----------
    leaves : ndarray of shape (n_rows, n_columns), dtype int32
        Leaf of each pixel; it is changed.
    label_map : ndarray of int of shape (n_rows, n_columns)
    clusters : ndarray of int of shape (n_leaves,)
        Cluster of each leaf.

    Returns
    -------
    leaves : ndarray of shape (n_rows, n_columns), dtype int32
        The same array.
    """
    largest_leaf = _largest_leaves(leaves, clusters)
    for rows in strips_of(leaves.shape, "block"):
        block = leaves[rows]
        labels = label_map[rows]
        cluster_of_leaf = np.where(block >= 0, clusters[np.maximum(block, 0)], block)
        is_outside = cluster_of_leaf != labels
        wanted = labels[is_outside]
        block[is_outside] = np.where(
            wanted >= 0, largest_leaf[np.maximum(wanted, 0)], wanted
        )
    return leaves


def _largest_leaves(leaves, clusters):
    """Return the leaf of each cluster that has the most pixels; the last of equals."""
    n_leaves = len(clusters)
    sizes = np.zeros(n_leaves, dtype=np.int64)
    for rows in strips_of(leaves.shape, "block"):
        block = leaves[rows]
        sizes += np.bincount(block[block >= 0], minlength=n_leaves)
    by_size = np.argsort(sizes, kind="stable")
    # A vote may leave a cluster no pixel: its leaves are in none.
    by_size = by_size[clusters[by_size] >= 0]
    largest = np.zeros(clusters.max() + 1, dtype=np.int32)
    largest[clusters[by_size]] = by_size  # the last one written stays
    return largest
