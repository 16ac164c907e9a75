# SPDX-License-Identifier: BSD-3-Clause
"""Quality measures against sums by hand, and scorers against scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn import metrics as sklearn_metrics
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from skesom import metrics
from skesom.maps import CubeClusterer
from skesom.pixels import CubeFlattener
from skesom.som import CSOM, ESOM

# Each scorer, what scikit-learn gives for a table and labels, and the worst score.
CLUSTER_SCORERS = [
    (metrics.silhouette_scorer, sklearn_metrics.silhouette_score, 1, -1.0),
    (
        metrics.calinski_harabasz_scorer,
        sklearn_metrics.calinski_harabasz_score,
        1,
        0.0,
    ),
    (metrics.davies_bouldin_scorer, sklearn_metrics.davies_bouldin_score, -1, -1e100),
]
every_cluster_scorer = pytest.mark.parametrize(
    ("scorer", "score", "sign", "worst"),
    CLUSTER_SCORERS,
    ids=[scorer.__name__ for scorer, *_ in CLUSTER_SCORERS],
)


class Fixed(ClusterMixin, BaseEstimator):
    """A clusterer whose labels are given: the last column of its table."""

    def fit(self, X, y=None):
        self.codebook_ = np.zeros((1, np.shape(X)[1]))
        self.labels_ = self.predict(X)
        return self

    def predict(self, X):
        return np.nan_to_num(np.asarray(X)[:, -1], nan=-3).astype(int)


@pytest.fixture
def X():
    return make_blobs(150, 3, centers=3, random_state=0)[0]


@pytest.fixture
def cube(X):
    cube = np.concatenate([X, X[:42] + 0.1]).reshape(12, 16, 3)
    cube[2:4, 5:9] = np.nan
    cube[7, 7, 1] = np.nan
    return cube


def test_quantization_error_by_hand():
    # Distances 0, 5 and 1; the row without a feature does not count.
    X = [[0, 0], [3, 4], [10, 1], [np.nan, np.nan]]
    assert metrics.quantization_error(X, [[0, 0], [10, 0]]) == 2
    # One of two features is present, 3 away: 3 sqrt(2 / 1).
    error = metrics.quantization_error([[3, np.nan]], [[0.0, 7.0]])
    assert error == pytest.approx(3 * np.sqrt(2))
    assert np.isnan(metrics.quantization_error([[np.nan]], [[1.0]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4", int])
def test_quantization_error_is_the_mean_distance(X, dtype):
    X = (10 * X).astype(dtype)
    csom = CSOM((4, 4)).fit(X)
    error = metrics.quantization_error(X, csom.codebook_)
    assert error == csom.quantization_error_ == -csom.score(X)
    distances = cdist(X.astype(float), csom.codebook_.astype(float)).min(axis=1)
    assert error == pytest.approx(distances.mean(), rel=1e-5)


def test_topographic_error_by_hand():
    codebook = np.array([[0.0], [1.0], [2.0], [3.0]])
    X = [[0.1], [0.9], [1.2], [2.9], [np.nan]]  # nearest two: 01, 10, 12, 32, none
    links = np.zeros((4, 4))
    links[0, 1] = links[1, 0] = 1
    assert metrics.topographic_error(X, codebook, links) == 0.5
    links[2, 3] = links[3, 2] = 1
    assert metrics.topographic_error(X, codebook, links) == 0.25
    links[1, 2] = links[2, 1] = 1
    assert metrics.topographic_error(X, codebook, links) == 0
    assert metrics.topographic_error(X, codebook, np.zeros((4, 4))) == 1


@pytest.mark.parametrize("form", ["csr_array", "coo_array", "csc_matrix", "lil_array"])
def test_connections_of_any_form(form):
    links = getattr(sparse, form)(np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]))
    X = [[0.0], [1.9]]
    assert metrics.topographic_error(X, [[0.0], [1.0], [2.0]], links) == 0.5


def test_connection_of_strength_zero_is_a_connection():
    links = sparse.csr_array((np.zeros(2), ([0, 1], [1, 0])), shape=(2, 2))
    assert metrics.topographic_error([[0.0]], [[0.0], [1.0]], links) == 0
    assert metrics.topographic_error([[0.0]], [[0.0], [1.0]], links.toarray()) == 1


def test_topographic_error_without_a_second_unit():
    assert np.isnan(metrics.topographic_error([[1.0]], [[1.0]], [[0.0]]))
    assert np.isnan(
        metrics.topographic_error([[np.nan]], [[1.0], [2.0]], np.ones((2, 2)))
    )


@pytest.mark.parametrize("estimator", [CSOM((6, 5)), ESOM(random_state=0)])
def test_topographic_error_of_a_map(estimator, X):
    fitted = estimator.fit(X)
    nearest = np.argsort(cdist(X, fitted.codebook_), axis=1, kind="stable")[:, :2]
    linked = fitted.connections_.toarray() != 0
    expected = 1 - linked[nearest[:, 0], nearest[:, 1]].mean()
    error = metrics.topographic_error(X, fitted.codebook_, fitted.connections_)
    assert error == pytest.approx(expected)


def test_refused_arrays():
    with pytest.raises(ValueError, match="X has 2 features, but the codebook has 3"):
        metrics.quantization_error(np.ones((4, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="Input codebook contains NaN"):
        metrics.quantization_error(np.ones((4, 2)), np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        metrics.topographic_error([[np.inf]], [[1.0]], [[0]])
    with pytest.raises(
        ValueError, match=r"shape \(2, 2\) for the 2 units.*got \(3, 3\)"
    ):
        metrics.topographic_error([[1.0]], [[1.0], [2.0]], np.ones((3, 3)))


@every_cluster_scorer
@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(3, random_state=0),
        GaussianMixture(3, random_state=0),
        CSOM((4, 4), n_clusters=3),
        ESOM(n_clusters=3, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_scorers_are_those_of_scikit_learn(estimator, scorer, score, sign, worst, X):
    labels = estimator.fit(X).predict(X)
    assert scorer(estimator, X) == pytest.approx(sign * score(X, labels))
    assert scorer(estimator, X, y=labels) == scorer(estimator, X)
    assert isinstance(scorer(estimator, X), float)


@every_cluster_scorer
def test_scorers_look_at_the_table_of_the_last_step(scorer, score, sign, worst, X):
    X = X * [1, 100, 1e4]
    pipeline = make_pipeline(
        make_pipeline(StandardScaler(), MinMaxScaler()),
        make_pipeline(FunctionTransformer(np.sqrt), KMeans(3, random_state=0)),
    ).fit(X)
    table = np.sqrt(MinMaxScaler().fit_transform(StandardScaler().fit_transform(X)))
    expected = sign * score(table, pipeline.predict(X))
    assert scorer(pipeline, X) == pytest.approx(expected)
    alone = make_pipeline(KMeans(3, random_state=0)).fit(X)
    assert scorer(alone, X) == pytest.approx(sign * score(X, alone.predict(X)))


@every_cluster_scorer
@pytest.mark.parametrize("n_labels", [1, 6], ids=["one cluster", "each its own"])
def test_fewer_than_two_clusters_get_the_worst_score(
    scorer, score, sign, worst, n_labels
):
    X = np.column_stack([np.arange(6.0), np.arange(6) % n_labels])
    assert scorer(Fixed().fit(X), X) == worst
    X[:, -1] = -1
    assert scorer(Fixed().fit(X), X) == worst
    X[:, -1] = np.arange(6) % 2
    assert scorer(Fixed().fit(X), X) > worst


@every_cluster_scorer
def test_noise_and_missing_features_are_left_out(scorer, score, sign, worst):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)), rng.integers(-1, 3, size=40)])
    labels = X[:, -1].astype(int)
    X[::9, 0] = np.nan
    kept = (labels >= 0) & ~np.isnan(X[:, 0])
    expected = sign * score(X[kept], labels[kept])
    assert scorer(Fixed().fit(X), X) == pytest.approx(expected)


def test_silhouette_of_many_samples_is_that_of_some():
    X, truth = make_blobs(3000, centers=3, random_state=0)
    X = np.column_stack([X, truth])
    fixed = Fixed().fit(X)
    score = metrics.silhouette_scorer(fixed, X)
    assert score == metrics.silhouette_scorer(fixed, X)
    exact = sklearn_metrics.silhouette_score(X, truth)
    assert score != exact
    assert score == pytest.approx(exact, abs=0.02)
    X, truth = X[:2000], truth[:2000]
    assert metrics.silhouette_scorer(fixed, X) == pytest.approx(
        sklearn_metrics.silhouette_score(X, truth)
    )


def test_scorers_leave_the_global_random_state_alone():
    X = np.column_stack([np.arange(2500.0), np.arange(2500) % 2])
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    metrics.silhouette_scorer(Fixed().fit(X), X)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_quantization_error_scorer(X):
    kmeans = KMeans(3, random_state=0).fit(X)
    expected = cdist(X, kmeans.cluster_centers_).min(axis=1).mean()
    assert metrics.quantization_error_scorer(kmeans, X) == pytest.approx(-expected)
    csom = make_pipeline(StandardScaler(), CSOM((3, 3))).fit(X)
    assert metrics.quantization_error_scorer(csom, X) == csom.score(X)
    X[::4, 1] = np.nan
    assert metrics.quantization_error_scorer(csom, X) == csom.score(X)
    nothing = np.full((2, 3), np.nan)
    assert metrics.quantization_error_scorer(csom, nothing) == -1e100


def test_quantization_error_scorer_needs_a_codebook(X):
    mixture = GaussianMixture(2, random_state=0).fit(X)
    with pytest.raises(TypeError, match="GaussianMixture has neither codebook_ nor"):
        metrics.quantization_error_scorer(mixture, X)


@every_cluster_scorer
def test_scorers_of_cubes(scorer, score, sign, worst, cube):
    inner = make_pipeline(StandardScaler(), KMeans(3, random_state=0))
    clusterer = CubeClusterer(inner).fit(cube)
    valid = ~np.isnan(cube).any(axis=2)
    assert valid.sum() == 183
    table = StandardScaler().fit_transform(cube[valid])
    expected = sign * score(table, clusterer.labels_[valid])
    assert scorer(clusterer, cube) == pytest.approx(expected)
    # The same inside a pipeline of cubes, and with the table made by a flattener.
    whole = make_pipeline(FunctionTransformer(np.copy), CubeClusterer(inner)).fit(cube)
    assert scorer(whole, cube) == pytest.approx(expected)
    flat = make_pipeline(CubeFlattener(), *(step for _, step in inner.steps)).fit(cube)
    assert scorer(flat, cube) == pytest.approx(expected)
    # A strip that is masked everywhere has no cluster.
    assert scorer(clusterer, np.full((2, 16, 3), np.nan)) == worst


@every_cluster_scorer
def test_scorers_of_voxels(scorer, score, sign, worst, cube):
    clusterer = CubeClusterer(KMeans(3, random_state=0), pattern="voxel").fit(cube)
    valid = ~np.isnan(cube)
    labels = clusterer.labels_[valid]
    expected = sign * score(cube[valid][:, None], labels)
    assert scorer(clusterer, cube) == pytest.approx(expected)


def test_quantization_error_scorer_of_cubes(cube):
    inner = make_pipeline(StandardScaler(), CSOM((3, 4)))
    clusterer = CubeClusterer(inner, min_bands=2).fit(cube)
    table = cube[(~np.isnan(cube)).sum(axis=2) >= 2]
    expected = make_pipeline(StandardScaler(), CSOM((3, 4))).fit(table).score(table)
    score = metrics.quantization_error_scorer(clusterer, cube)
    assert score == pytest.approx(expected)
    masked = np.full((2, 16, 3), np.nan)
    assert metrics.quantization_error_scorer(clusterer, masked) == -1e100


@pytest.mark.parametrize(
    "scorer",
    [scorer for scorer, *_ in CLUSTER_SCORERS] + [metrics.quantization_error_scorer],
)
def test_scorers_in_a_search(scorer):
    X = make_blobs(240, centers=4, cluster_std=0.4, random_state=3)[0]
    search = GridSearchCV(
        KMeans(random_state=0), {"n_clusters": [1, 4]}, scoring=scorer, cv=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no score that is not finite
        search.fit(X)
    assert search.best_params_ == {"n_clusters": 4}


def test_public_names():
    public = [name for name in dir(metrics) if name in metrics.__all__]
    assert public == metrics.__all__
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)


def test_an_estimator_that_cannot_predict_says_so(X):
    with pytest.raises(AttributeError, match=r"DBSCAN.* 'predict'"):
        metrics.silhouette_scorer(DBSCAN().fit(X), X)
