# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that are merged and named, in memory and in files."""

import json

import numpy as np
import pytest

from skesom.report import merge_clusters, read_cluster_groups, write_cluster_groups

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
    write_cluster_groups(path, [(name, np.array(labels)) for name, labels in GROUPS])
    assert [tuple(group) for group in read_cluster_groups(path)] == GROUPS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no JSON file"),
        ("[]", "no list of clusters"),
        ('{"format": "other"}', "no list of clusters"),
        ('{"format": "skesom clusters"}', "damaged.*clusters"),
        ('{"format": "skesom clusters", "clusters": [{"name": "a"}]}', "labels"),
        (
            json.dumps(
                {
                    "format": "skesom clusters",
                    "clusters": [
                        {"name": "a", "labels": [1]},
                        {"name": "b", "labels": [0, 1]},
                    ],
                }
            ),
            "Cluster 1 is in the groups 'a' and 'b'",
        ),
        (
            '{"format": "skesom clusters", "clusters": [{"name": "a", "labels": []}]}',
            "has no cluster",
        ),
        (
            '{"format": "skesom clusters", "clusters": [{"name": "a", "labels": [1.5]}'
            "]}",
            "1.5, which is no label",
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
