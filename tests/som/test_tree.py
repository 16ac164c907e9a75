# SPDX-License-Identifier: BSD-3-Clause
"""The tree of clusters of maps and consensuses, and its cuts.

Most go through public doors. `average_linkage` and `ClusterTree` have independent
references (SciPy, and a plain loop), and are tested as the algorithms that they are.
"""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.base import clone
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM
from skesom.som.tree import ClusterTree, average_linkage, tree_of_units
from tests.helpers.families import CELLS, FIRST_REPORTING_SEED, REPORTING_CELLS
from tests.helpers.shapes import target

X, _ = make_blobs(400, 3, centers=6, cluster_std=1.5, random_state=3)
WITH_GAPS = X.copy()
WITH_GAPS[::7, 1] = np.nan
WITH_GAPS[5] = np.nan
LATTICE = CSOM(shape=(8, 8), n_epochs=3)
WEIGHTS = np.random.default_rng(0).uniform(0.2, 3, len(X))
ERRORS = np.random.default_rng(1).uniform(0.1, 1, X.shape)

# A map, its table, and what else goes to `fit`.
MAPS = {
    "ESOM": (ESOM(random_state=0), X, {}),
    "CSOM": (LATTICE, X, {}),
    "torus": (CSOM(shape=(8, 8), n_epochs=3, toroidal=True), X, {}),
    "layers": (CSOM(shape=(9, 9), n_epochs=3, layers=[(6, 6)]), X, {}),
    "cosine": (CSOM(shape=(8, 8), n_epochs=3, metric="cosine"), X, {}),
    "weights": (LATTICE, X, {"sample_weight": WEIGHTS}),
    "errors": (LATTICE, X, {"errors": ERRORS}),
    "float32": (ESOM(random_state=0), X.astype(np.float32), {}),
    "gaps": (ESOM(random_state=0), WITH_GAPS, {}),
    "lattice with gaps": (LATTICE, WITH_GAPS, {}),
}
MEMBERS = {
    "ESOM": ESOM(),
    "CSOM": LATTICE,
    "KMeans": KMeans(n_init=1, init="random"),
    "pipeline": make_pipeline(StandardScaler(), ESOM()),
    "DBSCAN": DBSCAN(eps=0.8),
}
every_map = pytest.mark.parametrize("case", MAPS.values(), ids=MAPS)


def consensus_of(member, n_clusters=5, **how):
    how = {"n_estimators": 3, "random_state": 0, **how}
    return ConsensusClusterer(member, n_clusters=n_clusters, **how)


def fit(case, n_clusters):
    som, table, others = case
    return clone(som).set_params(n_clusters=n_clusters).fit(table, **others)


def all_cuts(fitted, most=None):
    """Return the labels of the rows of fit in each cut, from 1 cluster on."""
    n_leaves = len(fitted.children_) + 1
    numbers = range(1, min(n_leaves, most or n_leaves) + 1)
    return [fitted.labels_at(number) for number in numbers]


def check_cuts(cuts):
    """Check that cuts nest, and number their clusters by falling size."""
    for number, labels in enumerate(cuts, 1):
        sizes = np.bincount(labels[labels >= 0])
        assert len(sizes) == number
        assert sizes.min() > 0
        assert (np.diff(sizes) <= 0).all()
    for coarse, fine in pairwise(cuts):
        assert_array_equal(coarse < 0, fine < 0)
        both = np.unique(np.column_stack([coarse, fine]), axis=0)
        assert len(both) == len(np.unique(fine))


def check_dendrogram(fitted, n_leaves):
    """Check that the nodes are those of a tree, as in AgglomerativeClustering."""
    children = fitted.children_
    heights = fitted.distances_
    assert children.shape == (n_leaves - 1, 2)
    assert heights.shape == (n_leaves - 1,)
    assert (np.diff(heights) >= 0).all()
    assert heights.min() >= 0
    assert heights.max() <= 1
    steps = np.arange(n_leaves - 1)
    assert (children.max(axis=1) < steps + n_leaves).all()
    assert_array_equal(np.sort(children, axis=None), np.arange(2 * n_leaves - 2))


