# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the second stage that both maps share."""

from typing import NamedTuple

import numpy as np

from skesom._common.labels import MASKED, ranks_by_size
from skesom.som.tree import ClusterTree


class UnitTree(NamedTuple):
    """The tree over the units of a map that hold samples."""

    tree: ClusterTree
    leaf_of_unit: np.ndarray  # (n_units,), intp: of units without samples, the nearest
    sizes: np.ndarray  # (n_leaves,), samples or their weights

    def unit_labels(self, n_clusters):
        """Return the cluster of each unit when there are n_clusters."""
        clusters = self.tree.clusters(n_clusters, self.sizes)
        return clusters[self.leaf_of_unit]


class Grouping(NamedTuple):
    """Clusters of the units of a map, and by them of samples."""

    unit_labels: np.ndarray  # (n_units,), dtype int32
    unit_tree: UnitTree | None = None  # None where a clusterer has grouped the units
    gaps: tuple = ()  # that n_clusters="auto" considered too, the widest first

    @property
    def n_clusters(self):
        """Number of clusters."""
        return int(self.unit_labels.max()) + 1


def labels_by_units(unit_labels, samples, winners=None, *, metric, codebook):
    """Return the label that the nearest unit of every sample has."""
    if winners is None:
        winners, _ = metric.nearest(
            samples.X, codebook, errors=samples.errors, measured=False
        )
    return np.where(winners < 0, MASKED, unit_labels[winners]).astype(np.int32)


def ranked(unit_labels, hits):
    """Return the labels of units numbered by falling size, without empty clusters."""
    sizes = np.bincount(unit_labels, weights=hits)
    return ranks_by_size(sizes)[unit_labels].astype(np.int32)
