# SPDX-License-Identifier: BSD-3-Clause
"""Which rows members learn from, are compared by, and grow the tree."""

from numbers import Integral

import numpy as np

from skesom._common.pipelines import last_name
from skesom.consensus._prototype import uses_seeds

SEEDS = 2**31 - 1  # which any scikit-learn estimator takes
_ENOUGH_TO_LEARN = 50_000  # rows; twice as many win nothing (docs/consensus.md, "Time")
_ENOUGH_TO_COMPARE = 1_000_000  # rows; of a cluster of 0.1 % they show a thousand
_ENOUGH_TO_GROW = 65_536  # rows by which the tree grows, taken evenly


def number_to_draw(prototype, max_samples, n_rows):
    """Return how many rows each member learns from.

    Parameters
    ----------
    prototype : clusterer or Pipeline
        What members are clones of.
    max_samples : int, float or "auto"
        As for `ConsensusClusterer`.
    n_rows : int
        Rows of the table.

    Raises
    ------
    ValueError
        For fewer rows than all of a clusterer that cannot label the others.
    """
    predicts = hasattr(prototype, "predict")
    if isinstance(max_samples, Integral):
        n_drawn = max_samples
    else:
        share = max_samples
        if max_samples == "auto":
            share = 1.0
            if predicts and not uses_seeds(prototype):
                share = 0.5  # of the same rows they would all be equal
        n_drawn = max(1, round(share * n_rows))
        if predicts:
            n_drawn = min(n_drawn, _ENOUGH_TO_LEARN)
    if n_drawn < n_rows and not predicts:
        raise ValueError(
            f"{last_name(prototype)} cannot label rows that it was not "
            "fitted on, so each member has to learn from all of them: leave out "
            f"max_samples. Got max_samples={max_samples!r}."
        )
    return min(n_rows, n_drawn)


def draw_rows(seed, n_rows, n_drawn):
    """Return the rows from which a member learns, in their order."""
    return np.random.default_rng(seed).choice(n_rows, n_drawn, replace=False)


def rows_to_compare(n_rows, generator):
    """Return the rows by which members are compared: one at random in each stretch."""
    if n_rows <= _ENOUGH_TO_COMPARE:
        return np.arange(n_rows)
    draw = np.random.default_rng(generator.randint(SEEDS))
    positions = np.arange(_ENOUGH_TO_COMPARE) + draw.uniform(size=_ENOUGH_TO_COMPARE)
    return (positions * (n_rows / _ENOUGH_TO_COMPARE)).astype(np.intp)


def rows_to_grow(n_rows):
    """Return a slice of the rows by which the tree grows, from 65 536 to 131 071."""
    return _every_nth(n_rows, _ENOUGH_TO_GROW)


def rows_to_name_units(n_rows):
    """Return a slice of the rows by which units of a map get clusters."""
    return _every_nth(n_rows, _ENOUGH_TO_LEARN)


def _every_nth(n_rows, enough):
    """Return a slice that takes rows evenly, less than twice as many as are enough."""
    return slice(None, None, max(1, n_rows // enough))
