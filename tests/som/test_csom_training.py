# SPDX-License-Identifier: BSD-3-Clause
"""Training of the classical map against its definition, with every option of it."""

import warnings
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skesom.som import CSOM
from skesom.som._lattice import NEIGHBORHOODS
from skesom.som._lattice_training import _check_units
from skesom.som._row_order import order_by_content
from tests.helpers.memory import peak_of
from tests.helpers.reference_maps import (
    batch_epoch,
    distances,
    learned_online,
    neighborhood,
    places,
)


def draw(missing=True):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3))
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
        X = X[~np.isnan(X).all(axis=1)]
    return X, rng.normal(size=(24, 3))


LATTICES = [*product(["hexagonal", "rectangular"], [False, True])]
KINDS = "complete", "missing", "weighted"


@pytest.mark.parametrize(
    ("name", "kind", "diameter", "topology", "toroidal"),
    [
        (*of, *LATTICES[(n + n // 4) % 4])
        for n, of in enumerate(product(NEIGHBORHOODS[:4], KINDS, [None, 3.0]))
    ],
)
def test_batch_is_the_definition(name, kind, diameter, topology, toroidal):
    X, init = draw(missing=kind != "complete")
    sample_weight = np.random.default_rng(1).uniform(0, 3, len(X))
    sample_weight = sample_weight if kind == "weighted" else None
    widths = [3.0, 1.5, 0.9]
    setting = {"topology": topology, "toroidal": toroidal, "neighborhood": name}
    setting |= {"diameter": diameter, "n_epochs": 3, "sigma": widths, "init": init}
    csom = CSOM(None, shape=(4, 6), **setting).fit(X, sample_weight=sample_weight)
    expected, r = init, distances((4, 6), topology, toroidal)
    assert_allclose(csom.positions_, places((4, 6), topology))
    assert_array_equal(csom.connections_.toarray() > 0, np.isclose(r, 1))
    for sigma in widths:
        h = neighborhood(name, r, sigma, diameter)
        weights = 1 if sample_weight is None else sample_weight
        expected = batch_epoch(X, expected, h, weights)
    assert_allclose(csom.codebook_, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "setting", "width", "rate"),
    [
        ("gaussian", {"sigma": 2.0}, lambda t: 2 * 0.35**t, lambda t: 0.5 - 0.49 * t),
        (
            "gaussian",
            {"sigma": [1.5, 0.5]},  # one for each epoch
            lambda t: 1.5 if t < 0.5 else 0.5,
            lambda t: 0.5 - 0.49 * t,
        ),
        *(
            (
                name,
                None,
                lambda t: 1 / (1 / 2.5 + (1 / 0.8 - 1 / 2.5) * t),
                lambda t, high=high, low=low: high * (low / high) ** t,
            )
            for name in NEIGHBORHOODS
            for high, low in [(0.03, 0.01) if name == "mexican_hat" else (0.4, 0.02)]
        ),
    ],
)
@pytest.mark.parametrize("toroidal", [False, True])
def test_online_is_the_definition(name, setting, width, rate, toroidal):
    X, init = draw()
    setting = setting or {"sigma": width, "learning_rate": rate, "diameter": 7}
    setting = setting | {"neighborhood": name, "toroidal": toroidal, "n_epochs": 2}
    setting |= {"algorithm": "online", "init": init, "random_state": 3}
    csom = CSOM(None, shape=(4, 6), **setting).fit(X)
    random_state, rows = np.random.RandomState(3), order_by_content(X)
    order = np.concatenate([rows[random_state.permutation(len(X))] for _ in range(2)])
    progress = np.linspace(0, 1, len(order))
    r, diameter = distances((4, 6), "hexagonal", toroidal), setting.get("diameter")

    def weights_of(step, winner):
        return neighborhood(name, r[winner], width(progress[step]), diameter)

    rates = [rate(t) for t in progress]
    expected, *_ = learned_online(X, init, order, rates, weights_of)
    assert_allclose(csom.codebook_, expected, rtol=1e-9)


ONLINE = {"algorithm": "online", "random_state": 0}


def trained(**parameters):
    X, init = draw()
    parameters = {"shape": (4, 6), "n_epochs": 3, "init": init, **parameters}
    return CSOM(None, **parameters).fit(X).codebook_


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"sigma": lambda t: 3 - 2 * t}, {"sigma": [3, 2, 1]}),
        (ONLINE, {"learning_rate": 0.5, **ONLINE}),
        (
            {"learning_rate": 0.3, **ONLINE},
            {"learning_rate": lambda t: 0.3 + (0.01 - 0.3) * t, **ONLINE},
        ),
        (
            {"learning_rate": 0.001, "n_epochs": 2, **ONLINE},
            {"learning_rate": [0.001, 0.001], "n_epochs": 2, **ONLINE},
        ),
        (
            {"sigma": [2, 1], "learning_rate": [0.3, 0.1], "n_epochs": 2, **ONLINE},
            {
                "sigma": lambda t: np.where(t < 0.5, 2.0, 1.0),
                "learning_rate": lambda t: np.where(t < 0.5, 0.3, 0.1),
                "n_epochs": 2,
                **ONLINE,
            },
        ),
    ],
)
def test_one_schedule_in_two_ways(given, same):
    assert_array_equal(trained(**given), trained(**same))


