# SPDX-License-Identifier: BSD-3-Clause
"""The consensus of many clusterings.

The folded graph has independent references (the singular value decomposition of the
bipartite graph, k-means of rows), and so its tests look inside. Block and sample sizes
are made small there, because tables that exceed them would take minutes.
"""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    AgglomerativeClustering,
    KMeans,
    MiniBatchKMeans,
)
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skesom.consensus import ConsensusClusterer, _row_samples
from skesom.consensus import _clusterer as _consensus
from skesom.consensus._folded_graph import FoldedGraph
from skesom.consensus._votes import likeness, shared_rows
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube
from skesom.maps import CubeClusterer, make_cluster_pipeline
from skesom.som import CSOM, ESOM
from tests.helpers.shapes import SHAPES, golf_ball


def consensus_of(estimator=None, n_estimators=4, **how):
    how = {"random_state": 0, **how}
    return ConsensusClusterer(estimator, n_estimators=n_estimators, **how)


def three_clusterings(rng, n_rows=400):
    """Three clusterings that agree in part, and leave rows out."""
    truth = rng.integers(0, 4, n_rows)
    labels = []
    for n_clusters in (4, 3, 6):
        of_member = np.where(
            rng.random(n_rows) < 0.7, truth, rng.integers(0, 6, n_rows)
        )
        of_member = np.minimum(of_member, n_clusters - 1)
        labels.append(np.where(rng.random(n_rows) < 0.1, -1, of_member))
    return labels


def incidence(labels):
    """Rows by the clusters of all members, 0 or 1."""
    columns = [
        of_member == c for of_member in labels for c in range(of_member.max() + 1)
    ]
    return np.array(columns, dtype=float).T


def test_spectrum_is_that_of_the_bipartite_graph(global_random_seed):
    labels = three_clusterings(np.random.default_rng(global_random_seed))
    table = incidence(labels)
    table = table[table.any(axis=1)]
    scaled = table / np.sqrt(table.sum(axis=1))[:, None] / np.sqrt(table.sum(axis=0))
    expected = np.linalg.svd(scaled, compute_uv=False) ** 2
    assert_allclose(FoldedGraph(labels, 13).eigenvalues, expected, atol=1e-12)


@pytest.mark.parametrize("n_rows", [7, 400])
def test_vectors_are_those_of_the_folded_graph(n_rows, global_random_seed):
    """Fewer rows than clusters of members are measured row by row: F is the same."""
    labels = three_clusterings(np.random.default_rng(global_random_seed), n_rows)
    table = incidence(labels)
    held = table.sum(axis=0)
    table, held = table[:, held > 0], held[held > 0]
    shared = table.T @ (table / table.sum(axis=1, keepdims=True).clip(1))
    graph = FoldedGraph([ranks(of_member) for of_member in labels], 13)
    found = graph.vectors * graph.eigenvalues @ graph.vectors.T
    assert_allclose(found, shared / np.outer(held, held), atol=1e-12)


def ranks(labels):
    """Number labels from 0 on without gaps; those below 0 stay."""
    return np.where(
        labels < 0, labels, np.searchsorted(np.unique(labels[labels >= 0]), labels)
    )


