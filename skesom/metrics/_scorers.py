# SPDX-License-Identifier: BSD-3-Clause
"""Scorers for searches over maps and clusterers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skesom._common.decorators import validate_params
from skesom._common.lazy import in_memory
from skesom._common.masked import filled
from skesom._common.pipelines import last_step, map_inside
from skesom.metrics.measures import CLUSTER_MEASURES, MAP_MEASURES

_MAX_SAMPLES = 2000  # where the time grows with the square of their number
_NAMES = {
    name
    for name, measure in (MAP_MEASURES | CLUSTER_MEASURES).items()
    if measure.greater_is_better is not None
}


@validate_params({"measure": [StrOptions(_NAMES)]}, prefer_skip_nested_validation=True)
def map_scorer(
    measure: Literal[
        "quantization_error",
        "distortion",
        "topographic_error",
        "kaski_lagus_error",
        "trustworthiness",
        "continuity",
        "silhouette",
        "calinski_harabasz",
        "davies_bouldin",
    ],
) -> Callable[..., float]:
    """Make a scorer of maps or of clusters for searches.

    It measures in the table that the last step of a Pipeline gets, in the valid pixels
    where X is a cube.

    Parameters
    ----------
    measure : str
        Of a map, which has ``codebook_`` and ``connections_``:

        - ``"quantization_error"``, ``"distortion"`` (with a sigma of one connection):
          minus the measure of that name. They improve with every unit, so they compare
          maps of one size. The first takes ``cluster_centers_`` too.
        - ``"topographic_error"``: minus the measure, which is small for small maps.
        - ``"kaski_lagus_error"``: minus the measure, for maps of any size. Units that
          no path joins are a failure.
        - ``"trustworthiness"``, ``"continuity"``: the measure for five neighbors, for
          maps of any size.

        Of the clusters of a clusterer with ``predict``: ``"silhouette"``,
        ``"calinski_harabasz"`` and ``"davies_bouldin"`` (minus the index), as in
        `sklearn.metrics`.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None)`` returns a float, more is better. A map of one
        unit, fewer than two clusters, and a table without samples get the worst score:
        -1 for ``"topographic_error"`` and ``"silhouette"``, 0 for
        ``"trustworthiness"``, ``"continuity"`` and ``"calinski_harabasz"``, else
        -1e100. It raises TypeError for an estimator that lacks what the measure needs.

    Notes
    -----
    Samples labeled below 0 (masked, noise) are left out of the scores of clusters, and
    samples with missing features out of these and of trustworthiness and continuity.
    These two and the silhouette take at most 2000 samples, always the same ones.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skesom.metrics import map_scorer
    >>> from skesom.som import CSOM
    >>> X, _ = make_blobs(600, centers=4, cluster_std=0.5, random_state=0)
    >>> numbers = {"n_clusters": [2, 4, 8]}
    >>> search = GridSearchCV(CSOM(), numbers, scoring=map_scorer("silhouette"))
    >>> search.fit(X).best_params_
    {'n_clusters': 4}
    """
    return MapScorer(measure)


@dataclass(frozen=True)
class MapScorer:
    """The scorer of a measure, which can be pickled and compared."""

    measure: str

    def __call__(self, estimator, X, y=None):
        """Return the score of a fitted estimator for a table or a cube."""
        X = filled(X)
        if self.measure in CLUSTER_MEASURES:
            return _cluster_score(CLUSTER_MEASURES[self.measure], estimator, X)
        return _map_score(MAP_MEASURES[self.measure], estimator, X)


def _map_score(measure, estimator, X):
    """Return the score of a map in the table that it gets."""
    som, table = map_inside(*last_step(estimator, X))
    if measure.needs_connections and not hasattr(som, "connections_"):
        raise TypeError(
            f"{type(som).__name__} has no connections_, so it is no map. Score its "
            'clusters instead, with map_scorer("silhouette").'
        )
    if measure.is_pairwise:
        table = filled(in_memory(table))
        table = np.asarray(table)[_complete(table)]
        table = table[_sample(len(table))]
    if len(table) < measure.min_samples:
        return measure.worst_score
    score = measure.sign * measure.function(table, som)
    return score if np.isfinite(score) else measure.worst_score


def _cluster_score(measure, estimator, X):
    """Return the score of the clusters, without samples that are in none."""
    clusterer, table = last_step(estimator, X)
    if len(table) == 0:
        return measure.worst_score
    table = filled(in_memory(table))
    labels = np.asarray(clusterer.predict(table))
    rows = np.flatnonzero((labels >= 0) & _complete(table))
    if measure.is_pairwise:
        rows = rows[_sample(len(rows))]
    table = np.asarray(table)[rows]
    labels = labels[rows]
    if not 2 <= len(np.unique(labels)) < len(labels):  # scikit-learn refuses these
        return measure.worst_score
    return measure.sign * float(measure.function(table, labels))


def _complete(table):
    """Return which rows of a table have all features."""
    table = np.asarray(table)
    if table.dtype == object:  # as a ColumnTransformer makes of lists
        table = table.astype(float)
    return ~np.isnan(table).any(axis=1)


def _sample(n):
    """Return at most 2000 of n indices, always the same for the same n, sorted."""
    if n <= _MAX_SAMPLES:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, _MAX_SAMPLES, replace=False))
