# SPDX-License-Identifier: BSD-3-Clause
"""Means and covariances of the samples of each unit, from one pass over the rows."""

import numpy as np

_MOST_CELLS = 2**23  # of the covariances of all units; beyond, variances only


class UnitMoments:
    """Sums over the samples of each unit, around the unit itself.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    """

    def __init__(self, codebook):
        n_units, n_features = codebook.shape
        self._codebook = codebook.astype(np.float64)
        self._held = np.zeros(n_units)
        self._first = np.zeros((n_units, n_features))
        full = n_units * n_features**2 <= _MOST_CELLS
        self._second = np.zeros((n_units, n_features) + full * (n_features,))

    def add(self, rows, winners, weights=None):
        """Add rows of shape (n_rows, n_features), each to its unit.

        A missing feature counts as that of the unit.
        """
        n_units = len(self._codebook)
        small = np.uint16 if n_units < 2**16 else np.int32  # sorted by radix
        order = np.argsort(winners.astype(small), kind="stable")
        hits = np.bincount(winners, minlength=n_units)
        ends = np.cumsum(hits)
        for unit in np.flatnonzero(hits):
            own = order[ends[unit] - hits[unit] : ends[unit]]
            apart = np.nan_to_num(rows[own] - self._codebook[unit])
            weighted = apart if weights is None else apart * weights[own, None]
            self._held[unit] += hits[unit] if weights is None else weights[own].sum()
            self._first[unit] += weighted.sum(axis=0)
            if self._second.ndim == 3:
                self._second[unit] += weighted.T @ apart
            else:
                self._second[unit] += (weighted * apart).sum(axis=0)

    def means(self):
        """Return an array of shape (n_units, n_features); the unit, without samples."""
        return self._codebook + self._shift()

    def covariances(self):
        """Return covariances, or variances if those would be too many numbers."""
        shift = self._shift()
        if self._second.ndim == 3:
            squares = shift[:, :, None] * shift[:, None, :]
            return self._second / self._divisor()[:, None, None] - squares
        return self._second / self._divisor()[:, None] - shift**2

    def _shift(self):
        return self._first / self._divisor()[:, None]

    def _divisor(self):
        return np.where(self._held > 0, self._held, 1.0)
