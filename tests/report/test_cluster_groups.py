# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that are merged and named, in memory and in files."""

import numpy as np
import pytest

from skesom.report import merge_clusters
from skesom.report.cluster_groups import carried_groups, check_groups
from skesom.runs import read_cluster_groups
from skesom.runs.group_files import write_cluster_groups

LISTED = '{"format": "skesom clusters", "clusters": [%s]}'
GROUPS = [("H II regions", (1, 3)), ("dust", (2,))]


@pytest.fixture
def label_map(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    return rng.choice([-3, -1, 0, 1, 2, 3], size=(30, 20)).astype(np.int32)


def test_merged_labels_fall_in_size_and_keep_their_pixels(label_map):
    merged, names = merge_clusters(label_map, GROUPS)
    assert sorted(names) == ["H II regions", "cluster 0", "dust"]
    nebulae, dust, rest = map(names.index, ["H II regions", "dust", "cluster 0"])
    np.testing.assert_array_equal(merged == nebulae, np.isin(label_map, [1, 3]))
    np.testing.assert_array_equal(merged == dust, label_map == 2)
    np.testing.assert_array_equal(merged == rest, label_map == 0)
    np.testing.assert_array_equal(merged[label_map < 0], label_map[label_map < 0])
    sizes = np.bincount(merged[merged >= 0])
    assert (np.diff(sizes) <= 0).all()
    assert nebulae == 0


def test_without_groups_nothing_changes_but_the_order():
    label_map = np.array([[0, 1, 1, -1]])
    merged, names = merge_clusters(label_map, [])
    np.testing.assert_array_equal(merged, [[1, 0, 0, -1]])
    assert names == ("cluster 1", "cluster 0")


def test_files_give_back_what_was_written(tmp_path):
    path = tmp_path / "groups.json"
    colors = "#0a0b0c", None
    given = [
        (name, np.array(labels), color)
        for (name, labels), color in zip(GROUPS, colors, strict=True)
    ]
    write_cluster_groups(path, given)
    read = read_cluster_groups(path)
    assert [group[:2] for group in read] == GROUPS
    assert tuple(group.color for group in read) == colors


def test_names_that_pages_give_to_what_has_none_are_no_names(tmp_path):
    """Else the cluster of the run would be named by a number of the run for ever."""
    path = tmp_path / "groups.json"
    labels = [(1, 4), (0,), (2,), (3,)]
    names = "cluster 1 + cluster 4", "cluster 0", " ", None
    write_cluster_groups(path, list(zip(names, labels, strict=True)))
    assert [each[:3] for each in read_cluster_groups(path)] == [
        (None, own, None) for own in labels
    ]


def test_groups_of_another_result_are_refused(tmp_path):
    path = tmp_path / "groups.json"
    write_cluster_groups(path, GROUPS, label_map_sha256="ab")
    for known in ("ab", None):
        assert len(read_cluster_groups(path, label_map_sha256=known)) == 2
    with pytest.raises(ValueError, match="is of another result"):
        read_cluster_groups(path, label_map_sha256="cd")
    write_cluster_groups(path, GROUPS)
    assert len(read_cluster_groups(path, label_map_sha256="cd")) == 2


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([("a", [0]), ("a", [1])], "2 groups have the name 'a'"),
        ([("a", [0]), (" a", [1])], "2 groups have the name 'a'"),
        (
            [("a", [0], "no color")],
            "'a' has the color 'no color', which cannot be read",
        ),
        ([("a", [0], 7)], "'a' has the color 7, which cannot be read"),
        ([("a;b", [0])], "'a;b' cannot have braces, semicolons or line breaks"),
        ([("a\nb", [0])], "cannot have braces, semicolons or line breaks"),
        ([(None, [])], "The group None has no cluster"),
    ],
)
def test_bad_groups_are_refused(tmp_path, groups, message):
    with pytest.raises(ValueError, match=message):
        write_cluster_groups(tmp_path / "groups.json", groups)
    assert list(tmp_path.iterdir()) == []


def test_names_stay_with_the_clusters_of_the_same_pixels():
    before = np.array([[0, 0, 1, 1, 2, 3, 4, -1, -3]])
    after = np.array([[2, 2, 0, 1, 3, 3, 4, -1, -3]])  # 1 is cut, 2 and 3 are joined
    given = [("stay", (0, 4), "#123456"), ("cut", (1,)), ("joined", (2, 3))]
    found = carried_groups(check_groups(given), before, after)
    assert [each[:3] for each in found] == [("stay", (2, 4), "#123456")]
    assert carried_groups(check_groups([("some", (0, 1))]), before, after) == []


def test_a_name_is_not_that_of_a_cluster_without_one():
    with pytest.raises(ValueError, match="2 groups have the name 'cluster 1'"):
        merge_clusters(np.array([[0, 1]]), [("cluster 1", [0])])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no JSON file"),
        ("[]", "no list of clusters"),
        ('{"format": "other"}', "no list of clusters"),
        ('{"format": "skesom clusters"}', "damaged.*clusters"),
        (LISTED % '{"name": "a"}', "labels"),
        (
            LISTED % '{"name": "a", "labels": [1]}, {"name": "b", "labels": [0, 1]}',
            "Cluster 1 is in the groups 'a' and 'b'",
        ),
        (LISTED % '{"name": "a", "labels": []}', "has no cluster"),
        (LISTED % '{"name": "a", "labels": 7}', "is damaged"),
        *(
            (LISTED % '{"name": "a", "labels": [%s]}' % each, "among its labels")
            for each in ("1.5", "-1", "1e400", "NaN", "true", '"a"', "[]")
        ),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "groups.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        read_cluster_groups(path)
    assert str(path) in str(error.value)


def test_groups_of_another_map_are_refused(label_map):
    with pytest.raises(ValueError, match=r"cluster 9, but the map has those from 0 to"):
        merge_clusters(label_map, [("a", [9])])
