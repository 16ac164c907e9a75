# SPDX-License-Identifier: BSD-3-Clause
"""Scorers of label maps against a map of known classes, for searches over cubes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics
from sklearn.utils._param_validation import StrOptions

from skesom._common.decorators import validate_params
from skesom._common.labels import without_mask
from skesom.maps._comparison import known_in_both

_SCORES = (
    *("adjusted_mutual_info", "adjusted_rand", "completeness", "fowlkes_mallows"),
    *("homogeneity", "mutual_info", "normalized_mutual_info", "rand", "v_measure"),
)
_NAMES = {*_SCORES, *(f"{name}_score" for name in _SCORES)}


@validate_params({"score": [StrOptions(_NAMES)]}, prefer_skip_nested_validation=True)
def truth_scorer(score: str = "adjusted_rand") -> Callable[..., float]:
    """Make a scorer of label maps against known classes, for searches over cubes.

    Parameters
    ----------
    score : str, default="adjusted_rand"
        ``"adjusted_rand"``, ``"adjusted_mutual_info"``, ``"v_measure"``,
        ``"homogeneity"``, ``"completeness"``, ``"fowlkes_mallows"``, ``"mutual_info"``,
        ``"normalized_mutual_info"`` or ``"rand"``, the scores of scikit-learn that end
        in ``_score``, which may be written too. More is better.

    Returns
    -------
    scorer : callable
        Takes a fitted estimator of cubes, a cube and a map of classes (n_rows,
        n_columns), as `GridSearchCV` does for a ``scoring``; ``y`` is the map. Pixels
        of negative classes, of sky (-2) and without data (-3) are left out; noise (-1)
        is a cluster. A ValueError if the shapes differ or nothing is left.

    See Also
    --------
    compare_clusterings : All scores of one label map.
    skesom.metrics.map_scorer : Scorers that need no truth.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline, truth_scorer
    >>> cube, truth = make_galaxy_cube((64, 64), 3, random_state=0)
    >>> pipeline = make_cluster_pipeline(KMeans(6, random_state=0))
    >>> numbers = {"cluster__estimator__n_clusters": [2, 6]}
    >>> rows = range(64)  # the same for all: clusters never see the truth
    >>> scorer, cv = truth_scorer("adjusted_rand"), [(rows, rows)]
    >>> search = GridSearchCV(pipeline, numbers, scoring=scorer, cv=cv)
    >>> search.fit(cube, truth).best_params_
    {'cluster__estimator__n_clusters': 6}
    """
    return TruthScorer(score)


@dataclass(frozen=True)
class TruthScorer:
    """The scorer of a score, which can be pickled and compared."""

    score: str

    def __call__(self, estimator, X, y):
        """Return the score of the labels of a cube for a map of its classes."""
        labels, truth = np.asarray(estimator.predict(X)), without_mask(y)
        both = known_in_both(labels, truth)
        score = getattr(metrics, f"{self.score.removesuffix('_score')}_score")
        return float(score(truth[both], labels[both]))
