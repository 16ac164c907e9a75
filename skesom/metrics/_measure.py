# SPDX-License-Identifier: BSD-3-Clause
"""What is known of a measure beside its formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_WORST = -1e100  # where a score has no lower bound; finite, so that folds have a mean


@dataclass(frozen=True)
class Measure:
    """A function that measures, and how its values are read.

    Each module of measures declares its own; scorers and reports read them.
    """

    function: Callable[..., Any]
    title: str  # for people: in tables
    greater_is_better: bool | None  # None: 0 is the best, and both sides are worse
    limits: tuple[float, float]  # of all values
    words: str  # what it tells, in one line
    needs_connections: bool = True  # of a map; codebooks without any have no score
    min_samples: int = 1  # with fewer there is no score
    # Whether it compares samples with each other, so that its time grows with the
    # square of their number, and those with missing features are left out.
    is_pairwise: bool = False

    @property
    def name(self):
        """The name in `map_scorer`: that of scikit-learn's have no "_score"."""
        return self.function.__name__.removesuffix("_score")

    @property
    def best(self):
        """The value of a perfect map, or of perfect clusters."""
        if self.greater_is_better is None:
            return 0.0
        return self.limits[1] if self.greater_is_better else self.limits[0]

    @property
    def sign(self):
        """What a value is multiplied by, so that a greater score is better."""
        return 1 if self.greater_is_better else -1

    @property
    def worst_score(self):
        """The score where there is nothing to measure; it is finite."""
        worst = self.limits[0] if self.greater_is_better else self.limits[1]
        return self.sign * worst if np.isfinite(worst) else _WORST
