# SPDX-License-Identifier: BSD-3-Clause
"""Numbers, distances and moments of the training samples of each unit."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skesom._common.lazy import add_up, is_lazy, parts_of
from skesom.som._metric import Metric, membership
from skesom.som._second_stage._units import count_pairs

_MOST_CELLS = 2**23  # of the covariances of all units; beyond, variances only


class Summary(NamedTuple):
    """Training samples, or their weights, by their nearest units."""

    winners: np.ndarray  # nearest unit, int32, -1 without any present feature
    counts: sparse.csr_array  # by nearest and second nearest unit; may be empty
    hits: np.ndarray  # by nearest unit
    radii: np.ndarray  # mean distance of each unit and its samples, 0 without any
    quantization_error: float  # mean distance of all
    means: np.ndarray | None = None  # of each unit, prepared by the metric
    covariances: np.ndarray | None = None  # or variances if those are too many


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
    """Count the training samples of each unit and of each pair of units."""
    metric, local = metric or Metric(), not is_lazy(X)
    measure = _Measure(metric, codebook, with_pairs, with_moments, with_winners=local)
    winners = np.empty(len(X), dtype=np.int32) if local else None
    sums = add_up(measure, X, sample_weight, errors, out=winners)
    hits, totals, total, counts, *moments = sums
    radii = totals / np.where(hits > 0, hits, 1)
    error = float(total / (hits.sum() or 1))
    if moments:
        moments = moments_of_units(metric.prepared(codebook), *moments)
    return Summary(winners, counts, hits, radii, error, *moments)


class _Measure(NamedTuple):
    """Measures a block of samples at the units; a tuple of sums."""

    metric: Metric
    codebook: np.ndarray
    with_pairs: bool
    with_moments: bool
    with_winners: bool

    def __call__(self, X, sample_weight, errors):
        n_units, pairs = len(self.codebook), self.with_pairs
        found = self.metric.nearest(X, self.codebook, second=pairs, errors=errors)
        nearest, distances = found
        winners = (nearest[:, 0] if pairs else nearest).astype(np.int32)
        known = winners >= 0
        own = winners[known]
        distances = distances[known].astype(np.float64, copy=False)
        weights = None
        if sample_weight is not None:
            weights = sample_weight[known]
            distances = distances * weights
        dtype = np.int64 if weights is None else np.float64
        counts = sparse.csr_array((n_units, n_units), dtype=dtype)
        if pairs:
            counts = count_pairs(nearest[known], n_units, weights)
        sums = (
            np.bincount(own, weights, minlength=n_units).astype(dtype),
            np.bincount(own, distances, minlength=n_units),
            distances.sum(),
            counts,
        )
        if self.with_moments:
            rows = self.metric.prepared(X if known.all() else X[known])
            prepared = self.metric.prepared(self.codebook)
            sums += sums_around_units(rows, own, prepared, weights)
        return (winners, *sums) if self.with_winners else sums


def sums_around_units(rows, winners, codebook, weights=None):
    """Add up rows at their units, and the products of their features, around the unit.

    A missing feature counts as that of the unit.
    """
    n_units, n_features = codebook.shape
    full = n_units * n_features**2 <= _MOST_CELLS
    held = np.bincount(winners, weights, minlength=n_units).astype(np.float64)
    first = np.zeros((n_units, n_features))
    second = np.zeros((n_units, n_features) + full * (n_features,))
    codebook = codebook.astype(np.float64)
    for part in parts_of(rows):
        of_part = None if weights is None else weights[part]
        _add_around_units(rows[part], winners[part], codebook, of_part, first, second)
    return held, first, second


def _add_around_units(rows, winners, codebook, weights, first, second):
    """Add the sums of some rows to those of the units."""
    small = np.uint16 if len(codebook) < 2**16 else np.int32  # sorted by radix
    order = np.argsort(winners.astype(small), kind="stable")
    units, starts = np.unique(winners[order], return_index=True)
    apart = codebook[winners[order]]
    np.subtract(rows[order], apart, out=apart)
    apart[np.isnan(apart)] = 0.0
    weighted = apart if weights is None else apart * weights[order, None]
    first[units] += np.add.reduceat(weighted, starts)
    if second.ndim == 2:
        second[units] += np.add.reduceat(weighted * apart, starts)
        return
    ends = np.append(starts[1:], len(order))
    for unit, start, end in zip(units, starts, ends, strict=True):
        second[unit] += weighted[start:end].T @ apart[start:end]


def moments_of_units(codebook, held, first, second):
    """Return means (the unit, without samples) and covariances, or variances."""
    divisor = np.where(held > 0, held, 1.0)[:, None]
    shift = first / divisor
    squares = shift**2
    if second.ndim == 3:
        squares = shift[:, :, None] * shift[:, None, :]
        divisor = divisor[:, :, None]
    return codebook.astype(np.float64) + shift, second / divisor - squares


def feature_means(X):
    """Return the mean of each feature over the samples that have it."""
    sums, counts = add_up(_sums_of_features, X)
    return (sums / counts).astype(X.dtype)


def _sums_of_features(X):
    return np.nansum(X, axis=0, dtype=np.float64), np.count_nonzero(
        ~np.isnan(X), axis=0
    )


def cluster_means(X, labels, n_clusters, sample_weight=None):
    """Return the means of the samples of each cluster; NaN for a feature of none."""
    sums, counts = add_up(
        partial(_sums_of_clusters, n_clusters=n_clusters), X, labels, sample_weight
    )
    means = np.full_like(sums, np.nan)
    return np.divide(sums, counts, out=means, where=counts > 0).astype(X.dtype)


def _sums_of_clusters(X, labels, sample_weight, n_clusters):
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    sums, counts = np.zeros((2, n_clusters, X.shape[1]))
    for part in parts_of(X):
        inside = np.flatnonzero(labels[part] >= 0) + part.start
        values, own, weights = X[inside], labels[inside], weight[inside]
        belongs = membership(own, n_clusters, weights)
        missing = np.isnan(values)
        if missing.any():
            counts += belongs @ (~missing).astype(np.float64)
            values[missing] = 0
        else:
            counts += np.bincount(own, weights, n_clusters)[:, np.newaxis]
        sums += belongs @ values
    return sums, counts
