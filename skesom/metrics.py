# SPDX-License-Identifier: BSD-3-Clause
"""How good a map is, how good its clusters are, and scorers for searches.

Two measures look at a codebook: `quantization_error` and `topographic_error`. The
scorers are callables ``(estimator, X, y=None)`` for ``GridSearchCV(scoring=...)``, more
is better. They look at the clusters of any scikit-learn clusterer that has ``predict``,
and measure in the table that the clustering step itself sees: X after all steps of a
`~sklearn.pipeline.Pipeline` but the last, and the valid pixels where X is a cube.
"""

import numpy as np
from scipy import sparse
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array

from skesom.som._base import mean_distance
from skesom.som._codebook import nearest_units

__all__ = [
    "calinski_harabasz_scorer",
    "davies_bouldin_scorer",
    "quantization_error",
    "quantization_error_scorer",
    "silhouette_scorer",
    "topographic_error",
]

# The score of a failure where a score has no lower bound. It is lower than any real
# one, yet finite and small enough that the folds of a search have a mean and a spread.
_WORST = -1e100
_SILHOUETTE_SAMPLES = 2000
_SEED = 0


def quantization_error(X, codebook):
    """Return the mean distance of the samples to their nearest unit.

    The error is mean ||x - w_c(x)||, a Euclidean distance (not squared), c(x) being
    the unit nearest to x.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples; NaN marks missing features. A distance over the present features is
        scaled up by sqrt(n_features / n_present); a sample without any is left out.
    codebook : array-like of shape (n_units, n_features)
        Weights of the units.

    Returns
    -------
    error : float
        In the units of X; NaN if no sample has a feature.

    Raises
    ------
    ValueError
        If the numbers of features differ, for infinite values, or for missing values
        in the codebook.

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2

    Examples
    --------
    >>> from skesom.metrics import quantization_error
    >>> quantization_error([[0, 0], [3, 4], [10, 1]], [[0, 0], [10, 0]])
    2.0
    """
    X, codebook = _checked(X, codebook)
    _, distances = nearest_units(X, codebook)
    return mean_distance(distances)


def topographic_error(X, codebook, connections):
    """Return the share of samples whose two nearest units are not connected.

    Where a map folds over itself, units far apart on it are near in the data.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples; NaN marks missing features, a sample without any is left out.
    codebook : array-like of shape (n_units, n_features)
        Weights of the units.
    connections : sparse or array-like of shape (n_units, n_units)
        Which units are connected: ``connections_`` of a map. In a sparse matrix every
        stored entry is a connection, a strength of 0 included; in an array every entry
        but 0.

    Returns
    -------
    error : float
        From 0, the best, to 1; NaN for a map of one unit, or if no sample has a
        feature.

    Raises
    ------
    ValueError
        If the numbers of features or units differ, for infinite values, or for missing
        values in the codebook.

    References
    ----------
    .. [1] Kiviluoto, K. (1996), "Topology preservation in self-organizing maps", Proc.
       International Conference on Neural Networks, 294-299,
       doi:10.1109/ICNN.1996.548907

    Examples
    --------
    >>> from skesom.metrics import topographic_error
    >>> line = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]  # 0 - 1 - 2
    >>> topographic_error([[0.1], [0.9], [1.8]], [[0.0], [1.0], [2.0]], line)
    0.0
    >>> topographic_error([[0.1], [0.9], [1.8]], [[0.0], [2.0], [1.0]], line)
    0.6666666666666666
    """
    X, codebook = _checked(X, codebook)
    n_units = len(codebook)
    links = sparse.coo_array(connections)
    if links.shape != (n_units, n_units):
        raise ValueError(
            f"'connections' must have the shape ({n_units}, {n_units}) for the "
            f"{n_units} units of the codebook, got {links.shape}."
        )
    winners, _ = nearest_units(X, codebook, second=True)
    winners = winners[winners[:, 1] >= 0]
    if len(winners) == 0:
        return float("nan")
    rows, columns = (axis.astype(np.int64) for axis in links.coords)
    pairs = n_units * winners[:, 0] + winners[:, 1]
    return float(np.mean(~np.isin(pairs, n_units * rows + columns)))


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
    Samples labelled below 0 (masked, noise) and samples with missing features are left
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
    table, labels = _complete(*_clustered(estimator, X)[1:])
    if len(labels) > _SILHOUETTE_SAMPLES:
        picked = np.random.default_rng(_SEED).choice(
            len(labels), _SILHOUETTE_SAMPLES, replace=False
        )
        table, labels = table[picked], labels[picked]
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
    Samples labelled below 0 (masked, noise) and samples with missing features are left
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
    table, labels = _complete(*_clustered(estimator, X)[1:])
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
    Samples labelled below 0 (masked, noise) and samples with missing features are left
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
    table, labels = _complete(*_clustered(estimator, X)[1:])
    if not _comparable(labels):
        return _WORST
    return -float(davies_bouldin_score(table, labels))


