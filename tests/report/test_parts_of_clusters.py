# SPDX-License-Identifier: BSD-3-Clause
"""Groups of parts of clusters, leaves of the tree of a run, in all files."""

import json

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.consensus import ConsensusClusterer
from skesom.io import read_map
from skesom.maps import ClusterNames, make_cluster_pipeline
from skesom.report import merge_clusters
from skesom.report._leaf_colors import leaf_colors
from skesom.report.result import Result
from skesom.runs import Run, read_cluster_groups
from skesom.som import CSOM

PLAIN = {"pictures": False, "tables": False}


@pytest.fixture(scope="module")
def tree_job(galaxy):
    """A pipeline with a tree."""
    consensus = ConsensusClusterer(CSOM(4, shape=(5, 5)), n_estimators=4)
    consensus.set_params(max_samples=0.5, random_state=0)
    return make_cluster_pipeline(consensus, sky="mask").fit(galaxy)


@pytest.fixture(scope="module")
def taught(tree_job, galaxy):
    """The same after a person has split and named clusters."""
    names = ClusterNames.from_clusterer(tree_job, galaxy)
    names.split(0)
    names.say(names.offer().pixel, "old stars")
    names.say(names.offer().pixel, "dust")
    return names


@pytest.fixture(scope="module")
def written(tree_job, galaxy, source, taught, tmp_path_factory):
    """A result with those names."""
    folder = tmp_path_factory.mktemp("parts") / "result"
    Run(tree_job, galaxy, source=source, groups=taught.groups).write(folder, **PLAIN)
    return folder


def test_all_files_are_of_the_parts(written, taught, tree_job):
    label_map, _ = read_map(written / "cluster_map.fits")
    np.testing.assert_array_equal(label_map, taught.label_map)
    table = Table.read(written / "clusters.ecsv")
    expected = [name or str(n) for n, name in enumerate(taught.names)]
    assert table["name"].tolist() == expected
    assert len(set(table["color"])) == len(table)
    run = tree_job["cluster"].labels_
    for number, text in enumerate(table["labels"]):
        held = {int(each.removeprefix("part of ")) for each in text.split(", ")}
        assert held == {*np.unique(run[label_map == number]).tolist()}
        for each in text.split(", "):
            is_part = each.startswith("part of ")
            cluster = run == int(each.removeprefix("part of "))
            assert is_part == (label_map[cluster] != number).any()


def test_the_file_is_of_version_2_and_gives_them_back(written, taught, tree_job):
    content = json.loads((written / "groups.json").read_text())
    assert content["version"] == 2
    groups = read_cluster_groups(written / "groups.json")
    assert [group[:2] + group[3:] for group in groups] == [
        group[:2] + group[3:] for group in taught.groups
    ]
    report = Run.read(written, trust=True)
    assert report.groups == groups
    np.testing.assert_array_equal(report.pipeline[-1].labels_, tree_job[-1].labels_)


def test_units_on_the_page_are_in_the_leaf_of_most_of_their_pixels(
    tree_job, galaxy, written
):
    result = Result(tree_job, galaxy)
    leaves = result.unit_leaves
    clusters = result.tree.clusters
    assert len(np.unique(leaves)) > len(np.unique(clusters))
    np.testing.assert_array_equal(clusters[leaves], result.run_unit_labels)
    for unit in np.unique(result.unit_map[result.leaf_map >= 0]):
        held = result.leaf_map[(result.unit_map == unit) & (result.leaf_map >= 0)]
        counts = np.bincount(held, minlength=len(clusters))
        counts[clusters != result.run_unit_labels[unit]] = 0
        assert counts[leaves[unit]] == counts.max()


def test_other_images_get_the_parts(tree_job, galaxy, taught, tmp_path):
    """As these images do, if they are taken for others."""
    label_map = tree_job.predict(galaxy)
    groups = read_groups_of(tree_job, galaxy, taught, tmp_path)
    run = Run(tree_job, galaxy, label_map=label_map, groups=groups)
    run.write(tmp_path / "other", **PLAIN)
    again, _ = read_map(tmp_path / "other" / "cluster_map.fits")
    np.testing.assert_array_equal(again, taught.label_map)


def read_groups_of(job, cube, names, folder):
    """Return groups as a result has them, by falling size."""
    Run(job, cube, groups=names.groups).write(folder / "first", **PLAIN)
    return read_cluster_groups(folder / "first" / "groups.json")