@every_map
def test_fit_with_a_number_is_that_cut_of_any_fit(case):
    _, table, others = case
    given = {name: of for name, of in others.items() if name == "errors"}
    fitted = fit(case, 4)
    for number in range(1, 21):
        again = fit(case, number)
        assert_array_equal(fitted.labels_at(number), again.labels_)
        assert_array_equal(fitted.labels_at(number, table, **given), again.labels_)
        assert_array_equal(again.children_, fitted.children_)
        assert_array_equal(again.distances_, fitted.distances_)


@pytest.mark.parametrize("name", ["ESOM", "CSOM", "pipeline"])
def test_consensus_with_a_number_is_that_cut_of_any_consensus(name):
    fitted = consensus_of(MEMBERS[name]).fit(X)
    for number in (1, 2, 3, 8, 13, 20):
        again = consensus_of(MEMBERS[name], number).fit(X)
        assert_array_equal(fitted.labels_at(number), again.labels_)
        assert_array_equal(again.distances_, fitted.distances_)


@pytest.mark.parametrize("n_clusters", [1, 3, 8])
def test_consensus_of_a_number_is_a_cut_of_its_own_tree(n_clusters):
    """Members that take a number are others for each."""
    consensus = consensus_of(MEMBERS["KMeans"], n_clusters).fit(X)
    assert_array_equal(consensus.labels_at(n_clusters), consensus.labels_)


@every_map
def test_cuts_of_a_map_nest(case):
    weights = case[2].get("sample_weight")
    if weights is None:
        check_cuts(all_cuts(fit(case, 4)))
        return
    for labels in all_cuts(fit(case, 4)):  # larger are those of more weight
        assert (np.diff(np.bincount(labels, weights)) <= 1e-9).all()


@every_map
def test_leaves_of_a_map_are_its_units_with_samples(case):
    fitted = fit(case, 4)
    last = fitted.layers_[-1] if getattr(fitted, "layers_", None) else fitted
    check_dendrogram(fitted, np.count_nonzero(last.hits_))


@pytest.fixture(scope="module", params=MEMBERS)
def consensus(request):
    if request.param == "DBSCAN":  # no seed changes it, and it cannot learn from parts
        with pytest.warns(UserWarning, match="members are equal"):
            return consensus_of(MEMBERS[request.param], None).fit(X)
    return consensus_of(MEMBERS[request.param], 5).fit(X)


def test_cuts_of_a_consensus_nest(consensus):
    check_cuts(all_cuts(consensus))
    check_dendrogram(consensus, len(consensus.children_) + 1)
    assert len(consensus.children_) < 128
    assert_array_equal(consensus.labels_at(consensus.n_clusters_), consensus.labels_)


def test_rows_given_again_are_labeled_alike_also_one_by_one(consensus):
    if not hasattr(consensus, "predict"):
        pytest.skip("its members cannot label rows")
    n_leaves = len(consensus.children_) + 1  # with old versions of scikit-learn fewer
    for number in (2, min(6, n_leaves)):
        labels = consensus.labels_at(number)
        assert_array_equal(consensus.labels_at(number, X), labels)
        alone = [consensus.labels_at(number, X[row : row + 1])[0] for row in range(20)]
        assert_array_equal(alone, labels[:20])


@pytest.mark.parametrize("name", ["ESOM", "torus", "gaps"])
def test_rows_of_a_map_are_labeled_one_by_one(name):
    fitted = fit(MAPS[name], 4)
    table = MAPS[name][1]
    labels = fitted.labels_at(9)
    alone = [fitted.labels_at(9, table[row : row + 1])[0] for row in range(20)]
    assert_array_equal(alone, labels[:20])


