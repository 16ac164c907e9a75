# SPDX-License-Identifier: BSD-3-Clause
"""Scorers for searches over maps and clusterers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn import metrics
from sklearn.utils._param_validation import StrOptions

from skesom._common.decorators import validate_params
from skesom._common.lazy import in_memory
from skesom._common.masked import filled
from skesom._common.pipelines import last_step, map_inside
from skesom.metrics._measures import (
    distortion,
    kaski_lagus_error,
    quantization_error,
    topographic_error,
)
from skesom.metrics._preservation import continuity, trustworthiness

_WORST = -1e100  # where a score has no lower bound; finite, so that folds have a mean
_MAX_SAMPLES = 2000  # where the time grows with the square of their number

# Name: the measure, the sign of the score, and the score of a failure.
_MAP_SCORES = {
    "quantization_error": (quantization_error, -1, _WORST),
    "distortion": (distortion, -1, _WORST),
    "topographic_error": (topographic_error, -1, -1.0),
    "kaski_lagus_error": (kaski_lagus_error, -1, _WORST),
    "trustworthiness": (trustworthiness, 1, 0.0),
    "continuity": (continuity, 1, 0.0),
}
_CLUSTER_SCORES = {
    "silhouette": (metrics.silhouette_score, 1, -1.0),
    "calinski_harabasz": (metrics.calinski_harabasz_score, 1, 0.0),
    "davies_bouldin": (metrics.davies_bouldin_score, -1, _WORST),
}
_NAMES = {*_MAP_SCORES, *_CLUSTER_SCORES}


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
        if self.measure in _CLUSTER_SCORES:
            return _cluster_score(self.measure, estimator, X)
        som, table = map_inside(*last_step(estimator, X))
        if self.measure != "quantization_error" and not hasattr(som, "connections_"):
            raise TypeError(
                f"{type(som).__name__} has no connections_, so it is no map. Score its "
                'clusters instead, with map_scorer("silhouette").'
            )
        measure, sign, worst = _MAP_SCORES[self.measure]
        fewest = 1
        if self.measure in ("trustworthiness", "continuity"):
            fewest = 11  # for five neighbors
            table = filled(in_memory(table))
            table = np.asarray(table)[_complete(table)]
            table = table[_sample(len(table))]
        score = sign * measure(table, som) if len(table) >= fewest else worst
        return score if np.isfinite(score) else worst


def _cluster_score(name, estimator, X):
    """Return the score of the clusters, without samples that are in none."""
    score, sign, worst = _CLUSTER_SCORES[name]
    clusterer, table = last_step(estimator, X)
    if len(table) == 0:
        return worst
    table = filled(in_memory(table))
    labels = np.asarray(clusterer.predict(table))
    kept = np.flatnonzero((labels >= 0) & _complete(table))
    if name == "silhouette":
        kept = kept[_sample(len(kept))]
    table, labels = np.asarray(table)[kept], labels[kept]
    if not 2 <= len(np.unique(labels)) < len(labels):  # scikit-learn refuses these
        return worst
    return sign * float(score(table, labels))


def _complete(table):
    table = np.asarray(table)
    if table.dtype == object:  # as a ColumnTransformer makes of lists
        table = table.astype(float)
    return ~np.isnan(table).any(axis=1)


def _sample(n):
    """Return at most 2000 of n indices, always the same for the same n, sorted."""
    if n <= _MAX_SAMPLES:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, _MAX_SAMPLES, replace=False))
