# SPDX-License-Identifier: BSD-3-Clause
"""The evolving map is what its definition says, step by step and on random data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris
from sklearn.preprocessing import minmax_scale

from skesom.som import ESOM
from skesom.som._network import Network
from tests.helpers.reference_maps import EvolvingMap

DEFINITION = {
    "learning_rate": 0.2,
    "forgetting": 0.8,
    "pruning_period": 50,
    "link_second": True,
    "whole_ball": False,
}
KINDS = ["normal", "integer", "duplicated", "constant", "lognormal", "missing"]


def no_room(network, epsilon):
    raise AssertionError("a bound of nodes was reached that was never set")


def grow(X, epsilon, *, network=None, **rule):
    """Let a network learn all of X in its order, without a bound of nodes."""
    network = network or Network(np.zeros(X.shape[1], dtype=X.dtype))
    network.learn(
        np.ascontiguousarray(X),
        np.arange(len(X)),
        epsilon=epsilon,
        max_nodes=10**6,
        when_full=no_room,
        **(DEFINITION | rule),
    )
    return network


def plain_esom(epsilon, **parameters):
    """An ESOM that only learns, in the order of the rows."""
    return ESOM(
        n_clusters=None,
        epsilon=epsilon,
        shuffle=False,
        max_nodes=10**6,
        **parameters,
    )


def links_of(matrix):
    """Return {(low, high): strength} of a symmetric matrix; a stored 0 is a link."""
    matrix = matrix.tocoo()
    assert matrix.nnz % 2 == 0
    both = {
        (int(row), int(column)): strength
        for row, column, strength in zip(*matrix.coords, matrix.data, strict=True)
    }
    assert len(both) == matrix.nnz, "a link is listed twice"
    assert all(both[high, low] == strength for (low, high), strength in both.items())
    return {pair: strength for pair, strength in both.items() if pair[0] < pair[1]}


def assert_same_map(nodes, links, reference):
    assert_allclose(nodes, reference.nodes, rtol=1e-10, atol=1e-13)
    assert links_of(links) == pytest.approx(reference.strengths, rel=1e-10, abs=1e-300)


def draw_case(seed):
    """Draw data, an epsilon at the scale of the data, a rule, and cuts into chunks."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    many = seed % 40 == 7
    n_samples = int(rng.integers(2000, 3001) if many else rng.integers(2, 90))
    n_features = int(rng.integers(1, 10 if many else 61))
    X = rng.normal(size=(n_samples, n_features))
    if kind == "integer":
        X = rng.integers(0, 4, size=X.shape).astype(float)
    elif kind == "duplicated":
        X = X[rng.integers(0, max(1, n_samples // 4), size=n_samples)]
    elif kind == "constant":
        X[:, rng.random(n_features) < 0.5] = 3.25
    elif kind == "lognormal":
        X = np.exp(1.5 * X).round(9)  # processors differ in the last digits
    elif kind == "missing":
        X[1:][rng.random((n_samples - 1, n_features)) < 0.3] = np.nan
    scale = np.median(cdist(X[:50], X[:50])) if kind != "missing" else n_features**0.5
    epsilon = float((scale or 1.0) * rng.choice([0.02, 0.3, 0.6, 0.9, 1.5, 30.0]))
    if kind == "integer":
        epsilon = float(rng.integers(1, 4))
    rule = {
        "learning_rate": float(rng.choice([0.01, 0.2, 0.5, 1.0])),
        "forgetting": float(rng.choice([0.0, 0.3, 0.8, 0.99])),
        "pruning_period": int(rng.choice([0, 1, 7, 50])),
        "link_second": bool(rng.random() < 0.7),
    }
    cuts = np.unique(rng.integers(0, n_samples + 1, size=3))
    return X, epsilon, rule, [part for part in np.split(X, cuts) if len(part)]


def seeds(n_quick, n_all):
    """Return seeds of cases, of which the later ones are for long runs."""
    later = [pytest.param(n, marks=pytest.mark.long) for n in range(n_quick, n_all)]
    return [*range(n_quick), *later]


@pytest.mark.parametrize("whole_ball", [False, True], ids=["neighbors", "ball"])
@pytest.mark.parametrize("seed", seeds(36, 120))
def test_network_is_the_definition(seed, whole_ball):
    X, epsilon, rule, chunks = draw_case(seed)
    reference = EvolvingMap(epsilon, whole_ball=whole_ball, **rule).learn(X)
    network = grow(X, epsilon, whole_ball=whole_ball, **rule)
    assert_same_map(network.nodes(), network.links(), reference)
    assert network.n_seen == reference.n_seen
    assert network.n_links == len(reference.strengths)

    in_chunks = None
    for chunk in chunks:
        in_chunks = grow(
            chunk, epsilon, network=in_chunks, whole_ball=whole_ball, **rule
        )
    assert_array_equal(in_chunks.nodes(), network.nodes())
    assert links_of(in_chunks.links()) == links_of(network.links())


@pytest.mark.parametrize("begun", [False, True], ids=["empty", "nodes"])
@pytest.mark.parametrize("seed", seeds(20, 75))
def test_estimator_is_the_definition(seed, begun):
    """Nodes to begin with are nodes without links."""
    seed += seed // 5  # every sixth case lacks values
    X, epsilon, rule, chunks = draw_case(seed)
    reference, init = EvolvingMap(epsilon, **rule), None
    if begun:
        init = np.random.default_rng(seed).normal(X.mean(), X.std(), (41, X.shape[1]))
        init[::2] = X[np.arange(21) % len(X)]
        reference.nodes, reference.adjacency = init.copy(), [[] for _ in init]
    reference.learn(X)
    whole = plain_esom(epsilon, init=init, **rule).fit(X)
    assert_same_map(whole.codebook_, whole.connections_, reference)

    in_chunks = plain_esom(epsilon, init=init, **rule)
    for chunk in chunks:
        in_chunks.partial_fit(chunk)
    assert_array_equal(in_chunks.codebook_, whole.codebook_)
    assert links_of(in_chunks.connections_) == links_of(whole.connections_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [1, 5, 9, 17])
def test_rows_are_learned_in_the_order_given(n_features, dtype):
    rng = np.random.default_rng(n_features)
    X = rng.normal(size=(300, n_features)).astype(dtype)
    X[rng.random(X.shape) < 0.02] = np.nan
    X[0] = 0
    order = np.append(0, rng.integers(0, len(X), 2 * 64 + 1))  # more than one gathering
    at_once, one_by_one = (Network(np.zeros(n_features, dtype)) for _ in range(2))
    rule = DEFINITION | {"epsilon": 0.5 * n_features**0.5, "max_nodes": 10**6}
    at_once.learn(X, order, when_full=no_room, **rule)
    for row in X[order]:
        grow(row[np.newaxis], rule["epsilon"], network=one_by_one)
    assert_array_equal(at_once.nodes(), one_by_one.nodes())
    assert_array_equal(at_once.links().toarray(), one_by_one.links().toarray())
    assert at_once.n_nodes > 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [2, 9, 17])
def test_rows_that_are_searched_in_pairs(n_features, dtype):
    """Of many nodes, the second row of a pair sees those that the first has moved."""
    rng = np.random.default_rng(n_features)
    nodes = rng.normal(size=(900, n_features)).astype(dtype)
    X = np.repeat(2 * rng.normal(size=(300, n_features)), 3, axis=0).astype(dtype)
    X *= 1 + 0.01 * rng.random((len(X), 1)).astype(dtype)
    X[rng.random(len(X)) < 0.02, 0] = np.nan
    # The first of three is mostly new, and a node that goes leaves it its number.
    rule = DEFINITION | {"epsilon": 0.4 * n_features**0.5, "pruning_period": 4}
    rule |= {"max_nodes": 10**6, "when_full": no_room}
    fill = np.zeros(n_features, dtype)
    at_once, one_by_one = (Network(fill, nodes=nodes) for _ in range(2))
    at_once.learn(X, np.arange(len(X)), **rule)
    for row in range(len(X)):
        one_by_one.learn(X, np.array([row]), **rule)
    assert_array_equal(at_once.nodes(), one_by_one.nodes())
    assert_array_equal(at_once.links().toarray(), one_by_one.links().toarray())


def test_network_with_many_links_finds_the_weakest():
    # More than one block of 64 links, exact ties among them (strengths of 0).
    X = np.random.default_rng(5).integers(0, 9, size=(400, 2)) * 100.0
    rule = {"pruning_period": 3, "learning_rate": 0.5}
    reference = EvolvingMap(1.0, **rule).learn(X)
    network = grow(X, 1.0, **rule)
    assert network.n_slots > 64
    assert reference.n_pruned > 100
    assert_same_map(network.nodes(), network.links(), reference)


@pytest.mark.parametrize(("n_features", "pruning_period"), [(2, 2), (5, 150)])
def test_weakest_of_links_that_are_renewed_between_prunings(n_features, pruning_period):
    # The few weakest are remembered; more than that become weaker in 150 samples.
    X = np.random.default_rng(3).standard_t(3, size=(3000, n_features))
    rule = {"pruning_period": pruning_period, "forgetting": 0.3}
    reference = EvolvingMap(1.2, **rule).learn(X)
    network = grow(X, 1.2, **rule)
    assert reference.n_pruned > 15
    assert_same_map(network.nodes(), network.links(), reference)


def test_weakest_link_is_found_again_after_nodes_have_moved():
    # All strengths are 0 and tie. One sample comes again and again, so nothing but
    # nodes that take the place of removed ones changes which pair is the lowest.
    X = np.random.default_rng(0).permutation(80).reshape(-1, 1) * 100.0
    again = np.repeat(X[40:41], 100, axis=0)
    rule = {"learning_rate": 0.5, "link_second": False}
    reference = EvolvingMap(1.0, pruning_period=0, **rule).learn(X)
    reference.pruning_period = 1
    reference.learn(again)
    network = grow(X, 1.0, pruning_period=0, **rule)
    grow(again, 1.0, network=network, pruning_period=1, **rule)
    assert reference.n_removed > 10
    assert_same_map(network.nodes(), network.links(), reference)


def test_two_epochs_are_the_same_data_twice():
    X = np.random.default_rng(0).normal(size=(60, 3))
    reference = EvolvingMap(0.8, pruning_period=7).learn(np.tile(X, (2, 1)))
    esom = plain_esom(0.8, pruning_period=7, n_epochs=2).fit(X)
    assert_same_map(esom.codebook_, esom.connections_, reference)


def test_float32_follows_float64():
    X = np.random.default_rng(1).normal(size=(300, 4))
    double = plain_esom(1.5, pruning_period=0).fit(X)
    single = plain_esom(1.5, pruning_period=0).fit(X.astype(np.float32))
    assert single.codebook_.dtype == np.float32
    assert_allclose(single.codebook_, double.codebook_, rtol=0, atol=2e-5)
    single, double = links_of(single.connections_), links_of(double.connections_)
    assert single == pytest.approx(double, rel=1e-3, abs=1e-30)


# Worked example in one dimension: epsilon 0.3, learning rate 0.5, no pruning.
ONE_DIMENSION = [
    # sample, nodes, {link: strength}
    (0.0, [0.0], {}),
    (0.1, [0.05], {}),
    (1.0, [0.05, 1.0], {(0, 1): 1.949767786e-9}),
    (0.15, [0.09999999, 0.99999994], {(0, 1): 1.860810841e-8}),
    (0.9, [0.10000033, 0.95000001], {(0, 1): 1.215184715e-7}),
    (2.0, None, {(0, 2): 1.445251851e-35, (1, 2): 2.28973627e-11}),
]


def test_worked_example_in_one_dimension():
    esom = plain_esom(0.3, learning_rate=0.5, pruning_period=0)
    for sample, nodes, strengths in ONE_DIMENSION:
        esom.partial_fit([[sample]])
        if nodes is not None:
            assert_allclose(esom.codebook_.ravel(), nodes, rtol=0, atol=6e-9)
        links = {pair: links_of(esom.connections_)[pair] for pair in strengths}
        assert links == pytest.approx(strengths, rel=1e-9)
    assert len(esom.codebook_) == 3


PLANE = np.array([[0, 0, 10, 0], [100, 0, 100, 100], [5, 10, 90, 10], [95, 95, 50, 50]])
PLANE = PLANE.reshape(8, 2) / 100


def test_worked_example_in_two_dimensions():
    esom = plain_esom(0.3, learning_rate=0.5, pruning_period=0).fit(PLANE)
    assert_allclose(
        esom.codebook_,
        [
            [0.050027828, 0.050027764],
            [0.949972248, 0.050027759],
            [0.975, 0.974999996],
            [0.5, 0.5],
        ],
        rtol=0,
        atol=6e-10,
    )
    links = links_of(esom.connections_)
    expected = {
        (0, 1): 1.43613644e-8,
        (0, 2): 4.55953011e-17,
        (0, 3): 1.23409979e-4,
        (1, 2): 4.11972163e-9,
        (1, 3): 1.23409781e-4,
    }
    assert links == pytest.approx(expected, rel=5e-9)


@pytest.mark.parametrize(
    ("epsilon", "learning_rate", "pruning_period", "n_nodes", "n_links", "sums"),
    [
        (0.2, 0.2, 50, 23, 43, (0.09178835, 46.07783928, 2.0847891)),
        (0.2, 0.2, 0, 23, 46, (0.09178835, 46.07783928, 2.0848019)),
        (0.2, 0.05, 50, 24, 49, (0.09222909, 49.48545564, 1.7830222)),
        (0.1, 0.2, 50, 72, 149, (0.03601184, 143.00603301, 4.0452083)),
        (0.3, 0.2, 20, 12, 17, (0.13971102, 23.79708060, 1.8287549)),
    ],
)
def test_iris(epsilon, learning_rate, pruning_period, n_nodes, n_links, sums):
    X = minmax_scale(load_iris().data)
    esom = plain_esom(
        epsilon,
        learning_rate=learning_rate,
        pruning_period=pruning_period,
    ).fit(X)
    assert len(esom.codebook_) == n_nodes
    links = links_of(esom.connections_)
    assert len(links) == n_links
    assert connected_components(esom.connections_, directed=False)[0] == 1
    quantization_error, sum_of_nodes, sum_of_strengths = sums
    nearest = cdist(X, esom.codebook_).min(axis=1)
    assert nearest.mean() == pytest.approx(quantization_error, abs=6e-9)
    assert esom.quantization_error_ == pytest.approx(quantization_error, abs=6e-9)
    assert esom.codebook_.sum() == pytest.approx(sum_of_nodes, abs=6e-9)
    assert sum(links.values()) == pytest.approx(sum_of_strengths, abs=6e-8)


@pytest.mark.parametrize("learning_rate", [0.0, 1e-14])
@pytest.mark.parametrize("epsilon", [0.1, 0.5, 2.0])
def test_without_learning_the_nodes_are_a_separated_net(epsilon, learning_rate):
    X = np.random.default_rng(3).normal(size=(400, 3))
    nodes = grow(X, epsilon, learning_rate=learning_rate, pruning_period=0).nodes()
    between = cdist(nodes, nodes)[np.triu_indices(len(nodes), 1)]
    assert len(nodes) > 5
    assert between.min() > epsilon * (1 - 1e-10)
    assert cdist(X, nodes).min(axis=1).max() <= epsilon * (1 + 1e-10)


def test_sample_at_exactly_epsilon_is_a_match():
    assert grow(np.array([[0.0], [0.5]]), 0.5).n_nodes == 1
    assert grow(np.array([[0.0], [np.nextafter(0.5, 1)]]), 0.5).n_nodes == 2


def test_strength_that_underflows_to_zero_is_a_link():
    esom = plain_esom(1.0, pruning_period=0)
    esom.fit([[0.0], [100.0], [200.0]])
    assert links_of(esom.connections_) == {(0, 1): 0.0, (0, 2): 0.0, (1, 2): 0.0}


def test_weakest_of_equal_links_is_the_lowest_pair():
    # All three strengths are exactly 0; with a period of 3 one of them goes.
    network = grow(np.array([[0.0], [100.0], [200.0]]), 1.0, pruning_period=3)
    assert links_of(network.links()) == {(0, 2): 0.0, (1, 2): 0.0}


def test_node_without_links_goes_and_the_last_takes_its_place():
    # The two links of node 0 go first, (0, 1) and (0, 2); then 2 becomes 0.
    network = grow(
        np.array([[0.0], [100.0], [101.5], [101.5], [101.5], [101.5]]),
        1.0,
        learning_rate=0.0,
        link_second=False,
        pruning_period=3,
    )
    assert sorted(network.nodes().ravel()) == [100.0, 101.5]
    assert network.nodes()[0] == 101.5
    assert links_of(network.links()).keys() == {(0, 1)}


def test_last_link_can_go_but_its_nodes_stay():
    network = grow(np.array([[0.0], [100.0]]), 1.0, pruning_period=2)
    assert network.n_nodes == 2
    assert network.n_links == 0


def test_rows_without_any_feature_are_no_samples():
    X = np.array([[np.nan], [0.0], [np.nan], [1.0], [np.nan]])
    network = grow(X, 0.5, learning_rate=0.0)
    assert network.n_seen == 2
    assert_array_equal(network.nodes().ravel(), [0.0, 1.0])


def test_missing_feature_of_a_new_node_comes_from_the_nearest():
    X = np.array([[0.0, 1.0], [10.0, 5.0], [14.0, np.nan]])
    nodes = grow(X, 2.0, learning_rate=0.0).nodes()
    assert_array_equal(nodes, [[0, 1], [10, 5], [14, 5]])


def test_first_sample_is_completed_by_the_fill():
    network = Network(np.array([7.0, 8.0]))
    nodes = grow(np.array([[np.nan, 1.0]]), 1.0, network=network).nodes()
    assert_array_equal(nodes, [[7, 1]])


def test_identities_stay_with_their_nodes():
    # Every sample is novel and nothing learns, so the n-th row is the n-th identity.
    X = np.random.default_rng(6).permutation(40).reshape(-1, 1) * 10.0
    network = grow(X, 1.0, learning_rate=0.0, pruning_period=1)
    assert network.next_identity == 40
    assert 2 < network.n_nodes < 40
    assert_array_equal(network.nodes(), X[network.identity[: network.n_nodes]])