@pytest.mark.parametrize("scale", [1e-17, 2.0**-30, 2.0**80])
@pytest.mark.parametrize(
    "estimator", [ESOM(random_state=0), LATTICE, consensus_of(ESOM())]
)
def test_unit_of_the_data_does_not_matter(estimator, scale):
    far = np.concatenate([X, X[:20], 60 + 0.1 * X[:4]])
    one = clone(estimator).set_params(n_clusters=4).fit(far)
    other = clone(estimator).set_params(n_clusters=4).fit(scale * far)
    for number in (1, 2, 3, 7, 20):
        assert_array_equal(one.labels_at(number), other.labels_at(number))


@pytest.mark.parametrize(
    "estimator", [ESOM(random_state=0), LATTICE, consensus_of(ESOM())]
)
def test_threads_and_blocks_do_not_matter(estimator, monkeypatch):
    one = clone(estimator).set_params(n_clusters=4).fit(X)
    cuts = all_cuts(one, 20)
    with threadpool_limits(2):
        other = clone(estimator).set_params(n_clusters=4).fit(X)
    assert_array_equal(one.children_, other.children_)
    assert_array_equal(one.distances_, other.distances_)
    assert_array_equal(cuts, all_cuts(other, 20))
    monkeypatch.setattr("skesom.consensus._clusterer._ROWS_AT_A_TIME", 37)
    assert_array_equal(one.labels_at(7, X), cuts[6])


def bodies(*sizes, width=1.0):
    """Return rows of round bodies side by side, 12 widths apart, and their numbers."""
    rng = np.random.default_rng(0)
    parts = [
        rng.normal([12 * number, 0], width, (size, 2))
        for number, size in enumerate(sizes)
    ]
    return np.concatenate(parts), np.repeat(np.arange(len(sizes)), sizes)


MAKERS = {
    "ESOM": ESOM(random_state=0),
    "CSOM": CSOM(random_state=0),
    "consensus": ConsensusClusterer(n_estimators=6, random_state=0),
}
every_maker = pytest.mark.parametrize("estimator", MAKERS.values(), ids=MAKERS)


@pytest.mark.parametrize("name", MAKERS)
def test_what_lies_apart_comes_off_before_a_body_is_halved(name):
    """A disc in a ring, and four far groups of three.

    A network that happens to have a unit between a group and the ring gives it some
    of both: one seed in three may.
    """
    table, truth = target(np.random.default_rng(1))
    n_right = 0
    for seed in range(3):
        fitted = clone(MAKERS[name]).set_params(n_clusters=6, random_state=seed)
        fitted.fit(table)
        eight = fitted.labels_at(8)  # two more clusters are parts of a body
        groups = [np.unique(eight[truth == group]) for group in range(2, 6)]
        is_right = adjusted_rand_score(truth, fitted.labels_) > 0.98
        n_right += is_right and all(len(group) == 1 for group in groups)
    assert n_right >= 2


def with_strays():
    """Return two even bodies, and two groups of five much farther away than both."""
    table, truth = bodies(500, 500)
    strays = np.repeat([[6.0, 40.0], [-30.0, -30.0]], 5, axis=0)
    strays += 0.1 * np.random.default_rng(1).normal(size=(10, 2))
    return np.concatenate([table, strays]), np.append(truth, np.repeat([2, 3], 5))


@pytest.mark.parametrize(
    "name",
    [
        "ESOM",
        pytest.param(
            "CSOM", marks=pytest.mark.xfail(strict=False, reason="a body is cut first")
        ),
        "consensus",
    ],
)
def test_two_even_bodies_and_strays_are_four(name):
    table, truth = with_strays()
    fitted = clone(MAKERS[name]).set_params(n_clusters=4).fit(table)
    assert adjusted_rand_score(truth, fitted.labels_) > 0.98
    assert np.bincount(fitted.labels_, minlength=4).max() < 510


