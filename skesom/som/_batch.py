# SPDX-License-Identifier: BSD-3-Clause
"""An epoch of batch training: sums over the samples of each unit, and their means."""

import numpy as np

# A denominator below this is out of reach of every sample (36 sigma): beyond,
# gaussian weights are no longer accurate numbers, and then 0.
_SMALLEST_WEIGHT = 1e-290


def mean_sums(metric, X, codebook, sample_weight=None, errors=None, missing=None):
    """Return the sums over the samples of each unit, for one sample or unit of weight.

    Parameters
    ----------
    metric : Metric
        Finds the unit of each sample and adds up.
    X, codebook, sample_weight, errors, missing
        As for `Metric.sums`.

    Returns
    -------
    sums : ndarray of shape (n_units, n_features), dtype float64
        Sums over the present features.
    counts : ndarray of shape (n_units, 1 or n_features), dtype float64
        Sums of the weights.
    """
    total = len(X) if sample_weight is None else sample_weight.sum()
    sums = metric.sums(
        X, codebook, sample_weight=sample_weight, errors=errors, missing=missing
    )
    return tuple(part / total for part in sums)


def moved(codebook, lattice, sums, counts, neighborhood, sigma):
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
    neighborhood : Neighborhood
        How much a unit takes from the others.
    sigma : float
        Width of the neighborhood.

    Returns
    -------
    codebook : ndarray of shape (n_units, n_features)
        w_i = sum_j h_ij sums_j / sum_j h_ij counts_j, of the dtype of the codebook.
    """
    smoothed = lattice.smooth(np.hstack([sums, counts]), sigma, neighborhood)
    sums, weights = np.split(smoothed, [sums.shape[1]], axis=1)
    reached = weights >= _SMALLEST_WEIGHT
    means = sums / np.where(reached, weights, 1)
    return np.where(reached, means, codebook).astype(codebook.dtype)
