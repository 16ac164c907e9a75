# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that compare clusters, and so numbers of clusters."""

import numpy as np
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from skesom._common.pipelines import last_step
from skesom.metrics._scored import WORST, complete, picked


def silhouette_scorer(estimator, X, y=None):
    """Score clusters by the mean silhouette of their samples.

    With a(x) the mean distance of a sample to the others of its cluster and b(x) the
    smallest mean distance to the samples of another cluster, the silhouette is
    (b - a) / max(a, b), and the score its mean.

    Parameters
    ----------
    estimator : fitted clusterer, or Pipeline that ends in one
        Has ``predict``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        From -1, which fewer than two clusters get too, to 1, the best.

    Notes
    -----
    Samples labeled below 0 (masked, noise) and samples with missing features are left
    out. The time grows with the square of the number of samples: beyond 2000 the score
    is that of 2000 of them, always the same for the same number.

    References
    ----------
    .. [1] Rousseeuw, P. J. (1987), "Silhouettes: a graphical aid to the interpretation
       and validation of cluster analysis", J. Comput. Appl. Math. 20, 53-65,
       doi:10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skesom.metrics import silhouette_scorer
    >>> from skesom.som import CSOM
    >>> X, _ = make_blobs(600, centers=4, cluster_std=0.5, random_state=0)
    >>> numbers = {"n_clusters": [2, 4, 8]}
    >>> GridSearchCV(CSOM(), numbers, scoring=silhouette_scorer).fit(X).best_params_
    {'n_clusters': 4}
    """
    table, labels = _clusters(estimator, X)
    some = picked(len(labels))
    table, labels = table[some], labels[some]
    if not _comparable(labels):
        return -1.0
    return float(silhouette_score(table, labels))


def calinski_harabasz_scorer(estimator, X, y=None):
    """Score clusters by the ratio of the variance between to that within them.

    With n samples in k clusters of n_c samples and mean m_c, and m the mean of all, the
    score is (B / (k - 1)) / (W / (n - k)), where B = sum_c n_c ||m_c - m||^2 and W =
    sum_x ||x - m_c(x)||^2.

    Parameters
    ----------
    estimator : fitted clusterer, or Pipeline that ends in one
        Has ``predict``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not negative, more is better; 0 for fewer than two clusters.

    Notes
    -----
    Samples labeled below 0 (masked, noise) and samples with missing features are left
    out.

    References
    ----------
    .. [1] Calinski, T. & Harabasz, J. (1974), "A dendrite method for cluster analysis",
       Communications in Statistics 3, 1-27, doi:10.1080/03610927408827101

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skesom.metrics import calinski_harabasz_scorer
    >>> X = [[0.0], [2.0], [10.0], [12.0]]
    >>> calinski_harabasz_scorer(KMeans(2, random_state=0).fit(X), X)  # 100 / (4 / 2)
    50.0
    """
    table, labels = _clusters(estimator, X)
    if not _comparable(labels):
        return 0.0
    return float(calinski_harabasz_score(table, labels))


def davies_bouldin_scorer(estimator, X, y=None):
    """Score clusters by minus their likeness to the cluster most like them.

    With s_c the mean distance of the samples of cluster c to its mean m_c, the score is
    minus the mean over c of max over e of (s_c + s_e) / ||m_c - m_e||.

    Parameters
    ----------
    estimator : fitted clusterer, or Pipeline that ends in one
        Has ``predict``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not positive, more is better; -1e100 for fewer than two clusters.

    Notes
    -----
    Samples labeled below 0 (masked, noise) and samples with missing features are left
    out.

    References
    ----------
    .. [1] Davies, D. L. & Bouldin, D. W. (1979), "A cluster separation measure", IEEE
       Trans. Pattern Anal. Mach. Intell. 1, 224-227, doi:10.1109/TPAMI.1979.4766909

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skesom.metrics import davies_bouldin_scorer
    >>> X = [[0.0], [2.0], [10.0], [12.0]]
    >>> davies_bouldin_scorer(KMeans(2, random_state=0).fit(X), X)  # (1 + 1) / 10
    -0.2
    """
    table, labels = _clusters(estimator, X)
    if not _comparable(labels):
        return WORST
    return -float(davies_bouldin_score(table, labels))


def _clusters(estimator, X):
    """Return the table that a clusterer sees and its labels, without those left out."""
    clusterer, table = last_step(estimator, X)
    if len(table) == 0:
        return np.empty((0, 1)), np.empty(0, dtype=np.int32)
    labels = np.asarray(clusterer.predict(table))
    table = np.asarray(table)
    kept = (labels >= 0) & complete(table)
    return table[kept], labels[kept]


def _comparable(labels):
    """Whether scikit-learn can compare clusters: two or more, not all of one sample."""
    return 2 <= len(np.unique(labels)) < len(labels)
