# SPDX-License-Identifier: BSD-3-Clause
"""Numbers, distances and moments of the training samples of each unit."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skesom._common.lazy import add_up, in_memory
from skesom.som.codebook import readable
from skesom.som.grouping import add_moments
from skesom.som.metric import Metric
from skesom.som.second_stage.units import count_pairs
from skesom.som.threads import effective_n_threads

_MOST_CELLS = 2**23  # of the covariances of all units, 64 MB; beyond, variances only
ENOUGH_ROWS = 2**16  # to group units by; with a quarter two galaxies are met as well


class Summary(NamedTuple):
    """Training samples, or their weights, by their nearest units."""

    # Nearest unit, int32, -1 without any present feature; None for a lazy table.
    winners: np.ndarray | None
    counts: sparse.csr_array  # by nearest and second nearest unit; may be empty
    hits: np.ndarray  # (n_units,), by nearest unit
    radii: np.ndarray  # (n_units,), mean distance of its samples, 0 without any
    quantization_error: float  # mean distance of all
    means: np.ndarray | None = None  # of each unit, prepared by the metric
    covariances: np.ndarray | None = None  # or variances if those are too many
    sums: tuple = ()  # of the samples of each unit, and the weights of these


def summarize(samples, codebook, metric=None, wanted=()):
    """Count the training samples of each unit; "pairs", "moments", "sums" if wanted."""
    metric, local = metric or Metric(), not samples.is_lazy
    winners = np.empty(len(samples), dtype=np.int32) if local else None
    measure = partial(_sums_of_rows, metric, codebook, wanted, local)
    sums = samples.add_up(measure, out=winners)
    hits, totals, total, counts, *others = sums
    radii = totals / np.where(hits > 0, hits, 1)
    error = float(total / (hits.sum() or 1))
    summary = Summary(winners, counts, hits, radii, error)
    if "moments" in wanted:
        means, covariances = moments_of_units(metric.prepared(codebook), *others[:3])
        return summary._replace(means=means, covariances=covariances)
    return summary._replace(sums=others)


def _sums_of_rows(metric, codebook, wanted, local, samples):
    """Measure a block of samples at the units; a tuple of sums."""
    n_units, pairs = len(codebook), "pairs" in wanted
    X, errors = samples.X, samples.errors
    nearest, distances = metric.nearest(X, codebook, second=pairs, errors=errors)
    winners = (nearest[:, 0] if pairs else nearest).astype(np.int32)
    known = winners >= 0
    own = winners[known]
    lengths = distances = distances[known].astype(np.float64, copy=False)
    prepared, weights = metric.prepared(codebook), None
    if errors is not None:  # in which these distances are measured
        apart = metric.prepared(X[known]) - prepared[own]
        lengths = np.sqrt(np.nansum(np.square(apart, dtype=np.float64), axis=1))
    if samples.weights is not None:
        weights = samples.weights[known]
        distances, lengths = distances * weights, lengths * weights
    dtype = np.int64 if weights is None else np.float64
    counts = sparse.csr_array((n_units, n_units), dtype=dtype)
    if pairs:
        counts = count_pairs(nearest[known], n_units, weights)
    sums = (
        np.bincount(own, weights, minlength=n_units).astype(dtype),
        np.bincount(own, lengths, minlength=n_units),
        distances.sum(),
        counts,
    )
    if "moments" in wanted:
        rows = metric.prepared(X if known.all() else X[known])
        sums += sums_around_units(rows, own, prepared, weights)
    if "sums" in wanted:
        sums += metric.sums_by_unit(X, winners, n_units, samples.weights, errors)
    return (winners, *sums)[not local :]


def sums_around_units(rows, winners, codebook, weights=None):
    """Add up rows at their units, and the products of their features, around the unit.

    A missing feature counts as that of the unit.
    """
    n_units, n_features = codebook.shape
    full = n_units * n_features**2 <= _MOST_CELLS
    if weights is None:
        weights = np.ones(len(rows))
    small = np.uint16 if n_units < 2**16 else np.int32  # sorted by radix
    order = np.argsort(winners.astype(small), kind="stable")
    ends = np.bincount(winners, minlength=n_units).cumsum()
    held = np.bincount(winners, weights, minlength=n_units)
    first = np.zeros((n_units, n_features))
    second = np.zeros((n_units, n_features if full else 1, n_features))
    n_threads = effective_n_threads(len(rows) * second[0].size)
    add_moments(
        readable(rows),
        readable(weights),
        order,
        np.append(0, ends),
        readable(codebook.astype(rows.dtype, copy=False)),
        first,
        second,
        np.empty((n_threads, n_features)),
        n_threads,
    )
    return held, first, second if full else second[:, 0]


def moments_of_units(codebook, held, first, second):
    """Return means (the unit, without samples) and covariances, or variances."""
    divisor = np.where(held > 0, held, 1.0)[:, None]
    shift = first / divisor
    means = codebook.astype(np.float64) + shift
    if second.ndim == 2:  # a variance is never below 0, whatever rounding makes of it
        return means, np.maximum(second / divisor - shift**2, 0)
    lower = second / divisor[:, :, None] - shift[:, :, None] * shift[:, None, :]
    lower = np.tril(lower)
    covariances = lower + np.tril(lower, -1).transpose(0, 2, 1)
    variances = np.einsum("ujj->uj", covariances)
    np.maximum(variances, 0, out=variances)
    return means, covariances


def enough_rows(samples):
    """Return samples by which to group units, in memory, from the whole table."""
    n_used = len(samples)
    if samples.weights is not None:
        used = np.flatnonzero(in_memory(samples.weights))
        n_used = len(used)
    if n_used <= ENOUGH_ROWS:
        return samples.in_memory()
    rows = np.arange(ENOUGH_ROWS) * n_used // ENOUGH_ROWS
    if samples.weights is not None:
        rows = used[rows]
    return samples[rows]


def feature_means(X):
    """Return the mean of each feature over the samples that have it."""
    sums, counts = add_up(_sums_of_features, X)
    return (sums / counts).astype(X.dtype)


def _sums_of_features(X):
    counts = np.count_nonzero(~np.isnan(X), axis=0)
    return np.nansum(X, axis=0, dtype=np.float64), counts
