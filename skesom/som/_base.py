# SPDX-License-Identifier: BSD-3-Clause
"""What the evolving and the classical map share once they have a codebook."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import MASKED
from skesom.som._codebook_map import CodebookMap, mean_distances
from skesom.som._metric import Metric
from skesom.som._second_stage import (
    RULES,
    Units,
    count_pairs,
    group_units,
    labels_by_size,
    majority_groups,
)
from skesom.som._unit_moments import UnitMoments

_ROWS_PER_BLOCK = 1_000_000


class CodebookClusterer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, CodebookMap
):
    """Base of the maps whose units belong to clusters.

    A subclass sets what `CodebookMap` names, and ``unit_labels_`` of shape (n_units,).
    It has the parameters `n_clusters` and `clusterer`.
    """

    _deep_valley = 1.5  # the U-matrix of a lattice is smooth
    _clusterer_constraint = [StrOptions(set(RULES)), HasMethods(["fit_predict"])]
    _n_clusters_constraint = [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
        HasMethods(["fit_predict"]),
        None,
    ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self):
        return len(self.codebook_)

    def predict(self, X, errors=None):
        """Return the cluster of every sample.

        It is the one of its nearest unit; where `mixture_` is not None, and the sample
        is complete and comes without errors, that of the most probable normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int32
            Cluster labels, -3 for a sample without any present feature.
        """
        check_is_fitted(self)
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        if errors is None and self.mixture_ is not None:
            complete = ~np.isnan(X).any(axis=1)
            if complete.all():  # nobody asks for the nearest units
                return self.mixture_.predict(self._metric().prepared(X))
        winners, _ = self._metric().nearest(
            X, self.codebook_, errors=errors, measured=False
        )
        if errors is not None:
            return self._labels_of_winners(winners)
        return self._labels(X, winners)

    def transform(self, X, errors=None):
        """Measure the distance of every sample to every unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_units)
            Of the dtype of the codebook. Over missing features the distance is
            scaled up to all of them; NaN for a sample without any present feature.
        """
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        return self._metric().distances(X, self.codebook_, errors=errors)

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

    def _check_enough_samples(self, X):
        """Refuse fewer samples than clusters, as KMeans does."""
        if not isinstance(self._grouping(), str):
            return
        if isinstance(self.n_clusters, Integral) and len(X) < self.n_clusters:
            raise ValueError(
                f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}."
            )

    def _grouping(self):
        """Return how units are grouped; a clusterer may be either parameter's value."""
        if hasattr(self.n_clusters, "fit_predict"):
            return self.n_clusters
        return self.clusterer

    def _grouped_by(self, *names):
        rule = self._grouping()
        return isinstance(rule, str) and rule in names

    def _needs_pairs(self):
        """Tell whether the rule counts the second nearest units."""
        return self._grouped_by("graph", "two-winners")

    def _needs_moments(self):
        """Tell whether the rule may fit normal distributions to the units."""
        return self._grouped_by("graph") and isinstance(self.n_clusters, Integral)

    def _groups(self, codebook, summary, links):
        """Group the units by the rule and the number that the parameters name."""
        heights = None
        if self._grouped_by("umatrix"):
            heights = mean_distances(self._metric(), codebook, links)
        units = Units(
            self._metric().prepared(codebook),
            summary.hits,
            summary.counts,
            summary.radii,
            links,
            heights,
            summary.means,
            summary.covariances,
            self._deep_valley,
        )
        return group_units(units, self._grouping(), self.n_clusters)

    def _set_labels(self, X, groups, mixture, summary, sample_weight=None):
        """Set the labels of units and samples, numbered by the samples of each."""
        codebook = self._metric().prepared(self.codebook_)
        self.unit_labels_ = labels_by_size(groups, codebook, self.hits_)
        self.mixture_ = None
        if mixture is not None:
            of_group = np.empty(groups.max() + 1, dtype=np.int32)
            of_group[groups] = self.unit_labels_
            labels = of_group[: len(mixture.labels)]
            self.mixture_ = mixture._replace(labels=labels)
        self.labels_ = self._labels(X, summary.winners)
        if self.mixture_ is not None:
            self._number_by_size(sample_weight)

    def _take_labels(self, X, labels):
        """Give units and normals the labels that most of their samples have."""
        X = self._check_samples(X)
        winners, _ = self._metric().nearest(X, self.codebook_, measured=False)
        codebook = self._metric().prepared(self.codebook_)
        if self.mixture_ is not None:
            numbers = np.arange(len(self.mixture_.labels), dtype=np.int32)
            self.mixture_ = self.mixture_._replace(labels=numbers)
            of_normal = majority_groups(
                self._labels(X, winners), labels, self.mixture_.means
            )
            self.mixture_ = self.mixture_._replace(labels=of_normal)
        self.unit_labels_ = majority_groups(winners, labels, codebook)
        self.labels_ = self._labels(X, winners)

    def _number_by_size(self, sample_weight):
        """Sort the clusters by size again, after samples were given to normals."""
        inside = self.labels_ >= 0
        weights = None if sample_weight is None else sample_weight[inside]
        sizes = np.bincount(
            self.labels_[inside], weights, minlength=self.unit_labels_.max() + 1
        )
        rank = np.empty(len(sizes), dtype=np.int32)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes), dtype=np.int32)
        self.unit_labels_ = rank[self.unit_labels_]
        self.mixture_ = self.mixture_._replace(labels=rank[self.mixture_.labels])
        self.labels_[inside] = rank[self.labels_[inside]]

    def _labels(self, X, winners):
        """Return the clusters of samples whose nearest units are known."""
        labels = self._labels_of_winners(winners)
        if self.mixture_ is not None:
            normal = ~np.isnan(X).any(axis=1)
            rows = X if normal.all() else X[normal]
            labels[normal] = self.mixture_.predict(self._metric().prepared(rows))
        return labels

    def _labels_of_winners(self, winners):
        labels = self.unit_labels_[winners]
        labels[winners < 0] = MASKED
        return labels