def test_groups_of_whole_clusters_stay_of_version_1(tree_job, galaxy, tmp_path):
    names = ClusterNames.from_clusterer(tree_job, galaxy)
    names.merge([0, 2], "disc")
    Run(tree_job, galaxy, groups=names.groups).write(tmp_path / "out", **PLAIN)
    path = tmp_path / "out" / "groups.json"
    assert json.loads(path.read_text())["version"] == 1
    groups = read_cluster_groups(path)
    assert sorted(group.labels for group in groups) == [(0, 2), (1,), (3,)]
    assert {group.name: group.labels for group in groups}["disc"] == (0, 2)


def test_what_is_in_no_group_stays_as_it_was(tree_job, galaxy, tmp_path):
    run = tree_job["cluster"].labels_
    names = ClusterNames.from_clusterer(tree_job, galaxy)
    leaf = names.offer().leaf
    cluster = run[names.leaf_map == leaf][0]
    groups = [("knots", (), "#ff0000", (leaf,))]
    Run(tree_job, galaxy, groups=groups).write(tmp_path / "out", **PLAIN)
    label_map, _ = read_map(tmp_path / "out" / "cluster_map.fits")
    table = Table.read(tmp_path / "out" / "clusters.ecsv")
    knots = table["name"].tolist().index("knots")
    assert table["color"][knots] == "#ff0000"
    np.testing.assert_array_equal(label_map == knots, names.leaf_map == leaf)
    for number in range(run.max() + 1):
        rest = (run == number) & (label_map != knots)
        assert len(np.unique(label_map[rest])) == 1
    assert table["labels"][knots] == f"part of {cluster}"


def test_parts_of_another_tree_are_refused(written, tree_job, galaxy, tmp_path):
    content = json.loads((written / "groups.json").read_text())
    path = tmp_path / "groups.json"
    path.write_text(json.dumps(content | {"tree_sha256": "0" * 64}))
    with pytest.raises(ValueError, match="its parts of clusters are of another tree"):
        Run.read(written, trust=True, groups=path)
    path.write_text(json.dumps(content | {"version": 3}))
    with pytest.raises(ValueError, match="is of a newer version of skesom"):
        read_cluster_groups(path)
    with pytest.raises(ValueError, match="has the leaf 999, but the tree has those"):
        Run(tree_job, galaxy, groups=[("a", (), None, (999,))]).write(
            tmp_path / "x", **PLAIN
        )
    assert not (tmp_path / "x").exists()


def test_a_run_without_a_tree_has_no_parts(galaxy, tmp_path):
    job = make_cluster_pipeline(KMeans(3, n_init=1, random_state=0)).fit(galaxy)
    groups = [("a", (), None, (0,))]
    with pytest.raises(ValueError, match="the run has no tree"):
        Run(job, galaxy, groups=groups).write(tmp_path / "x", **PLAIN)


def test_a_label_map_alone_has_no_parts():
    with pytest.raises(ValueError, match="which a label map does not tell"):
        merge_clusters(np.array([[0, 1]]), [("a", (), None, (0,))])


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        ([("a", [], [1]), ("b", [], [1])], "Leaf 1 is in the groups 'a' and 'b'"),
        ([("a", [], [-1])], "has -1 among its labels"),
        ([("a", [], [])], "has no cluster"),
        ([("a", [], 3)], "is damaged"),
    ],
)
def test_bad_files_are_named(tmp_path, clusters, message):
    listed = [dict(zip(("name", "labels", "leaves"), e, strict=True)) for e in clusters]
    path = tmp_path / "groups.json"
    content = {"format": "skesom clusters", "version": 2, "clusters": listed}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_cluster_groups(path)


def test_the_larger_part_keeps_the_color():
    """Leaves of 5, 4, 3 and 2 pixels: (0 (1 3)) and 2, which are the clusters."""
    children = np.array([[1, 3], [0, 4], [2, 5]])
    sizes, clusters = np.array([5, 4, 3, 2]), np.array([1, 1, 0, 1])
    given = np.array([[1, 0, 0, 1], [0, 0, 1, 1]], dtype=float)
    colors = leaf_colors(children, sizes, clusters, given)
    np.testing.assert_array_equal(colors[2], given[0])
    # Leaves 1 and 3 together are larger than 0, and 1 is the larger of these.
    np.testing.assert_array_equal(colors[1], given[1])
    assert len(np.unique(colors, axis=0)) == 4