def drawn(seed):
    (draw,) = (REPORTING_CELLS if seed >= FIRST_REPORTING_SEED else CELLS).values()
    table, truth = draw(np.random.default_rng(seed))
    return table, truth, int(truth.max()) + 1


def scores_of_cells(estimator, seed):
    """Return the indices of cuts of bodies with strays, from their number to twice."""
    table, truth, k = drawn(seed)
    fitted = clone(estimator).set_params(n_clusters=k).fit(table)
    inside = truth >= 0
    scores = []
    for number in range(k, 2 * k + 1):
        labels = fitted.labels_at(number)
        assert len(np.unique(labels)) == number
        scores.append(adjusted_rand_score(truth[inside], labels[inside]))
    return scores


@pytest.mark.parametrize("som", [MAKERS["ESOM"], MAKERS["CSOM"]])
@pytest.mark.parametrize(
    "seed",
    [
        *(0, FIRST_REPORTING_SEED),
        pytest.param(1, marks=pytest.mark.long),
        pytest.param(FIRST_REPORTING_SEED + 1, marks=pytest.mark.long),
    ],
)
def test_more_clusters_than_bodies_halve_no_body(som, seed):
    assert min(scores_of_cells(som, seed)) >= 0.94


@pytest.mark.parametrize("seed", [0, FIRST_REPORTING_SEED])
def test_more_clusters_than_bodies_halve_no_body_of_a_consensus(seed):
    assert min(scores_of_cells(MAKERS["consensus"], seed)) >= 0.94


@pytest.mark.parametrize("som", [ESOM(random_state=0), CSOM()])
def test_maps_have_units_for_each_of_many_clusters(som):
    table = np.random.default_rng(0).normal(size=(500, 5))
    fitted = clone(som).set_params(n_clusters=200).fit(table)
    assert fitted.n_clusters_ == 200
    few = clone(som).set_params(n_clusters=20).fit(table)
    assert len(few.codebook_) < 200  # as many as without a number
    assert_array_equal(few.codebook_, clone(som).fit(table).codebook_)


@every_maker
def test_bodies_far_apart_are_parted_by_all_cuts(estimator):
    """The height of the last step is the share of cuts that part its sides."""
    table, truth = bodies(300, 200)
    fitted = clone(estimator).set_params(n_clusters=2).fit(table)
    assert_array_equal(fitted.labels_, truth)
    assert fitted.distances_[-1] > 0.999
    assert fitted.distances_[-2] < 0.999


def test_equal_members_tell_nothing():
    member = AgglomerativeClustering(3)
    with pytest.warns(UserWarning, match="All 4 members are equal"):
        fitted = ConsensusClusterer(member, n_estimators=4).fit(X)
    assert np.isnan(fitted.agreement_).all()
    assert adjusted_rand_score(fitted.labels_, member.fit_predict(X)) == 1
    same = consensus_of(LATTICE, max_samples=1.0)
    with pytest.warns(UserWarning, match="All 3 members are equal"):
        same.fit(X)
    assert np.isnan(same.agreement(X)).all()


@pytest.mark.parametrize("seed", range(4))
def test_members_that_differ_may_agree_on_all_rows(seed):
    table, _ = bodies(50, 50)
    for member in (KMeans(2, n_init=1), CSOM(2, shape=(4, 4))):
        fitted = consensus_of(member, 2, random_state=seed).fit(table)
        assert_array_equal(fitted.agreement_, 1)


def test_members_without_a_seed_differ_by_their_rows():
    fitted = consensus_of(LATTICE).fit(X)
    codebooks = [member.codebook_ for member in fitted.estimators_]
    assert not np.array_equal(codebooks[0], codebooks[1])
    assert np.isfinite(fitted.agreement_).all()
    assert 0.3 < fitted.agreement_.mean() < 1


