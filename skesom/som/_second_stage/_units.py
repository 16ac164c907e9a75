# SPDX-License-Identifier: BSD-3-Clause
"""What the second stage knows of the units of a map."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

_MOST_CELLS = 2**22  # of a table of all pairs of units


@dataclass(frozen=True)
class Units:
    """Units of a map and their training samples.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units, comparable by Euclidean distances.
    hits : ndarray of shape (n_units,)
        Samples by nearest unit.
    counts : csr_array of shape (n_units, n_units), default=None
        Samples by nearest and second nearest unit.
    radii : ndarray of shape (n_units,), default=None
        Mean distance of a unit and its samples, 0 without any.
    links : csr_array of shape (n_units, n_units), default=None
        Symmetric; units that the map connects.
    heights : ndarray of shape (n_units,), default=None
        The U-matrix: mean distance of a unit and those it is connected with.
    means : ndarray of shape (n_units, n_features), default=None
        Of the samples of each unit, comparable as the codebook is.
    covariances : ndarray of shape (n_units, n_features[, n_features]), default=None
        Of the samples of each unit, or their variances.
    deep : float, default=1.5
        Height of the pass of a valley of the U-matrix that is one by itself, over that
        of its ground.
    """

    codebook: np.ndarray
    hits: np.ndarray
    counts: sparse.csr_array | None = None
    radii: np.ndarray | None = None
    links: sparse.csr_array | None = None
    heights: np.ndarray | None = None
    means: np.ndarray | None = None
    covariances: np.ndarray | None = None
    deep: float = 1.5

    def __len__(self):
        return len(self.codebook)


def count_pairs(winners, n_units, weights=None):
    """Count how often two units are nearest and second nearest to a sample."""
    dtype = np.int64 if weights is None else weights.dtype
    known = winners[:, 1] >= 0
    if not known.all():
        winners = winners[known]
        weights = None if weights is None else weights[known]
    if n_units**2 <= _MOST_CELLS:
        pairs = winners[:, 0] * n_units + winners[:, 1]
        table = np.bincount(pairs, weights, minlength=n_units**2)
        table = table.astype(dtype, copy=False)
        return sparse.csr_array(table.reshape(n_units, n_units))
    if weights is None:
        weights = np.ones(len(winners), dtype=dtype)
    return sparse.coo_array(
        (weights, tuple(winners.T)), shape=(n_units, n_units)
    ).tocsr()


def both_ways(counts):
    """Return the pairs of different units of any sample, in both directions."""
    both = (counts + counts.T).tocoo()
    return *both.coords, both.data.astype(np.float64)