def quantization_error_scorer(estimator, X, y=None):
    """Score a codebook by minus its `quantization_error`.

    It does not look at clusters and improves with every unit: it compares maps of one
    size, not numbers of clusters.

    Parameters
    ----------
    estimator : fitted estimator, or Pipeline that ends in one
        Has ``codebook_`` or ``cluster_centers_``, and ``predict``.
    X : array-like of shape (n_samples, n_features) or (n_rows, n_columns, n_bands)
        A table, or a cube for an estimator that takes cubes.
    y : None
        Ignored, present for API consistency.

    Returns
    -------
    score : float
        Not positive, more is better; -1e100 if every sample is masked or noise.

    Raises
    ------
    TypeError
        If the estimator has no codebook.

    Notes
    -----
    Samples labelled below 0 (masked, noise) are left out. Missing features are allowed
    where the estimator takes them.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skesom.metrics import quantization_error_scorer
    >>> X = [[0.0], [2.0], [10.0], [12.0]]
    >>> quantization_error_scorer(KMeans(2, random_state=0).fit(X), X)
    -1.0
    """
    clusterer, table, labels = _clustered(estimator, X)
    codebook = getattr(clusterer, "codebook_", None)
    if codebook is None:
        codebook = getattr(clusterer, "cluster_centers_", None)
    if codebook is None:
        raise TypeError(
            f"{type(clusterer).__name__} has neither codebook_ nor cluster_centers_, "
            "so it has no quantization error. Score its clusters instead, for example "
            "with silhouette_scorer."
        )
    if len(labels) == 0:
        return _WORST
    return -quantization_error(table, codebook)


def _checked(X, codebook):
    """Return both as the kernels want them, in the dtype of the codebook."""
    codebook = check_array(
        codebook, dtype=[np.float64, np.float32], order="C", input_name="codebook"
    )
    X = check_array(
        X,
        dtype=codebook.dtype,
        order="C",
        ensure_all_finite="allow-nan",
        input_name="X",
    )
    if X.shape[1] != codebook.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} features, but the codebook has {codebook.shape[1]}."
        )
    return X, codebook


def _clustered(estimator, X):
    """Return the clusterer inside an estimator, and what it did with X.

    An estimator of cubes is known by its method ``table``, which gives the valid pixels
    and where they are, and its ``estimator_``, which clusters them.

    Returns
    -------
    clusterer : estimator
        The one that knows the table.
    table : ndarray of shape (n_labelled, n_features)
        The samples that got a label of 0 or more, as the clusterer sees them.
    labels : ndarray of shape (n_labelled,)
        Their labels.
    """
    clusterer, table = _last_step(estimator, X)
    labels = np.asarray(clusterer.predict(table))
    if hasattr(clusterer, "table"):
        cubes, cube = clusterer, table
        if not (labels >= 0).any():  # such a cube may have no valid pixel at all
            clusterer, _ = _last_step(cubes.estimator_)
            return clusterer, np.empty((0, 1)), np.empty(0, dtype=labels.dtype)
        table, valid = cubes.table(cube)
        labels = labels[valid]
        clusterer, table = _last_step(cubes.estimator_, table)
    labelled = labels >= 0
    return clusterer, np.asarray(table)[labelled], labels[labelled]


def _last_step(estimator, X=None):
    """Return the last step of (nested) pipelines, and X as it gets there."""
    while isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X


def _complete(table, labels):
    """Return the samples without a missing feature."""
    complete = ~np.isnan(table).any(axis=1)
    return (table, labels) if complete.all() else (table[complete], labels[complete])


def _comparable(labels):
    """Whether scikit-learn can compare clusters: two or more, not all of one sample."""
    return 2 <= len(np.unique(labels)) < len(labels)