def random_generator(random_state):
    """Return the RandomState to draw from; None is a fresh one, not NumPy's global."""
    return check_random_state(
        np.random.RandomState() if random_state is None else random_state
    )


class Summary(NamedTuple):
    """What the training samples tell of the units.

    Parameters
    ----------
    winners : ndarray of shape (n_samples,), dtype int32
        Nearest unit of each sample, -1 without any present feature.
    counts : csr_array of shape (n_units, n_units), dtype int64
        Samples by nearest and second nearest unit; float64 sums of weights if there
        are any; empty if they are not wanted.
    hits : ndarray of shape (n_units,), dtype int64
        Samples by nearest unit, or their weights.
    radii : ndarray of shape (n_units,), dtype float64
        Mean distance of each unit and its samples, 0 without any.
    quantization_error : float
        Mean distance of the samples to their nearest unit.
    means : ndarray of shape (n_units, n_features), dtype float64, or None
        Of the samples of each unit, prepared by the metric; None if not wanted.
    covariances : ndarray of shape (n_units, n_features[, n_features]) or None
        Of the samples of each unit, or their variances where units and features are
        too many.
    """

    winners: np.ndarray
    counts: sparse.csr_array
    hits: np.ndarray
    radii: np.ndarray
    quantization_error: float
    means: np.ndarray | None = None
    covariances: np.ndarray | None = None


def summarize(
    X,
    codebook,
    sample_weight=None,
    *,
    metric=None,
    errors=None,
    with_pairs=True,
    with_moments=False,
):
    """Count the training samples of each unit and of each pair of units.

    Blocks of rows keep the memory small beside that of X.
    """
    metric = metric or Metric()
    n_units = len(codebook)
    dtype = np.int64 if sample_weight is None else np.float64
    winners = np.empty(len(X), dtype=np.int32)
    counts = sparse.csr_array((n_units, n_units), dtype=dtype)
    hits = np.zeros(n_units, dtype=dtype)
    totals = np.zeros(n_units)
    moments = UnitMoments(metric.prepared(codebook)) if with_moments else None
    total = 0.0
    for begin in range(0, len(X), _ROWS_PER_BLOCK):
        block = slice(begin, begin + _ROWS_PER_BLOCK)
        nearest, distances = metric.nearest(
            X[block],
            codebook,
            second=with_pairs,
            errors=None if errors is None else errors[block],
        )
        winners[block] = nearest[:, 0] if with_pairs else nearest
        known = winners[block] >= 0
        of_block = winners[block][known]
        distances = distances[known].astype(np.float64, copy=False)
        weights = None
        if sample_weight is not None:
            weights = sample_weight[block][known]
            distances = distances * weights
        if with_pairs:
            counts += count_pairs(nearest[known], n_units, weights)
        if with_moments:
            rows = X[block] if known.all() else X[block][known]
            moments.add(metric.prepared(rows), of_block, weights)
        hits += np.bincount(of_block, weights, minlength=n_units).astype(dtype)
        totals += np.bincount(of_block, distances, minlength=n_units)
        total += distances.sum()
    radii = totals / np.where(hits > 0, hits, 1)
    error = float(total / (hits.sum() or 1))
    if not with_moments:
        return Summary(winners, counts, hits, radii, error)
    of_units = moments.means(), moments.covariances()
    return Summary(winners, counts, hits, radii, error, *of_units)


def feature_means(X):
    """Return the mean of each feature over the samples that have it."""
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
