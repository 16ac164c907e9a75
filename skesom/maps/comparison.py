# SPDX-License-Identifier: BSD-3-Clause
"""Compare two label maps, or a label map with known classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

from skesom._types import Names
from skesom.maps.cluster_matching import (
    adjusted_rand,
    check_cluster_labels,
    check_integer_labels,
    count_common_pixels,
    jaccard,
    match_clusters,
    numbers_by_matches,
    renumber,
)
from skesom.maps.known_classes import compare_with_classes, find_compared_pixels

# Values of `Comparison.disagreement`.
SAME = 0
OTHER = 1
ONLY_FIRST = 2
ONLY_SECOND = 3
NEITHER = -3


@dataclass(frozen=True, eq=False)
class Comparison:
    """The clusters that two clusterings share: result of `compare_clusterings`."""

    first: np.ndarray
    second: np.ndarray
    names: Names | None

    @cached_property
    def contingency(self) -> NDArray[np.int64]:
        """Numbers of pixels, clusters of the first by those of the second."""
        # Classes, which may be more than clusters, are counted in another way.
        second = check_cluster_labels(self.second)
        contingency = count_common_pixels(self.first, second)
        if not contingency.any():
            raise ValueError("No pixel is in a cluster of both: they are noise.")
        return contingency

    @cached_property
    def _matches(self):
        """Clusters of the second by those of the first that they match."""
        return match_clusters(self.contingency)

    @cached_property
    def table(self) -> Table:
        """A row for each pair of clusters that match, and for each without a match."""
        return _tabulate_matches(self.contingency, self._matches)

    @cached_property
    def matched(self) -> NDArray[np.int32]:
        """The second labels with the numbers of the first."""
        n_first = len(self.contingency)
        numbers = numbers_by_matches(self._matches, self.second, n_first)
        return renumber(self.second, numbers)

    @cached_property
    def disagreement(self) -> NDArray[np.int8]:
        """Which kind of difference is at each pixel."""
        in_first = self.first >= 0
        in_second = self.second >= 0
        kinds = np.full(self.first.shape, NEITHER, dtype=np.int8)
        kinds[in_first] = ONLY_FIRST
        kinds[in_second] = ONLY_SECOND
        kinds[in_first & in_second] = OTHER
        kinds[in_first & in_second & (self.first == self.matched)] = SAME
        return kinds

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
    def _of_classes(self):
        """Clusters of the first against the second as known classes."""
        return compare_with_classes(self.first, self.second, self.names)

    @property
    def scores(self) -> dict[str, Any]:
        """Scores by name, if the second clustering is known classes."""
        return self._of_classes.scores

    @property
    def confusion(self) -> Table:
        """Numbers of pixels of each class in each cluster."""
        return self._of_classes.confusion

    @property
    def classes(self) -> Table:
        """How complete and pure each class is in the clusters that stand for it."""
        return self._of_classes.classes


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
    first = check_cluster_labels(first)
    second = check_integer_labels(second)
    find_compared_pixels(first, second)  # an error says if there is none
    return Comparison(first, second, names)


def _tabulate_matches(contingency, matches):
    """Return the table of a comparison, from its contingency table and its matches."""
    n_first = contingency.sum(axis=1)
    n_second = contingency.sum(axis=0)
    shares = jaccard(contingency, n_first, n_second)
    rows = []
    for first, second in sorted(matches.items()):
        n_both = contingency[first, second]
        share = shares[first, second]
        rows.append((first, second, n_first[first], n_second[second], n_both, share))
    for first in np.setdiff1d(np.flatnonzero(n_first), list(matches)):
        rows.append((first, -1, n_first[first], 0, 0, 0.0))
    for second in np.setdiff1d(np.flatnonzero(n_second), list(matches.values())):
        rows.append((-1, second, 0, n_second[second], 0, 0.0))
    names = ["first", "second", "n_first", "n_second", "n_both", "jaccard"]
    table = Table(rows=rows, names=names)
    table["jaccard"].info.format = ".3f"

    # Where most of the pixels are that a cluster does not share with its match.
    others = contingency.copy()
    others[list(matches), list(matches.values())] = 0
    goes_to = np.where(others.any(axis=1), others.argmax(axis=1), -1)
    has_first = table["first"] >= 0
    table["goes_to"] = np.where(has_first, goes_to[table["first"]], -1)
    return table
