# SPDX-License-Identifier: BSD-3-Clause
"""The evolving map as an estimator: epsilon, the bound of nodes, and clusters."""

import pickle
import warnings
from itertools import cycle, product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM
from skesom.som._network import _thin_out, make_room

N_SAMPLES = 12_000


def blobs(rng, n_features):
    seed = int(rng.integers(1000))
    return make_blobs(N_SAMPLES, n_features, centers=8, random_state=seed)[0]


def uniform(rng, n_features):
    return rng.uniform(size=(N_SAMPLES, n_features))


def lognormal(rng, n_features):
    return np.exp(rng.normal(size=(N_SAMPLES, n_features)))


def pareto(rng, n_features):
    return rng.pareto(1.5, size=(N_SAMPLES, n_features))


def duplicated(rng, n_features):
    rows = rng.normal(size=(3000, n_features))
    return rows[rng.integers(0, len(rows), N_SAMPLES)]


def integers(rng, n_features):
    mean = 100_000 if n_features == 1 else 30
    return rng.poisson(mean, (N_SAMPLES, n_features)).astype(float)


def image(rng, n_features):
    """Pixels of a galaxy in nine bands, or in their stretches."""
    cube, _ = make_galaxy_cube((150, 150), random_state=0)
    return flatten(cube if n_features == 9 else AsinhStretch().fit_transform(cube))[0]


