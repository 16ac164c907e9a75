# SPDX-License-Identifier: BSD-3-Clause
"""What every map offers by its codebook: nearest units, and what they tell."""

from numbers import Integral

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from skesom.som._checked_tables import CheckedTables
from skesom.som._metric import Metric

_DISTANCES_AT_A_TIME = 2**20
_ROWS_AT_A_TIME = 65536


class CodebookMap(CheckedTables):
    """Base of all maps.

    A subclass sets ``codebook_`` of shape (n_units, n_features), ``hits_`` of shape
    (n_units,) and ``connections_`` of shape (n_units, n_units).
    """

    def winners(self, X, k=1, *, return_distance=False, errors=None):
        """Find the best-matching unit of every sample, or the best few.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        k : int, default=1
            How many units are wanted, up to all.
        return_distance : bool, default=False
            Whether to return the distances too.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors (standard deviations) of X, in the same units. With them
            the distance is chi = sqrt(sum (difference / error)^2).

        Returns
        -------
        winners : ndarray of shape (n_samples,) or (n_samples, k), dtype intp
            Indices of the nearest unit or units, nearest first, the lowest first if
            several are as near; -1 for a sample without any present feature.
        distances : ndarray of shape (n_samples,) or (n_samples, k)
            Distances to them, NaN for a sample without any present feature; only if
            `return_distance` is true.
        """
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        n_units = len(self.codebook_)
        if not isinstance(k, Integral) or not 1 <= k <= n_units:
            raise ValueError(
                f"k must be an int from 1 to the number of units, {n_units}. Got {k!r}."
            )
        if k == 1:
            winners, distances = self._metric().nearest(
                X, self.codebook_, errors=errors, measured=return_distance
            )
        else:
            winners, distances = nearest_several(
                self._metric(), X, self.codebook_, k, errors
            )
        return (winners, distances) if return_distance else winners

    def impute(self, X, errors=None):
        """Fill in missing features from the units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        filled : ndarray of shape (n_samples, n_features)
            A copy, of the dtype of the codebook, without NaN. A missing feature has
            the weight of the unit that is nearest by the present ones (for a metric of
            angles times the factor that brings the unit nearest to the sample); a
            sample without any has the mean of the units, weighted by their hits.

        Notes
        -----
        Fessant, F. & Midenet, S. (2002), "Self-organizing map for data imputation and
        correction in surveys", Neural Computing & Applications 10, 300-310,
        doi:10.1007/s005210200002.
        """
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        metric = self._metric()
        filled = X.copy()
        for rows in gen_batches(len(X), _ROWS_AT_A_TIME):
            missing = np.isnan(X[rows])
            incomplete = np.flatnonzero(missing.any(axis=1))
            if len(incomplete) == 0:
                continue
            some = X[rows][incomplete]
            winners, _ = metric.nearest(
                some,
                self.codebook_,
                errors=None if errors is None else errors[rows][incomplete],
            )
            substitutes = metric.brought_near(self.codebook_[winners], some)
            substitutes[winners < 0] = np.average(
                self.codebook_, axis=0, weights=self.hits_
            )
            filled[rows][missing] = substitutes[missing[incomplete]]
        return filled

    def u_matrix(self):
        """Return the mean distance of each unit to the units it is connected with.

        Returns
        -------
        distances : ndarray of shape (n_units,)
            0 for a unit without connections. High values are borders between clusters
            (Ultsch & Siemon 1990).
        """
        check_is_fitted(self)
        return mean_distances(self._metric(), self.codebook_, self.connections_)

    def _metric(self):
        """Return how samples are compared with units."""
        return Metric()


def mean_distances(metric, codebook, links):
    """Return the mean distance of each unit to its linked units, 0 without links."""
    links = links.tocoo()
    rows, columns = links.coords
    lengths = metric.between(codebook[rows], codebook[columns])
    n_units = len(codebook)
    total = np.bincount(rows, weights=lengths, minlength=n_units)
    return total / np.maximum(np.bincount(rows, minlength=n_units), 1)


def nearest_several(metric, X, codebook, k, errors=None):
    """Find the k nearest units of every sample."""
    winners = np.empty((len(X), k), dtype=np.intp)
    distances = np.empty((len(X), k), dtype=X.dtype)
    size = max(1, _DISTANCES_AT_A_TIME // len(codebook))
    for rows in gen_batches(len(X), size):
        of_rows = None if errors is None else errors[rows]
        to_units = metric.distances(X[rows], codebook, errors=of_rows)
        # The first two come from the search that always finds them: a distance is the
        # root of a square, and roots of two squares may be the same number.
        nearest, _ = metric.nearest(X[rows], codebook, second=True, errors=of_rows)
        ranked = to_units.copy()
        np.put_along_axis(ranked, nearest, [[-2, -1]], axis=1)
        winners[rows] = _smallest(ranked, k)
        distances[rows] = np.take_along_axis(to_units, winners[rows], axis=1)
        winners[rows][nearest[:, 0] < 0] = -1
    return winners, distances


def _smallest(values, k):
    """Return the places of the k smallest values of each row, in order."""
    places = np.sort(np.argpartition(values, k - 1, axis=1)[:, :k], axis=1)
    largest = np.take_along_axis(values, places, axis=1).max(axis=1, keepdims=True)
    # Several may be as large as the k-th: the lowest of them belong to the k.
    tied = np.flatnonzero((values <= largest).sum(axis=1) > k)
    places[tied] = np.argsort(values[tied], axis=1, kind="stable")[:, :k]
    smallest = np.take_along_axis(values, places, axis=1)
    order = np.argsort(smallest, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)