@pytest.mark.parametrize("common", [{}, ONLINE])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda t: 1.0, r"return positive numbers .* array of shape \(\): 1"),
        (lambda t: 1 - 2 * t, r"return positive numbers .*\[.*-"),
        (lambda t: t * np.nan, r"return positive numbers .*nan"),
        ([1, 2], r"be one positive number or n_epochs=3 .* of shape \(2,\): \[1. 2.\]"),
        ([1, 0, 1], r"be one positive number .*\[1. 0. 1.\]"),
    ],
)
def test_refused_schedules(given, message, common):
    with pytest.raises(ValueError, match=f"^'sigma' must {message}"):
        trained(sigma=given, **common)


@pytest.mark.parametrize("given", [lambda t: 3 + 0 * t, [0.5, 3, 0.1]])
def test_a_learning_rate_beyond_one_is_refused(given):
    with pytest.raises(ValueError, match=r"'learning_rate' .*, at most 1, .*\[.*3"):
        trained(learning_rate=given, **ONLINE)


def test_default_widths():
    X, _ = draw(missing=False)
    widths = np.geomspace
    for parameters, expected in (
        ({}, widths(4, 0.7, 20)),
        ({"toroidal": True}, widths(2, 0.7, 20)),
        ({"neighborhood": "bubble"}, widths(4, 1.25, 20)),
        ({"sigma": 0.5}, np.full(20, 0.5)),
        ({"sigma": 3.0}, widths(3, 0.7, 20)),
    ):
        csom = CSOM(shape=(4, 8), **parameters).fit(X)
        explicit = CSOM(shape=(4, 8), **{**parameters, "sigma": expected}).fit(X)
        assert_allclose(csom.codebook_, explicit.codebook_, rtol=1e-9)


