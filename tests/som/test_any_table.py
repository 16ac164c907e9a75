# SPDX-License-Identifier: BSD-3-Clause
"""Tables of any unit, scale and rank are clustered, and always alike."""

import pickle

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
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
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor
from skesom.som._initial_codebook import principal_axes
from tests.helpers.memory import peak_of

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


@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 40), marks=pytest.mark.long)]
)
@pytest.mark.parametrize("scaled", [False, True], ids=["raw", "scaled"])
@pytest.mark.parametrize("name", KNOWN)
def test_known_tables_with_many_seeds(name, scaled, seeds):
    X = KNOWN[name]().data
    if scaled:
        X = StandardScaler().fit_transform(X)
    for seed in seeds:
        labels = ESOM(10, random_state=seed).fit_predict(X)
        assert_array_equal(np.unique(labels), np.arange(10))
    for seed in seeds[::4]:
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
@pytest.mark.parametrize(
    "seeds", [range(1), pytest.param(range(1, 5), marks=pytest.mark.long)]
)
@pytest.mark.parametrize(
    ("Map", "dtype"),
    [
        (ESOM, np.float32),
        (CSOM, np.float64),
        pytest.param(ESOM, np.float64, marks=pytest.mark.long),
        pytest.param(CSOM, np.float32, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", awkward_tables())
def test_awkward_tables(name, Map, dtype, seeds):
    X = awkward_tables()[name].astype(dtype)
    for seed in seeds:
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
            assert len(som.cluster_centers_) == n_found


ESTIMATORS = {
    "esom": ESOM(5, random_state=0),
    "esom-auto": ESOM("auto", random_state=0),
    "esom-full": ESOM(5, max_nodes=40, random_state=0),
    "esom-ball": ESOM(5, update_set="ball", n_epochs=2, random_state=0),
    "esom-kmeans": ESOM(clusterer=KMeans(5, random_state=0), random_state=0),
    "csom": CSOM(5, shape=(8, 8)),
    "csom-online": CSOM(5, shape=(8, 8), algorithm="online", random_state=0),
    "csom-random": CSOM(5, shape=(8, 8), init="random", random_state=0),
    "csom-manhattan": CSOM(5, shape=(8, 8), metric="manhattan"),
    "csom-cosine": CSOM(5, shape=(8, 8), metric="cosine"),
    "csom-angle": CSOM(
        5, shape=(8, 8), metric="spectral_angle", algorithm="online", random_state=0
    ),
    "csom-layers": CSOM(5, shape=(8, 8), layers=[(3, 3)]),
    "csom-weights": CSOM(5, shape=(8, 8), feature_weights=[1, 2, 1, 0.5]),
    "consensus": ConsensusClusterer(ESOM(5), n_estimators=4, random_state=0),
    "of-kmeans": ConsensusClusterer(KMeans(5, tol=0), n_estimators=3, random_state=0),
    "classes": MapClassifier(CSOM(shape=(8, 8)), n_neighbors=2),
    "grown": MapClassifier(ESOM(random_state=0), label_rule="grow"),
    "numbers": MapRegressor(ESOM(random_state=0)),
}


@few_clusters
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_answer_does_not_depend_on_the_unit(name, dtype):
    X, y = make_blobs(500, 4, centers=5, cluster_std=1.5, random_state=1)
    X = X.astype(dtype)
    before = clone(ESTIMATORS[name]).fit(X, y)
    expected = before.predict(X)
    for power in (-80, -27, 80) if dtype == np.float32 else (-56, 31):
        if name == "of-kmeans" and dtype == np.float32 and abs(power) > 40:
            continue  # scikit-learn squares them
        scaled = np.ldexp(X, power)
        found = clone(ESTIMATORS[name]).fit(scaled, y)
        assert_array_equal(getattr(found, "labels_", expected), expected)
        assert_array_equal(found.predict(scaled), expected)
        if name in ("csom", "csom-online", "csom-manhattan"):
            errors = np.ldexp(found.training_errors_, -power)
            assert_array_equal(errors, before.training_errors_)
        if isinstance(found, ESOM):
            assert_array_equal(np.ldexp(found.codebook_, -power), before.codebook_)
            assert np.ldexp(found.epsilon_, -power) == before.epsilon_


def test_stream_in_another_unit():
    X = make_blobs(600, 3, centers=4, random_state=0)[0].astype(np.float32)
    labels = []
    for power in (0, -70):
        esom = ESOM(4, random_state=0)
        for start in range(0, 600, 200):
            esom.partial_fit(np.ldexp(X[start : start + 200], power))
        labels.append(esom.predict(np.ldexp(X, power)))
    assert_array_equal(*labels)


fewer_right = pytest.mark.xfail(strict=False, reason="two of five bodies are one")


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("esom", -30),
        ("esom", 1000),
        ("csom", -30),
        ("csom", 1000),
        ("csom-online", -30),
        pytest.param("csom-online", 1000, marks=fewer_right),
        pytest.param("csom-layers", -30, marks=fewer_right),
        pytest.param("csom-layers", 1000, marks=fewer_right),
    ],
)
def test_table_with_gaps_at_another_place(name, offset):
    """No sum takes a missing value for a 0."""
    X, truth = make_blobs(500, 4, centers=5, cluster_std=0.5, random_state=3)
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    labels = clone(ESTIMATORS[name]).fit_predict(X)
    moved = clone(ESTIMATORS[name]).fit(X + offset)
    known = labels >= 0
    assert_array_equal(moved.labels_ >= 0, known)
    assert adjusted_rand_score(labels[known], moved.labels_[known]) > 0.95
    assert adjusted_rand_score(truth[known], labels[known]) > 0.8
    filled = moved.impute(X + offset) - offset
    assert_array_equal(np.abs(filled) < 20, True)


@pytest.mark.parametrize("power", [-40, -20, 10, 40])
def test_errors_have_the_unit_of_the_samples(power):
    X = load_wine().data
    errors = 0.05 * X.mean(axis=0) * np.random.default_rng(1).uniform(0.5, 2, X.shape)
    expected = CSOM(5, shape=(8, 8)).fit(X, errors=errors)
    scaled = np.ldexp(X, power), np.ldexp(errors, power)
    found = CSOM(5, shape=(8, 8)).fit(scaled[0], errors=scaled[1])
    assert_array_equal(found.labels_, expected.labels_)


def random_column(rng, n_rows):
    noise = rng.normal(size=n_rows)
    return (
        noise * 10.0 ** rng.uniform(-30, 30),
        0.1 + 1e-12 * noise,
        (rng.random(n_rows) < 0.01) * 1.0,
        rng.integers(-3, 4, n_rows) * 1.0,
        rng.standard_cauchy(n_rows),
        noise + 8 * rng.integers(0, 4, n_rows),
        noise + 1e6,
        np.zeros(n_rows),
    )[rng.integers(8)]


def random_table(seed):
    """Return a table that may be of any scale, type and rank, and have any gaps."""
    rng = np.random.default_rng(seed)
    n_rows, n_features = rng.choice([5, 30, 80]), rng.choice([1, 4, 4, 4])
    X = np.column_stack([random_column(rng, n_rows) for _ in range(n_features)])
    if seed % 4 == 1:
        X = X[rng.integers(0, max(1, n_rows // 8), n_rows)]  # duplicates
    kind = "float64 float32 float16 int8 bool missing gaps subnormal".split()[seed % 8]
    if kind in ("missing", "gaps"):
        hidden = rng.random(X.shape) < {"missing": 0.9, "gaps": 0.3}[kind]
        hidden[rng.integers(n_rows, size=n_features), range(n_features)] = False
        return np.where(hidden, np.nan, X).astype(
            [np.float32, np.float64][seed // 8 % 2]
        )
    if kind == "subnormal":
        return np.float32(1e-40 * rng.normal(size=X.shape))
    most = {"float16": 6e4, "int8": 120}.get(kind, np.inf)
    return np.clip(X, -most, most).astype(kind)


def assert_nearest(som, X):
    """Compare the winners with squares in long double, in which any unit fits."""
    dtype, metric = som.codebook_.dtype, getattr(som, "metric", "euclidean")
    winners, rounding = som.winners(X), 50 * np.finfo(dtype).eps
    tables = X.astype(dtype, copy=False), som.codebook_
    if metric not in ("cosine", "spectral_angle"):  # these take weights of features
        tables = map(som._metric().prepared, tables)
    X, units = (table.astype(np.longdouble) for table in tables)
    known, power = ~np.isnan(X), 1 if metric == "manhattan" else 2
    tie = (rounding * np.nanmax(np.abs(X), axis=1, initial=0)) ** power
    if metric in ("cosine", "spectral_angle"):
        tie = rounding
        products = np.where(known, X, 0) @ units.T
        lengths = np.sqrt(known @ units.T**2 * np.nansum(X**2, axis=1, keepdims=True))
        apart = 2 - 2 * products / np.where(lengths > 0, lengths, 1)
    else:
        apart = np.nansum(np.abs(X[:, np.newaxis] - units) ** power, axis=2)
    assert_array_equal(winners >= 0, known.any(axis=1))
    own, least = apart[np.arange(len(X)), winners], apart.min(axis=1)
    assert (own <= least * (1 + rounding) + tie)[winners >= 0].all()


@few_clusters
@one_direction
@pytest.mark.parametrize("seed", range(16))
def test_random_tables(seed, monkeypatch):
    """Each table by a quarter of the estimators; nothing but rounding is allowed."""
    given = random_table(seed)
    X = given if given.dtype == np.float32 else given.astype(np.float64)
    y = np.arange(len(X)) % 3
    powers = [p for p in (-80, 53, 80) if np.array_equal(back(X, p), X, equal_nan=True)]
    for name in list(ESTIMATORS)[(seed + seed // 8) % 4 :: 4]:
        if "kmeans" in name or (name == "csom-weights" and X.shape[1] != 4):
            continue  # KMeans takes no fewer units than clusters
        found = clone(ESTIMATORS[name]).fit(given, y)
        expected = found.predict(given)
        assert_array_equal(getattr(found, "labels_", expected), expected)
        maps = getattr(found, "estimators_", [getattr(found, "estimator_", found)])
        for som in maps:
            assert_nearest(som, X)
        parts = np.split(given, [1, len(X) // 2])
        assert_array_equal(np.concatenate([*map(found.predict, parts)]), expected)
        stored = skops.io.dumps(found)
        kinds = skops.io.get_untrusted_types(data=stored)
        again = [pickle.loads(pickle.dumps(found)), skops.io.loads(stored, kinds)]
        with monkeypatch.context() as of_threads, threadpool_limits(4, "openmp"):
            of_threads.setattr("skesom.som.threads._LEAST_WORK", 0)
            again.append(clone(found).fit(given, y))
            again = [other.predict(given) for other in again]
        for power in powers[:1]:
            scaled = np.ldexp(X, power)
            again.append(clone(found).fit(scaled, y).predict(scaled))
        for answer in again:
            assert_array_equal(answer, expected, err_msg=name)


def back(X, power):
    """Return a table that went into another unit and back."""
    return np.ldexp(np.ldexp(X, power), -power)


@one_direction
@pytest.mark.parametrize("name", ["esom", "csom", "csom-angle"])
def test_small_features_count_where_large_ones_are_missing(name):
    """Even if the squares of both do not fit into one float32 number."""
    rng = np.random.default_rng(0)
    X = make_blobs(200, 3, centers=5, random_state=0)[0] * [1e-12, 1e18, 1e-12]
    X[rng.random(200) < 0.7, 1] = np.nan
    X = X.astype(np.float32)
    som = clone(ESTIMATORS[name]).fit(X)
    assert_nearest(som, X)
    assert som.transform(X).dtype == np.float32
    for power in (-70, 40):
        scaled = np.ldexp(X, power)
        assert_array_equal(clone(som).fit_predict(scaled), som.labels_)


@pytest.mark.parametrize("power", [-80, 75])
def test_principal_axes_do_not_depend_on_the_unit(power):
    """LAPACK rounds matrices of large and of small numbers."""
    X = np.random.default_rng(0).normal(size=(50, 6)) * 10.0 ** np.arange(20, 32, 2)
    means, deviations, axes = principal_axes(X)
    scaled = principal_axes(np.ldexp(X, power))
    assert_array_equal(scaled[0], np.ldexp(means, power))
    assert_array_equal(scaled[1], np.ldexp(deviations, power))
    assert_array_equal(scaled[2], axes)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5, 8), (30, 400)])
def test_principal_axes_of_few_rows_are_singular_vectors(shape, weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) + 1e4
    X[:, 1] *= 1.1  # so that the two are well apart
    X[: shape[0] // 2] += 3
    weights = rng.integers(1, 4, shape[0]).astype(float) if weighted else None
    means, deviations, axes = principal_axes(X, weights)
    repeated = X if weights is None else np.repeat(X, weights.astype(int), axis=0)
    centered = repeated - repeated.mean(axis=0)
    _, singular, rows = np.linalg.svd(centered, full_matrices=False)
    assert_allclose(means, repeated.mean(axis=0))
    assert_allclose(deviations, singular[:2] / np.sqrt(len(repeated) - 1), rtol=1e-7)
    assert_allclose(np.abs(np.sum(axes * rows[:2], axis=1)), 1, rtol=1e-9)
    assert (axes[[0, 1], np.abs(axes).argmax(axis=1)] > 0).all()


def test_principal_axes_are_those_of_the_features_whatever_the_shape():
    """One row more than features, and one less: two ways to the same axes."""
    X = np.random.default_rng(1).normal(size=(8, 8)) * np.arange(1, 9)
    X[0, 3] = np.nan
    _, by_features, axes = principal_axes(X)
    _, by_rows, same = principal_axes(np.column_stack([X, np.full(8, 5.0)]))
    assert_allclose(by_rows, by_features)
    assert_allclose(same[:, :-1], axes, atol=1e-9)


def test_wide_tables_need_no_table_of_features_by_features():
    X = np.random.default_rng(0).normal(size=(12, 6000))
    X[:6] += 1
    csom = CSOM(2, shape=(3, 2), n_epochs=2)
    peak, _ = peak_of(lambda: csom.fit(X))
    assert peak < 60e6  # 6000 x 6000 are 288 MB
    assert len(set(csom.labels_[:6])) == len(set(csom.labels_[6:])) == 1