def nodes_of(X, random_state=0, **parameters):
    """Return the number of nodes that an automatic epsilon gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        esom = ESOM(None, random_state=random_state, **parameters).fit(X)
    assert esom.epsilon_ > 0
    return len(esom.codebook_)


@pytest.mark.parametrize(
    ("draw", "n_features"),
    [
        *product(
            [blobs, uniform, lognormal, pareto, duplicated, integers], [1, 2, 9, 50]
        ),
        *product([image], [9, "stretched"]),
    ],
)
def test_automatic_epsilon_gives_about_500_nodes(draw, n_features, global_random_seed):
    X = draw(np.random.default_rng(global_random_seed), n_features)
    assert 250 <= nodes_of(X, global_random_seed) <= 1000


@pytest.mark.parametrize(
    ("draw", "n_features"), [(blobs, 3), (lognormal, 2), (pareto, 3)]
)
def test_automatic_epsilon_of_many_more_samples_than_it_tries(
    draw, n_features, monkeypatch
):
    monkeypatch.setitem(draw.__globals__, "N_SAMPLES", 400_000)
    X = draw(np.random.default_rng(0), n_features).astype(np.float32)
    assert 250 <= nodes_of(X) <= 1000


@pytest.mark.parametrize("n_samples", [100, 400, 2500])
def test_automatic_epsilon_of_small_tables(n_samples):
    X = np.random.default_rng(1).normal(size=(n_samples, 3))
    assert 1 / 2 <= nodes_of(X) / (5 * np.sqrt(n_samples)) <= 2


def test_automatic_epsilon_respects_a_smaller_bound_and_counts_different_samples():
    X = np.random.default_rng(3).normal(size=(5000, 2))
    assert 25 <= nodes_of(X, max_nodes=100) <= 100
    few = np.random.default_rng(0).integers(0, 40, size=(20_000, 1)).astype(float)
    assert 20 <= nodes_of(few) <= 40


def test_automatic_epsilon_follows_the_scale_of_the_data():
    X = np.random.default_rng(2).normal(size=(500, 3))
    one = ESOM(None, random_state=0).fit(X)
    for factor in (2.0**-30, 2.0**30):
        other = ESOM(None, random_state=0).fit(factor * X)
        assert other.epsilon_ == factor * one.epsilon_
        assert_array_equal(other.codebook_, factor * one.codebook_)


def test_automatic_epsilon_stays_for_later_chunks():
    X = np.random.default_rng(4).normal(size=(900, 2))
    esom = ESOM(None).partial_fit(X[:300])
    epsilon = esom.epsilon_
    assert esom.partial_fit(X[300:]).epsilon_ == epsilon


TABLES = {
    "uniform": np.random.default_rng(0).uniform(size=(4000, 1)),
    "lognormal": np.random.default_rng(1).lognormal(size=(4000, 9)),
    "blobs": make_blobs(4000, 2, random_state=2)[0],
    "duplicated": np.repeat(np.random.default_rng(3).normal(size=(60, 3)), 50, axis=0),
}
EPSILONS = [1e-12, 1e-8, 1e-4, 1e-2, 1.0, 1e4, 1e8, 1e12]


@pytest.mark.parametrize(
    ("epsilon", "most", "name"),
    [(*of, name) for of, name in zip(product(EPSILONS, [1, 3, 50]), cycle(TABLES))],
)
def test_every_epsilon_ends_within_the_bound(epsilon, most, name):
    X = TABLES[name]
    esom = ESOM(None, epsilon=epsilon, max_nodes=most, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        esom.fit(X)
    assert len(esom.codebook_) <= most
    assert (esom.codebook_ >= X.min(axis=0) - 1e-12).all()
    assert (esom.codebook_ <= X.max(axis=0) + 1e-12).all()
    assert set(esom.labels_) == set(range(esom.labels_.max() + 1))
    if esom.epsilon_ == epsilon:
        assert caught == []
    else:
        assert esom.epsilon_ > epsilon
        assert len(esom.codebook_) >= most / 2
        assert [w.category for w in caught] == [ConvergenceWarning]
        assert f"max_nodes={most};" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for chunk in np.array_split(X, 5):  # holds over the calls of a stream
            esom.partial_fit(chunk)
    assert len(esom.codebook_) <= most
    assert ((esom.connections_.data >= 0) & (esom.connections_.data <= 1)).all()
    # Whoever learned with the larger epsilon from the start needs no more nodes.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ESOM(None, epsilon=4 * esom.epsilon_, max_nodes=most, random_state=0).fit(X)


def test_merges_are_paid_for_by_insertions(monkeypatch):
    # Every merge leaves at most three quarters of the nodes, so there is at most one
    # for each quarter of max_nodes that was inserted: the time stays linear.
    merges = []

    def counted(network, epsilon):
        merges.append(network.next_identity)
        return make_room(network, epsilon)

    monkeypatch.setattr("skesom.som._esom.make_room", counted)
    X = np.random.default_rng(0).normal(size=(20_000, 3))
    esom = ESOM(None, epsilon=1e-9, max_nodes=100, random_state=0)
    with pytest.warns(ConvergenceWarning, match="epsilon grew from 1e-09"):
        esom.fit(X)
    assert merges[0] == 100
    assert len(merges) > 3
    assert np.diff(merges).min() >= 25


CORNERS = [[0, 0], [12, 0], [6, 10]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "drawn",
    [
        make_blobs(900, centers=CORNERS, random_state=3),
        make_moons(900, noise=0.05, random_state=3),
        make_circles(900, noise=0.04, factor=0.4, random_state=3),
    ],
    ids=["blobs", "moons", "circles"],
)
def test_shapes_that_lie_apart_are_clusters(drawn, seed):
    X, truth = drawn
    esom = ESOM(int(truth.max()) + 1, random_state=seed).fit(X)
    assert adjusted_rand_score(truth, esom.labels_) > 0.995


def test_moons_of_few_units_are_clusters():
    X, truth = make_moons(900, noise=0.05, random_state=3)
    esom = ESOM(2, epsilon=0.15, random_state=0).fit(X)  # 43 units
    assert adjusted_rand_score(truth, esom.labels_) > 0.995


def test_shuffle_and_order():
    X = np.random.default_rng(0).normal(size=(200, 2))
    fixed = [
        ESOM(epsilon=0.5, shuffle=False, random_state=seed).fit(X) for seed in (0, 1)
    ]
    assert_array_equal(fixed[0].codebook_, fixed[1].codebook_)
    mixed = [ESOM(epsilon=0.5, random_state=seed).fit(X) for seed in (0, 1)]
    assert not np.array_equal(mixed[0].codebook_, mixed[1].codebook_)
    order = np.random.RandomState(7).permutation(len(X))
    assert_array_equal(
        ESOM(epsilon=0.5, random_state=7).fit(X).codebook_,
        ESOM(epsilon=0.5, shuffle=False).fit(X[order]).codebook_,
    )


def test_partial_fit_labels_the_samples_of_its_call():
    X = make_blobs(300, random_state=0)[0]
    esom = ESOM(3).partial_fit(X[:200])
    assert len(esom.labels_) == 200
    assert len(esom.partial_fit(X[200:]).labels_) == 100
    assert esom.hits_.sum() == 100


def test_fit_forgets_what_was_learned_before():
    X = np.random.default_rng(0).normal(size=(200, 2))
    fresh = ESOM(random_state=0).fit(X)
    again = ESOM(random_state=0).fit(X + 50).fit(X)
    assert_array_equal(again.codebook_, fresh.codebook_)
    assert again.fit(X).epsilon_ == fresh.epsilon_


def test_network_that_was_stored_grows_beyond_its_room():
    X = np.random.default_rng(0).normal(size=(400, 3))
    esom = ESOM(None, epsilon=0.2).partial_fit(X[:80])
    loaded = pickle.loads(pickle.dumps(esom))
    for chunk in (X[80:150], X[150:]):
        loaded.partial_fit(chunk)
        esom.partial_fit(chunk)
    assert len(esom.codebook_) > 200
    assert_array_equal(loaded.codebook_, esom.codebook_)
    assert (loaded.connections_ != esom.connections_).nnz == 0


def test_interrupted_partial_fit_leaves_the_map_as_it_was(monkeypatch):
    X = np.random.default_rng(0).normal(size=(300, 3))
    esom = ESOM(None, epsilon=0.5).partial_fit(X[:150])
    untouched = pickle.loads(pickle.dumps(esom))

    def interrupted(*args, **keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("skesom.som._network.Network.links", interrupted)
        with pytest.raises(KeyboardInterrupt):
            esom.partial_fit(X[150:])
    assert_array_equal(esom.codebook_, untouched.codebook_)
    esom.partial_fit(X[150:])
    assert_array_equal(esom.codebook_, untouched.partial_fit(X[150:]).codebook_)


def test_forecast_refuses_what_fit_refuses():
    with pytest.raises(ValueError, match="The 'epsilon' parameter of ESOM"):
        ESOM(epsilon=-1.0).forecast(np.eye(5))


def test_no_more_nodes_are_joined_than_must_be():
    kept, joins = _thin_out(np.zeros((5, 5)), 1.0, 3)
    assert_array_equal(kept, [0, 3, 4])
    assert_array_equal(joins, [0, 0, 0, 1, 2])


@pytest.mark.parametrize("factor", [1e200, 1e-200])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_values_whose_squares_are_lost_are_refused(factor, method):
    X = np.random.default_rng(0).normal(size=(200, 2))
    with pytest.raises(ValueError, match="Scale the features first"):
        getattr(ESOM(), method)(np.concatenate([X, -X]) * factor)


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("epsilon", 0, r"float in the range \(0.0, inf\) or a str among {'auto'}"),
        ("epsilon", -0.1, r"float in the range \(0.0, inf\)"),
        ("epsilon", float("nan"), r"float in the range \(0.0, inf\)"),
        ("epsilon", float("inf"), r"float in the range \(0.0, inf\)"),
        ("epsilon", "large", "'auto'"),
        ("learning_rate", 0, r"float in the range \(0.0, 1.0\]"),
        ("learning_rate", 1.01, r"float in the range \(0.0, 1.0\]"),
        ("forgetting", 1.0, r"float in the range \[0.0, 1.0\)"),
        ("forgetting", -0.1, r"float in the range \[0.0, 1.0\)"),
        ("pruning_period", -1, r"int in the range \[0, inf\)"),
        ("pruning_period", 2.5, r"int in the range \[0, inf\)"),
        ("max_nodes", 0, r"int in the range \[1, inf\)"),
        ("n_epochs", 0, r"int in the range \[1, inf\)"),
        ("shuffle", "yes", "bool"),
        ("link_second", 2, "bool"),
        ("clusterer", "ward", "a str among"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_refused_parameters(method, parameter, value, allowed):
    message = rf"The '{parameter}' parameter of ESOM must be .*{allowed}.* Got "
    with pytest.raises(ValueError, match=message):
        getattr(ESOM(**{parameter: value}), method)(np.ones((20, 2)))


@pytest.mark.parametrize("method", ["fit", "partial_fit", "forecast"])
@pytest.mark.parametrize(
    "init",
    [
        np.ones((3, 3)),
        np.ones(2),
        [],
        [[1.0, np.nan]],
        [[np.inf, 1.0]],
        np.ones((6, 2)),
        [[1e39, 0.0]],  # infinite in the type of the samples
    ],
    ids=["features", "one axis", "none", "NaN", "inf", "more than max_nodes", "large"],
)
def test_refused_nodes_to_begin_with(init, method):
    X = np.ones((20, 2), dtype=np.float32)
    message = r"'init' must hold finite weights of shape \(1 to 5, 2\)"
    with pytest.raises(ValueError, match=message):
        getattr(ESOM(1, init=init, max_nodes=5), method)(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nodes_to_begin_with(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3)).astype(dtype)
    X[rng.random(X.shape) < 0.1] = np.nan
    init = np.vstack([rng.normal(size=(40, 3)), [[1e3, 1e3, 1e3]]])
    before = init.copy()
    # The learning rate moves nothing by more than rounding, and no sample is novel.
    still = {"epsilon": 1e4, "learning_rate": 1e-30, "pruning_period": 0}
    esom = ESOM(2, init=init, random_state=0, **still).fit(X)
    assert esom.codebook_.dtype == dtype
    np.testing.assert_array_equal(esom.codebook_, init.astype(dtype))
    np.testing.assert_array_equal(init, before)
    assert esom.hits_.sum() == np.count_nonzero(~np.isnan(X).all(axis=1))
    assert esom.hits_[40] == 0
    assert esom.connections_[[40]].nnz == 0
    assert len(esom.fit(X).codebook_) == 41
    assert len(esom.partial_fit(X).codebook_) == 41
    again = clone(esom)
    np.testing.assert_array_equal(again.get_params()["init"], init)
    np.testing.assert_array_equal(
        again.fit(X).labels_, ESOM(**again.get_params()).fit(X).labels_
    )


def test_nodes_to_begin_with_leave_the_automatic_epsilon():
    X = np.random.default_rng(0).normal(size=(2000, 2))
    esom = ESOM(random_state=0).fit(X)
    more = ESOM(init=esom.codebook_, random_state=0)
    told = more.forecast(X)
    more.fit(X)
    assert more.epsilon_ == esom.epsilon_
    assert more.forecast(X).n_nodes == told.n_nodes == len(more.codebook_)
    bounded = ESOM(epsilon=1e-3, init=esom.codebook_, max_nodes=len(esom.codebook_))
    with pytest.warns(ConvergenceWarning, match="reached max_nodes"):
        bounded.fit(X)
    assert len(bounded.codebook_) <= bounded.max_nodes


@pytest.mark.parametrize("epsilon", ["auto", 0.5, 1e-9])
def test_forecast_tells_the_nodes_of_the_run(epsilon):
    X = np.random.default_rng(0).normal(size=(100_000, 3)).astype(np.float32)
    esom = ESOM(epsilon=epsilon, max_nodes=700, random_state=0)
    told = esom.forecast(X)
    assert not hasattr(esom, "n_features_in_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        esom.fit(X)
    assert told.n_nodes / 2 < len(esom.codebook_) < told.n_nodes * 2
    assert told.seconds > 0


def test_novel_are_those_farther_than_epsilon_from_every_node():
    X = np.random.default_rng(0).normal(size=(300, 2))
    esom = ESOM(epsilon=0.6, random_state=0).fit(X)
    asked = np.random.default_rng(1).normal(scale=3, size=(200, 2))
    asked[:3] = [[np.nan, 0.2], [np.nan, 50.0], [np.nan, np.nan]]
    codebook = esom.codebook_
    nearest = np.sqrt(np.square(asked[3:, np.newaxis] - codebook).sum(-1)).min(axis=1)
    novel = esom.is_novel(asked)
    assert 20 < novel.sum() < 180
    assert_array_equal(novel[3:], nearest > 0.6)
    # The known feature decides; a sample that knows none is not called novel.
    assert_array_equal(novel[:3], [False, True, False])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activation_falls_with_the_distance_in_units_of_epsilon(dtype):
    esom = ESOM(None, epsilon=2.0).fit(np.array([[0.0, 0], [10, 0]], dtype=dtype))
    found = esom.activation(np.array([[0, 0], [0, 2], [13, 0], [np.nan, 1]], dtype))
    # At the node, at epsilon, at 1.5 epsilon; a distance of 1 over one of two features
    # is the square root of 2 over both.
    assert_allclose(found, np.exp([0, -2, -4.5, -1]), rtol=1e-6)
    assert found.dtype == dtype
    assert np.isnan(esom.activation(np.full((1, 2), np.nan, dtype))).all()


def test_node_linked_to_itself_is_refused():
    X = np.random.default_rng(0).normal(size=(300, 3))
    network = ESOM(epsilon=2.0, random_state=0).fit(X)._network
    network.check()
    network.set_links(np.array([0, 2]), np.array([1, 2]), np.ones(2))
    with pytest.raises(ValueError, match="do not fit together"):
        network.check()
