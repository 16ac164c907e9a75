# SPDX-License-Identifier: BSD-3-Clause
"""What the evolving and the classical map share once they have a codebook."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skesom.som._codebook import distances_to_units, nearest_units
from skesom.som._second_stage import count_pairs

_ROWS_PER_BLOCK = 1_000_000
MASKED = -3  # label of a row without any present feature, as in scikit-learn's HDBSCAN


class CodebookClusterer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Base of the maps: nearest units, and the clusters that they belong to.

    A subclass sets ``codebook_`` of shape (n_units, n_features) and ``unit_labels_``
    of shape (n_units,).
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self):
        return len(self.codebook_)

    def predict(self, X):
        """Return the cluster of every sample: the one of its nearest unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Cluster labels, -3 for a sample without any present feature.
        """
        return self._labels_of_winners(self.winners(X))

    def transform(self, X):
        """Measure the Euclidean distance of every sample to every unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_units)
            Of the dtype of the codebook. Over missing features the distance is
            scaled up to all of them; NaN for a sample without any present feature.
        """
        return distances_to_units(self._check_samples(X), self.codebook_)

    def winners(self, X, *, return_distance=False):
        """Find the best-matching unit of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        return_distance : bool, default=False
            Whether to return the distance too.

        Returns
        -------
        winners : ndarray of shape (n_samples,), dtype intp
            Index of the nearest unit, the lowest if several are as near; -1 for a
            sample without any present feature.
        distances : ndarray of shape (n_samples,)
            Distance to the winner; only if `return_distance` is true.
        """
        winners, distances = nearest_units(self._check_samples(X), self.codebook_)
        return (winners, distances) if return_distance else winners

    def u_matrix(self):
        """Return the mean distance of each unit to the units it is connected with.

        Returns
        -------
        distances : ndarray of shape (n_units,)
            0 for a unit without connections. High values are borders between clusters
            (Ultsch & Siemon 1990).
        """
        check_is_fitted(self)
        links = self.connections_.tocoo()
        rows, columns = links.coords
        lengths = np.linalg.norm(self.codebook_[rows] - self.codebook_[columns], axis=1)
        n_units = len(self.codebook_)
        total = np.bincount(rows, weights=lengths, minlength=n_units)
        return total / np.maximum(np.bincount(rows, minlength=n_units), 1)

    def score(self, X, y=None):
        """Return minus the mean quantization error, so that more is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        y : None
            Ignored, present for API consistency.

        Returns
        -------
        score : float
            Minus the mean distance to the nearest unit. It does not look at clusters:
            to compare numbers of clusters, use a scorer of `skesom.metrics`.
        """
        _, distances = self.winners(X, return_distance=True)
        return -mean_distance(distances)

    def _check_samples(self, X):
        """Return X as the kernels want it, compared with the fitted features."""
        check_is_fitted(self)
        return validate_data(
            self,
            X,
            dtype=self.codebook_.dtype,
            order="C",
            ensure_all_finite="allow-nan",
            reset=False,
        )

    def _check_training_samples(self, X, *, reset=True):
        """Return X as the kernels want it; refuse what cannot be learned from."""
        X = validate_data(
            self,
            _native(X),
            dtype=[np.float64, np.float32],
            order="C",
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        _check_span(X)
        observed = np.zeros(X.shape[1], dtype=bool)
        for begin in range(0, len(X), 65536):
            observed |= ~np.isnan(X[begin : begin + 65536]).all(axis=0)
            if observed.all():
                return X
        raise ValueError(
            f"{type(self).__name__} got {np.count_nonzero(~observed)} features that "
            f"are NaN in all {len(X)} samples: columns "
            f"{np.flatnonzero(~observed).tolist()}. Leave them out."
        )

    def _check_enough_samples(self, X):
        """Refuse fewer samples than clusters, as KMeans does."""
        if isinstance(self.n_clusters, Integral) and len(X) < self.n_clusters:
            raise ValueError(
                f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}."
            )

    def _labels_of_winners(self, winners):
        labels = self.unit_labels_[winners]
        labels[winners < 0] = MASKED
        return labels


def _check_span(X):
    """Refuse values so large or small that the squares of distances are lost."""
    some = X[:: max(1, len(X) // 65536)]
    some = some[~np.isnan(some)]
    if some.size == 0:
        return
    span = float(some.max()) - float(some.min())
    most = float(np.sqrt(np.finfo(X.dtype).max)) / 100
    if span > most or 0 < span < 1 / most:
        raise ValueError(
            f"The features span {span:.3g}, and squares of such distances do not fit "
            f"into {X.dtype}. Scale the features first, for instance with "
            "sklearn.preprocessing.StandardScaler, or pass float64."
        )


def _native(X):
    """Return an array in native byte order; FITS data are big-endian."""
    if isinstance(X, np.ndarray) and not X.dtype.isnative:
        return X.astype(X.dtype.newbyteorder("="))
    return X


def random_generator(random_state):
    """Return the RandomState to draw from; None is a fresh one, not NumPy's global.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        As scikit-learn takes it.

    Returns
    -------
    generator : numpy.random.RandomState
        Drawing from it leaves the caller's global random state as it was.
    """
    return check_random_state(
        np.random.RandomState() if random_state is None else random_state
    )


def summarize(X, codebook):
    """Count the training samples of each unit and of each pair of units.

    Blocks of rows keep the memory small beside that of X.

    Parameters
    ----------
    X : C-contiguous ndarray of shape (n_samples, n_features)
        Training samples.
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units, of the dtype of X.

    Returns
    -------
    winners : ndarray of shape (n_samples,), dtype int32
        Nearest unit of each sample, -1 without any present feature.
    counts : csr_array of shape (n_units, n_units), dtype int64
        Samples by nearest and second nearest unit.
    hits : ndarray of shape (n_units,), dtype int64
        Samples by nearest unit.
    quantization_error : float
        Mean distance of the samples to their nearest unit.
    """
    n_units = len(codebook)
    winners = np.empty(len(X), dtype=np.int32)
    counts = sparse.csr_array((n_units, n_units), dtype=np.int64)
    hits = np.zeros(n_units, dtype=np.int64)
    total = 0.0
    for begin in range(0, len(X), _ROWS_PER_BLOCK):
        block = slice(begin, begin + _ROWS_PER_BLOCK)
        pairs, distances = nearest_units(X[block], codebook, second=True)
        winners[block] = pairs[:, 0]
        known = pairs[:, 0] >= 0
        counts += count_pairs(pairs, n_units)
        hits += np.bincount(pairs[known, 0], minlength=n_units)
        total += float(np.sum(distances[known], dtype=np.float64))
    return winners, counts, hits, total / max(int(hits.sum()), 1)


def feature_means(X):
    """Return the mean of each feature over the samples that have it.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples; NaN marks missing features.

    Returns
    -------
    means : ndarray of shape (n_features,)
        Of the dtype of X, summed in float64 over blocks of rows.
    """
    sums = np.zeros(X.shape[1])
    counts = np.zeros(X.shape[1])
    for begin in range(0, len(X), _ROWS_PER_BLOCK):
        block = X[begin : begin + _ROWS_PER_BLOCK]
        sums += np.nansum(block, axis=0, dtype=np.float64)
        counts += np.count_nonzero(~np.isnan(block), axis=0)
    return (sums / counts).astype(X.dtype)


def mean_distance(distances):
    """Return the mean of the distances that are known, NaN without any."""
    known = ~np.isnan(distances)
    if not known.any():
        return float("nan")
    return float(np.mean(distances[known], dtype=np.float64))
