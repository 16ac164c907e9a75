# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that a person splits, merges and names, and steps that are taken back."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from skesom.consensus import ConsensusClusterer
from skesom.maps import ClusterNames, CubeClusterer, MajorityVote, make_cluster_pipeline
from skesom.som import ESOM

# Six leaves of 6, 5, 4, 3, 2 and 1 pixels: ((0 1) (2 (3 4))) and 5 apart.
SIZES = 6, 5, 4, 3, 2, 1
CHILDREN = [[3, 4], [0, 1], [2, 6], [7, 8], [5, 9]]
DISTANCES = [0.1, 0.2, 0.3, 0.6, 0.9]


def drawn():
    """The map of the leaves: a row of pixels each, and a row without data."""
    leaf_map = np.full((7, 6), -3)
    for leaf, size in enumerate(SIZES):
        leaf_map[leaf, :size] = leaf
    return leaf_map


@pytest.fixture
def names():
    return ClusterNames(drawn(), CHILDREN, DISTANCES, n_clusters=3)


def leaves_of(names):
    """Return the leaves of each cluster, and its name."""
    return [(leaves, name) for name, _, _, leaves in names.groups]


def test_begins_with_a_cut_by_falling_size(names):
    assert leaves_of(names) == [((0, 1), None), ((2, 3, 4), None), ((5,), None)]
    label_map = names.label_map
    assert label_map.dtype == np.int32
    np.testing.assert_array_equal(label_map[:, 0], [0, 0, 1, 1, 1, 2, -3])
    np.testing.assert_array_equal(label_map == -3, drawn() == -3)


def test_cuts_nest():
    names = ClusterNames(drawn(), CHILDREN, DISTANCES, n_clusters=1)
    for n_clusters in range(2, 7):
        before = names.label_map
        names.cut(n_clusters)
        after = names.label_map
        pairs = np.unique(np.stack([before[before >= 0], after[after >= 0]]), axis=1)
        assert len(np.unique(after[after >= 0])) == n_clusters == pairs.shape[1]


def test_a_cluster_is_split_into_its_children_and_the_larger_keeps_the_name(names):
    names.name(1, "dust")
    names.split("dust")
    parts = [((0, 1), None), ((3, 4), None), ((2,), "dust"), ((5,), None)]
    assert leaves_of(names) == parts  # leaf 2 is the largest, of which the name tells


def test_merged_clusters_are_split_where_the_tree_parts_them(names):
    names.merge([0, 2])
    assert leaves_of(names)[0] == ((0, 1, 5), None)
    names.split(0)
    assert leaves_of(names) == [((0, 1), None), ((2, 3, 4), None), ((5,), None)]


def test_two_of_one_name_are_one(names):
    names.name(0, "disc")
    names.name(2, " disc ")
    assert leaves_of(names) == [((0, 1, 5), "disc"), ((2, 3, 4), None)]
    names.name("disc", "arms")
    assert names.names == ("arms", None)
    names.name("arms", None)
    assert names.names == (None, None)
    assert names.words == {}


def test_a_place_names_its_cluster_and_then_parts_it(names):
    names.say((3, 0), "dust")  # leaf 3
    assert leaves_of(names)[1] == ((2, 3, 4), "dust")
    names.say(2, "arms")  # leaf 4 is joined with 3 before 2 is
    assert leaves_of(names)[1:3] == [((3, 4), "dust"), ((2,), "arms")]
    names.say(4, "arms")
    assert leaves_of(names)[1:3] == [((2, 4), "arms"), ((3,), "dust")]
    assert names.words == {3: "dust", 2: "arms", 4: "arms"}
    names.say(0, "arms")  # nothing was said of its cluster
    assert leaves_of(names)[0] == ((0, 1, 2, 4), "arms")


