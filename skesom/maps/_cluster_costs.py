# SPDX-License-Identifier: BSD-3-Clause
"""What it costs a pixel to be in another cluster than its own."""

import numpy as np

from skesom._common.pipelines import map_inside

_VALUES_AT_ONCE = 2**22


def cluster_costs(estimator, table, labels, clusters):
    """Return how badly each row fits into each cluster.

    Maps tell by the squared distance to the nearest unit of a cluster, clusterers with
    ``cluster_centers_`` by that to its center, mixtures by minus the logarithm of the
    probability. Of others no more is known than that a row has its label: any other
    costs 1.
    """
    costs = np.empty((len(table), len(clusters)), dtype=np.float32)
    last, _ = map_inside(estimator)
    measure, width = _measure(last, clusters)
    step = max(1, _VALUES_AT_ONCE // width)
    for start in range(0, len(table), step):
        rows = slice(start, start + step)
        _, block = map_inside(estimator, table[rows])
        costs[rows] = measure(block, labels[rows])
    return costs


def typical_margin(costs):
    """Return by how much the second best cluster of a row costs more than the best."""
    if costs.shape[1] < 2 or len(costs) == 0:
        return 1.0
    two = np.partition(costs, 1, axis=1)
    return float(np.median(two[:, 1] - two[:, 0])) or 1.0


def _measure(clusterer, clusters):
    """Return a function of rows and labels that gives costs, and its values a row."""
    if hasattr(clusterer, "unit_labels_"):
        return _units_measure(clusterer, clusters)
    if hasattr(clusterer, "cluster_centers_") and hasattr(clusterer, "transform"):
        return (
            lambda rows, labels: np.square(clusterer.transform(rows)[:, clusters]),
            len(clusterer.cluster_centers_),
        )
    if hasattr(clusterer, "predict_proba"):
        smallest = np.finfo(np.float32).tiny

        def minus_log(rows, labels):
            probability = clusterer.predict_proba(rows)[:, clusters]
            return -np.log(np.maximum(probability, smallest))

        return minus_log, len(clusters)
    numbers = np.arange(len(clusters))
    return lambda rows, labels: labels[:, np.newaxis] != numbers, len(clusters)


def _units_measure(clusterer, clusters):
    """Return the measure of a map: the nearest unit of each cluster counts."""
    order = np.argsort(clusterer.unit_labels_, kind="stable")
    order = order[np.isin(clusterer.unit_labels_[order], clusters)]
    starts = np.searchsorted(clusterer.unit_labels_[order], clusters)

    def nearest(rows, labels):
        distances = clusterer.transform(rows)[:, order]
        return np.square(np.minimum.reduceat(distances, starts, axis=1))

    return nearest, len(clusterer.unit_labels_)
