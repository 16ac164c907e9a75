# SPDX-License-Identifier: BSD-3-Clause
"""Units of a lattice moved to the samples that they stand for."""

import numpy as np

_STEPS = 3  # measured: one leaves units between groups, ten change nothing


def settled_units(X, codebook, sample_weight, *, metric, errors):
    """Let units follow their own samples alone, by a few steps of k-means.

    Neighbors on the lattice hold each other back: units lie beside thin bodies, and in
    gaps. That is right for a map, but hides the gaps from the second stage.

    Parameters
    ----------
    X : C-contiguous ndarray of shape (n_samples, n_features)
        Training samples.
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units, of the dtype of X; left as they are.
    sample_weight : ndarray of shape (n_samples,) or None
        How often a sample counts.
    metric : Metric
        How samples are compared with units.
    errors : ndarray of shape (n_samples, n_features) or None
        Measurement errors of X.

    Returns
    -------
    settled : ndarray of shape (n_units, n_features)
        A unit without samples stays.
    """
    for _ in range(_STEPS):
        sums, counts = metric.sums(
            X, codebook, sample_weight=sample_weight, errors=errors
        )
        means = np.divide(
            sums, counts, out=codebook.astype(np.float64), where=counts > 0
        )
        codebook = metric.settled(means.astype(codebook.dtype))
    return codebook