def test_order_of_rows_and_members_does_not_matter(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    labels = three_clusterings(rng)
    graph = FoldedGraph(labels, 4)
    rows = rng.permutation(len(labels[0]))
    shuffled = FoldedGraph([of_member[rows] for of_member in labels], 4)
    assert_array_equal(shuffled.eigenvalues, graph.eigenvalues)
    turned = FoldedGraph(labels[::-1], 4)
    assert_allclose(turned.eigenvalues, graph.eigenvalues, atol=1e-12)
    seeds = [np.random.RandomState(0) for _ in range(2)]
    one = graph.agreed_groups(4, seeds[0])
    other = turned.agreed_groups(4, seeds[1])
    assert adjusted_rand_score(one, other) == 1


def test_members_vote_for_the_cluster_with_most_of_their_rows(global_random_seed):
    """Clusters are found by the places of rows; where votes are tied, these decide."""
    labels = three_clusterings(np.random.default_rng(global_random_seed))
    labels = [of_member.clip(0) for of_member in labels]
    table = incidence(labels)
    held = table.sum(axis=0)
    scaled = table / np.sqrt(held) / np.sqrt(len(labels))
    _, _, vectors = np.linalg.svd(scaled, full_matrices=False)
    rows = table @ (vectors[:3].T / np.sqrt(held)[:, None]) / len(labels)
    places = table.T @ rows / held[:, None]
    means = KMeans(3, n_init=20, random_state=0).fit(places, sample_weight=held)
    by_place = means.predict(np.ascontiguousarray(rows))
    ballots = np.zeros((len(rows), 3))
    for of_member in labels:
        for cluster in np.unique(of_member):
            own = of_member == cluster
            ballots[own, np.bincount(by_place[own], minlength=3).argmax()] += 1
    closest = np.argsort(np.argsort(-means.transform(rows), axis=1), axis=1)
    expected = np.argmax(ballots + closest / 10, axis=1)
    agreed = FoldedGraph(labels, 4).agreed_groups(3, np.random.RandomState(0))
    assert adjusted_rand_score(agreed, expected) == 1


def test_likeness_is_what_both_hold_over_the_mean_of_each():
    """The last row and column are noise; what has no feature is not counted."""
    of_member = np.repeat([0, 1, -1], [5, 5, 1])
    found = np.array([0, 0, 0, 1, 1, 1, 1, 0, -1, -3, -1])
    alike = likeness(shared_rows(of_member, 2, found, 2))
    assert_allclose(
        alike, [[6 / 9, 4 / 9, 0], [2 / 8, 4 / 8, 2 / 6], [0, 0, 2 / 3]], rtol=1e-6
    )
    same = likeness(shared_rows(found, 2, found, 2))
    assert_array_equal(same, np.eye(3))


def test_distances_to_groups_are_small_beside_votes():
    labels = three_clusterings(np.random.default_rng(0))
    graph = FoldedGraph(labels, 4)
    votes = graph.nearest_group_votes(4, np.random.RandomState(0))
    sizes = [np.abs(table).max() for table in (*votes.tables, votes.bias)]
    assert max(sizes) == 1


def test_threads_do_not_matter():
    X, _ = make_blobs(500, centers=5, cluster_std=3, random_state=0)
    one, *others = (consensus_of(n_jobs=jobs).fit(X) for jobs in (None, 2, -1))
    for other in others:
        assert_array_equal(one.labels_, other.labels_)
        assert_array_equal(one.agreement_, other.agreement_)
        assert_array_equal(one.predict(X), other.predict(X))


def test_threads_of_k_means_do_not_matter():
    # Of ten rows in eight clusters, many starts of k-means are as good to a bit.
    for seed in range(10):
        rng = np.random.default_rng(seed)
        of_ten = np.concatenate([np.arange(8), rng.integers(0, 8, 2)])
        labels = [rng.permutation(of_ten) for _ in range(3)]
        graph, winners = FoldedGraph(labels, 8), []
        for n_threads in (1, 3):
            with threadpool_limits(n_threads, user_api="openmp"):
                winners.append(graph.agreed_groups(8, np.random.RandomState(0)))
        assert_array_equal(*winners)


def test_blocks_do_not_matter(monkeypatch):
    X, _ = make_blobs(500, centers=5, cluster_std=3, random_state=0)
    consensus = consensus_of().fit(X)
    labels, agreement = consensus.predict(X, return_agreement=True)
    assert_array_equal(labels, consensus.labels_)
    assert_array_equal(agreement, consensus.agreement_)
    monkeypatch.setattr(_consensus, "_ROWS_AT_A_TIME", 37)
    assert_array_equal(consensus.predict(X), labels)
    assert_array_equal(consensus.agreement(X), agreement)


def test_large_tables_are_learned_and_compared_by_samples(monkeypatch):
    X, truth = make_blobs(3000, centers=4, random_state=1)
    X, truth = X[np.argsort(truth)], np.sort(truth)  # the first rows are of one cluster
    monkeypatch.setattr(_row_samples, "_ENOUGH_TO_LEARN", 300)
    monkeypatch.setattr(_row_samples, "_ENOUGH_TO_COMPARE", 500)
    member = KMeans(n_init=3)
    consensus = consensus_of(member, 12, n_clusters=4).fit(X)
    assert [len(member.labels_) for member in consensus.estimators_] == 12 * [300]
    of_all = adjusted_rand_score(
        truth, clone(member).set_params(n_clusters=4).fit(X).labels_
    )
    assert adjusted_rand_score(truth, consensus.labels_) > of_all - 0.02
    assert_array_equal(consensus.predict(X), consensus.labels_)


@pytest.mark.parametrize(("max_samples", "expected"), [(50, 50), (0.25, 100)])
def test_members_learn_from_samples(max_samples, expected):
    X, _ = make_blobs(400, random_state=0)
    consensus = ConsensusClusterer(
        KMeans(), n_estimators=3, n_clusters=3, max_samples=max_samples
    ).fit(X)
    assert {len(member.labels_) for member in consensus.estimators_} == {expected}
    assert len(consensus.labels_) == 400


@pytest.mark.parametrize(("n_rows", "expected"), [(300, 100), (5000, 50), (30_000, 12)])
def test_few_rows_get_more_members(n_rows, expected):
    X = np.random.default_rng(0).normal(size=(n_rows, 2))
    member = MiniBatchKMeans(2, n_init=1, max_iter=1)
    assert len(ConsensusClusterer(member).fit(X).estimators_) == expected


def test_more_stable_than_its_members_and_no_worse(global_random_seed):
    """Overlapping groups, of which single runs find another five each time."""
    rng = np.random.default_rng(global_random_seed)
    centers = rng.normal(scale=3, size=(5, 4))
    X, truth = make_blobs(3000, centers=centers, cluster_std=1.5, random_state=0)
    runs = [
        ConsensusClusterer(n_clusters=5, n_estimators=12, random_state=seed).fit(X)
        for seed in range(3)
    ]
    members = [run.estimators_[0].predict(X) for run in runs]
    runs = [run.labels_ for run in runs]
    pairs = [(0, 1), (0, 2), (1, 2)]
    stable = np.mean([adjusted_rand_score(runs[i], runs[j]) for i, j in pairs])
    single = np.mean([adjusted_rand_score(members[i], members[j]) for i, j in pairs])
    assert stable > single
    right, single = (
        np.mean([adjusted_rand_score(truth, labels) for labels in some])
        for some in (runs, members)
    )
    assert right > single - 0.02


def test_finds_the_number_of_clusters_of_most_forms():
    """As `test_shapes` asks of maps: all but one of nine shapes and a hollow ball."""
    right = []
    for draw in (*SHAPES.values(), golf_ball):
        X, truth = draw(np.random.default_rng(3))
        n_large = np.count_nonzero(np.bincount(truth) > 3)  # three rows are outliers
        consensus = consensus_of(n_clusters="auto", n_estimators=9).fit(X)
        right.append(consensus.n_clusters_ == n_large)
    assert np.sum(right) >= 9


def test_other_numbers_are_told():
    X, _ = make_blobs(400, 4, centers=3, random_state=1)
    consensus = consensus_of(n_clusters="auto").fit(X)
    gaps = consensus.gaps_
    assert consensus.n_clusters_ == 3
    assert 3 not in [gap.n_clusters for gap in gaps]
    assert [gap.width for gap in gaps] == sorted([gap.width for gap in gaps])[::-1]
    assert consensus.set_params(n_clusters=3).fit(X).gaps_ == []


OF_THREE = [
    *(ESOM(3), CSOM(3), KMeans(3), GaussianMixture(3)),
    make_pipeline(StandardScaler(), ESOM(3)),
]


@pytest.mark.parametrize(
    ("estimator", "how", "expected"),
    [
        *((estimator, {}, 3) for estimator in [*OF_THREE, ESOM("auto")]),
        (None, {"n_clusters": "auto", "n_estimators": 1}, 3),
        (GaussianMixture(), {"n_clusters": 3}, 3),
        (KMeans(3, n_init=1), {"n_clusters": None}, 3),
        *((estimator, {}, 8) for estimator in [None, ESOM(), ESOM(None), KMeans()]),
        # 8 is nobody's wish.
        *((each, {"n_clusters": 5}, 5) for each in [ESOM(), ESOM(5), KMeans()]),
        (KMeans(1), {"n_estimators": 1}, 1),
    ],
)
def test_number_of_clusters(estimator, how, expected):
    X, truth = make_blobs(400, 4, centers=3, random_state=1)
    if expected != 3:
        X = np.random.default_rng(0).normal(size=(300, 3))
    consensus = consensus_of(estimator, **how).fit(X)
    assert consensus.n_clusters_ == consensus.labels_.max() + 1 == expected
    if expected == 3:
        assert adjusted_rand_score(truth, consensus.labels_) == 1
    else:
        assert {member.n_clusters for member in consensus.estimators_} == {expected}


@pytest.mark.filterwarnings("ignore:The bands stay as sharp as they are")
@pytest.mark.parametrize("estimator", OF_THREE)
def test_number_of_the_estimator_counts_for_cubes(estimator):
    X, _ = make_blobs(400, 4, centers=3, random_state=1)
    pipeline = make_cluster_pipeline(
        consensus_of(estimator),
        stretch="none",
        sky="keep",
        mask_outliers=False,
        subtract_background=False,
    )
    assert pipeline.fit_predict(X.reshape(20, 20, 4)).max() == 2


def test_number_of_the_consensus_wins_and_reaches_the_members():
    X, _ = make_blobs(300, 4, centers=3, random_state=1)
    with pytest.warns(UserWarning, match="n_clusters=5 and its estimator n_clusters=3"):
        consensus = consensus_of(ESOM(3), n_clusters=5).fit(X)
    assert consensus.n_clusters_ == 5
    assert all(member.n_clusters == 5 for member in consensus.estimators_)


@pytest.mark.parametrize("name", ["n_clusters", "estimator__n_clusters"])
def test_search_over_the_number(name):
    X, y = make_blobs(300, 4, centers=3, random_state=1)
    consensus = consensus_of(ESOM(), 3)

    def score(estimator, X, y):
        return adjusted_rand_score(y, estimator.predict(X))

    search = GridSearchCV(consensus, {name: [2, 3, 5]}, scoring=score, cv=2)
    assert search.fit(X, y).best_params_ == {name: 3}
    assert search.best_score_ == 1


def test_members_differ_by_their_seeds_also_in_pipelines():
    X, _ = make_blobs(300, centers=4, random_state=2)
    pipeline = make_pipeline(StandardScaler(), KMeans(random_state=5, n_init=1))
    consensus = ConsensusClusterer(pipeline, n_clusters=4, n_estimators=6).fit(X)
    seeds = {member[-1].random_state for member in consensus.estimators_}
    assert len(seeds) == 6
    assert {member[-1].n_clusters for member in consensus.estimators_} == {4}
    assert pipeline[-1].get_params()["random_state"] == 5
    assert not hasattr(pipeline[-1], "labels_")


@pytest.mark.parametrize("Map", [ESOM, CSOM])
def test_representative_map_is_labeled_as_the_consensus(Map):
    X, _ = make_blobs(2000, centers=4, cluster_std=1.5, random_state=0)
    X = StandardScaler().fit_transform(X)
    member = make_pipeline(StandardScaler(), Map())
    consensus = ConsensusClusterer(member, n_clusters=4, n_estimators=8).fit(X)
    som = consensus.representative_[-1]
    winners = som.winners(consensus.representative_[:-1].transform(X))
    for unit in np.unique(winners):
        of_unit = np.bincount(consensus.labels_[winners == unit], minlength=4)
        assert of_unit[som.unit_labels_[unit]] == of_unit.max()
    scores = [
        adjusted_rand_score(consensus.labels_, one.predict(X))
        for one in consensus.estimators_
    ]
    codebooks = [one[-1].codebook_ for one in consensus.estimators_]
    assert any(np.array_equal(som.codebook_, codebook) for codebook in codebooks)
    of_labels = adjusted_rand_score(
        consensus.labels_, consensus.representative_.predict(X)
    )
    assert of_labels > max(scores) - 0.01


@pytest.mark.filterwarnings("ignore:All .* members are equal")
def test_without_predict():
    X, truth = make_blobs(150, centers=3, cluster_std=0.3, random_state=2)
    consensus = ConsensusClusterer(AgglomerativeClustering(), n_clusters=3)
    assert adjusted_rand_score(truth, consensus.fit_predict(X)) == 1
    with pytest.raises(AttributeError) as error:
        consensus.predict(X)
    assert "AgglomerativeClustering cannot label" in str(error.value.__cause__)
    assert not hasattr(consensus, "agreement")
    consensus.set_params(max_samples=50)
    with pytest.raises(ValueError, match="leave out max_samples"):
        consensus.fit(X)


@pytest.mark.filterwarnings("ignore:All .* members are equal")
def test_noise_of_most_members_is_noise():
    X, _ = make_blobs(200, centers=2, cluster_std=0.3, random_state=2)
    X = np.concatenate([X, [[40.0, 40.0], [-40.0, 60.0]]])
    consensus = ConsensusClusterer(HDBSCAN(copy=True), n_estimators=3)
    labels = consensus.fit_predict(X)
    assert_array_equal(labels[-2:], -1)
    assert consensus.n_clusters_ == 2


def test_rows_without_any_feature_have_no_cluster():
    X, _ = make_blobs(200, centers=2, random_state=2)
    X[::5, 0] = np.nan
    X[7] = np.nan
    consensus = consensus_of(n_clusters=2).fit(X)
    assert consensus.labels_[7] == -3
    assert np.isnan(consensus.agreement_[7])
    assert (np.delete(consensus.labels_, 7) >= 0).all()
    labels, agreement = consensus.predict(X[5:9], return_agreement=True)
    assert_array_equal(labels, consensus.labels_[5:9])
    assert_array_equal(agreement, consensus.agreement_[5:9])


class _Moody(ClusterMixin, BaseEstimator):
    """Fails for some seeds."""

    def __init__(self, share=0.3, random_state=0):
        self.share = share
        self.random_state = random_state

    def fit(self, X, y=None):
        if np.random.default_rng(self.random_state).random() < self.share:
            raise ValueError("not today")
        self.labels_ = (X[:, 0] > np.median(X[:, 0])).astype(int)
        return self


def test_goes_on_without_the_members_that_fail():
    X, _ = make_blobs(50, random_state=0)
    consensus = consensus_of(_Moody(), 12, n_clusters=2)
    with pytest.warns(ConvergenceWarning, match=r"members failed.*not today"):
        consensus.fit(X)
    assert 6 < len(consensus.estimators_) < 12
    assert consensus.n_clusters_ == 2
    with pytest.raises(ValueError, match="not today"):  # most fail
        ConsensusClusterer(_Moody(0.9), n_clusters=2, random_state=0).fit(X)


@pytest.mark.parametrize("n_failures", [2, 3])
def test_stops_when_half_of_the_members_fail(n_failures):
    X, _ = make_blobs(50, random_state=0)
    seeds = np.random.RandomState(0).randint(_row_samples.SEEDS, size=5)
    moods = sorted(
        np.random.default_rng(seed).random() for seed in seeds[: n_failures + 2]
    )
    moody = _Moody(np.mean(moods[n_failures - 1 : n_failures + 1]))
    how = {"n_clusters": 2, "n_estimators": n_failures + 2, "random_state": 0}
    with pytest.raises(ValueError, match="not today"):
        ConsensusClusterer(moody, **how).fit(X)


def test_tells_of_fewer_clusters_than_asked_for():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], 20, axis=0)
    consensus = ConsensusClusterer(_Moody(0.0), n_clusters=4)
    with pytest.warns(ConvergenceWarning, match="distinguish 2 clusters, fewer"):
        consensus.fit(X)
    assert consensus.n_clusters_ == 2


