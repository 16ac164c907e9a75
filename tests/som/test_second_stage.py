# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the parts by hand, the whole on shapes whose truth is known.

The graph, its cuts and the groups that are like normals are tested as algorithms, by
graphs that are cut by hand and by plain references.

The bounds on the shapes are the targets that the rule was designed for: a mean adjusted
Rand index of 0.95 over nine shapes for both maps, and the right number of clusters on
eight of the nine in most drawings.
"""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, ESOM
from skesom.som.second_stage import _normals
from skesom.som.second_stage import graph as _graph
from skesom.som.second_stage import spectral as _spectral
from skesom.som.second_stage import units as _units
from skesom.som.second_stage._normals import cuts_by_normals
from skesom.som.second_stage.spectral import (
    _links_of_pieces,
    clusters_by_gaps,
    joined_pieces,
)
from skesom.som.second_stage.units import Units
from tests.helpers.shapes import SHAPES, golf_ball

MAPS = {
    "ESOM": ESOM(random_state=0),
    "CSOM": CSOM(8, random_state=0),
    "torus": CSOM(8, shape=(8, 12), toroidal=True, random_state=0),
}
every_map = pytest.mark.parametrize("som", MAPS.values(), ids=MAPS)


def number_of(units):
    """Return the number of clusters that gaps in the graph of units part."""
    return _graph.number_by_gaps(_graph.coactivation_graph(units), units.hits)[0]


def groups_of_graph(units, n_clusters):
    graph = _graph.coactivation_graph(units)
    return _graph.cuts_of_graph(graph, units, [n_clusters])[n_clusters]


@pytest.mark.parametrize("n_units", [4, 2100], ids=["table", "list"])
def test_count_pairs(n_units):
    winners = np.array([[0, 1], [0, 1], [1, 0], [2, 1], [2, -1], [-1, -1]])
    counts = _units.count_pairs(winners, n_units)
    assert counts.dtype == np.int64
    assert counts.sum() == 4
    assert_array_equal(
        counts[:4, :4].toarray(),
        [[0, 2, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
    )
    rng = np.random.default_rng(0)
    winners = rng.integers(0, n_units, size=(5000, 2))
    weights = rng.random(5000)
    found = _units.count_pairs(winners, n_units, weights)
    first = (winners == winners[0]).all(axis=1)
    assert found[tuple(winners[0])] == pytest.approx(weights[first].sum())
    for axis in (0, 1):
        expected = np.bincount(winners[:, 1 - axis], weights, n_units)
        assert_allclose(found.sum(axis=axis), expected)


def test_groups_without_samples_join_others():
    codebook = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    # Group 7 holds samples, and group 5 does; group 6 none: it joins its nearest.
    units = Units(codebook, np.array([3, 0, 1, 9, 0]))
    labels = _units.held_groups(np.array([7, 7, 7, 5, 6]), units)
    assert labels.dtype == np.int32
    assert_array_equal(labels, [1, 1, 1, 0, 0])
    units = Units(codebook, np.full(5, 2))
    assert_array_equal(_units.held_groups(np.arange(5), units), np.arange(5))


def chain(n_units, cuts=(), gaps=()):
    """A line of units with 10 hits each, weakly tied at cuts and torn at gaps."""
    codebook = np.arange(n_units, dtype=float)[:, None]
    for cut in gaps:
        codebook[cut:] += 3
    strength = np.full(n_units - 1, 10)
    for cut in cuts:
        strength[cut - 1] = 1
    for cut in gaps:
        strength[cut - 1] = 0
    counts = sparse.csr_array(sparse.diags_array(strength, offsets=1, dtype=np.int64))
    counts = sparse.csr_array(counts, shape=(n_units, n_units))
    return Units(codebook, np.full(n_units, 10), counts, np.full(n_units, 0.25))


@pytest.mark.parametrize("dense_units", [0, 10**6], ids=["sparse", "dense"])
def test_graph_is_cut_where_it_is_weak(dense_units, monkeypatch):
    monkeypatch.setattr(_spectral, "_DENSE_UNITS", dense_units)
    groups = groups_of_graph(chain(40, cuts=[12, 25]), 3)
    assert_array_equal(np.flatnonzero(np.diff(groups)) + 1, [12, 25])
    assert len(set(groups)) == 3


@pytest.mark.parametrize("restarts", [100, 1], ids=["Lanczos", "factorised"])
def test_eigenpairs_agree_between_solvers(restarts, monkeypatch):
    rng = np.random.default_rng(0)
    weights = rng.random((200, 200)) * (rng.random((200, 200)) < 0.05)
    affinity = sparse.csr_array(weights + weights.T)
    dense = _spectral.smallest_eigenpairs(affinity, 6)
    monkeypatch.setattr(_spectral, "_DENSE_UNITS", 0)
    monkeypatch.setattr(_spectral, "_RESTARTS", restarts)
    values, vectors = _spectral.smallest_eigenpairs(affinity, 6)
    degree = affinity.sum(axis=1)
    normalized = affinity.toarray() / np.sqrt(degree[:, None] * degree)
    expected = np.linalg.eigvalsh(np.eye(200) - normalized)[:6]
    assert_allclose(values, expected, atol=1e-9)
    assert_allclose(dense[0], expected, atol=1e-9)
    assert_allclose(vectors, dense[1], atol=1e-7)


def test_conductances():
    # Two pairs tied by 3 and 1, with 1 between: 1 / (6 + 1) and 1 / (2 + 1).
    affinity = np.zeros((4, 4))
    affinity[0, 1], affinity[1, 2], affinity[2, 3] = 3, 1, 1
    affinity = sparse.csr_array(affinity + affinity.T)
    found = _spectral.conductances(affinity, np.array([0, 0, 1, 1]))
    assert_allclose(found, [1 / 7, 1 / 3])


def test_cut_makes_as_many_groups_as_vectors():
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 20)))[0]
    assert_array_equal(np.unique(_spectral.cut(vectors)), np.arange(20))


def test_affinity_is_relative_coactivation():
    # 10 samples between units of 10 hits each, whose mean is 10: 10 / (10 + 10).
    graph = _graph.coactivation_graph(chain(4))
    assert_allclose(
        graph.affinity.toarray(),
        0.5 * np.diag([1, 1, 1], 1) + 0.5 * np.diag([1, 1, 1], -1),
    )


def test_pieces_that_chance_sets_apart_are_joined():
    units = chain(20, gaps=[])
    counts = units.counts.tolil()
    counts[9, 10] = 0
    torn = Units(units.codebook, units.hits, sparse.csr_array(counts), units.radii)
    assert set(_graph.coactivation_graph(torn).component) == {0}
    # A wide gap is none of chance: 4 lengths of a link.
    apart = _graph.coactivation_graph(chain(20, gaps=[10]))
    assert_array_equal(apart.component, np.repeat([0, 1], 10))


def test_components_are_clusters_when_they_are_as_many():
    units = chain(30, gaps=[10, 20])
    groups = groups_of_graph(units, 3)
    assert_array_equal(groups, np.repeat([0, 1, 2], 10))
    assert number_of(units) == 3
    for n_clusters in (1, 2, 5):
        assert len(set(groups_of_graph(units, n_clusters))) == n_clusters


def with_island(line, n_samples, place):
    """Add to a line of units one more, of few samples and tied to nobody."""
    return Units(
        np.vstack([line.codebook, [[place]]]),
        np.append(line.hits, n_samples),
        sparse.csr_array(sparse.block_diag([line.counts, sparse.csr_array((1, 1))])),
        np.append(line.radii, 0.25),
    )


def test_island_is_a_cluster_where_the_body_has_gaps():
    body = chain(30, gaps=[15])
    for place in (60.0, 34.0):  # two lengths of a link are far
        far = groups_of_graph(with_island(body, 3, place), 3)
        assert far[30] not in far[:30]
        assert len(set(far)) == 3
    # Near (1.5 lengths), or of fewer samples than three, it is one with the body.
    for units in (with_island(body, 3, 33.5), with_island(body, 2, 60.0)):
        groups = groups_of_graph(units, 3)
        assert groups[30] == groups[29]


def test_island_takes_no_cluster_from_a_body_in_one_piece():
    body = chain(30, cuts=[15])
    for n_clusters in (2, 3, 5):
        groups = groups_of_graph(with_island(body, 3, 60.0), n_clusters)
        assert len(set(groups[:30])) == n_clusters
        assert groups[30] == groups[29]


def test_island_comes_off_before_a_body_is_halved():
    """Two bodies, an island: it is the third cluster, and stays one of more."""
    body = chain(30, gaps=[15])
    for n_clusters in (3, 4, 5):
        groups = groups_of_graph(with_island(body, 3, 60.0), n_clusters)
        assert len(set(groups)) == n_clusters
        assert groups[30] not in groups[:30]


def test_compact_groups_of_a_unit_each_are_clusters():
    # The second winner of two groups is a unit without samples, so all are isolated.
    codebook = np.array([[-0.72], [-0.12], [0.0], [0.33]])
    pairs = np.array([100, 100, 100]), ([0, 2, 3], [1, 1, 2])
    counts = sparse.csr_array(pairs, shape=(4, 4))
    radii = np.array([0.01, 0, 0.021, 0.0025])
    units = Units(codebook, np.array([100, 0, 100, 100]), counts, radii)
    for n_clusters in (1, 2, 3):
        assert len(set(groups_of_graph(units, n_clusters)[[0, 2, 3]])) == n_clusters


def test_sparse_unit_is_no_bridge():
    # Two lines of ten units; the one between them holds a sample and is tied to both.
    units = chain(21)
    hits, counts = units.hits.copy(), units.counts.tolil()
    hits[10], counts[9, 10], counts[10, 11] = 1, 1, 1
    units = Units(units.codebook, hits, sparse.csr_array(counts), units.radii)
    graph = _graph.coactivation_graph(units)
    assert not graph.inside[10]
    assert graph.affinity[[10]].sum() == 0
    # A fifth of what the others hold is enough.
    more = Units(units.codebook, np.maximum(hits, 3), units.counts, units.radii)
    assert _graph.coactivation_graph(more).inside[10]
    # A line of units that hold as few as it does is a body of its own.
    alike = Units(units.codebook, np.ones(21), units.counts, units.radii)
    assert _graph.coactivation_graph(alike).inside.all()


def test_unit_far_from_its_own_samples_is_an_island():
    line = chain(60)
    radii = line.radii.copy()
    radii[59] = 20 * radii[0]  # outliers beyond the end of the map
    units = Units(line.codebook, line.hits, line.counts, radii)
    graph = _graph.coactivation_graph(units)
    assert [island.tolist() for island in graph.islands] == [[59]]


@pytest.mark.parametrize(("radius", "islands"), [(0.1, [[39]]), (0.8, [])])
def test_compact_unit_is_an_island_from_half_as_far(radius, islands):
    """It lies 3 lengths of a link away; samples that reach so far tie it to others."""
    line = chain(40)
    last = np.arange(40) == 39
    units = Units(
        line.codebook + 2 * last[:, np.newaxis],
        np.where(last, 5, line.hits),
        line.counts,
        np.where(last, radius, line.radii),
    )
    found = _graph.coactivation_graph(units).islands
    assert [island.tolist() for island in found] == islands


def test_unit_without_samples_stays_with_what_it_is_tied_to():
    """Though a unit of the other body is nearer."""
    line = chain(20, gaps=[10])
    line.codebook[10], line.hits[10] = 10.5, 0
    groups = groups_of_graph(line, 2)
    assert_array_equal(groups == groups[9], np.repeat([True, False], 10))


@pytest.mark.parametrize("scale", [2.0**-80, 1e-17, 1e-10, 1.0, 2.0**80])
def test_components_are_joined_in_any_unit(scale):
    # Gaps of 4, 1 and 2; two pairs of units lie at the same place, a gap of 0.
    codebook = scale * np.array([[0.0], [0.0], [4.0], [5.0], [5.0], [7.0]])
    component = np.arange(6)
    for n_clusters, expected in (
        (4, [0, 0, 1, 2, 2, 3]),
        (3, [0, 0, 1, 1, 1, 2]),
        (2, [0, 0, 1, 1, 1, 1]),
        (1, [0, 0, 0, 0, 0, 0]),
    ):
        groups = _units.joined(codebook, component, n_clusters)
        assert_array_equal(groups, expected)


def test_spanning_tree_is_the_shortest(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    places = rng.normal(size=(40, 3)).round(1)
    places[:5] = places[5:10]
    gaps = np.linalg.norm(places[:, None] - places, axis=2)
    tree = _units.tree_of_gaps(gaps)
    assert len(tree.data) == 39
    assert np.count_nonzero(tree.data == 0) >= 5
    assert_allclose(tree.data, gaps[tree.coords])
    # By hand: the nearest place outside comes in, one after the other.
    inside, total = np.arange(40) == 0, 0.0
    while not inside.all():
        between = np.where(inside[:, None] & ~inside, gaps, np.inf)
        place = np.unravel_index(np.argmin(between), between.shape)
        total += between[place]
        inside[place[1]] = True
    assert tree.data.sum() == pytest.approx(total)


@pytest.mark.parametrize("n_clusters", [1, 2, 3])
def test_odd_units_are_grouped(n_clusters):
    line = chain(6)
    nowhere = sparse.csr_array((6, 6), dtype=np.int64)
    one_hit = np.array([0, 0, 30, 0, 0, 0])
    for units in (
        Units(np.zeros((6, 1)), line.hits, line.counts, line.radii),  # all equal
        Units(line.codebook, line.hits, nowhere, line.radii),  # no links
        Units(line.codebook, one_hit, nowhere, np.zeros(6)),
        Units(line.codebook, line.hits, line.counts, np.zeros(6)),  # duplicates
        Units(line.codebook[:1], line.hits[:1], nowhere[:1, :1], np.zeros(1)),
    ):
        groups = groups_of_graph(units, n_clusters)
        assert len(groups) == len(units)
        assert (groups >= 0).all()
        assert 1 <= number_of(units) <= len(units)


def test_grouping_is_reproducible_and_leaves_its_input():
    units = chain(40, cuts=[7, 30])
    before = units.codebook.copy(), units.counts.copy(), units.hits.copy()
    one = groups_of_graph(units, 5)
    assert_array_equal(one, groups_of_graph(units, 5))
    assert_array_equal(units.codebook, before[0])
    assert (units.counts != before[1]).nnz == 0
    assert_array_equal(units.hits, before[2])


@pytest.fixture(scope="module")
def iris_map():
    """The map of the independent computation that gave the numbers below."""
    iris = load_iris()
    X = StandardScaler().fit_transform(iris.data)
    widths = np.r_[np.linspace(3, 1, 10), np.ones(40)]
    return (
        X,
        iris.target,
        CSOM(3, shape=(11, 6), n_epochs=50, sigma=widths).fit(X),
    )


def test_golden_numbers_of_a_clusterer(iris_map):
    X, truth, csom = iris_map
    csom = CSOM(**csom.get_params()).set_params(
        n_clusters=8, clusterer=KMeans(3, n_init=10, random_state=0)
    )
    assert adjusted_rand_score(truth, csom.fit_predict(X)) == pytest.approx(
        0.653, abs=0.02
    )


def test_a_clusterer_sees_units_in_the_unit_of_the_samples():
    X, truth = make_blobs(400, centers=[[0, 0], [0, 50], [50, 0]], random_state=0)
    by_length = DBSCAN(eps=10, min_samples=1)
    som = CSOM(shape=(8, 8), clusterer=by_length, random_state=0)
    assert adjusted_rand_score(truth, som.fit_predict(X)) == 1


def fit(som, X, **parameters):
    return type(som)(**{**som.get_params(), **parameters}).fit(X)


def check_labels(som, n_clusters):
    """Check that labels are consecutive by falling size, and as many as expected."""
    sizes = np.bincount(som.labels_)
    assert len(sizes) == n_clusters
    assert sizes.min() > 0
    assert (np.diff(sizes) <= 0).all()
    assert som.unit_labels_.max() == n_clusters - 1


@every_map
def test_finds_blobs(som):
    X, truth = make_blobs(600, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    for n_clusters in (3, "auto"):
        found = fit(som, X, n_clusters=n_clusters)
        check_labels(found, 3)
        assert adjusted_rand_score(truth, found.labels_) > 0.98


@every_map
def test_as_many_clusters_as_asked(som):
    X = np.random.default_rng(0).normal(size=(400, 3))
    for number in (1, 2, 8, 20):
        check_labels(fit(som, X, n_clusters=number), number)


def test_many_clusters():
    X = np.random.default_rng(0).normal(size=(4000, 2))
    check_labels(CSOM(200, shape=(20, 20)).fit(X), 200)
    check_labels(ESOM(200, random_state=0).fit(X), 200)


@pytest.mark.parametrize("make", [ESOM, CSOM])
def test_more_clusters_than_units_with_samples(make):
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 20, axis=0)
    som = make(n_clusters=8, random_state=0)
    with pytest.warns(ConvergenceWarning, match="3 units with samples, fewer than"):
        som.fit(X)
    check_labels(som, 3)


def test_one_unit_and_duplicates():
    X = np.ones((30, 2))
    for n_clusters in (1, "auto"):
        for som in (
            ESOM(n_clusters),
            ESOM(n_clusters, epsilon=10.0),
            CSOM(n_clusters, shape=1),
            CSOM(n_clusters, shape=(3, 3), init="random"),
        ):
            assert_array_equal(som.fit(X).labels_, np.zeros(30))


@pytest.mark.filterwarnings("ignore:.*does not use clusterer")
@pytest.mark.parametrize("make", [ESOM, CSOM])
def test_none_leaves_each_unit_a_cluster(make):
    X, _ = make_blobs(600, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    for rule in ("tree", KMeans(2)):
        som = make(None, clusterer=rule, random_state=0).fit(X)
        hit = som.hits_ > 0
        assert_array_equal(np.sort(som.unit_labels_[hit]), np.arange(hit.sum()))
        assert_array_equal(som.labels_, som.unit_labels_[som.winners(X)])


@pytest.mark.parametrize("make", [ESOM, CSOM])
def test_clusterer_is_cloned_and_weighted(make):
    X, truth = make_blobs(600, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    clusterer = KMeans(3, n_init=3, random_state=0)
    som = make(clusterer=clusterer, random_state=0).fit(X)
    assert not hasattr(clusterer, "labels_")
    check_labels(som, 3)
    assert adjusted_rand_score(truth, som.labels_) > 0.98
    # Its own parameters count: three samples are enough for two clusters.
    few = make(n_clusters=8, clusterer=KMeans(2, random_state=0), random_state=0)
    check_labels(few.fit(X[:5]), 2)
    # What is noise to it is one cluster, the others keep theirs.
    noisy = make(clusterer=HDBSCAN(min_cluster_size=5, copy=True), random_state=0)
    assert noisy.fit(X).labels_.min() == 0


@pytest.mark.parametrize("make", [ESOM, CSOM])
def test_shapes(make):
    right, scores = [], []
    for draw in SHAPES.values():
        X, truth = draw(np.random.default_rng(1))
        n_large = np.count_nonzero(np.bincount(truth) > 3)  # three rows are outliers
        right.append(make("auto", random_state=1).fit_predict(X).max() + 1 == n_large)
        labels = make(int(truth.max()) + 1, random_state=1).fit_predict(X)
        scores.append(adjusted_rand_score(truth, labels))
    assert np.sum(right) >= 8
    assert np.mean(scores) >= 0.95


NOISE = {
    "uniform": lambda rng, shape: rng.uniform(size=shape),
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
}


# Seeds that no constant was chosen on.
@pytest.mark.parametrize(
    "seeds",
    [range(2000, 2003), pytest.param(range(2000, 2010), marks=pytest.mark.long)],
)
@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_one_cluster(kind, seeds):
    whole = []
    for n_features, n_samples in product((2, 3, 5, 10), (300, 1000)):
        for seed in seeds:
            rng = np.random.default_rng([seed, n_features, n_samples])
            X = NOISE[kind](rng, (n_samples, n_features))
            if seed % 2:
                X = X @ rng.normal(size=(n_features, n_features))
            som = ESOM("auto", random_state=seed).fit(X)
            whole.append(som.labels_.max() == 0)
            if whole[-1]:  # what else was considered
                assert som.gaps_ == sorted(som.gaps_)
                assert all(0 < gap.share <= 0.5 for gap in som.gaps_)
    assert np.mean(whole) >= 0.95


def test_automatic_number_of_islands_may_be_more_than_20():
    """Up to 20 are of units that links join, and islands are not joined."""
    centers = 20.0 * np.stack(np.meshgrid(range(6), range(5)), axis=-1).reshape(-1, 2)
    X, _ = make_blobs(6000, centers=centers, cluster_std=0.5, random_state=0)
    assert ESOM("auto", random_state=0).fit(X).n_clusters_ == 30


def test_gaps_are_those_that_part_nothing():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(500, 2)), rng.normal(8, 1, (300, 2))])
    for make in (ESOM, CSOM):
        som = make("auto", random_state=0).fit(X)
        assert som.labels_.max() == 1
        assert min(gap.links for gap in som.gaps_) > 0.15
        assert make(2, random_state=0).fit(X).gaps_ == []


def test_pieces_of_two_bodies_are_joined_but_for_the_gap():
    rng = np.random.default_rng(0)
    affinity = rng.uniform(0.5, 1.0, (64, 64)) * (
        np.abs(np.subtract.outer(np.arange(64), np.arange(64))) < 4
    )
    affinity = affinity + affinity.T
    np.fill_diagonal(affinity, 0)
    affinity[:32, 32:] *= 0.02
    affinity[32:, :32] *= 0.02
    graph = sparse.csr_array(affinity)
    groups, gaps = joined_pieces(graph, np.full(64, 10), least=20)
    assert_array_equal(groups, np.repeat(groups[[0, -1]], 32))
    assert groups[0] != groups[-1]
    assert gaps[0].links > 0.15
    assert gaps[0].share < 0.5
    # Doubling all links or samples changes nothing, to the bit.
    again, same = joined_pieces(graph * 2.0**40, np.full(64, 20), least=40)
    assert_array_equal(again, groups)
    assert same == gaps


@pytest.mark.parametrize(("apart", "expected"), [(2.0, 1), (4.0, 2)])
@pytest.mark.parametrize("som", [ESOM("auto"), CSOM("auto", shape=(15, 15))])
def test_two_normals_are_two_clusters_if_there_is_a_valley(som, apart, expected):
    # Up to 2 standard deviations apart two equal normals have one peak. At 4 the
    # density between them is 2 exp(-2) = 0.27 of that at the peaks.
    right = 0
    for seed in range(4):
        X = np.random.default_rng(seed).normal(size=(4000, 2))
        X[2000:, 0] += apart
        right += som.set_params(random_state=0).fit(X).labels_.max() + 1 == expected
    assert right >= 3


@pytest.mark.parametrize("make", [ESOM, CSOM])
def test_one_body_is_not_split(make):
    X, _ = golf_ball(np.random.default_rng(0))
    som = make(n_clusters="auto", random_state=0).fit(X)
    assert_array_equal(som.labels_, 0)


def path_of(n_units):
    links = np.ones(n_units - 1)
    return sparse.csr_array(sparse.diags_array([links, links], offsets=[-1, 1]))


def test_piece_too_small_to_cut_is_as_tight_as_the_others():
    crossing, inside = _links_of_pieces(2 * path_of(11), np.repeat([0, 1], [8, 3]))
    assert_array_equal(crossing, [[0, 2], [2, 0]])
    assert_array_equal(inside, [[0, 2], [2, 0]])
    _, inside = _links_of_pieces(path_of(5), np.repeat([0, 1], [2, 3]))
    assert_array_equal(inside, [[0, 1], [1, 0]])


@pytest.mark.parametrize(("n_units", "expected"), [(7, 1), (8, 2)])
def test_cluster_has_a_number_of_units(n_units, expected):
    """Two bodies of fewer units than it takes are one."""
    body = np.ones((n_units, n_units)) - np.eye(n_units)
    affinity = np.kron(np.eye(2), body)
    affinity[0, -1] = affinity[-1, 0] = 0.1
    found = _spectral.plausible_number(sparse.csr_array(affinity), 10_000)
    assert found == expected


def cliques(n_units, *ties):
    """Return bodies of units that are all linked; each is tied to the one before."""
    own = np.ones((n_units, n_units))
    weights = sparse.diags_array([np.array(ties)] * 2, offsets=[-1, 1]).toarray()
    affinity = np.kron(np.eye(len(weights)), own - np.eye(n_units))
    return sparse.csr_array(affinity + np.kron(weights, own))


LADDER = sparse.kron(path_of(12), np.eye(2)) + sparse.kron(np.eye(12), path_of(2))


@pytest.mark.parametrize(
    ("affinity", "expected"), [(LADDER.tocsr(), 3), (cliques(12, 0.08), 2)]
)
def test_cut_is_given_up_for_gaps_only(affinity, expected):
    """Bodies are not halved; a continuum is cut as it was asked for."""
    spectrum = _spectral.Spectrum(affinity, np.zeros(24, dtype=int), 3)
    groups = spectrum.cut_along_gaps(3)
    assert len(np.unique(groups)) == expected
    if expected == 2:
        assert_array_equal(groups == groups[0], np.repeat([True, False], 12))


def test_bodies_that_pieces_join_are_parted_by_cuts():
    """Pieces find the wider gap alone; three bodies are harder to cut than to part."""
    affinity, hits = cliques(16, 0.015, 0.06), np.full(48, 10)
    assert joined_pieces(affinity, hits, least=33)[0].max() == 1
    groups, _ = clusters_by_gaps(affinity, hits)
    assert_array_equal(groups, np.repeat(groups[[0, 16, 32]], 16))
    assert len(np.unique(groups)) == 3


def test_islands_part_at_their_gaps_before_bodies_do():
    """A gap beside fewer samples than an island has parts last, though it is wider."""
    places = np.r_[np.arange(4), 10 + np.arange(4), 40].astype(float)
    units = Units(places[:, np.newaxis], np.ones(9, dtype=int))
    parting = _graph.Parting(units, np.zeros(9, dtype=np.intp))
    two, three = (parting.groups(number) for number in (2, 3))
    for groups in (two, three):
        assert_array_equal(groups[:8] == groups[0], np.repeat([True, False], 4))
        assert_array_equal(groups[:8] == groups[7], np.repeat([False, True], 4))
    assert three[8] not in three[:8]


def cost_of(samples):
    """Return n log |S| - 2 n log n of a group, as docs/second_stage.md defines it."""
    n_samples = len(samples)
    covariance = np.cov(samples.T, ddof=0) + 0.01 * np.eye(samples.shape[1])
    volume = np.log(np.linalg.det(covariance))
    return n_samples * volume - 2 * n_samples * np.log(n_samples)


def joined_by_definition(groups, samples):
    """Join the pair of groups whose union is least worse, one pair after the other."""
    yield groups
    while groups.max() > 0:
        numbers = np.arange(groups.max() + 1)
        own = [cost_of(samples[groups == number]) for number in numbers]
        costs = {
            (one, other): cost_of(samples[(groups == one) | (groups == other)])
            - own[one]
            - own[other]
            for one in numbers
            for other in numbers
            if one < other
        }
        one, other = min(costs, key=costs.get)
        groups = np.where(groups == other, one, groups)
        groups = np.unique(groups, return_inverse=True)[1]
        yield groups


def test_groups_like_normals_are_those_of_the_definition(
    global_random_seed, monkeypatch
):
    """Pieces of several samples each, of three bodies that overlap."""
    monkeypatch.setattr(_normals, "_MOST_REFINED", 0)  # the start, not what it grows to
    rng = np.random.default_rng(global_random_seed)
    piece = np.repeat(np.arange(9), 12)
    centers = rng.normal(scale=2, size=(9, 2))
    samples = centers[piece] + rng.normal(size=(108, 2)) * [1.0, 0.4]
    samples = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    means = np.array([samples[piece == own].mean(axis=0) for own in range(9)])
    spreads = [np.cov(samples[piece == own].T, ddof=0) for own in range(9)]
    spreads = np.array(spreads)
    scale = np.array([3.0, 0.5])  # features of any width
    units = Units(
        codebook=means * scale + 7,
        hits=np.full(9, 12),
        means=means * scale + 7,
        covariances=spreads * np.outer(scale, scale),
    )
    numbers = list(range(2, 10))
    found = cuts_by_normals(units, np.ones(9, dtype=bool), [], numbers)
    assert sorted(found) == numbers
    for groups in joined_by_definition(piece, samples):
        number = groups.max() + 1
        if number > 1:
            of_piece = found[number]
            assert adjusted_rand_score(groups, of_piece[piece]) == 1
