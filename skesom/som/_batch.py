# SPDX-License-Identifier: BSD-3-Clause
"""An epoch of batch training: sums over the samples of each unit, and their means."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from skesom.som._codebook import by_feature, nearest_units, padded
from skesom.som._threads import effective_n_threads
from skesom.som._training import sum_by_winner

_ROWS_PER_CHUNK = 16384  # of the sums over samples; at most this many chunks:
_MOST_CHUNKS = 16
# A denominator below this is out of reach of every sample (36 sigma): beyond,
# gaussian weights are no longer accurate numbers, and then 0.
_SMALLEST_WEIGHT = 1e-290


def sums_over_samples(X, codebook, sample_weight=None):
    """Return sums and counts of the samples nearest to each unit.

    Parameters
    ----------
    X : C-contiguous ndarray of shape (n_samples, n_features)
        Samples; NaN marks missing features.
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units, of the dtype of X.
    sample_weight : ndarray of shape (n_samples,), default=None
        How often a sample counts; once by default.

    Returns
    -------
    sums : ndarray of shape (n_units, n_features), dtype float64
        Sums over the present features.
    counts : ndarray of shape (n_units, 1 or n_features), dtype float64
        Samples, or present features if some are missing.
    """
    n_units, n_features = codebook.shape
    n_threads = effective_n_threads()
    n_chunks = int(np.clip(len(X) // _ROWS_PER_CHUNK, 1, _MOST_CHUNKS))
    bounds = np.linspace(0, len(X), n_chunks + 1).astype(np.intp)
    missing = any(np.isnan(X[begin:end]).any() for begin, end in pairwise(bounds))
    if sample_weight is not None:
        return _weighted_sums(X, codebook, sample_weight, missing)
    sums = np.zeros((n_chunks, n_units, n_features))
    counts = np.zeros((n_chunks, n_units, n_features if missing else 1))
    sum_by_winner(
        X,
        by_feature(codebook),
        n_units,
        bounds,
        np.empty((n_threads, n_features), dtype=np.intc),
        np.empty((n_threads, padded(n_units)), dtype=X.dtype),
        sums,
        counts,
        n_threads,
    )
    return sums.sum(axis=0), counts.sum(axis=0)


def mean_sums(X, codebook, sample_weight=None):
    """Return `sums_over_samples` divided by the number of samples, or their weight."""
    total = len(X) if sample_weight is None else sample_weight.sum()
    return tuple(part / total for part in sums_over_samples(X, codebook, sample_weight))


def _weighted_sums(X, codebook, sample_weight, missing):
    """Add up the samples of each unit times their weights, in blocks of rows."""
    n_units, n_features = codebook.shape
    sums = np.zeros((n_units, n_features))
    counts = np.zeros((n_units, n_features if missing else 1))
    for begin in range(0, len(X), _ROWS_PER_CHUNK):
        block = X[begin : begin + _ROWS_PER_CHUNK]
        winners, _ = nearest_units(block, codebook)
        known = np.flatnonzero(winners >= 0)
        weights = sample_weight[begin : begin + _ROWS_PER_CHUNK][known]
        share = sparse.csr_array(
            (weights, (winners[known], known)), shape=(n_units, len(block))
        )
        sums += share @ np.nan_to_num(block.astype(np.float64))
        counts += share @ (~np.isnan(block[:, : counts.shape[1]])).astype(np.float64)
    return sums, counts


def moved(codebook, lattice, sums, counts, neighbourhood, sigma):
    """Return the codebook after a batch update; units without weight stay.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    lattice : Lattice
        Where they stand.
    sums : ndarray of shape (n_units, n_features)
        Sums of the samples of each unit.
    counts : ndarray of shape (n_units, 1 or n_features)
        Their numbers.
    neighbourhood : Neighbourhood
        How much a unit takes from the others.
    sigma : float
        Width of the neighbourhood.

    Returns
    -------
    codebook : ndarray of shape (n_units, n_features)
        w_i = sum_j h_ij sums_j / sum_j h_ij counts_j, of the dtype of the codebook.
    """
    smoothed = lattice.smooth(np.hstack([sums, counts]), sigma, neighbourhood)
    sums, weights = np.split(smoothed, [sums.shape[1]], axis=1)
    reached = weights >= _SMALLEST_WEIGHT
    means = sums / np.where(reached, weights, 1)
    return np.where(reached, means, codebook).astype(codebook.dtype)