def test_one_row_for_each_cluster():
    X = np.arange(12.0).reshape(4, 3) ** 2
    consensus = ConsensusClusterer(KMeans(), n_clusters=4, n_estimators=3).fit(X)
    assert_array_equal(np.sort(consensus.labels_), np.arange(4))


class Rarely(ClusterMixin, BaseEstimator):
    """Sees noise only, but for one seed in three."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit_predict(self, X, y=None):
        return np.full(len(X), -1) if self.random_state % 3 else np.arange(len(X)) % 2


@pytest.mark.parametrize(
    ("estimator", "how", "message"),
    [
        (DBSCAN(1e-9), {"n_clusters": None}, "all rows are noise"),
        (DBSCAN(1e-9), {"n_clusters": 3}, "all rows are noise"),
        (DBSCAN(1e-9), {"n_clusters": "auto"}, "all rows are noise"),
        (Rarely(), {"n_clusters": 2, "random_state": 3}, "all rows are noise to most"),
        (None, {"n_clusters": 51}, "n_samples=50 should be >= n_clusters=51"),
    ],
)
def test_refusals(estimator, how, message):
    X, _ = make_blobs(50, random_state=0)
    with pytest.raises(ValueError, match=message):
        consensus_of(estimator, 12, **how).fit(X)


def test_members_take_errors():
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 2, size=800)
    errors = np.where(rng.uniform(size=(800, 6)) < 0.4, 20.0, 0.3)
    X = kind[:, None] * 2.0 + errors * rng.normal(size=(800, 6))
    errors[0] = np.inf
    how = {"n_estimators": 3, "n_clusters": 2, "max_samples": 0.5, "random_state": 0}
    consensus = ConsensusClusterer(CSOM(shape=(5, 5)), **how)
    blind = adjusted_rand_score(kind, clone(consensus).fit(X).labels_)
    labels = consensus.fit(X, errors=errors).labels_
    assert blind < 0.3 < 0.9 < adjusted_rand_score(kind[1:], labels[1:])
    assert labels[0] == -3
    assert_array_equal(consensus.predict(X, errors=errors), labels)
    assert_array_equal(consensus.agreement(X, errors), consensus.agreement_)
    of_units = consensus.representative_.predict(X, errors=errors)
    assert adjusted_rand_score(of_units, labels) > 0.9
    with pytest.raises(ValueError, match="ESOM takes no 'errors'"):
        ConsensusClusterer().fit(X, errors=errors)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:The bands stay as sharp")
def test_maps_of_nine_real_bands_agree(shared_data):
    folder = shared_data / "kids_viking9"
    files = sorted(path for path in folder.iterdir() if ".fit" in path.name)
    pipeline = make_cluster_pipeline(KMeans(2, n_init=1, random_state=0))
    cube = pipeline[:-1].fit_transform(read_cube(files))
    table, _ = pipeline[-1].table(cube)
    runs = [
        ConsensusClusterer(CSOM(), max_samples=0.5, random_state=seed).fit(table)
        for seed in range(2)
    ]
    members = [
        [member.predict(table) for member in run.estimators_[:4]] for run in runs
    ]
    of_members = [adjusted_rand_score(one, other) for one, other in product(*members)]
    of_runs = adjusted_rand_score(*[run.labels_ for run in runs])
    assert of_runs > max(0.9, np.max(of_members))


@pytest.mark.parametrize(
    ("n_rows", "n_members"), [(150, 100), (900, 100), (5000, 50), (25_000, 12)]
)
def test_automatic_number_of_members(n_rows, n_members):
    """As docs/consensus.md says: 250 000 rows in all, from 12 to 100 members."""
    X = np.random.default_rng(0).normal(size=(n_rows, 1))
    members = KMeans(2, n_init=1, max_iter=1, tol=1e9)
    consensus = ConsensusClusterer(members, max_samples=20, random_state=0).fit(X)
    assert len(consensus.estimators_) == n_members


class TwinCenters(KMeans):
    """k-means that gives a single row the last of equal centers, and others the first.

    Which of them a row gets is rounding, which depends on the machine and on how many
    rows are looked up at a time.
    """

    def predict(self, X):
        labels = super().predict(X)
        same = (self.cluster_centers_[:, np.newaxis] == self.cluster_centers_).all(2)
        which = same.cumsum(axis=1).argmax(axis=1) if len(X) == 1 else same.argmax(1)
        return which[labels].astype(np.int32)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_of_few_distinct_ones_is_labeled_as_in_the_batch(dtype):
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=(3, 4)).astype(dtype)
    X = distinct[rng.integers(3, size=40)]
    members = TwinCenters(6, n_init=1)
    consensus = ConsensusClusterer(members, n_estimators=5, random_state=0).fit(X)
    assert len(np.unique(consensus.labels_)) == 3
    labels, agreement = consensus.predict(X, return_agreement=True)
    assert_array_equal(labels, consensus.labels_)
    for number in range(len(X)):
        row = X[number : number + 1]
        label, agreed = consensus.predict(row, return_agreement=True)
        assert label[0] == labels[number]
        assert agreed[0] == agreement[number]


def test_consensus_that_is_fitted_again_knows_nothing_of_before():
    X, _ = make_blobs(300, 3, centers=5, random_state=0)
    other, _ = make_blobs(200, 3, centers=3, random_state=1)
    again = consensus_of(n_clusters=5, n_estimators=4).fit(X)
    again.labels_at(9)
    again.set_params(n_clusters=3).fit(other)
    fresh = consensus_of(n_clusters=3, n_estimators=4).fit(other)
    assert vars(again).keys() == vars(fresh).keys()
    for name in ("children_", "distances_", "labels_", "agreement_"):
        assert_array_equal(getattr(again, name), getattr(fresh, name))
    assert again.inertia_ == fresh.inertia_
    n_leaves = len(fresh.children_) + 1
    for number in {1, 2, 4, n_leaves}:
        assert_array_equal(again.labels_at(number), fresh.labels_at(number))
        assert_array_equal(again.labels_at(number, X), fresh.labels_at(number, X))


def test_cut_has_no_gaps_of_the_whole():
    cube, _ = make_galaxy_cube((32, 32), random_state=0)
    consensus = ConsensusClusterer(
        KMeans(n_init=1), n_clusters="auto", n_estimators=4, random_state=0
    )
    for estimator in (consensus, CSOM("auto")):
        clusterer = CubeClusterer(estimator).fit(cube)
        cut = clusterer.cut_at(2, cube)
        assert list(cut.estimator_.gaps_) == []
    assert clusterer.estimator_.n_clusters_ >= 1
    whole = clone(consensus).fit(np.asarray(cube).reshape(-1, cube.shape[2])).gaps_
    assert len(whole) > 0


class HalfNoise(ClusterMixin, BaseEstimator):
    """Members of even seeds see two clusters, and those of odd seeds only noise."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.labels_ = self.predict(X)
        return self

    def predict(self, X):
        labels = (X[:, 0] > 0).astype(np.int32)
        return labels if self.random_state % 2 == 0 else np.full(len(X), -1)


