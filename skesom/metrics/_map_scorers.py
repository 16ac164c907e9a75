# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that compare maps by their units, whatever clusters these form."""

import numpy as np

from skesom._common.pipelines import last_step, map_inside
from skesom.metrics._distortion import distortion
from skesom.metrics._map_quality import (
    kaski_lagus_error,
    quantization_error,
    topographic_error,
)
from skesom.metrics._neighborhoods import continuity, trustworthiness
from skesom.metrics._scored import WORST, complete, picked

_N_NEIGHBORS = 5


def quantization_error_scorer(estimator, X, y=None):
    """Score a codebook by minus its `quantization_error`.

    It improves with every unit: it compares maps of one size.

    Parameters
    ----------
    estimator : fitted estimator, or Pipeline that ends in one
        Has ``codebook_`` or ``cluster_centers_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not positive, more is better; -1e100 if every sample is masked.

    Raises
    ------
    TypeError
        If the estimator has no codebook.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skesom.metrics import quantization_error_scorer
    >>> X = [[0.0], [2.0], [10.0], [12.0]]
    >>> quantization_error_scorer(KMeans(2, random_state=0).fit(X), X)
    -1.0
    """
    som, table = map_inside(*last_step(estimator, X))
    return _finite(_negative(quantization_error, som, table), WORST)


def distortion_scorer(estimator, X, y=None):
    """Score a map by minus its `distortion`, with a sigma of one connection.

    It improves with every unit, and it falls where neighbors on the map are far apart
    in the data: it compares maps of one size.

    Parameters
    ----------
    estimator : fitted map, or Pipeline that ends in one
        Has ``codebook_`` and ``connections_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not positive, more is better; -1e100 if every sample is masked.

    Raises
    ------
    TypeError
        If the estimator is no map.
    """
    som, table = _map_and_table(estimator, X)
    return _finite(_negative(distortion, som, table), WORST)


def topographic_error_scorer(estimator, X, y=None):
    """Score a map by minus its `topographic_error`.

    Small maps have small errors: watch `quantization_error_scorer` beside it.

    Parameters
    ----------
    estimator : fitted map, or Pipeline that ends in one
        Has ``codebook_`` and ``connections_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        From -1, which a map of one unit gets too, and one whose samples are all masked,
        to 0, the best.

    Raises
    ------
    TypeError
        If the estimator is no map.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skesom.metrics import topographic_error_scorer
    >>> from skesom.som import CSOM
    >>> widths = {"sigma": [[0.1] * 20, None]}  # units that ignore each other, and not
    >>> search = GridSearchCV(CSOM((8, 5)), widths, scoring=topographic_error_scorer)
    >>> search.fit(load_iris().data).best_params_
    {'sigma': None}
    """
    som, table = _map_and_table(estimator, X)
    return _finite(_negative(topographic_error, som, table), -1.0)


def kaski_lagus_error_scorer(estimator, X, y=None):
    """Score a map by minus its `kaski_lagus_error`.

    It weighs resolution against folds, and so compares maps of several sizes.

    Parameters
    ----------
    estimator : fitted map, or Pipeline that ends in one
        Has ``codebook_`` and ``connections_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not positive, more is better; -1e100 for a map of one unit, if every sample is
        masked, or if no path joins the two nearest units of a sample. That happens to
        evolving maps: `topographic_error_scorer` suits them better.

    Raises
    ------
    TypeError
        If the estimator is no map.
    """
    som, table = _map_and_table(estimator, X)
    return _finite(_negative(kaski_lagus_error, som, table), WORST)


def trustworthiness_scorer(estimator, X, y=None):
    """Score a map by its `trustworthiness` for five neighbors.

    Parameters
    ----------
    estimator : fitted map, or Pipeline that ends in one
        Has ``codebook_`` and ``connections_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        From 0, which fewer than eleven samples get too, to 1, the best.

    Raises
    ------
    TypeError
        If the estimator is no map.

    Notes
    -----
    Samples with missing features are left out. The time grows with the square of the
    number of samples: beyond 2000 the score is that of 2000 of them, always the same
    for the same number.
    """
    return _preservation_score(trustworthiness, estimator, X)


def continuity_scorer(estimator, X, y=None):
    """Score a map by its `continuity` for five neighbors.

    Parameters
    ----------
    estimator : fitted map, or Pipeline that ends in one
        Has ``codebook_`` and ``connections_``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        From 0, which fewer than eleven samples get too, to 1, the best.

    Raises
    ------
    TypeError
        If the estimator is no map.

    Notes
    -----
    The samples are picked as by `trustworthiness_scorer`.
    """
    return _preservation_score(continuity, estimator, X)


def _map_and_table(estimator, X):
    """Return the map inside an estimator, and the table that it sees."""
    som, table = map_inside(*last_step(estimator, X))
    if not hasattr(som, "connections_"):
        raise TypeError(
            f"{type(som).__name__} has no connections_, so it is no map. Score its "
            "clusters instead, for example with silhouette_scorer."
        )
    return som, table


def _negative(error, som, table):
    return -error(table, som) if len(table) else float("nan")


def _finite(score, worst):
    return score if np.isfinite(score) else worst


def _preservation_score(measure, estimator, X):
    som, table = _map_and_table(estimator, X)
    table = np.asarray(table)
    rows = np.flatnonzero(complete(table))
    if len(rows) <= 2 * _N_NEIGHBORS:
        return 0.0
    return measure(table[rows[picked(len(rows))]], som, n_neighbors=_N_NEIGHBORS)
