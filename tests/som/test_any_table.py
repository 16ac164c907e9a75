# SPDX-License-Identifier: BSD-3-Clause
"""Tables of any unit, scale and rank are clustered, and always alike."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
)
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, ESOM, ConsensusClusterer

N_SEEDS = 40
KNOWN = {
    "digits": load_digits,
    "wine": load_wine,
    "cancer": load_breast_cancer,
    "iris": load_iris,
    "diabetes": load_diabetes,
}
few_clusters = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)
one_direction = pytest.mark.filterwarnings("ignore:The data vary along one direction")


@pytest.mark.parametrize("scaled", [False, True], ids=["raw", "scaled"])
@pytest.mark.parametrize("name", KNOWN)
def test_known_tables_with_many_seeds(name, scaled):
    X = KNOWN[name]().data
    if scaled:
        X = StandardScaler().fit_transform(X)
    for seed in range(N_SEEDS):
        labels = ESOM(10, random_state=seed).fit_predict(X)
        assert_array_equal(np.unique(labels), np.arange(10))
    for seed in range(N_SEEDS // 4):
        csom = CSOM(10, shape=(8, 7), init="random", random_state=seed)
        assert_array_equal(np.unique(csom.fit_predict(X)), np.arange(10))


def awkward_tables():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(400, 4))
    noise = rng.normal(size=400)
    return {
        "rare": np.c_[normal, rng.random(400) < 0.01],
        "scales": normal * 10.0 ** np.array([-30, -3, 0, 30]),
        "rounding": np.c_[normal, 1e6 + 1e-10 * noise, np.full(400, 0.1)],
        "far": normal + 1e9,
        "rank 1": np.outer(noise, [1, 2, -3]),
        "duplicates": np.repeat(rng.normal(size=(12, 3)), 40, axis=0),
        "n = k": rng.normal(size=(10, 3)),
        "one column": noise[:, np.newaxis],
        "constant": np.ones((40, 3)),
        "all but one": np.r_[np.zeros((40, 3)), np.ones((1, 3))],
        "whole numbers": rng.integers(0, 2, (400, 3)),
        "missing": np.where(rng.random((400, 4)) < 0.3, np.nan, normal),
    }


@few_clusters
@one_direction
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("Map", [ESOM, CSOM])
@pytest.mark.parametrize("name", awkward_tables())
def test_awkward_tables(name, Map, dtype):
    X = awkward_tables()[name].astype(dtype)
    for seed in range(5):
        how = {"random_state": seed}
        if Map is CSOM:
            how |= {"shape": (6, 5), "init": "random"}
        for n_clusters in (2, 10, "auto"):
            som = Map(n_clusters, **how).fit(X)
            assert_array_equal(som.predict(X), som.labels_)
            assert_array_equal(som.predict(X[:1]), som.labels_[:1])
            n_found = som.labels_.max() + 1
            assert_array_equal(np.unique(som.labels_[som.labels_ >= 0]), range(n_found))
            assert n_clusters == "auto" or n_found <= n_clusters


UNITS = {
    "esom": ESOM(5, random_state=0),
    "esom-auto": ESOM("auto", random_state=0),
    "esom-umatrix": ESOM(5, clusterer="umatrix", random_state=0),
    "esom-two": ESOM(5, clusterer="two-winners", random_state=0),
    "esom-components": ESOM(5, clusterer="components", random_state=0),
    "esom-full": ESOM(5, max_nodes=40, random_state=0),
    "csom": CSOM(5, shape=(8, 8)),
    "csom-online": CSOM(5, shape=(8, 8), algorithm="online", random_state=0),
    "csom-random": CSOM(5, shape=(8, 8), init="random", random_state=0),
    "csom-umatrix": CSOM(5, shape=(8, 8), clusterer="umatrix"),
    "csom-two": CSOM(5, shape=(8, 8), clusterer="two-winners"),
    "csom-manhattan": CSOM(5, shape=(8, 8), metric="manhattan"),
    "csom-cosine": CSOM(5, shape=(8, 8), metric="cosine"),
    "csom-weights": CSOM(5, shape=(8, 8), feature_weights=[1, 2, 1, 0.5]),
    "consensus": ConsensusClusterer(ESOM(5), n_estimators=4, random_state=0),
    "of-kmeans": ConsensusClusterer(KMeans(5, tol=0), n_estimators=3, random_state=0),
}


@few_clusters
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNITS)
def test_answer_does_not_depend_on_the_unit(name, dtype):
    X, _ = make_blobs(500, 4, centers=5, cluster_std=1.5, random_state=1)
    X = X.astype(dtype)
    expected = clone(UNITS[name]).fit(X)
    for power in (-80, -56, -27, 31, 80):
        if name == "of-kmeans" and dtype == np.float32 and abs(power) > 40:
            continue  # scikit-learn squares them
        scaled = np.ldexp(X, power)
        found = clone(UNITS[name]).fit(scaled)
        assert_array_equal(found.labels_, expected.labels_)
        assert_array_equal(found.predict(scaled), expected.labels_)
        if isinstance(found, ESOM):
            assert_array_equal(np.ldexp(found.codebook_, -power), expected.codebook_)
            assert np.ldexp(found.epsilon_, -power) == expected.epsilon_


def test_stream_in_another_unit():
    X = make_blobs(600, 3, centers=4, random_state=0)[0].astype(np.float32)
    labels = []
    for power in (0, -70):
        esom = ESOM(4, random_state=0)
        for start in range(0, 600, 200):
            esom.partial_fit(np.ldexp(X[start : start + 200], power))
        labels.append(esom.predict(np.ldexp(X, power)))
    assert_array_equal(*labels)


@pytest.mark.parametrize("power", [-40, -20, 10, 40])
def test_errors_have_the_unit_of_the_samples(power):
    X = load_wine().data
    errors = 0.05 * X.mean(axis=0) * np.random.default_rng(1).uniform(0.5, 2, X.shape)
    expected = CSOM(5, shape=(8, 8)).fit(X, errors=errors)
    scaled = np.ldexp(X, power), np.ldexp(errors, power)
    found = CSOM(5, shape=(8, 8)).fit(scaled[0], errors=scaled[1])
    assert_array_equal(found.labels_, expected.labels_)