def test_rows_that_half_of_the_members_see_are_no_noise():
    X, _ = make_blobs(60, 2, centers=[[-9, 0], [9, 0]], random_state=0)
    met = set()
    for seed in range(12):
        consensus = ConsensusClusterer(
            HalfNoise(), n_estimators=2, n_clusters=2, random_state=seed
        )
        drawn = np.random.RandomState(seed).randint(2**31 - 1, size=2)
        n_seeing = np.count_nonzero(drawn % 2 == 0)
        met.add(int(n_seeing))
        if n_seeing == 0:
            with pytest.raises(ValueError, match="find no cluster"):
                consensus.fit(X)
            continue
        labels = consensus.fit(X).labels_
        assert set(labels) == {0, 1}
        assert adjusted_rand_score(labels, X[:, 0] > 0) == 1
    assert met == {0, 1, 2}


def test_the_largest_parts_alone_are_leaves(monkeypatch):
    table = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
    consensus = ConsensusClusterer(ESOM(10), n_estimators=6, random_state=0)
    n_leaves = len(clone(consensus).fit(table).children_) + 1
    most = 12
    assert most < n_leaves <= 256
    monkeypatch.setattr("skesom.consensus._piece_tree._MOST_PIECES", most)
    fitted = clone(consensus).fit(table)
    assert len(fitted.children_) + 1 <= most
    assert np.all(fitted.labels_ >= 0)  # rows of the other parts have votes too