def test_what_was_said_of_places_stays_when_the_tree_is_cut_elsewhere(names):
    names.say(3, "dust")
    names.say(0, "disc")
    names.cut(2)
    assert leaves_of(names) == [((0, 1), "disc"), ((2, 3, 4), "dust"), ((5,), None)]
    names.cut(6)
    named = {name: leaves for leaves, name in leaves_of(names) if name}
    assert named == {"dust": (3,), "disc": (0,)}


def test_the_largest_and_least_known_place_is_offered(names):
    assert names.offer() == (0, (0, 0), 6)  # nothing is known: the largest
    names.say(0, "disc")
    # Pixels times heights: 5 x .2, 4 x .6, 3 x .6, 2 x .6 and 1 x .9.
    assert names.offer().leaf == 2
    names.say(2, "arms")
    assert names.offer().leaf == 1  # 5 x .2 > 3 x .3 = 1 x .9
    for leaf in (1, 3, 4, 5):
        names.say(leaf, "rest")
    assert names.offer() is None


def test_middle_of_the_widest_part():
    leaf_map = np.zeros((20, 30), dtype=int)
    leaf_map[2:9, 3:12] = 1  # a block, and a long line
    leaf_map[15, 3:29] = 1
    names = ClusterNames(leaf_map, [[0, 1]], [0.5])
    names.say(0, "sky")
    assert names.offer().pixel == (5, 6)


def test_every_step_is_undone_and_redone(names):
    steps = [
        lambda: names.say((2, 1), "dust"),
        lambda: names.split(0),
        lambda: names.merge([0, 1], "disc"),
        lambda: names.name("disc", "old disc"),
        lambda: names.cut(5),
        lambda: names.restore([("knots", (), "#ff0000", (4, 5))]),
    ]
    seen = [leaves_of(names)]
    for step in steps:
        step()
        seen.append(leaves_of(names))
    for state in seen[-2::-1]:
        assert names.undo()
        assert leaves_of(names) == state
    assert not names.undo()
    for state in seen[1:]:
        assert names.redo()
        assert leaves_of(names) == state
    assert not names.redo()
    names.undo()
    names.name(0, "other")
    assert not names.redo()  # what was undone is replaced


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda names: names.split(9), "Cluster 9 is not there: clusters are 0 to 2"),
        (lambda names: names.split(2), "Cluster 2 is a single leaf"),
        (
            lambda names: names.name("x", "y"),
            "No cluster is named 'x': names are 'disc'",
        ),
        (lambda names: names.name(0, " "), "A name must be a text that is not empty"),
        (lambda names: names.merge([1, 1]), "Give two clusters to merge"),
        (lambda names: names.merge([1, 7]), "Cluster 7 is not there"),
        (lambda names: names.say(6, "x"), "Leaf 6 is not there: leaves are 0 to 5"),
        (lambda names: names.say((9, 0), "x"), r"\(9, 0\) is no pixel of a map of sh"),
        (lambda names: names.say((6, 0), "x"), r"\(6, 0\) is in no cluster"),
        (lambda names: names.cut(7), "from 1 to the 6 leaves of the tree. Got 7"),
        (lambda names: names.cut(0), "Got 0"),
        (
            lambda names: names.restore([("x", (), None, (9,))]),
            "has 9, which is no cluster or leaf here: it is of another map",
        ),
        (
            lambda names: names.restore([("x", (3,)), ("y", (), None, (3,))]),
            "Leaf 3 is in two groups",
        ),
    ],
)
def test_nothing_is_lost_by_what_cannot_be(names, step, message):
    names.say(0, "disc")
    before = leaves_of(names)
    with pytest.raises(ValueError, match=message):
        step(names)
    assert leaves_of(names) == before
    assert names.undo()
    assert not names.undo()


def test_a_tree_of_one_leaf_has_one_cluster():
    names = ClusterNames([0, 0, -1], np.empty((0, 2)), [])
    with pytest.raises(ValueError, match="a single leaf"):
        names.split(0)
    assert names.offer().leaf == 0
    names.say(0, "all")
    assert names.names == ("all",)
    assert names.offer() is None


