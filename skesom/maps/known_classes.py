# SPDX-License-Identifier: BSD-3-Clause
"""Compare a label map with known classes: scores, and which class a cluster stands for.

A cluster stands for the class that most of its pixels have. Noise (-1) counts as a
cluster; sky (-2), no data (-3) and pixels of no known class are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from sklearn import metrics
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils._param_validation import StrOptions

from skesom._common.decorators import validate_params
from skesom._common.labels import SKY, names_of, without_mask
from skesom.maps.cluster_matching import check_same_pixels

# Scores of labels against classes, by the names of scikit-learn's functions.
_SCORES = (
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
)
_SCORE_NAMES = {*_SCORES, *(name.removesuffix("_score") for name in _SCORES)}


class ClassComparison(NamedTuple):
    """Clusters against known classes, as attributes of `Comparison` show it."""

    scores: dict[str, float | int]
    confusion: Table
    classes: Table


def compare_with_classes(label_map, truth, names):
    """Compare the clusters of a label map with known classes.

    Parameters
    ----------
    label_map, truth : ndarray of int of the same shape
        Clusters, and classes from 0; negative ones are unknown.
    names : dict of int to str, sequence of str, or None
        Of the classes.

    Returns
    -------
    comparison : ClassComparison
    """
    is_known = truth >= 0
    is_compared = find_compared_pixels(label_map, truth)
    labels = label_map[is_compared]
    true_classes = truth[is_compared]
    clusters = np.unique(labels)
    class_names = names_of(np.unique(true_classes), names)
    counts = contingency_matrix(labels, true_classes)
    confusion = Table([clusters, *counts.T], names=["cluster", *class_names])
    classes, n_right = _tabulate_classes(counts, clusters, class_names)
    homogeneity, completeness, v_measure = metrics.homogeneity_completeness_v_measure(
        true_classes, labels
    )
    mutual_information = metrics.adjusted_mutual_info_score(true_classes, labels)
    is_lost = is_known & ~is_compared
    scores = {
        "adjusted Rand index": float(metrics.adjusted_rand_score(true_classes, labels)),
        "adjusted mutual information": float(mutual_information),
        "homogeneity": float(homogeneity),
        "completeness": float(completeness),
        "V-measure": float(v_measure),
        "accuracy": float(n_right / counts.sum()),
        "pixels compared": int(counts.sum()),
        "pixels without cluster": int(np.count_nonzero(is_lost)),
        "of these, sky set aside": int(np.count_nonzero(is_lost & (label_map == SKY))),
    }
    return ClassComparison(scores, confusion, classes)


def find_compared_pixels(label_map, truth):
    """Return which pixels have a cluster or are noise, and have a known class."""
    check_same_pixels(label_map, truth)
    is_compared = (truth >= 0) & (label_map >= -1)
    if not is_compared.any():
        raise ValueError(
            "No pixel has both a cluster and a known class, or is in a cluster of both."
        )
    return is_compared


def _tabulate_classes(counts, clusters, class_names):
    """Return how complete and pure classes are, and how many pixels are right.

    Parameters
    ----------
    counts : ndarray of int of shape (n_clusters, n_classes)
        Numbers of pixels.
    clusters : ndarray of int of shape (n_clusters,)
    class_names : list of str of length n_classes

    Returns
    -------
    table : Table
        A row for each class.
    n_right : int
        Pixels whose cluster stands for their class.
    """
    class_of_cluster = counts.argmax(axis=1)
    table = Table()
    table["class"] = class_names
    n_pixels = counts.sum(axis=0)
    table["pixels"] = n_pixels
    stands_for = class_of_cluster == np.arange(len(class_names))[:, np.newaxis]
    table["clusters"] = [" ".join(map(str, clusters[row])) for row in stands_for]
    n_right = (counts.T * stands_for).sum(axis=1)
    n_in_clusters = stands_for @ counts.sum(axis=1)
    table["completeness"] = n_right / n_pixels
    purity = n_right / np.maximum(n_in_clusters, 1)
    table["purity"] = np.where(n_in_clusters > 0, purity, np.nan)
    for column in ("completeness", "purity"):
        table[column].info.format = ".3f"
    return table, n_right.sum()


@validate_params(
    {"score": [StrOptions(_SCORE_NAMES)]}, prefer_skip_nested_validation=True
)
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
        labels = np.asarray(estimator.predict(X))
        truth = without_mask(y)
        is_compared = find_compared_pixels(labels, truth)
        score = getattr(metrics, f"{self.score.removesuffix('_score')}_score")
        return float(score(truth[is_compared], labels[is_compared]))
