# SPDX-License-Identifier: BSD-3-Clause
"""Units of a map with their metric: what samples ask of them."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from skesom.som.metric import Metric

# As in LocalOutlierFactor: of 5, 10, 20 and 50 it found outliers best in most of five
# tables, as well as the distance to the 20th neighbor among the samples themselves.
_N_NEIGHBORS = 20
DISTANCES_AT_A_TIME = 2**20  # 8 MB of float64, whatever the number of units


class MeasuredUnits(NamedTuple):
    """Units to look samples up in.

    Its methods take a block of samples. They are sent to other processes with nothing
    but the units, which are small beside a table.
    """

    metric: Metric
    codebook: np.ndarray  # (n_units, n_features)

    def distances(self, samples):
        """Measure the distance of every sample to every unit."""
        return self.metric.distances(samples.X, self.codebook, errors=samples.errors)

    def sums_of_squares(self, label, samples, winners):
        """Add up the squared distances of samples to the units that are their label.

        Parameters
        ----------
        label : callable
            Takes samples and their winners, and returns the unit that each is measured
            to; below 0 for a sample that counts nowhere.
        samples : Samples
        winners : ndarray of shape (n_samples,) or None

        Returns
        -------
        total, weight : float
            The sum, and the weights of the samples that it is of.
        """
        labels = label(samples, winners)
        distances = self.metric.distances_to_own(
            samples.X, self.codebook, labels, errors=samples.errors
        )
        is_measured = ~np.isnan(distances)
        squares = np.square(distances[is_measured])
        if samples.weights is None:
            return squares.sum(), float(len(squares))
        weights = samples.weights[is_measured]
        return (squares * weights).sum(), weights.sum()

    def winners(self, samples, k):
        """Return the k nearest units of every sample, (n_samples, k)."""
        if k > 2:
            winners, _ = nearest_several(self.metric, samples, self.codebook, k)
            return winners
        winners, _ = self.metric.nearest(
            samples.X,
            self.codebook,
            second=k == 2,
            errors=samples.errors,
            measured=False,
        )
        return winners.reshape(len(samples), k)

    def winners_and_distances(self, samples, k):
        """Return the k nearest units and then their distances, (n_samples, 2 * k).

        One table of float64 holds both: any number of a unit, and any distance.
        """
        if k > 1:  # a search tells the distance to the first unit only
            nearest = nearest_several(self.metric, samples, self.codebook, k)
        else:
            nearest = self.metric.nearest(
                samples.X, self.codebook, errors=samples.errors
            )
        return np.column_stack(nearest)

    def outlier_scores(self, samples, hits):
        """Return minus the distance within which units have enough hits."""
        k = min(_N_NEIGHBORS, len(hits))
        nearest, distances = nearest_several(self.metric, samples, self.codebook, k)
        are_enough = np.cumsum(hits[nearest], axis=1) >= _N_NEIGHBORS
        are_enough[:, -1] = True
        first = are_enough.argmax(axis=1)[:, np.newaxis]
        return -np.take_along_axis(distances, first, axis=1)[:, 0]

    def impute(self, samples, mean_unit):
        """Return samples whose missing features are those of the nearest unit.

        A sample without any present feature gets `mean_unit`.
        """
        filled = samples.X.copy()
        is_missing = np.isnan(samples.X)
        rows = np.flatnonzero(is_missing.any(axis=1))
        if len(rows) == 0:
            return filled
        incomplete = samples[rows]
        winners, _ = self.metric.nearest(
            incomplete.X, self.codebook, errors=incomplete.errors
        )
        substitutes = self.metric.nearest_multiples(
            self.codebook[winners], incomplete.X
        )
        substitutes[winners < 0] = mean_unit
        filled[is_missing] = substitutes[is_missing[rows]]
        return filled


def nearest_several(metric, samples, codebook, k):
    """Find the k nearest units of every sample, and their distances."""
    winners = np.empty((len(samples), k), dtype=np.intp)
    distances = np.empty((len(samples), k), dtype=samples.dtype)
    batch_size = max(1, DISTANCES_AT_A_TIME // len(codebook))
    for rows in gen_batches(len(samples), batch_size):
        batch = samples[rows]
        to_units = metric.distances(batch.X, codebook, errors=batch.errors)
        # The first two come from the search that always finds them: a distance is the
        # root of a square, and roots of two squares may be the same number.
        nearest, _ = metric.nearest(batch.X, codebook, second=True, errors=batch.errors)
        ranked = to_units.copy()
        np.put_along_axis(ranked, nearest, [[-2, -1]], axis=1)
        winners[rows] = _smallest(ranked, k)
        distances[rows] = np.take_along_axis(to_units, winners[rows], axis=1)
        has_no_feature = nearest[:, 0] < 0
        winners[rows][has_no_feature] = -1
    return winners, distances


def _smallest(values, k):
    """Return the columns of the k smallest values of each row, in order."""
    columns = np.sort(np.argpartition(values, k - 1, axis=1)[:, :k], axis=1)
    largest = np.take_along_axis(values, columns, axis=1).max(axis=1, keepdims=True)
    # Several may be as large as the k-th: the lowest of them belong to the k.
    tied = np.flatnonzero((values <= largest).sum(axis=1) > k)
    columns[tied] = np.argsort(values[tied], axis=1, kind="stable")[:, :k]
    smallest = np.take_along_axis(values, columns, axis=1)
    order = np.argsort(smallest, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def mean_distances(metric, codebook, links):
    """Return the mean distance of each unit to its linked units, 0 without links."""
    links = links.tocoo()
    rows, columns = links.coords
    lengths = metric.between(codebook[rows], codebook[columns])
    n_units = len(codebook)
    total = np.bincount(rows, weights=lengths, minlength=n_units)
    n_links = np.bincount(rows, minlength=n_units)
    return total / np.maximum(n_links, 1)
