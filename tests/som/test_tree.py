# SPDX-License-Identifier: BSD-3-Clause
"""Clusters beyond the gaps, and the tree that is anchored at those asked for."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from _families import CELLS, FIRST_REPORTING_SEED, REPORTING_CELLS
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, ESOM, ConsensusClusterer
from skesom.som._folded_graph import Votes
from skesom.som._tree import PartVotes, tree_of_members

MAPS = {"ESOM": ESOM(random_state=0), "CSOM": CSOM(shape="auto", random_state=0)}


def drawn(seed):
    (draw,) = (REPORTING_CELLS if seed >= FIRST_REPORTING_SEED else CELLS).values()
    X, truth = draw(np.random.default_rng(seed))
    return X, truth, int(truth.max()) + 1


def index(truth, labels):
    return adjusted_rand_score(truth[truth >= 0], labels[truth >= 0])


@pytest.mark.parametrize(
    "seed",
    [
        *(0, FIRST_REPORTING_SEED),
        pytest.param(1, marks=pytest.mark.long),
        pytest.param(FIRST_REPORTING_SEED + 1, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("som", MAPS.values(), ids=MAPS)
def test_more_clusters_than_bodies_halve_no_body(som, seed):
    X, truth, k = drawn(seed)
    for number in range(k, 2 * k + 1):
        som = clone(som).set_params(n_clusters=number)
        labels = som.fit_predict(X)
        assert len(np.unique(labels)) == number
        assert index(truth, labels) >= 0.94


@pytest.mark.parametrize("seed", [0, FIRST_REPORTING_SEED])
def test_consensus_and_its_tree_halve_no_body(seed):
    X, truth, k = drawn(seed)
    how = {"n_estimators": 6, "random_state": seed}
    consensus = ConsensusClusterer(ESOM(), n_clusters=k, **how).fit(X)
    for number in range(k, 2 * k + 1):
        assert index(truth, consensus.labels_at(number)) >= 0.94
    number = k + 2 if seed else 2 * k
    more = clone(consensus).set_params(n_clusters=number).fit(X)
    assert index(truth, more.labels_) >= 0.94
    assert index(truth, more.labels_at(k)) >= 0.94


MEMBERS = {
    "ESOM": ESOM(),
    "CSOM": CSOM(shape=(8, 8)),
    "KMeans": KMeans(n_init=1, init="random"),
    "pipeline": make_pipeline(StandardScaler(), ESOM()),
    "DBSCAN": DBSCAN(eps=0.8),
}


@pytest.fixture(scope="module", params=MEMBERS)
def fitted(request):
    X, _ = make_blobs(900, centers=7, n_features=3, random_state=3)
    number = None if request.param == "DBSCAN" else 5
    how = {"n_estimators": 5, "n_clusters": number, "random_state": 0}
    return X, ConsensusClusterer(MEMBERS[request.param], **how).fit(X)


def test_cuts_nest_around_those_asked_for(fitted):
    """Rows that are given again are labeled alike."""
    X, consensus = fitted
    n_leaves = len(consensus.children_) + 1
    cuts = [consensus.labels_at(number) for number in range(1, n_leaves + 1)]
    for number, labels in enumerate(cuts, 1):
        assert len(np.unique(labels[labels >= 0])) == labels.max() + 1 == number
        if hasattr(consensus, "predict"):
            assert_array_equal(consensus.labels_at(number, X), labels)
            assert_array_equal(consensus.labels_at(number, X[3:4]), labels[3:4])
    for coarse, fine in pairwise(cuts):
        both = np.unique(np.column_stack([coarse, fine]), axis=0)
        assert len(both) == len(np.unique(fine))
    assert_array_equal(cuts[consensus.n_clusters_ - 1], consensus.labels_)
    for number in (0, n_leaves + 1, 2.5):
        with pytest.raises(ValueError, match="n_clusters must be an int from 1"):
            consensus.labels_at(number)


def test_children_are_those_of_a_dendrogram(fitted):
    _, consensus = fitted
    children, distances = consensus.children_, consensus.distances_
    assert children.shape == (len(distances), 2)
    assert (np.diff(distances) >= 0).all()
    assert 0 <= distances.min(initial=0) <= distances.max(initial=0) <= 1
    assert (children.max(axis=1) < np.arange(len(children)) + len(children) + 1).all()
    assert len(np.unique(children)) == children.size


def test_tree_is_part_of_a_stored_model(fitted):
    X, consensus = fitted
    n_leaves = len(consensus.children_) + 1
    loaded = pickle.loads(pickle.dumps(consensus))
    assert_array_equal(loaded.children_, consensus.children_)
    again = pickle.loads(pickle.dumps(clone(consensus).fit(X)))  # has not grown yet
    assert_array_equal(again.children_, consensus.children_)
    if hasattr(consensus, "predict"):
        labels = consensus.labels_at(n_leaves)
        assert_array_equal(again.labels_at(n_leaves, X), labels)
        if n_leaves > again.n_clusters_:
            with pytest.raises(ValueError, match="not part of a stored"):
                again.labels_at(n_leaves)


def test_tree_of_a_lazy_table():
    da = pytest.importorskip("dask.array")
    X, _ = make_blobs(900, centers=5, random_state=3)
    how = {"n_estimators": 4, "n_clusters": 3, "random_state": 0}
    consensus = ConsensusClusterer(ESOM(), **how).fit(da.from_array(X, chunks=(300, 2)))
    for number in (2, 3, 5):
        labels = consensus.labels_at(number)
        assert_array_equal(np.asarray(labels), consensus.labels_at(number, X))


def test_tree_has_clusters_of_which_it_sees_no_row():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 2))
    X[15_000:] += 50
    X[1:3] += 1000
    members = KMeans(3, n_init=3)
    consensus = ConsensusClusterer(members, n_estimators=3, random_state=0).fit(X)
    assert np.bincount(consensus.labels_).tolist() == [15_000, 14_998, 2]
    assert len(consensus.children_) == 2
    assert np.bincount(consensus.labels_at(2)).tolist() == [29_998, 2]


def test_tree_grows_from_rows_with_a_cluster():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 2))
    X[::2] = np.nan
    consensus = ConsensusClusterer(ESOM(2), n_estimators=3, random_state=0).fit(X)
    labels = consensus.labels_at(len(consensus.children_) + 1)
    assert (labels[::2] == -3).all()
    assert labels[1::2].min() == 0


def test_representative_of_a_cut_tells_all_its_clusters():
    X, truth = make_blobs(900, centers=4, cluster_std=0.5, random_state=1)
    consensus = ConsensusClusterer(ESOM(3), n_estimators=3, random_state=0).fit(X)
    cut = consensus._cut_at(4, X)
    assert index(truth, cut.representative_.predict(X)) == 1
    labels, agreement = cut.predict(X, return_agreement=True)
    assert_array_equal(labels, consensus.labels_at(4))
    assert_array_equal(agreement, cut.agreement_)


def test_table_is_let_go_when_all_rows_have_a_leaf(fitted):
    X, consensus = fitted
    consensus = clone(consensus).fit(X)
    labels = consensus.labels_at(len(consensus.children_) + 1)
    assert not hasattr(consensus, "_learned")
    assert_array_equal(consensus.labels_at(len(consensus.children_) + 1), labels)


def test_bodies_that_no_member_divides_have_leaves_too():
    X, _ = make_blobs(3000, 6, centers=5, random_state=5)
    consensus = ConsensusClusterer(ESOM(5), n_estimators=4, random_state=0).fit(X)
    assert len(consensus.children_) + 1 == 32
    assert (np.bincount(consensus.labels_at(10))[:5] > 500).all()
    assert (np.diff(consensus.distances_) > 0).all()


def test_clusters_that_no_member_puts_together_join_by_nearness():
    rng = np.random.default_rng(0)
    groups = {0: 400, 100: 300, 8: 200, 108: 150}
    X = [rng.normal([place, 0], 1, (size, 2)) for place, size in groups.items()]
    how = {"max_samples": 0.5, "random_state": 0}
    consensus = ConsensusClusterer(KMeans(4), **how).fit(np.concatenate(X))
    expected = np.repeat([0, 1, 0, 1], list(groups.values()))
    assert_array_equal(consensus.labels_at(2), expected)


@pytest.mark.parametrize("seen", [[0, 0, 1, 1], [0, 1, 2, 3]], ids=["parts", "places"])
def test_leaves_join_by_what_members_put_together_then_by_nearness(seen):
    """Missing values, of some or all rows of a cluster, and noise do not count."""
    X = np.column_stack([np.repeat([0.0, 100, 8, 108], 50), np.full(200, 1000.0)])
    X[:50:2, 1] = X[50:100, 1] = np.nan
    X = np.append(X, [[1e6, 0]], axis=0)
    labels, parts = (np.append(np.repeat(of, 50), -1) for of in (range(4), seen))
    given = 2 * [parts.astype(np.int32)]
    tree, _ = tree_of_members(2 * [KMeans()], X, None, labels, 4, given)
    assert tree.sizes.tolist() == [50, 50, 50, 50]
    expected = seen if max(seen) == 1 else [0, 1, 0, 1]
    assert_array_equal(tree.numbers(2), expected)


def test_row_has_the_leaf_with_most_votes_in_its_cluster():
    own, unlabeled = [4.0, 0, 2], [3.0, 0, 1]
    votes = Votes([np.array([own, unlabeled])], [], np.array([0.0, 1, 0]))
    parts = [np.array([0, 0, -1, 0])]
    found = votes.scores(parts)
    assert_array_equal(found[1:3], [[4, 1, 2], unlabeled])
    voting = PartVotes([], votes, np.array([0, 1, 1]))
    assert_array_equal(voting.leaves(parts, [0, 1, 1, -3]), [0, 2, 2, -3])


def test_leaf_of_one_row_is_where_the_row_is():
    places = np.repeat([0.0, 100.0, 60.0], [40, 30, 1])
    X = np.column_stack([places, np.zeros(71)])
    consensus = ConsensusClusterer(DBSCAN(eps=5, min_samples=1), n_estimators=3).fit(X)
    assert consensus._tree()[0].sizes.tolist() == [40, 30, 1]
    assert_array_equal(consensus.labels_at(2), places > 0)


def test_leaves_of_members_without_predict():
    """Those of the rows of fit lie inside the clusters; noise stays noise."""
    X, truth = make_blobs(900, centers=7, n_features=3, random_state=3)
    how = {"n_estimators": 3, "n_clusters": 2, "random_state": 0}
    consensus = ConsensusClusterer(DBSCAN(eps=0.8), **how).fit(X)
    n_leaves = len(consensus.children_) + 1
    leaves, known = consensus.labels_at(n_leaves), consensus.labels_ >= 0
    assert n_leaves >= 6
    assert_array_equal(leaves >= 0, known)
    assert_array_equal(np.unique(leaves[known]), np.arange(n_leaves))
    pairs = np.column_stack([consensus.labels_, leaves])[known]
    assert len(np.unique(pairs, axis=0)) == n_leaves
    assert adjusted_rand_score(truth[known], leaves[known]) > 0.8
