# SPDX-License-Identifier: BSD-3-Clause
"""Compare two label maps, or a label map with known classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils._param_validation import StrOptions

from skesom._common.decorators import validate_params
from skesom._common.labels import SKY, names_of, without_mask
from skesom._types import Names

SAME, OTHER, ONLY_FIRST, ONLY_SECOND, NEITHER = 0, 1, 2, 3, -3
_MAX_CLUSTERS = 5000  # all pairs are counted, and so many take 200 MB
# Scores of labels against classes by their names in scikit-learn, and without _score.
_SCORES = (
    "adjusted_mutual_info adjusted_rand completeness fowlkes_mallows homogeneity "
    "mutual_info normalized_mutual_info rand v_measure"
).split()
_SCORERS = {*_SCORES, *(f"{name}_score" for name in _SCORES)}


@dataclass(frozen=True, eq=False)
class Comparison:
    """The clusters that two clusterings share: result of `compare_clusterings`."""

    first: np.ndarray
    second: np.ndarray
    names: Names | None

    @cached_property
    def contingency(self) -> NDArray[np.int64]:
        """Numbers of pixels, clusters of the first by those of the second."""
        pairs = count_pairs(self.first, check_labels(self.second))
        if not pairs.any():
            raise ValueError("No pixel is in a cluster of both: they are noise.")
        return pairs

    @cached_property
    def _matches(self):
        """Return the clusters that match."""
        return match_clusters(self.contingency)

    @cached_property
    def table(self) -> Table:
        """A row for each pair of clusters that match, and for each without a match."""
        return _table_of(self.contingency, self._matches)

    @cached_property
    def matched(self) -> NDArray[np.int32]:
        """The second labels with the numbers of the first."""
        numbers = new_numbers(self._matches, self.second, len(self.contingency))
        return renumber(self.second, numbers)

    @cached_property
    def disagreement(self) -> NDArray[np.int8]:
        """Which kind of difference is at each pixel."""
        in_first, in_second = self.first >= 0, self.second >= 0
        both = in_first & in_second
        return np.select(
            [both & (self.first == self.matched), both, in_first, in_second],
            np.int8([SAME, OTHER, ONLY_FIRST, ONLY_SECOND]),
            np.int8(NEITHER),
        )

    @cached_property
    def adjusted_rand(self) -> float:
        """Adjusted Rand index of the pixels in clusters of both."""
        return adjusted_rand(self.contingency)

    @cached_property
    def agreement(self) -> float:
        """Share of the pixels that are in clusters that match."""
        n_same = sum(int(self.contingency[pair]) for pair in self._matches.items())
        return n_same / int(self.contingency.sum())

    @cached_property
    def scores(self) -> dict[str, Any]:
        """Scores by name, if the second clustering is known classes."""
        return self._of_classes[0]

    @cached_property
    def confusion(self) -> Table:
        """Numbers of pixels of each class in each cluster."""
        return self._of_classes[1]

    @cached_property
    def classes(self) -> Table:
        """How complete and pure each class is in the clusters that stand for it."""
        return self._of_classes[2]

    @cached_property
    def _of_classes(self):
        """Return scores, confusion and classes; noise counts as a cluster."""
        label_map, truth = self.first, self.second
        both, is_known = known_in_both(label_map, truth), truth >= 0
        labels, known = label_map[both], truth[both]
        clusters, classes = np.unique(labels), np.unique(known)
        counts = contingency_matrix(labels, known)
        names = names_of(classes, self.names)
        confusion = Table([clusters, *counts.T], names=["cluster", *names])
        table, accuracy = _class_table(counts, clusters, names)
        keys = "adjusted Rand index", "adjusted mutual information"
        keys += "homogeneity", "completeness", "V-measure"
        indices = metrics.adjusted_rand_score, metrics.adjusted_mutual_info_score
        parts = [index(known, labels) for index in indices]
        parts += metrics.homogeneity_completeness_v_measure(known, labels)
        scores = {
            **{key: float(value) for key, value in zip(keys, parts, strict=True)},
            "accuracy": accuracy,
            "pixels compared": int(counts.sum()),
            "pixels without cluster": int(np.count_nonzero(is_known & ~both)),
            "of these, sky set aside": int(np.sum(is_known & (label_map == SKY))),
        }
        return scores, confusion, table


def compare_clusterings(
    first: ArrayLike, second: ArrayLike, *, names: Names | None = None
) -> Comparison:
    """Match the clusters of two clusterings, or of one and of known classes.

    Clusters match one to one, with as many pixels as possible in those that match
    (Hungarian assignment [1]_), unless they have fewer pixels in common than by chance,
    and less than half of the smaller one. Against known classes, each cluster stands
    for the class that most of its pixels have.

    Parameters
    ----------
    first, second : array-like of int of shape (n_rows, n_columns) or (n_samples,)
        Clusters of the same pixels from 0; negative labels are no clusters. Known
        classes are the second.
    names : dict of int to str or sequence of str, default=None
        Of the classes, their numbers by default.

    Returns
    -------
    comparison : Comparison
        Its attributes are found when they are asked for. Only pixels that are in
        clusters of both clusterings count in ``table``, ``contingency``,
        ``adjusted_rand`` and ``agreement``.

        - ``table``: an `astropy.table.Table` with a row for each pair of clusters that
          match, then for each that matches none. Columns: the numbers ``first`` and
          ``second`` (-1 where none matches), the numbers of pixels ``n_first``,
          ``n_second`` and ``n_both``, the share ``jaccard`` of ``n_both`` in the pixels
          of either, and ``goes_to``, the cluster of the second with most of the other
          pixels of ``first`` (-1 for none).
        - ``matched``: the second labels (int32) with the numbers of the first. Clusters
          that match none have numbers above all of the first, by falling size.
        - ``disagreement``: int8, for each pixel 0 = same cluster, 1 = another, 2 = in a
          cluster of the first only, 3 = of the second only, -3 = of neither.
        - ``contingency``: int64 of shape (n_first, n_second), numbers of pixels.
        - ``adjusted_rand``: adjusted Rand index [2]_, 1 for the same clusters, about 0
          by chance.
        - ``agreement``: share of the pixels that are in clusters that match.

        If the second are known classes, in which noise (-1) of the first counts as a
        cluster, sky (-2) and no data (-3) do not:

        - ``scores``: a dict. "adjusted Rand index", "adjusted mutual information",
          "homogeneity", "completeness" and "V-measure" do not depend on what clusters
          stand for; "accuracy" is the share of the pixels whose cluster stands for
          their class. "pixels compared" and, with a known class, "pixels without
          cluster" and "of these, sky set aside" are numbers.
        - ``confusion``: an `astropy.table.Table` with a row for each "cluster" (-1 is
          noise) and a column of numbers of pixels for each class.
        - ``classes``: an `astropy.table.Table` with the columns "class", "pixels",
          "clusters" (that stand for it), "completeness" (share of its pixels in these;
          0 without any) and "purity" (its share in their pixels; NaN without any).

    Raises
    ------
    ValueError
        If the labels are no integers, have different shapes, or no pixel is in a
        cluster of both.

    See Also
    --------
    stability : For more than two clusterings.

    References
    ----------
    .. [1] Kuhn, H. (1955), "The Hungarian method for the assignment problem", Nav. Res.
       Logist. Q. 2, 83-97, doi:10.1002/nav.3800020109
    .. [2] Hubert, L. & Arabie, P. (1985), "Comparing partitions", J. Classif. 2,
       193-218, doi:10.1007/BF01908075

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import compare_clusterings
    >>> first = np.array([[0, 0, 0, 1, 1, -3]])
    >>> second = np.array([[1, 1, 1, 1, 0, 0]])
    >>> comparison = compare_clusterings(first, second)
    >>> comparison.matched
    array([[0, 0, 0, 0, 1, 1]], dtype=int32)
    >>> comparison.disagreement
    array([[0, 0, 0, 1, 0, 3]], dtype=int8)
    >>> comparison.agreement
    0.8
    >>> comparison.scores["accuracy"]
    0.8
    """
    first, second = check_labels(first), check_labels(second, np.inf)
    known_in_both(first, second)
    return Comparison(first, second, names)


def check_labels(labels, most=_MAX_CLUSTERS):
    """Return labels as signed integers, of so few that all pairs can be counted."""
    labels = without_mask(labels)
    if labels.dtype.kind not in "iu" or labels.ndim == 0:
        raise ValueError(
            f"Labels must be integers, got {labels.dtype} of shape {labels.shape}."
        )
    if labels.max(initial=0) >= most:
        raise ValueError(f"Clusters are at most {most}, got the number {labels.max()}.")
    return labels.astype(np.int32) if labels.dtype.kind == "u" else labels


def _check_shapes(first, second):
    """Refuse clusterings of different pixels."""
    if first.shape != second.shape:
        raise ValueError(
            f"Clusterings must be of the same pixels; got shapes {first.shape} and "
            f"{second.shape}. Bring them to one grid."
        )


def count_pairs(first, second):
    """Return the numbers of pixels in pairs of clusters of the first and second."""
    _check_shapes(first, second)
    shape = tuple(int(labels.max(initial=-1)) + 1 for labels in (first, second))
    both = (first >= 0) & (second >= 0)
    pairs = first[both].astype(np.int64) * shape[1] + second[both]
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def match_clusters(contingency):
    """Return the clusters that match: a dict from those of the first to the second."""
    n_first = contingency.sum(axis=1, keepdims=True)
    n_second = contingency.sum(axis=0, keepdims=True)
    by_chance = n_first * (n_second / max(contingency.sum(), 1))
    # The assignment would also pair what has a few pixels in common by chance.
    half = np.minimum(n_first, n_second) / 2
    common = np.where(contingency < np.minimum(by_chance, half), 0, contingency)
    pairs = zip(*linear_sum_assignment(common, maximize=True), strict=True)
    return {int(a): int(b) for a, b in pairs if common[a, b] > 0}


def new_numbers(matches, second, n_first):
    """Return the new number of each cluster of the second."""
    sizes = np.bincount(second[second >= 0])
    numbers = np.full(len(sizes), -1, dtype=np.int32)
    numbers[list(matches.values())] = list(matches)
    left = [place for place in np.argsort(-sizes, kind="stable") if numbers[place] < 0]
    numbers[left] = n_first + np.arange(len(left))
    return numbers


def renumber(labels, numbers):
    """Return labels with new numbers, int32; negative ones stay as they are."""
    renumbered = labels.astype(np.int32)
    inside = labels >= 0
    renumbered[inside] = numbers[labels[inside]]
    return renumbered


def adjusted_rand(contingency):
    """Return the adjusted Rand index of a contingency table (Hubert & Arabie 1985)."""

    def pairs(counts):  # floats: pairs of 40 million pixels overflow integers
        counts = np.asarray(counts, dtype=np.float64)
        return float((counts * (counts - 1)).sum() / 2)

    together = pairs(contingency)
    in_first, in_second = (pairs(contingency.sum(axis=axis)) for axis in (1, 0))
    most = (in_first + in_second) / 2
    total = pairs(contingency.sum())
    expected = in_first * in_second / total if total else 0.0
    if most == expected:  # all in one cluster, or each alone, in both
        return 1.0
    return (together - expected) / (most - expected)


def jaccard(contingency, n_first, n_second):
    """Return the share of common pixels in those of either, for each pair."""
    either = np.add.outer(n_first, n_second) - contingency
    return contingency / np.maximum(either, 1)


def _table_of(contingency, matches):
    """Return the table of a comparison."""
    n_first, n_second = contingency.sum(axis=1), contingency.sum(axis=0)
    shares = jaccard(contingency, n_first, n_second)
    rows = [
        (a, b, n_first[a], n_second[b], contingency[a, b], shares[a, b])
        for a, b in sorted(matches.items())
    ]
    alone = np.setdiff1d(np.flatnonzero(n_first), list(matches))
    rows += [(a, -1, n_first[a], 0, 0, 0.0) for a in alone]
    alone = np.setdiff1d(np.flatnonzero(n_second), list(matches.values()))
    rows += [(-1, b, 0, n_second[b], 0, 0.0) for b in alone]
    names = ["first", "second", "n_first", "n_second", "n_both", "jaccard"]
    table = Table(rows=rows, names=names)
    table["jaccard"].info.format = ".3f"
    others = contingency.copy()
    others[list(matches), list(matches.values())] = 0
    goes_to = np.where(others.any(axis=1), others.argmax(axis=1), -1)
    table["goes_to"] = np.where(table["first"] < 0, -1, goes_to[table["first"]])
    return table


def known_in_both(label_map, truth):
    """Return the pixels that have a cluster or are noise, and have a known class."""
    _check_shapes(label_map, truth)
    both = (truth >= 0) & (label_map >= -1)
    if not both.any():
        raise ValueError(
            "No pixel has both a cluster and a known class, or is in a cluster of both."
        )
    return both


def _class_table(counts, clusters, names):
    """Return the table of the classes, and the share of the pixels that fit."""
    mine = counts.argmax(axis=1) == np.arange(len(names))[:, np.newaxis]
    sizes = counts.sum(axis=0)
    right = (counts.T * mine).sum(axis=1)
    claimed = mine @ counts.sum(axis=1)
    table = Table()
    table["class"] = names
    table["pixels"] = sizes
    table["clusters"] = [" ".join(map(str, clusters[row])) for row in mine]
    table["completeness"] = right / sizes
    table["purity"] = np.where(claimed > 0, right / np.maximum(claimed, 1), np.nan)
    for column in ("completeness", "purity"):
        table[column].info.format = ".3f"
    return table, float(right.sum() / counts.sum())


@validate_params({"score": [StrOptions(_SCORERS)]}, prefer_skip_nested_validation=True)
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
