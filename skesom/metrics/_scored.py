# SPDX-License-Identifier: BSD-3-Clause
"""What scorers look at: the step inside an estimator, and the table that it sees."""

import numpy as np

# The score of a failure where a score has no lower bound. It is lower than any real
# one, yet finite and small enough that the folds of a search have a mean and a spread.
WORST = -1e100
_N_PICKED = 2000  # samples, where the time grows with the square of their number
_SEED = 0


def complete(table):
    """Return which samples have all features, as an array of bool."""
    return ~np.isnan(table).any(axis=1)


def picked(n):
    """Return at most 2000 of n indices, always the same for the same n, sorted."""
    if n <= _N_PICKED:
        return np.arange(n)
    return np.sort(np.random.default_rng(_SEED).choice(n, _N_PICKED, replace=False))
