# SPDX-License-Identifier: BSD-3-Clause
"""Sums over the rows of pieces, from which any cut has its centers."""

from functools import partial
from typing import NamedTuple

import numpy as np

from skesom._common.lazy import add_up, parts_of
from skesom.som.cluster_sums import means_of, sums_by_label
from skesom.som.metric import Metric, sums_by_group
from skesom.som.samples import Samples


class PieceSums(NamedTuple):
    """What is added up of the rows of pieces, from which any cut has its centers."""

    means: np.ndarray  # (n_pieces, n_features), about those of the pieces
    sums: np.ndarray  # (n_pieces, n_features), of features
    counts: np.ndarray  # (n_pieces, n_features), rows that have them
    squares: np.ndarray  # (n_pieces,), of distances of rows to the means
    # (n_pieces, n_features): of the same rows, differences from the means, and their
    # weights in these squares, which are scaled up over missing features.
    shifts: np.ndarray
    weights: np.ndarray

    def of_clusters(self, clusters, n_clusters, dtype):
        """Return the centers of clusters, and the sum of squared distances to them.

        Parameters
        ----------
        clusters : ndarray of int of shape (n_pieces,)
        n_clusters : int
        dtype : dtype
            Of the centers.

        Returns
        -------
        centers : ndarray of shape (n_clusters, n_features)
        inertia : float
        """
        shape = (n_clusters, self.means.shape[1])
        sums = np.zeros(shape)
        counts = np.zeros(shape)
        np.add.at(sums, clusters, self.sums)
        np.add.at(counts, clusters, self.counts)
        centers = means_of(sums, counts, dtype)
        # From the means of the pieces, which are near their rows, to the centers: no
        # digits are lost to an offset, and no second pass is needed.
        moved = centers[clusters] - self.means
        moved[self.weights == 0] = 0
        around_centers = (self.weights * moved**2 - 2 * self.shifts * moved).sum()
        return centers, float(max(self.squares.sum() + around_centers, 0.0))


def means_of_pieces(X, pieces, n_pieces):
    """Return the means of pieces, of shape (n_pieces, n_features).

    A feature that no row of a piece has is the mean of all rows.
    """
    values = X.astype(np.float64)
    sums, counts = sums_by_group(values, pieces.astype(np.intp), n_pieces, missing=True)
    mean_of_all = sums.sum(axis=0) / counts.sum(axis=0).clip(1)
    return np.where(counts > 0, sums / counts.clip(1), mean_of_all)


def sum_up_pieces(means, pieces, X):
    """Return the sizes of pieces and their `PieceSums`, from one pass over the rows.

    Members vote again for each pass over lazy rows.

    Parameters
    ----------
    means : ndarray of shape (n_pieces, n_features)
        About those of the pieces.
    pieces : array of int of shape (n_rows,)
        Piece of each row, below 0 for none.
    X : array of shape (n_rows, n_features)

    Returns
    -------
    sizes : ndarray of shape (n_pieces,)
    sums : PieceSums
    """
    sizes, sums, counts, squares, shifts, weights = add_up(
        partial(_sums_of_block, means), pieces, X
    )
    piece_sums = PieceSums(
        means=means,
        sums=sums,
        counts=counts,
        squares=squares,
        shifts=shifts,
        weights=weights,
    )
    return sizes, piece_sums


def _sums_of_block(means, pieces, X):
    """Return the sizes of pieces, and what `PieceSums` has of them, for some rows."""
    n_pieces = len(means)
    squares = np.zeros(n_pieces)
    shifts = np.zeros(means.shape)
    weights = np.zeros(means.shape)
    for part in parts_of(X):
        rows = np.flatnonzero(pieces[part] >= 0) + part.start
        pieces_of_rows = pieces[rows].astype(np.intp)
        differences = X[rows] - means[pieces_of_rows]
        n_present = np.count_nonzero(~np.isnan(differences), axis=1)
        # Distances are scaled up over missing features, as everywhere.
        scale = X.shape[1] / np.maximum(n_present, 1)
        shifts_of_part, weights_of_part = sums_by_group(
            differences, pieces_of_rows, n_pieces, scale, missing=True
        )
        shifts += shifts_of_part
        weights += weights_of_part
        squares_of_rows = scale * np.nansum(differences**2, axis=1)
        squares += np.bincount(
            pieces_of_rows, weights=squares_of_rows, minlength=n_pieces
        )
    sizes, sums, counts = sums_by_label(n_pieces, pieces, Samples(X))
    return sizes, sums, counts, squares, shifts, weights


def sum_of_squares(centers, labels, X):
    """Return the sum of squared distances of rows to centers, and how many have one.

    Parameters
    ----------
    centers : ndarray of shape (n_clusters, n_features)
    labels : array of int of shape (n_rows,)
        Cluster of each row, below 0 for none.
    X : array of shape (n_rows, n_features)
    """
    return add_up(partial(_squares_of_block, centers), labels, X)


def _squares_of_block(centers, labels, X):
    distances = Metric().distances_to_own(X, centers, labels)
    distances = distances[~np.isnan(distances)]
    return np.square(distances).sum(), len(distances)