class TestSampleWeight:
    """A weight counts a sample so many times."""

    @pytest.fixture
    def weighted(self):
        X, _ = draw()
        return X, np.random.default_rng(2).integers(0, 4, len(X))

    @pytest.mark.parametrize(
        "parameters",
        [{"n_clusters": None}, {"n_clusters": 3}, {"n_clusters": None, "layers": [5]}],
    )
    def test_batch_is_equal_to_repetition(self, weighted, parameters):
        X, times = weighted
        csom = CSOM(shape=(4, 5), **parameters).fit(X, sample_weight=times)
        repeated = CSOM(shape=(4, 5), **parameters).fit(np.repeat(X, times, axis=0))
        assert_allclose(csom.codebook_, repeated.codebook_, rtol=1e-9)
        assert_array_equal(csom.hits_, repeated.hits_)
        assert_array_equal(csom.unit_labels_, repeated.unit_labels_)
        assert csom.quantization_error_ == pytest.approx(repeated.quantization_error_)
        assert_array_equal(np.repeat(csom.labels_, times), repeated.labels_)
        assert_array_equal(csom.predict(X), csom.labels_)

    @pytest.mark.parametrize("algorithm", ["batch", "online"])
    def test_scale_does_not_matter_and_equal_weights_are_none(
        self, weighted, algorithm
    ):
        X, times = weighted
        init = np.random.default_rng(0).normal(size=(20, 3))
        how = {"algorithm": algorithm, "init": init, "random_state": 0}
        csom = CSOM(None, shape=(4, 5), **how)
        weights = times + 0.3 * (algorithm == "online")
        for some, factors in ((weights, [1e-9, 2.0**40]), (None, [7.0])):
            expected = csom.fit(X, sample_weight=some).codebook_
            for factor in factors:
                scaled = factor * (np.ones(len(X)) if some is None else some)
                found = csom.fit(X, sample_weight=scaled).codebook_
                assert_allclose(found, expected, rtol=1e-9)

    def test_online_samples_come_by_weight(self):
        # One unit, a constant rate and all samples at two places: the unit ends at
        # their weighted mean, but for what the last steps did.
        X = np.repeat([[0.0], [1.0]], 500, axis=0)
        sample_weight = np.repeat([1.0, 4.0], 500)
        csom = CSOM(
            None,
            shape=1,
            algorithm="online",
            n_epochs=5,
            learning_rate=0.01,
            random_state=0,
            init=[[0.5]],
        ).fit(X, sample_weight=sample_weight)
        assert csom.codebook_[0, 0] == pytest.approx(0.8, abs=0.05)

    def test_no_weight_is_no_sample(self, weighted):
        X, _ = weighted
        X[:9] = 1e6
        sample_weight = np.ones(len(X))
        sample_weight[:9] = 0
        for parameters in ({}, {"algorithm": "online", "init": "random"}):
            csom = CSOM(shape=(3, 3), random_state=0, **parameters)
            plain = csom.fit(X[9:]).codebook_
            csom.fit(X, sample_weight=sample_weight)
            assert_allclose(csom.codebook_, plain, rtol=1e-9)
            assert csom.hits_.sum() == len(X) - 9
            assert len(csom.labels_) == len(X)

    def test_stream(self, weighted):
        X, times = weighted
        one, other = CSOM(None, shape=(3, 3)), CSOM(None, shape=(3, 3))
        for part in (slice(0, 60), slice(60, 100), slice(100, None)):
            one.partial_fit(X[part], sample_weight=times[part])
            other.partial_fit(np.repeat(X[part], times[part], axis=0))
        assert_allclose(one.codebook_, other.codebook_, rtol=1e-9)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (np.zeros(400), "[Ww]eight"),
            (-np.ones(400), "[Nn]egative"),
            (np.ones(399), "sample_weight.shape"),
            (np.full(400, np.nan), "NaN"),
        ],
    )
    def test_refused(self, bad, message):
        X, _ = draw(missing=False)
        csom = CSOM(None, shape=(3, 3))
        with pytest.raises(ValueError, match=message):
            csom.fit(X, sample_weight=bad)
        with pytest.raises(ValueError, match=message):
            csom.partial_fit(X, sample_weight=bad)

    def test_refused_for_what_it_leaves(self):
        X, _ = draw(missing=False)
        sample_weight = np.r_[0.0, np.ones(399)]
        X[1:, 2] = np.nan
        with pytest.raises(ValueError, match=r"NaN in all 399 samples: columns \[2\]"):
            CSOM(None, shape=(3, 3)).fit(X, sample_weight=sample_weight)
        X[:, 2] = 1
        X[1:] = np.nan
        X = np.vstack([X, X[:1]])
        with pytest.raises(ValueError, match="have zero weight"):
            CSOM(None, shape=(3, 3)).fit(X, sample_weight=np.r_[sample_weight, 0])
        with pytest.raises(ValueError, match="n_samples=2 should be >= n_clusters=3"):
            CSOM(3, shape=(3, 3)).fit(np.eye(4), sample_weight=[1, 1, 0, 0])


@pytest.mark.parametrize("neighborhood", ["gaussian", "epanechnikov"])
def test_a_large_map_needs_little_memory(neighborhood):
    X = np.random.default_rng(0).normal(size=(100, 3))
    csom = CSOM(
        None, shape=(200, 200), neighborhood=neighborhood, n_epochs=2, sigma=3.0
    )
    peak, _ = peak_of(lambda: csom.fit(X))
    assert peak < 40e6 < 8 * 40_000**2 / 100


def test_mexican_hat_is_refused_in_batch():
    with pytest.raises(ValueError, match="denominator pass through 0"):
        CSOM(None, neighborhood="mexican_hat").fit(draw()[0])


def test_online_training_that_diverges_is_an_error():
    X = 100 * draw()[0]
    csom = CSOM(
        None,
        shape=(8, 8),
        neighborhood="mexican_hat",
        algorithm="online",
        learning_rate=np.ones_like,
        sigma=np.full(300, 1.5),
        n_epochs=300,
        random_state=0,
    )
    with pytest.raises(ValueError, match=r"diverged.*mexican_hat.*learning_rate out"):
        csom.fit(X)