@pytest.mark.parametrize("estimator", [LATTICE, consensus_of(ESOM())])
def test_numbers_that_no_cut_has(estimator):
    fitted = clone(estimator).set_params(n_clusters=3).fit(X)
    n_leaves = len(fitted.children_) + 1
    for number in (0, n_leaves + 1, 2.5, True, "auto", None):
        message = f"n_clusters must be an int from 1 to the {n_leaves} leaves"
        with pytest.raises(ValueError, match=message):
            fitted.labels_at(number)
    assert fitted.labels_at(np.int64(n_leaves)).max() == n_leaves - 1


@pytest.mark.parametrize(
    "som",
    [
        CSOM(None, shape=(5, 5)),
        ESOM(clusterer=KMeans(3, n_init=1), random_state=0),
    ],
)
def test_map_whose_units_are_grouped_otherwise_has_no_tree(som):
    fitted = som.fit(X)
    with pytest.raises(AttributeError, match="has no tree of clusters"):
        fitted.labels_at(2)
    assert not hasattr(fitted, "children_")
    assert not hasattr(fitted, "distances_")


@every_map
def test_stored_map_labels_rows_that_are_given(case):
    _, table, others = case
    given = {name: of for name, of in others.items() if name == "errors"}
    fitted = fit(case, 4)
    stored = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(stored.children_, fitted.children_)
    assert_array_equal(stored.labels_at(9, table, **given), fitted.labels_at(9))
    with pytest.raises(ValueError, match="not part of a stored map"):
        stored.labels_at(2)


def test_stored_consensus_knows_cuts_of_its_labels():
    fitted = consensus_of(ESOM()).fit(X)
    stored = pickle.loads(pickle.dumps(fitted))
    for number in range(1, 6):
        assert_array_equal(stored.labels_at(number), fitted.labels_at(number))
    assert_array_equal(stored.labels_at(9, X), fitted.labels_at(9))
    with pytest.raises(ValueError, match="not part of a stored consensus"):
        stored.labels_at(6)


def test_tree_of_a_lazy_table():
    da = pytest.importorskip("dask.array")
    lazy = da.from_array(X, chunks=(150, 3))
    fitted = consensus_of(ESOM()).fit(lazy)
    for number in (2, 5, 9):
        labels = fitted.labels_at(number)
        assert_array_equal(np.asarray(labels), fitted.labels_at(number, X))
    som = clone(LATTICE).set_params(n_clusters=4).fit(lazy)
    assert_array_equal(np.asarray(som.labels_at(9, lazy)), fit(MAPS["CSOM"], 9).labels_)
    with pytest.raises(ValueError, match="fitted to a lazy table"):
        som.labels_at(2)


def test_rows_without_any_feature_are_no_leaf():
    table = np.random.default_rng(0).normal(size=(2000, 2))
    table[::2] = np.nan
    fitted = consensus_of(ESOM(), 2).fit(table)
    labels = fitted.labels_at(len(fitted.children_) + 1)
    assert (labels[::2] == -3).all()
    assert labels[1::2].min() == 0


@pytest.fixture
def votes():
    """Shares of votes that hold leaves together, all different, and weights."""
    rng = np.random.default_rng(0)
    n_leaves = 25
    together = np.triu(rng.uniform(0, 0.9, (n_leaves, n_leaves)), 1)
    together += together.T
    np.fill_diagonal(together, 1)
    return together, rng.integers(1, 9, n_leaves)


def test_average_linkage_is_that_of_scipy(votes):
    together, _ = votes
    n_leaves = len(together)
    tree = average_linkage(together, np.ones(n_leaves), np.zeros(together.shape))
    steps = hierarchy.linkage(squareform(1 - together, checks=False), "average")
    assert_allclose(tree.heights, steps[:, 2], rtol=2e-6)
    assert_array_equal(tree.children, np.sort(steps[:, :2].astype(int), axis=1))
    for number in range(1, n_leaves + 1):
        expected = hierarchy.cut_tree(steps, number).ravel()
        assert adjusted_rand_score(tree.groups(number), expected) == 1


