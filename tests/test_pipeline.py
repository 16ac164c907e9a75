# SPDX-License-Identifier: BSD-3-Clause
"""Maps stand where any clusterer of scikit-learn stands, and the other way round."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.metrics import map_scorer
from skesom.som import CSOM, ESOM

CLUSTERERS = [
    ESOM(4, random_state=0),
    CSOM(4, shape=(6, 6), random_state=0),
    KMeans(4, random_state=0),
    MiniBatchKMeans(4, random_state=0),
    GaussianMixture(4, random_state=0),
    HDBSCAN(min_cluster_size=20, copy=True),
]


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(400, 3, centers=4, cluster_std=0.7, random_state=7)
    return X * [1, 1e3, 1e-3], y  # clusters only to who scales first


@pytest.mark.parametrize("clusterer", CLUSTERERS, ids=lambda c: type(c).__name__)
def test_any_clusterer_ends_the_same_pipeline(clusterer, blobs):
    X, y = blobs
    pipeline = make_pipeline(StandardScaler(), KMeans(2))
    pipeline.set_params(kmeans=clone(clusterer))
    labels = pipeline.fit_predict(X)
    assert labels.shape == (400,)
    assert adjusted_rand_score(y, labels) > 0.95
    if hasattr(clusterer, "predict"):
        assert_array_equal(pipeline.predict(X), labels)


@pytest.mark.parametrize("clusterer", CLUSTERERS[:2], ids=["ESOM", "CSOM"])
def test_pipeline_equals_its_steps(clusterer, blobs):
    X, _ = blobs
    table = StandardScaler().fit_transform(X)
    alone = clone(clusterer).fit(table)
    pipeline = make_pipeline(StandardScaler(), clone(clusterer)).fit(X)
    assert_array_equal(pipeline.predict(X), alone.labels_)
    assert_array_equal(pipeline.transform(X), alone.transform(table))
    assert pipeline.score(X) == alone.score(table)
    names = pipeline.get_feature_names_out()
    assert names[0] == f"{type(clusterer).__name__.lower()}0"
    assert len(names) == len(alone.codebook_)


@pytest.mark.parametrize(
    "scorer", [None, map_scorer("silhouette"), map_scorer("calinski_harabasz")]
)
def test_search_over_the_shape_of_a_map(scorer, blobs):
    X, _ = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), CSOM(4, n_epochs=5)),
        {"csom__shape": [(4, 4), (4, 6), (8, 8)]},
        scoring=scorer,
        cv=3,
    ).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if scorer is None:  # more units are always nearer
        assert search.best_params_ == {"csom__shape": (8, 8)}
    best = search.best_estimator_
    assert best[-1].positions_.shape[0] == np.prod(search.best_params_["csom__shape"])
    assert_array_equal(search.predict(X), best.predict(X))


def test_search_over_the_number_of_clusters(blobs):
    X, _ = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), ESOM(random_state=0)),
        {"esom__n_clusters": [2, 4, 6], "esom__learning_rate": [0.05, 0.2]},
        scoring=map_scorer("silhouette"),
        cv=3,
    ).fit(X)
    assert search.best_params_["esom__n_clusters"] == 4


def test_search_over_the_clusterer_itself(blobs):
    X, _ = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), KMeans()),
        {"kmeans": CLUSTERERS[:4]},
        scoring=map_scorer("silhouette"),
        cv=3,
    ).fit(X)
    assert (search.cv_results_["mean_test_score"] > 0.5).all()


def test_search_in_parallel_equals_serial(blobs):
    X, _ = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), CSOM(4, random_state=0)),
        {"csom__shape": [(5, 5), (6, 6)]},
        scoring=map_scorer("silhouette"),
        cv=2,
    )
    serial = search.fit(X).cv_results_["mean_test_score"]
    parallel = clone(search).set_params(n_jobs=2).fit(X).cv_results_["mean_test_score"]
    assert_array_equal(serial, parallel)


def test_quantization_error_over_folds(blobs):
    X, _ = blobs
    pipeline = make_pipeline(StandardScaler(), CSOM(None, shape=(5, 5)))
    scores = cross_val_score(
        pipeline, X, scoring=map_scorer("quantization_error"), cv=4
    )
    assert (scores < 0).all()
    assert_allclose(scores, cross_val_score(pipeline, X, cv=4), rtol=1e-12)


@pytest.mark.parametrize("clusterer", CLUSTERERS[:2], ids=["ESOM", "CSOM"])
def test_cross_val_predict(clusterer, blobs):
    X, _ = blobs
    pipeline = make_pipeline(StandardScaler(), clusterer)
    labels = cross_val_predict(pipeline, X, cv=3)
    assert labels.shape == (400,)
    assert set(labels) == {0, 1, 2, 3}


@pytest.mark.parametrize("clusterer", CLUSTERERS[:2], ids=["ESOM", "CSOM"])
def test_distances_to_units_are_features(clusterer, blobs):
    X, y = blobs
    classifier = make_pipeline(
        StandardScaler(), clusterer, LogisticRegression(max_iter=2000)
    )
    assert cross_val_score(classifier, X, y, cv=3).min() > 0.95


def test_maps_side_by_side_in_a_table(blobs):
    pytest.importorskip("pandas")
    X, _ = blobs
    union = FeatureUnion(
        [("fine", CSOM(None, shape=(3, 3))), ("coarse", CSOM(None, shape=(2, 2)))]
    ).set_output(transform="pandas")
    table = make_pipeline(StandardScaler(), union).fit_transform(X)
    assert table.shape == (400, 13)
    assert list(table.columns[[0, 9]]) == ["fine__csom0", "coarse__csom0"]


@pytest.mark.parametrize("clusterer", CLUSTERERS[:2], ids=["ESOM", "CSOM"])
def test_missing_features_need_no_imputer(clusterer, blobs):
    X, y = blobs
    X = X.copy()
    X[::3, 0] = X[1::3, 1] = np.nan
    plain = make_pipeline(StandardScaler(), clone(clusterer)).fit(X)
    imputed = make_pipeline(SimpleImputer(), StandardScaler(), clone(clusterer)).fit(X)
    score = adjusted_rand_score(y, plain[-1].labels_)
    assert score > adjusted_rand_score(y, imputed[-1].labels_)
