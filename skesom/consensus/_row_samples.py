# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of a table members learn from, are compared by, and grow the tree."""

import numpy as np

SEEDS = 2**31 - 1  # which any scikit-learn estimator takes
_ENOUGH_TO_COMPARE = 1_000_000  # rows; of a cluster of 0.1 % they show a thousand
_ENOUGH_TO_GROW = 65_536  # rows by which the tree grows, taken evenly


def drawn(seed, n_rows, n_samples):
    """Return the rows from which a member learns, in their order."""
    return np.random.default_rng(seed).choice(n_rows, n_samples, replace=False)


def rows_to_compare(n_rows, generator):
    """Return the rows by which members are compared."""
    if n_rows <= _ENOUGH_TO_COMPARE:
        return np.arange(n_rows)
    draw = np.random.default_rng(generator.randint(SEEDS))
    places = np.arange(_ENOUGH_TO_COMPARE) + draw.uniform(size=_ENOUGH_TO_COMPARE)
    return (places * (n_rows / _ENOUGH_TO_COMPARE)).astype(np.intp)


def few_of(n_rows):
    """Return which rows are enough for a tree."""
    return slice(None, None, max(1, n_rows // _ENOUGH_TO_GROW))