def test_average_linkage_weighs_leaves_by_their_samples(votes):
    """As if a leaf were as many leaves, all of them together."""
    together, sizes = votes
    tree = average_linkage(together, sizes, np.zeros(together.shape))
    groups = [[leaf] for leaf in range(len(sizes))]
    heights = []
    while len(groups) > 1:
        apart = {}
        for place, one in enumerate(groups):
            for later, other in enumerate(groups[place + 1 :], place + 1):
                weights = np.outer(sizes[one], sizes[other])
                share = np.average(together[np.ix_(one, other)], weights=weights)
                apart[place, later] = 1 - share
        one, other = min(apart, key=apart.get)
        heights.append(apart[one, other])
        groups[one] = groups[one] + groups.pop(other)
        labels = np.empty(len(sizes), dtype=int)
        for number, leaves in enumerate(groups):
            labels[leaves] = number
        assert adjusted_rand_score(labels, tree.groups(len(groups))) == 1
    assert_allclose(tree.heights, heights, rtol=2e-6)


def test_nearness_decides_where_votes_are_equal():
    places = np.array([0.0, 100.0, 8.0, 108.0])
    apart = np.abs(places - places[:, np.newaxis])
    tree = average_linkage(np.eye(4), np.ones(4), apart)
    assert_array_equal(tree.groups(2), [0, 1, 0, 1])
    assert tree.heights.min() > 0.999


def test_place_of_a_piece_is_the_mean_of_its_samples():
    """Nine samples at 0 and one at 10 are at 1: nearer to -2 than to 9."""
    codebook = np.array([[0.0], [10.0], [-2.0], [9.0]])
    cuts = np.array([[0], [0], [1], [2]])
    for hits, expected in (([9, 1, 5, 5], [0, 0, 0, 1]), ([1, 9, 5, 5], [0, 0, 1, 0])):
        tree = tree_of_units(cuts, np.array(hits), codebook)
        assert adjusted_rand_score(tree.groups(2), expected) == 1


def test_clusters_are_numbered_by_the_samples_of_leaves(votes):
    together, sizes = votes
    tree = average_linkage(together, sizes, np.zeros(together.shape))
    for number in range(1, len(sizes) + 1):
        clusters = tree.clusters(number, sizes)
        assert adjusted_rand_score(clusters, tree.groups(number)) == 1
        held = np.bincount(clusters, weights=sizes)
        assert len(held) == number
        assert (np.diff(held) <= 0).all()


def test_persistence_is_the_height_at_which_a_cluster_is_joined():
    # Leaves 0 and 1 join at 0.1, 2 and 3 at 0.3, these at 0.6, and 4 at 0.9.
    children = np.array([[0, 1], [2, 3], [5, 6], [4, 7]])
    tree = ClusterTree(children, np.array([0.1, 0.3, 0.6, 0.9]))
    assert_array_equal(tree.persistence(np.array([0, 0, 0, 0, 0])), [1])
    assert_array_equal(tree.persistence(np.array([0, 0, 0, 0, 1])), [0.9, 0.9])
    three = np.array([0, 0, 1, 1, 2])
    assert_array_equal(tree.persistence(three), [0.6, 0.6, 0.9])
    four = np.array([0, 0, 1, 2, 3])
    assert_array_equal(tree.persistence(four), [0.6, 0.3, 0.3, 0.9])


def test_pruned_tree_has_the_coarser_cuts(votes):
    together, sizes = votes
    tree = average_linkage(together, sizes, np.zeros(together.shape))
    leaves = tree.clusters(8, sizes)
    held = np.bincount(leaves, weights=sizes)
    pruned = tree.pruned(8, sizes)
    assert pruned.n_leaves == 8
    assert_array_equal(pruned.heights, tree.heights[-7:])
    assert_array_equal(np.sort(pruned.children, axis=None), np.arange(14))
    for number in range(1, 9):
        expected = tree.clusters(number, sizes)
        assert_array_equal(pruned.clusters(number, held)[leaves], expected)
