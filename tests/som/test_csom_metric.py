# SPDX-License-Identifier: BSD-3-Clause
"""Classical maps by other distances, weights of features, and errors of values."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from skesom._common.lazy import cut_rows
from skesom.som import CSOM, _row_order
from skesom.som.metric import Metric

DTYPES = [np.float32, np.float64]


def draw(n_samples=300, n_features=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_samples, n_features)) * [1, 2, 0.5, 3]


@pytest.mark.parametrize(
    ("metric", "scipy_name"), [("manhattan", "cityblock"), ("cosine", "cosine")]
)
def test_methods_agree_on_the_metric(metric, scipy_name):
    X = draw()
    csom = CSOM(3, shape=(5, 4), metric=metric).fit(X)
    expected = cdist(X, csom.codebook_, scipy_name)
    assert_allclose(csom.transform(X), expected, atol=1e-12)
    assert_array_equal(csom.winners(X), expected.argmin(axis=1))
    assert_array_equal(csom.winners(X, 3), np.argsort(expected, axis=1)[:, :3])
    assert_allclose(csom.quantization_error_, expected.min(axis=1).mean(), rtol=1e-12)
    assert_array_equal(csom.labels_, csom.predict(X))
    assert csom.labels_.max() == 2
    first, second = csom.connections_.tocoo().coords
    lengths = cdist(csom.codebook_, csom.codebook_, scipy_name)[first, second]
    mean = np.bincount(first, lengths) / np.bincount(first)
    assert_allclose(csom.u_matrix().ravel(), mean, rtol=1e-12)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
@pytest.mark.parametrize("metric", ["cosine", "spectral_angle"])
def test_angles_see_the_shape_of_a_spectrum_only(metric, algorithm):
    rng = np.random.default_rng(1)
    shapes = np.array([[1.0, 2, 3, 4], [4.0, 3, 2, 1], [1.0, 4, 4, 1]])
    kind = rng.integers(0, 3, size=600)
    X = shapes[kind] + rng.normal(0, 0.1, (600, 4))
    X *= rng.lognormal(0, 2, (600, 1))
    csom = CSOM(3, shape=(6, 5), metric=metric, algorithm=algorithm, random_state=0)
    csom.fit(X)
    assert_allclose(np.linalg.norm(csom.codebook_, axis=1), 1, rtol=1e-12)
    assert adjusted_rand_score(kind, csom.labels_) == 1
    assert adjusted_rand_score(kind, CSOM(3, shape=(6, 5)).fit(X).labels_) < 0.5
    brighter = X * rng.uniform(0.1, 10, (600, 1))
    assert_array_equal(csom.predict(brighter), csom.labels_)


def test_spectral_angle_is_in_radians():
    X = np.array([[1.0, 0], [0, 2], [3, 3], [5, 0]])
    csom = CSOM(None, shape=(1, 2), metric="spectral_angle", n_epochs=1).fit(X)
    csom.codebook_ = np.array([[1.0, 0], [0, 1]])
    right = np.pi / 2
    expected = [[0, right], [right, 0], [right / 2, right / 2], [0, right]]
    assert_allclose(csom.transform(X), expected, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
@pytest.mark.parametrize(
    ("metric", "missing"),
    [
        *(("euclidean", False), ("manhattan", False)),
        *product(["cosine", "spectral_angle"], [False, True]),
    ],
)
def test_weights_of_features_are_a_scaling(metric, missing, algorithm, monkeypatch):
    # Scaled rows hold something else: let them come in the order of the table.
    monkeypatch.setattr(_row_order, "order_by_content", lambda X: np.arange(len(X)))
    of_angles = metric in ("cosine", "spectral_angle")
    X = np.abs(draw()) if of_angles else draw()
    weights = np.array([1.0, 0.25, 4.0, 0.5])
    scale = weights if metric == "manhattan" else np.sqrt(weights)
    init = X[:12].copy()
    if missing:
        X[5::4, 1] = np.nan
    setting = {"metric": metric, "algorithm": algorithm, "random_state": 0}
    csom = CSOM(shape=(4, 3), feature_weights=weights, init=init, **setting).fit(X)
    scaled = CSOM(shape=(4, 3), init=init * scale, **setting).fit(X * scale)
    units = csom.codebook_ * scale
    if of_angles:
        units /= np.linalg.norm(units, axis=1, keepdims=True)
    assert_allclose(units, scaled.codebook_, rtol=1e-9)
    assert_array_equal(csom.labels_, scaled.labels_)
    assert_allclose(csom.training_errors_, scaled.training_errors_, rtol=1e-9)


def test_a_feature_of_weight_zero_is_carried_along():
    X = draw()
    carried = np.column_stack([X, 1000 * X[:, 0] + 5])
    csom = CSOM(
        None, shape=(4, 3), feature_weights=[1, 1, 1, 1, 0], init=carried[:12]
    ).fit(carried)
    alone = CSOM(None, shape=(4, 3), init=X[:12]).fit(X)
    assert_allclose(csom.codebook_[:, :4], alone.codebook_, rtol=1e-12)
    assert_allclose(csom.codebook_[:, 4], 1000 * csom.codebook_[:, 0] + 5, rtol=1e-9)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_equal_errors_change_nothing_but_the_scale(algorithm):
    X = draw()
    setting = {"algorithm": algorithm, "n_epochs": 5, "random_state": 0}
    plain = CSOM(None, shape=(4, 3), **setting).fit(X)
    with_errors = CSOM(None, shape=(4, 3), **setting).fit(
        X, errors=np.full(X.shape, 0.5)
    )
    assert_allclose(with_errors.codebook_, plain.codebook_, rtol=1e-9)
    assert_array_equal(with_errors.labels_, plain.labels_)
    assert_allclose(
        with_errors.quantization_error_, 2 * plain.quantization_error_, rtol=1e-9
    )


def test_one_unit_is_the_mean_weighted_by_errors():
    X = draw(50)
    errors = np.random.default_rng(2).uniform(0.1, 2, X.shape)
    csom = CSOM(None, shape=(1, 1), n_epochs=1).fit(X, errors=errors)
    expected = np.average(X, axis=0, weights=1 / errors**2)
    assert_allclose(csom.codebook_[0], expected, rtol=1e-12)
    chi = np.sqrt((((X - expected) / errors) ** 2).sum(axis=1))
    _, distances = csom.winners(X, return_distance=True, errors=errors)
    assert_allclose(distances, chi, rtol=1e-12)


def test_errors_find_populations_below_the_noise_of_some_values():
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 2, size=800)
    errors = np.where(rng.uniform(size=(800, 6)) < 0.4, 20.0, 0.3)
    X = kind[:, None] * 2.0 + errors * rng.normal(size=(800, 6))
    blind = CSOM(2, shape=(5, 5)).fit(X)
    seeing = CSOM(2, shape=(5, 5)).fit(X, errors=errors)
    assert adjusted_rand_score(kind, blind.labels_) < 0.2
    assert adjusted_rand_score(kind, seeing.labels_) > 0.9
    assert_array_equal(seeing.predict(X, errors=errors), seeing.labels_)


def test_partial_fit_takes_errors():
    X = draw()
    errors = np.random.default_rng(4).uniform(0.1, 2, X.shape)
    whole = CSOM(None, shape=(4, 3)).fit(X, errors=errors)
    first = CSOM(None, shape=(4, 3)).partial_fit(X, errors=errors)
    assert_array_equal(first.codebook_, whole.codebook_)
    first.partial_fit(X, errors=errors)
    assert np.isfinite(first.codebook_).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_value_of_infinite_error_is_missing(dtype):
    X = draw().astype(dtype)
    rng = np.random.default_rng(5)
    errors = rng.uniform(0.1, 2, X.shape).astype(dtype)
    idle = rng.uniform(size=X.shape) < 0.2
    idle[7] = True
    idle[8, 1] = True
    large = 1e25 if dtype == np.float32 else 1e165
    errors[idle] = np.where(rng.uniform(size=idle.sum()) < 0.5, np.inf, large)
    X[8, 1], errors[8, 1] = np.nan, 0
    before = X.copy()
    csom = CSOM(3, shape=(4, 3)).fit(X, errors=errors)
    assert_array_equal(X, before)
    missing = np.where(idle, np.nan, X)
    twin = CSOM(3, shape=(4, 3)).fit(missing, errors=errors)
    assert_array_equal(csom.codebook_, twin.codebook_)
    assert_array_equal(csom.labels_, twin.labels_)
    assert csom.labels_[7] == csom.predict(X, errors=errors)[7] == -3
    assert_array_equal(csom.impute(X, errors=errors), twin.impute(missing, errors))
    # Over m of n present features, chi^2 is scaled by n / m.
    chi2 = np.square((missing[:, None] - csom.codebook_) / errors[:, None])
    expected = np.sqrt(4 * np.nanmean(chi2[idle.sum(axis=1) < 4], axis=2))
    distances = csom.transform(X, errors=errors)[idle.sum(axis=1) < 4]
    assert_allclose(distances, expected, rtol=1e-4 if dtype == np.float32 else 1e-9)


def test_methods_take_errors():
    X = draw()
    errors = np.random.default_rng(6).uniform(0.1, 2, X.shape)
    csom = CSOM(3, shape=(4, 3))
    distances = csom.fit_transform(X, errors=errors)
    nearest = distances.argmin(axis=1)
    assert_array_equal(csom.labels_, csom.unit_labels_[nearest])
    apart = (X - csom.cluster_centers_[csom.labels_]) / errors
    assert_allclose(-csom.score(X, errors=errors), np.sum(apart**2))
    assert_allclose(csom.quantization_error_, distances.min(axis=1).mean())
    assert_array_equal(csom.hit_map(X, errors=errors), csom.hit_map())
    rows, columns = csom.map_coordinates(X, errors=errors).T
    assert_array_equal(rows * 3 + columns, nearest)


def cut(X, errors, size):
    return cut_rows(len(X), size)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_errors_do_not_depend_on_threads_or_blocks(algorithm, monkeypatch):
    X = draw(5000).astype(np.float32)
    errors = np.random.default_rng(7).uniform(0.1, 2, X.shape).astype(np.float32)
    setting = {"shape": (9, 8), "n_epochs": 3, "random_state": 0}
    results = []
    for n_threads, size in [(1, 65536), (3, 65536), (2, 777)]:
        monkeypatch.setattr(Metric, "_blocks", partial(cut, size=size))
        with threadpool_limits(n_threads):
            csom = CSOM(algorithm=algorithm, **setting).fit(X, errors=errors)
            results.append((csom.codebook_, csom.labels_, csom.transform(X, errors)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert_array_equal(one, two)


def test_metadata_routing_knows_errors():
    with sklearn.config_context(enable_metadata_routing=True):
        csom = CSOM().set_fit_request(errors=True).set_score_request(errors=True)
        routed = csom.get_metadata_routing()
        assert routed.fit.requests["errors"]
        assert routed.score.requests["errors"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "setting",
    [
        {"metric": "manhattan"},
        {"metric": "cosine"},
        {"metric": "spectral_angle", "algorithm": "online", "random_state": 0},
        {"feature_weights": [1, 2, 3, 0]},
    ],
)
def test_missing_features_and_dtype(setting, dtype):
    X = draw().astype(dtype)
    X[::5, 1] = np.nan
    X[7] = np.nan
    csom = CSOM(shape=(4, 3), **setting).fit(X)
    assert csom.codebook_.dtype == dtype
    assert np.isfinite(csom.codebook_).all()
    assert csom.labels_[7] == -3
    assert (np.delete(csom.labels_, 7) >= 0).all()
    assert np.isfinite(csom.impute(X)).all()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"feature_weights": [1, 2]}, "n_features=4 features, got shape"),
        ({"feature_weights": [1, 2, -1, 1]}, "not negative"),
        ({"feature_weights": [0, 0, 0, 0]}, "not all zero"),
        (
            {"feature_weights": [1, 0, 1, 1], "algorithm": "online"},
            "above zero",
        ),
        ({"metric": "chebyshev"}, "The 'metric' parameter of CSOM must be a str among"),
    ],
)
def test_settings_that_cannot_be(setting, message):
    with pytest.raises(ValueError, match=message):
        CSOM(shape=(4, 3), **setting).fit(draw())


@pytest.mark.parametrize(
    ("errors", "setting", "message"),
    [
        (np.ones((300, 3)), {}, r"shape of X, \(300, 4\). Got \(300, 3\)"),
        (np.zeros((300, 4)), {}, "Got 0.0 in row 0, column 0"),
        (np.full((300, 4), np.nan), {}, "Got nan in row 0"),
        (np.full((300, 4), -np.inf), {}, "Got -inf in row 0"),
        (np.full((300, 4), 1e-200), {}, "too small .* Got 1e-200 in row 0"),
        (np.full((300, 4), np.inf), {}, "4 features that are NaN in all 300 samples"),
        ([[1, np.inf, 1, 1]] * 300, {}, r"1 features that are NaN in all.*\[1\]"),
        (np.ones((300, 4)), {"metric": "cosine"}, "got metric='cosine'"),
    ],
)
def test_errors_that_cannot_be(errors, setting, message):
    with pytest.raises(ValueError, match=message):
        CSOM(shape=(4, 3), **setting).fit(draw(), errors=errors)


def test_angles_in_small_features_of_a_unit():
    """Their squares do not fit into float32."""
    codebook = np.array([[-1e-28, 1], [1e-28, 1]], dtype=np.float32)
    som = CSOM(None, shape=2, metric="spectral_angle", init=codebook, n_epochs=1)
    som = som.fit(codebook * np.float32([1, 2]))
    som.codebook_ = codebook
    X = np.float32([[3, np.nan], [-3, np.nan]])
    assert_array_equal(som.winners(X), [1, 0])
    assert_allclose(som.transform(X)[[0, 1], [1, 0]], 0, atol=1e-3)
