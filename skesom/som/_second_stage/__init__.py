# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the second stage that both maps share."""

from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skesom._common.labels import MASKED
from skesom._common.threads import one_blas_thread
from skesom._common.warn import warn_user
from skesom.som._input import rows_of
from skesom.som._second_stage._graph import graph_clusters, parted
from skesom.som._second_stage._mixture import NormalMixture
from skesom.som._second_stage._other_rules import two_winner_clusters, umatrix_clusters
from skesom.som._second_stage._units import clusters_of, held_groups, majority_groups

RULES = ("graph", "umatrix", "two-winners")


class Grouping(NamedTuple):
    """Clusters of the units of a map, and by them of samples."""

    unit_labels: np.ndarray  # (n_units,), dtype int32
    mixture: NormalMixture | None = None  # of normals that decide, where there are any
    gaps: tuple = ()  # that n_clusters="auto" considered too, the widest first

    @property
    def n_clusters(self):
        """Number of clusters."""
        largest = self.unit_labels.max()
        if self.mixture is not None:
            largest = max(largest, self.mixture.labels.max())
        return int(largest) + 1

    def label(self, X, errors, winners, metric, codebook):
        """Return the cluster of every sample; winners may be unknown, which is None."""
        labels = np.full(len(X), -1, dtype=np.int32)
        if self.mixture is not None and errors is None:
            labels = self.mixture.label(metric.prepared(X))
        rest = np.flatnonzero(labels < 0)
        if len(rest):
            if len(rest) == len(X):
                rest = slice(None)
            if winners is None:
                X, errors = rows_of(rest, X, errors)
                nearest, _ = metric.nearest(X, codebook, errors=errors, measured=False)
            else:
                nearest = winners[rest]
            labels[rest] = np.where(nearest < 0, MASKED, self.unit_labels[nearest])
        return labels

    def renumbered(self, numbers):
        """Return the same clusters under other numbers."""
        mixture = self.mixture
        if mixture is not None:
            mixture = mixture._replace(labels=numbers[mixture.labels])
        return self._replace(unit_labels=numbers[self.unit_labels], mixture=mixture)

    def alike(self, X, winners, labels, metric, codebook):
        """Return units and normals with the labels that most of their samples have.

        Where there are more labels than normals, units alone can tell them.
        """
        mixture, n_labels = self.mixture, len(np.unique(labels[labels >= 0]))
        if mixture is not None and n_labels > len(mixture.means):
            mixture = None
        if mixture is not None:
            numbers = np.arange(len(mixture.means), dtype=np.int32)
            own = mixture._replace(labels=numbers).label(metric.prepared(X))
            of_normals = majority_groups(own, labels, mixture.means)
            mixture = mixture._replace(labels=of_normals)
        units = metric.prepared(codebook)
        groups = majority_groups(winners, labels, units)
        return self._replace(unit_labels=groups, mixture=mixture)


def group_units(units, clusterer, n_clusters):
    """Group the units of a map; every group holds samples."""
    if not isinstance(clusterer, str):
        groups, mixture, gaps = clusters_of(clusterer, units), None, ()
    else:
        with one_blas_thread():
            groups, mixture, gaps = _by_rule(units, clusterer, n_clusters)
    return Grouping(held_groups(groups, units), mixture, tuple(gaps))


def _by_rule(units, rule, n_clusters):
    if rule == "graph":
        groups, mixture, gaps = graph_clusters(units, n_clusters)
    else:
        cluster = umatrix_clusters if rule == "umatrix" else two_winner_clusters
        groups, mixture, gaps = cluster(units, n_clusters), None, ()
    if n_clusters == "auto":
        return groups, None, gaps
    if len(np.unique(groups[units.hits > 0])) < n_clusters:
        groups, mixture = parted(units, groups, n_clusters), None
    found = len(np.unique(groups[units.hits > 0]))
    if found < n_clusters:
        warn_user(
            f"The {len(units)} units of the map gave {found} clusters, fewer than "
            f"n_clusters={n_clusters}. Ask for fewer, or for more units of the map (a "
            "smaller epsilon, more max_nodes, a larger shape).",
            ConvergenceWarning,
        )
    return groups, mixture, ()
