# SPDX-License-Identifier: BSD-3-Clause
"""Scorers of clusters against scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import metrics as sklearn_metrics
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from skesom.maps import CubeClusterer
from skesom.metrics import map_scorer
from skesom.pixels import CubeFlattener
from skesom.som import CSOM, ESOM

# Each scorer, what scikit-learn gives for a table and labels, and the worst score.
CLUSTER_SCORERS = {
    "silhouette": (sklearn_metrics.silhouette_score, 1, -1.0),
    "calinski_harabasz": (sklearn_metrics.calinski_harabasz_score, 1, 0.0),
    "davies_bouldin": (sklearn_metrics.davies_bouldin_score, -1, -1e100),
}
every_cluster_scorer = pytest.mark.parametrize(
    ("scorer", "score", "sign", "worst"),
    [(map_scorer(name), *rest) for name, rest in CLUSTER_SCORERS.items()],
    ids=CLUSTER_SCORERS,
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


@every_cluster_scorer
@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(3, random_state=0),
        GaussianMixture(3, random_state=0),
        CSOM(shape=(4, 4), n_clusters=3),
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
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    score = map_scorer("silhouette")(fixed, X)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert score == map_scorer("silhouette")(fixed, X)
    exact = sklearn_metrics.silhouette_score(X, truth)
    assert score != exact
    assert score == pytest.approx(exact, abs=0.02)
    X, truth = X[:2000], truth[:2000]
    assert map_scorer("silhouette")(fixed, X) == pytest.approx(
        sklearn_metrics.silhouette_score(X, truth)
    )


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

    clusterer = CubeClusterer(KMeans(3, random_state=0), pattern="voxel").fit(cube)
    valid = ~np.isnan(cube)
    labels = clusterer.labels_[valid]
    expected = sign * score(cube[valid][:, None], labels)
    assert scorer(clusterer, cube) == pytest.approx(expected)


@every_cluster_scorer
def test_scorers_in_a_search(scorer, score, sign, worst):
    X = make_blobs(240, centers=4, cluster_std=0.4, random_state=3)[0]
    search = GridSearchCV(
        KMeans(random_state=0), {"n_clusters": [1, 4]}, scoring=scorer, cv=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no score that is not finite
        search.fit(X)
    assert search.best_params_ == {"n_clusters": 4}


def test_an_estimator_that_cannot_predict_says_so(X):
    with pytest.raises(AttributeError, match=r"DBSCAN.* 'predict'"):
        map_scorer("silhouette")(DBSCAN().fit(X), X)


@pytest.mark.parametrize("measure", ["silhouette", "trustworthiness"])
def test_numbers_that_a_step_made_objects(measure):
    X = make_blobs(60, 2, centers=3, random_state=0)[0]
    scale = make_column_transformer((StandardScaler(), [0]), remainder="passthrough")
    pipeline = make_pipeline(scale, CSOM(3, shape=(3, 3))).fit(X)
    from_lists = clone(pipeline).fit(X.tolist())
    scorer = map_scorer(measure)
    assert from_lists[0].transform(X.tolist()).dtype == object
    assert scorer(from_lists, X.tolist()) == scorer(pipeline, X)
