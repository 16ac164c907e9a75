# SPDX-License-Identifier: BSD-3-Clause
"""An epoch of batch training: sums over the samples of each unit, and their means."""

import numpy as np

# A denominator below this is out of reach of every sample (36 sigma): beyond,
# gaussian weights are no longer accurate numbers, and then 0.
_SMALLEST_WEIGHT = 1e-290


def mean_sums(metric, X, codebook, sample_weight=None, errors=None, missing=None):
    """Return sums over the samples of each unit, per sample or unit of weight."""
    total = len(X) if sample_weight is None else sample_weight.sum()
    sums = metric.sums(
        X, codebook, sample_weight=sample_weight, errors=errors, missing=missing
    )
    return tuple(part / total for part in sums)


def moved(codebook, lattice, sums, counts, neighborhood, sigma):
    """Return the codebook after a batch update; units without weight stay."""
    smoothed = lattice.smooth(np.hstack([sums, counts]), sigma, neighborhood)
    sums, weights = np.split(smoothed, [sums.shape[1]], axis=1)
    reached = weights >= _SMALLEST_WEIGHT
    means = sums / np.where(reached, weights, 1)
    return np.where(reached, means, codebook).astype(codebook.dtype)