@pytest.mark.parametrize(
    ("leaf_map", "children", "distances", "message"),
    [
        ([0, 1, 2], [[0, 1]], [1.0], "the leaf 2, but the tree has 2 leaves"),
        ([0.5, 1], [[0, 1]], [1.0], "must hold whole numbers"),
        ([0, 1], [[0, 1]], [1.0, 2.0], "are no tree"),
        ([0, 1], [[0, 0]], [1.0], "are no tree"),
        ([0, 1], [[0, 2]], [1.0], "are no tree"),
    ],
)
def test_what_is_no_tree_is_refused(leaf_map, children, distances, message):
    with pytest.raises(ValueError, match=message):
        ClusterNames(leaf_map, children, distances)


@pytest.fixture(scope="module")
def consensus_job(galaxy):
    """A pipeline with a tree."""
    consensus = ConsensusClusterer(ESOM(5), n_estimators=4, random_state=0)
    return make_cluster_pipeline(consensus, sky="mask").fit(galaxy)


def test_begins_with_the_clusters_of_a_pipeline(consensus_job, galaxy):
    label_map = consensus_job["cluster"].labels_
    names = ClusterNames.from_clusterer(consensus_job, galaxy)
    np.testing.assert_array_equal(names.label_map, label_map)
    names.split(1)
    parts = np.unique(names.label_map[label_map == 1])
    assert len(parts) == 2
    others = label_map != 1
    pairs = np.stack([names.label_map[others], label_map[others]])
    assert len(np.unique(pairs, axis=1).T) == len(np.unique(label_map)) - 1
    row, column = names.offer().pixel
    names.say((row, column), "here")
    assert names.names[names.label_map[row, column]] == "here"


def test_a_vote_of_neighbors_keeps_the_clusters(galaxy):
    consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
    clusterer = CubeClusterer(consensus, regularizer=MajorityVote())
    cube = make_cluster_pipeline(ESOM())[:-1].fit_transform(galaxy)
    names = ClusterNames.from_clusterer(clusterer.fit(cube), cube)
    np.testing.assert_array_equal(names.label_map, clusterer.labels_)


def test_groups_of_labels_are_restored(consensus_job, galaxy):
    names = ClusterNames.from_clusterer(consensus_job, galaxy)
    label_map = names.label_map
    names.restore([("disc", (0, 3), "#123456")])
    both = names.names.index("disc")
    np.testing.assert_array_equal(names.label_map == both, np.isin(label_map, [0, 3]))
    assert ("disc", (), "#123456") in [group[:3] for group in names.groups]
    with pytest.raises(ValueError, match="has 7, which is no cluster"):
        names.restore([("disc", (7,))])


@pytest.mark.parametrize(
    "clusterer",
    [KMeans(3, random_state=0), ESOM(clusterer=KMeans(3, random_state=0))],
    ids=["k-means", "units by k-means"],
)
def test_without_a_tree_one_is_asked_for(galaxy, clusterer):
    fitted = make_cluster_pipeline(clusterer).fit(galaxy)
    with pytest.raises(ValueError, match="There is no tree of clusters"):
        ClusterNames.from_clusterer(fitted, galaxy)


@pytest.mark.parametrize("kind", ["map", "consensus"])
def test_cuts_are_those_of_the_clusterer(consensus_job, galaxy, kind):
    job = consensus_job
    if kind == "map":
        job = make_cluster_pipeline(ESOM(4, random_state=0)).fit(galaxy)
    names = ClusterNames.from_clusterer(job, galaxy)
    cube = job[:-1].transform(galaxy)
    for number in (2, 9):
        names.cut(number)
        expected = job["cluster"].cut_at(number, cube).labels_
        np.testing.assert_array_equal(names.label_map, expected)


def test_another_cube_is_refused(consensus_job, galaxy):
    with pytest.raises(ValueError, match="Give the cube that was clustered"):
        ClusterNames.from_clusterer(consensus_job["cluster"], galaxy[:9])