def test_units_that_are_not_numbers_are_no_matter_of_the_learning_rate():
    units, X = np.full((2, 1), np.nan), np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"fit into float64: scale the features"):
        _check_units(units, X, "gaussian")


def test_units_that_were_pushed_far_away_are_a_warning():
    X = np.random.default_rng(0).uniform(size=(1500, 2))
    how = {"neighborhood": "mexican_hat", "algorithm": "online", "n_clusters": None}
    csom = CSOM(shape=(10, 10), learning_rate=0.02, random_state=0, **how)
    with pytest.warns(ConvergenceWarning, match=r"pushed \d+ of 100.*learning_rate"):
        csom.fit(X)


@pytest.mark.parametrize(
    ("kind", "shape", "topology", "toroidal"),
    [
        (*of, *LATTICES[(n + n // 4) % 4])
        for n, of in enumerate(
            product(["square", "groups", "few"], [(10, 10), (20, 6), (2, 3), 30])
        )
    ],
)
def test_mexican_hat_needs_no_learning_rate(kind, shape, topology, toroidal):
    rng = np.random.default_rng(1)
    if kind == "square":
        X = rng.uniform(size=(1000, 2))
    elif kind == "groups":
        X = 3 * rng.normal(size=(9, 6))[rng.integers(0, 9, 1000)]
        X += 0.5 * rng.standard_t(4, size=X.shape)
    else:
        X = rng.normal(size=(40, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        csom = CSOM(
            None,
            shape=shape,
            topology=topology,
            toroidal=toroidal,
            random_state=0,
            neighborhood="mexican_hat",
            algorithm="online",
        ).fit(X)
    low, high = X.min(axis=0), X.max(axis=0)
    assert (csom.codebook_ > low - 0.5 * (high - low)).all()
    assert (csom.codebook_ < high + 0.5 * (high - low)).all()
    around_mean = np.linalg.norm(X - X.mean(axis=0), axis=1).mean()
    assert csom.quantization_error_ < around_mean


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
def test_the_smallest_sigma_lets_winners_learn_alone(neighborhood):
    X, init = draw()
    algorithm = "online" if neighborhood == "mexican_hat" else "batch"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        how = {"algorithm": algorithm, "random_state": 0, "n_clusters": None}
        how |= {"shape": (4, 6), "init": init, "neighborhood": neighborhood}
        tiny, narrow, listed = (
            CSOM(sigma=sigma, n_epochs=2, **how).fit(X)
            for sigma in (1e-300, 0.03, [5e-324, 1e-200])
        )
    assert np.isfinite(tiny.codebook_).all()
    assert_array_equal(tiny.codebook_, narrow.codebook_)
    assert_array_equal(tiny.codebook_, listed.codebook_)


@pytest.mark.parametrize("sigma", [[1e200, 1e308], lambda t: 1e200 + 1e308 * t])
def test_the_largest_sigma_lets_all_learn_alike(sigma):
    X, _ = draw()
    codebook = trained(sigma=sigma, n_epochs=2)
    assert_allclose(codebook, np.tile(np.nanmean(X, axis=0), (24, 1)), rtol=1e-9)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS[:4])
def test_maps_unfold(neighborhood, algorithm):
    X = np.random.default_rng(0).uniform(size=(2000, 2))
    csom = CSOM(
        None,
        shape=(8, 8),
        neighborhood=neighborhood,
        algorithm=algorithm,
        random_state=0,
    ).fit(X)
    nearest = csom.winners(X, 2)
    connected = csom.connections_.toarray()[nearest[:, 0], nearest[:, 1]]
    assert connected.mean() > 0.9
    assert csom.quantization_error_ < 0.08


def test_torus_unfolds():
    # A torus in space: the map has no edge, and all units have equally many samples.
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, size=(4000, 2))
    X = np.column_stack([np.cos(angles), np.sin(angles)])
    quality = []
    for toroidal in (False, True):
        csom = CSOM(None, shape=(10, 10), toroidal=toroidal, n_epochs=40).fit(X)
        nearest = csom.winners(X, 2)
        connected = csom.connections_.toarray()[nearest[:, 0], nearest[:, 1]]
        quality.append((1 - connected.mean(), csom.quantization_error_))
    assert quality[1] < quality[0]
