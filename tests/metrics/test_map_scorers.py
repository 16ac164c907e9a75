# SPDX-License-Identifier: BSD-3-Clause
"""Scorers of maps: the measures, in the table that the map itself sees."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skesom import metrics
from skesom.maps import CubeClassifier, CubeClusterer
from skesom.metrics import _scorers, map_scorer
from skesom.pixels import CubeFlattener
from skesom.som import CSOM, ESOM, MapClassifier

# What each scorer stands for, and the score of a table without samples.
MAP_SCORERS = {
    "quantization_error": (-1, -1e100),
    "distortion": (-1, -1e100),
    "topographic_error": (-1, -1.0),
    "kaski_lagus_error": (-1, -1e100),
    "trustworthiness": (1, 0.0),
    "continuity": (1, 0.0),
}


def signed(name):
    """Return the measure of a scorer with its sign."""
    measure, (sign, _) = getattr(metrics, name), MAP_SCORERS[name]
    return lambda X, som, **options: sign * measure(X, som, **options)


every_scorer = pytest.mark.parametrize(
    ("scorer", "measure", "worst"),
    [(map_scorer(name), signed(name), MAP_SCORERS[name][1]) for name in MAP_SCORERS],
    ids=MAP_SCORERS,
)
scorers_of_ranks = pytest.mark.parametrize(
    ("scorer", "measure"),
    [(map_scorer(name), signed(name)) for name in ("trustworthiness", "continuity")],
)


class Given(ClusterMixin, BaseEstimator):
    """A map that is given."""

    def __init__(self, codebook, connections):
        self.codebook = codebook
        self.connections = connections

    def fit(self, X, y=None):
        self.codebook_ = np.asarray(self.codebook, dtype=float)
        self.connections_ = np.asarray(self.connections)
        return self


@pytest.fixture
def X():
    return make_blobs(150, 3, centers=3, random_state=0)[0]


@pytest.fixture(scope="module")
def cube():
    cube = make_blobs(192, 3, centers=3, random_state=1)[0].reshape(12, 16, 3)
    cube[2:4, 5:9] = np.nan
    cube[7, 7, 1] = np.nan
    return cube


@every_scorer
@pytest.mark.parametrize(
    "estimator",
    [CSOM(None, shape=(4, 5)), ESOM(random_state=0)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_scorers_are_the_measures(scorer, measure, worst, estimator, X):
    fitted = estimator.fit(X)
    score = scorer(fitted, X)
    assert type(score) is float
    assert score == pytest.approx(measure(X, fitted), rel=1e-12)
    assert scorer(fitted, X, y=fitted.labels_) == score


def test_quantization_error_scorer_of_other_codebooks(X):
    kmeans = KMeans(3, random_state=0).fit(X)
    expected = cdist(X, kmeans.cluster_centers_).min(axis=1).mean()
    assert map_scorer("quantization_error")(kmeans, X) == pytest.approx(-expected)
    csom = make_pipeline(StandardScaler(), CSOM(None, shape=(3, 3))).fit(X)
    for missing in (False, True):
        if missing:
            X[::4, 1] = np.nan
        distances = csom.transform(X).min(axis=1)
        score = map_scorer("quantization_error")(csom, X)
        assert score == pytest.approx(-distances.mean())


@every_scorer
def test_scorers_look_at_the_table_of_the_last_step(scorer, measure, worst, X):
    X = X * [1, 100, 1e4]
    pipeline = make_pipeline(
        make_pipeline(StandardScaler()),
        make_pipeline(FunctionTransformer(np.cbrt), CSOM(None, shape=(4, 5))),
    ).fit(X)
    table = np.cbrt(StandardScaler().fit_transform(X))
    expected = measure(table, pipeline[-1][-1])
    assert scorer(pipeline, X) == pytest.approx(expected, rel=1e-12)


@pytest.fixture(scope="module")
def of_cubes(cube):
    """The same map behind a cube, in a pipeline of cubes, and after a flattener."""
    inner = make_pipeline(StandardScaler(), CSOM(None, shape=(4, 5)))
    clusterer = CubeClusterer(inner).fit(cube)
    whole = make_pipeline(FunctionTransformer(np.copy), CubeClusterer(inner)).fit(cube)
    flat = make_pipeline(CubeFlattener(), *(step for _, step in inner.steps)).fit(cube)
    return clusterer, whole, flat


@every_scorer
def test_scorers_of_cubes(scorer, measure, worst, cube, of_cubes):
    table = cube[~np.isnan(cube).any(axis=2)]
    assert len(table) == 183
    table = StandardScaler().fit_transform(table)
    expected = measure(table, of_cubes[0].estimator_[-1])
    for estimator in of_cubes:
        assert scorer(estimator, cube) == pytest.approx(expected, rel=1e-12)
    assert scorer(of_cubes[0], np.full((2, 16, 3), np.nan)) == worst
    voxels = CubeClusterer(CSOM(None, shape=8), pattern="voxel").fit(cube)
    expected = measure(cube[~np.isnan(cube)][:, None], voxels.estimator_)
    assert scorer(voxels, cube) == pytest.approx(expected, rel=1e-12)


def test_partly_observed_pixels_count(cube):
    inner = make_pipeline(StandardScaler(), CSOM(None, shape=(3, 4)))
    clusterer = CubeClusterer(inner, min_bands=2).fit(cube)
    table = cube[(~np.isnan(cube)).sum(axis=2) >= 2]
    assert len(table) == 184
    alone = make_pipeline(StandardScaler(), CSOM(None, shape=(3, 4))).fit(table)
    expected = alone.transform(table).min(axis=1).mean()
    score = map_scorer("quantization_error")(clusterer, cube)
    assert score == pytest.approx(-expected)


@every_scorer
def test_scorers_of_classifiers(scorer, measure, worst, X, cube):
    names = np.array(["disc", "halo", "star"])[np.argmax(X, axis=1)]
    classifier = MapClassifier(ESOM(random_state=0)).fit(X, names)
    expected = measure(X, classifier.estimator_)
    assert scorer(classifier, X, names) == pytest.approx(expected, rel=1e-12)
    truth = np.nanargmax(np.nan_to_num(cube), axis=2).astype(np.int32)
    of_cubes = CubeClassifier(MapClassifier(ESOM(random_state=0))).fit(cube, truth)
    table = cube[~np.isnan(cube).any(axis=2)]
    expected = measure(table, of_cubes.estimator_.estimator_)
    assert scorer(of_cubes, cube, truth) == pytest.approx(expected, rel=1e-12)


@every_scorer
def test_nothing_to_measure_gets_the_worst_score(scorer, measure, worst, X):
    csom = CSOM(None, shape=(3, 3)).fit(X)
    assert scorer(csom, np.full((20, 3), np.nan)) == worst
    assert scorer(csom, X) > worst


@every_scorer
def test_a_map_of_one_unit(scorer, measure, worst, X):
    score = scorer(CSOM(None, shape=(1, 1)).fit(X), X)
    if scorer.measure in ("topographic_error", "kaski_lagus_error"):
        assert score == worst
    elif scorer.measure in ("trustworthiness", "continuity"):
        assert 0 < score < 1
    else:
        assert -1e100 < score < 0


def test_a_torn_map_has_the_worst_kaski_lagus_error():
    torn = Given([[0.0], [1.0]], np.zeros((2, 2))).fit(None)
    assert map_scorer("kaski_lagus_error")(torn, [[0.2]]) == -1e100
    whole = Given([[0.0], [1.0]], np.ones((2, 2))).fit(None)
    assert map_scorer("kaski_lagus_error")(whole, [[0.25]]) == -1.25


@scorers_of_ranks
def test_five_neighbors_need_eleven_complete_samples(scorer, measure, X):
    csom = CSOM(None, shape=(3, 3)).fit(X)
    some = X[:11].copy()
    assert scorer(csom, some) == measure(some, csom, n_neighbors=5) > 0
    some[3, 1] = np.nan
    assert scorer(csom, some) == 0
    X[::3, 0] = np.nan
    complete = X[~np.isnan(X[:, 0])]
    assert scorer(csom, X) == measure(complete, csom)


@scorers_of_ranks
def test_many_samples_are_measured_by_some(scorer, measure, monkeypatch):
    # That these are 2000 is told by the silhouette, which takes the same ones.
    monkeypatch.setattr(_scorers, "_MAX_SAMPLES", 400)
    X = make_blobs(468, 3, centers=4, random_state=0)[0]
    X[::26, 1] = np.nan
    csom = CSOM(None, shape=(6, 6), n_epochs=5).fit(X)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    score = scorer(csom, X)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert score == scorer(csom, X)
    complete = X[~np.isnan(X[:, 1])]
    assert len(complete) == 450
    exact = measure(complete, csom)
    assert score != exact
    assert score == pytest.approx(exact, abs=0.02)


@every_scorer
def test_estimators_without_units(scorer, measure, worst, X):
    mixture = GaussianMixture(2, random_state=0).fit(X)
    kmeans = KMeans(2, random_state=0).fit(X)
    if scorer.measure == "quantization_error":
        with pytest.raises(TypeError, match="Mixture has neither codebook_ nor"):
            scorer(mixture, X)
        return
    for other in (mixture, kmeans):
        name = type(other).__name__
        with pytest.raises(TypeError, match=f"{name} has no connections_.* no map"):
            scorer(other, X)
