# SPDX-License-Identifier: BSD-3-Clause
"""Clusters against known classes."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, confusion_matrix

from skesom.maps import compare_clusterings


def test_scores_are_those_of_scikit_learn(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    truth = rng.integers(-1, 3, (20, 30))
    labels = np.where(rng.random((20, 30)) < 0.6, truth, rng.integers(0, 3, (20, 30)))
    labels[truth == -1] = rng.integers(0, 3, np.sum(truth == -1))
    comparison = compare_clusterings(labels, truth)
    known = truth >= 0
    assert comparison.scores["adjusted Rand index"] == pytest.approx(
        adjusted_rand_score(truth[known], labels[known])
    )
    matrix = confusion_matrix(labels[known], truth[known])
    counts = np.column_stack([comparison.confusion[name] for name in "012"])
    np.testing.assert_array_equal(counts, matrix)
    # Clusters are mostly their own class, so accuracy is that of a classifier.
    accuracy = np.mean(truth[known] == labels[known])
    assert comparison.scores["accuracy"] == pytest.approx(accuracy)
    np.testing.assert_allclose(
        comparison.classes["completeness"], np.diag(matrix) / matrix.sum(axis=0)
    )
    np.testing.assert_allclose(
        comparison.classes["purity"], np.diag(matrix) / matrix.sum(axis=1)
    )


def test_a_class_that_no_cluster_stands_for():
    comparison = compare_clusterings([[0, 0, 0]], [[0, 0, 4]], names={4: "nucleus"})
    assert comparison.classes["class"].tolist() == ["0", "nucleus"]
    assert comparison.classes["completeness"].tolist() == [1, 0]
    assert np.isnan(comparison.classes["purity"][1])
    assert comparison.scores["accuracy"] == pytest.approx(2 / 3)


def test_refuses_maps_of_other_shapes():
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(2, 1\). Bring them to"):
        compare_clusterings([[0, 1]], [[0], [1]])


def test_sky_is_told_from_missing_data():
    scores = compare_clusterings(
        [[0, 0, -2], [1, -3, -2]], [[1, 1, 0], [0, 0, -1]]
    ).scores
    assert scores["pixels without cluster"] == 2
    assert scores["of these, sky set aside"] == 1


def test_classes_may_be_numbered_as_objects_are():
    # More than pairs of clusters can be counted for: numbers of a segmentation map.
    comparison = compare_clusterings([[0, 0, 1, -1]], [[7, 7, 10**9, 10**9]])
    assert comparison.scores["accuracy"] == 1
    assert comparison.classes["class"].tolist() == ["7", "1000000000"]
    with pytest.raises(ValueError, match="at most 5000"):
        _ = comparison.matched


def test_noise_is_a_cluster_for_classes_only():
    comparison = compare_clusterings([[-1, -1, -1]], [[0, 1, 1]])
    assert comparison.scores["accuracy"] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="they are noise"):
        _ = comparison.matched
