# SPDX-License-Identifier: BSD-3-Clause
"""Numbers, distances and moments of the training samples of each unit."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from skesom.som._metric import Metric, membership
from skesom.som._second_stage._units import count_pairs

_ROWS_PER_BLOCK = 1_000_000
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
    metric = metric or Metric()
    n_units = len(codebook)
    dtype = np.int64 if sample_weight is None else np.float64
    winners = np.empty(len(X), dtype=np.int32)
    counts = sparse.csr_array((n_units, n_units), dtype=dtype)
    hits = np.zeros(n_units, dtype=dtype)
    totals = np.zeros(n_units)
    moments = UnitMoments(metric.prepared(codebook)) if with_moments else None
    total = 0.0
    for block in gen_batches(len(X), _ROWS_PER_BLOCK):
        of_block = None if errors is None else errors[block]
        found = metric.nearest(X[block], codebook, second=with_pairs, errors=of_block)
        nearest, distances = found
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
    of_units = moments.moments() if with_moments else ()
    return Summary(winners, counts, hits, radii, error, *of_units)


class UnitMoments:
    """Moments of the samples of each unit, summed around the unit itself."""

    def __init__(self, codebook):
        n_units, n_features = codebook.shape
        self._codebook = codebook.astype(np.float64)
        self._held = np.zeros(n_units)
        self._first = np.zeros((n_units, n_features))
        full = n_units * n_features**2 <= _MOST_CELLS
        self._second = np.zeros((n_units, n_features) + full * (n_features,))

    def add(self, rows, winners, weights=None):
        """Add rows to their units; a missing feature counts as that of the unit."""
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

    def moments(self):
        """Return means (the unit, without samples) and covariances, or variances."""
        divisor = np.where(self._held > 0, self._held, 1.0)[:, None]
        shift = self._first / divisor
        squares = shift**2
        if self._second.ndim == 3:
            squares = shift[:, :, None] * shift[:, None, :]
            divisor = divisor[:, :, None]
        return self._codebook + shift, self._second / divisor - squares


def feature_means(X):
    """Return the mean of each feature over the samples that have it."""
    sums, counts = np.zeros((2, X.shape[1]))
    for rows in gen_batches(len(X), _ROWS_PER_BLOCK):
        sums += np.nansum(X[rows], axis=0, dtype=np.float64)
        counts += np.count_nonzero(~np.isnan(X[rows]), axis=0)
    return (sums / counts).astype(X.dtype)


def cluster_means(X, labels, n_clusters, sample_weight=None):
    """Return the means of the samples of each cluster; NaN for a feature of none."""
    sums, counts = np.zeros((2, n_clusters, X.shape[1]))
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    for rows in gen_batches(len(X), _ROWS_PER_BLOCK // 16):
        values, own, weight = X[rows], labels[rows], weights[rows]
        inside = own >= 0
        if not inside.all():
            values, own, weight = values[inside], own[inside], weight[inside]
        belongs = membership(own, n_clusters, weight)
        missing = np.isnan(values)
        if missing.any():
            sums += belongs @ np.where(missing, 0, values)
            counts += belongs @ (~missing).astype(np.float64)
        else:
            sums += belongs @ values
            counts += np.bincount(own, weight, n_clusters)[:, np.newaxis]
    means = np.full_like(sums, np.nan)
    return np.divide(sums, counts, out=means, where=counts > 0).astype(X.dtype)
