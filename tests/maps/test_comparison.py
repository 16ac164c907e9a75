# SPDX-License-Identifier: BSD-3-Clause
"""Two clusterings of the same pixels: which clusters match, where they disagree.

The index of more pixels than memory holds is that of a contingency table, which the
test of overflow gives to the function behind `compare_clusterings`.
"""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, confusion_matrix

from skesom.maps import compare_clusterings

FIRST = np.array([[0, 0, 0, 0], [1, 1, 1, 2], [2, -1, -3, -3]])
SECOND = np.array([[2, 2, 2, 0], [0, 0, 0, 0], [1, 1, 1, -3]])


def random_labels(seed, n_clusters=6, shape=(30, 40)):
    """Labels of which neighbors are alike, and some that are none."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_clusters, size=(shape[0] // 5, shape[1] // 5))
    labels = np.kron(labels, np.ones((5, 5), dtype=int))
    labels[rng.random(shape) < 0.1] = -1
    return labels


def matched(first, second):
    """Return the second labels with the numbers of the first."""
    return compare_clusterings(first, second).matched


def test_twelve_pixels_by_hand():
    """Nine of them are in clusters of both."""
    comparison = compare_clusterings(FIRST, SECOND)
    assert comparison.contingency.tolist() == [[1, 0, 3], [3, 0, 0], [1, 1, 0]]
    expected = [[0, 0, 0, 1], [1, 1, 1, 1], [2, 2, 2, -3]]
    assert comparison.matched.tolist() == expected
    expected = [[0, 0, 0, 1], [0, 0, 0, 1], [0, 3, 3, -3]]
    assert comparison.disagreement.tolist() == expected
    only_first = compare_clusterings([0, 0, 1], [0, -1, -3])
    assert only_first.disagreement.tolist() == [0, 2, 2]
    assert comparison.agreement == 7 / 9
    # Pairs: 6 in both, 10 in the first, 13 in the second, 36 in all.
    expected = (6 - 10 * 13 / 36) / ((10 + 13) / 2 - 10 * 13 / 36)
    assert comparison.adjusted_rand == pytest.approx(expected)
    table = comparison.table
    assert table["first"].tolist() == [0, 1, 2]
    assert table["second"].tolist() == [2, 0, 1]
    assert table["n_first"].tolist() == [4, 3, 2]
    assert table["n_second"].tolist() == [3, 5, 1]
    assert table["n_both"].tolist() == [3, 3, 1]
    np.testing.assert_allclose(table["jaccard"], [3 / 4, 3 / 5, 1 / 2])
    assert table["goes_to"].tolist() == [0, -1, 0]


class TestMatching:
    """Numbers mean nothing."""

    def test_most_pixels_count_and_not_the_best_pair(self):
        """The pair of 5 pixels would leave 1 for the others, two of 4 make 8."""
        first = np.repeat([0, 0, 1, 1], [5, 4, 4, 1])
        second = np.repeat([0, 1, 0, 1], [5, 4, 4, 1])
        assert np.count_nonzero(matched(first, second) == first) == 8

    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_undoes_any_order(self, order):
        first = random_labels(0, 4)
        second = np.where(first >= 0, np.array(order)[first], first)
        comparison = compare_clusterings(first, second)
        np.testing.assert_array_equal(comparison.matched, first)
        assert comparison.adjusted_rand == comparison.agreement == 1

    def test_no_other_numbers_agree_in_more_pixels(self, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        first = random_labels(global_random_seed, 5)
        second = (first + (rng.random(first.shape) < 0.3)) % 5
        second[first < 0] = -1
        best = max(
            np.count_nonzero((np.array(order)[second] == first) & (first >= 0))
            for order in permutations(range(5))
        )
        found = matched(first, second)
        assert np.count_nonzero((found == first) & (first >= 0)) == best

    def test_clusters_without_match_have_new_numbers_by_size(self):
        second = [5, 5, 3, 3, 3, 3, 1, 0, 0, 0]
        found = matched([0, 0, 1, 1, 1, 1, 1, 1, 1, 1], second)
        assert found.tolist() == [0, 0, 1, 1, 1, 1, 3, 2, 2, 2]

    def test_few_common_pixels_are_no_match(self):
        """Of the 10 pixels of 1, one is among 41 of 110, where chance gives 3.7."""
        first = np.repeat([0, 0, 1, 1], [60, 40, 9, 1])
        second = np.repeat([0, 1, 0, 1], [60, 40, 9, 1])
        table = compare_clusterings(first, second).table
        assert table["first"].tolist() == [0, 1, -1]
        assert table["second"].tolist() == [0, -1, 1]
        assert table["n_both"].tolist() == [60, 0, 0]
        assert table["jaccard"].tolist() == [60 / (100 + 69 - 60), 0, 0]
        assert table["goes_to"].tolist() == [1, 0, -1]

    def test_what_is_most_of_both_matches_though_it_is_less_than_by_chance(self):
        """Of backgrounds of 90 pixels in 100, 80 are common; chance gives 81."""
        first = np.repeat([0, 0, 1], [80, 10, 10])
        second = np.repeat([1, 0, 1], [80, 10, 10])
        comparison = compare_clusterings(first, second)
        assert comparison.agreement == 0.8
        assert comparison.adjusted_rand < 0

    def test_splits_of_a_cluster_keep_their_larger_part(self):
        first = np.zeros(10, dtype=int)
        found = matched(first, np.repeat([0, 1], [3, 7]))
        assert found.tolist() == [1] * 3 + [0] * 7

    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
    def test_does_not_depend_on_the_type(self, dtype):
        first, second = FIRST.astype(dtype), SECOND.astype(dtype)
        first.flags.writeable = second.flags.writeable = False
        found = matched(first, second)
        np.testing.assert_array_equal(found, matched(FIRST, SECOND))
        assert found.dtype == np.int32
        unsigned = np.array([0, 1, 1], dtype=np.dtype(dtype).str.replace("i", "u"))
        assert matched(unsigned, unsigned).tolist() == [0, 1, 1]


class TestAdjustedRand:
    """The formula of Hubert & Arabie as scikit-learn has it."""

    def test_is_that_of_scikit_learn(self, global_random_seed):
        first = random_labels(global_random_seed)
        second = random_labels(global_random_seed + 1, 9)
        both = (first >= 0) & (second >= 0)
        expected = adjusted_rand_score(first[both], second[both])
        found = compare_clusterings(first, second).adjusted_rand
        assert found == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [
            ([0, 0, 0], [0, 0, 0], 1),
            ([0, 1, 2], [2, 1, 0], 1),
            ([0, 0, 0], [0, 1, 2], 0),
            ([0], [0], 1),
        ],
    )
    def test_of_clusterings_without_borders(self, first, second, expected):
        assert compare_clusterings(first, second).adjusted_rand == expected
        assert adjusted_rand_score(first, second) == expected

    def test_does_not_overflow(self):
        """Of so many pixels there are more pairs than an int64 can square."""
        from skesom.maps.cluster_matching import adjusted_rand

        counts = np.array([[4_000_000_000, 0], [0, 4_000_000_000]])
        assert adjusted_rand(counts) == 1


class TestBadInput:
    """What cannot be compared is said."""

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            ([0, 1], [0, 1, 1], r"shapes \(2,\) and \(3,\)"),
            ([0.0, 1.0], [0, 1], "must be integers"),
            ([True, False], [0, 1], "must be integers"),
            (3, 3, "must be integers"),
            ([-3, -3], [0, 1], "is in a cluster of both"),
            ([0, -3], [-1, 1], "is in a cluster of both"),
            ([[0, 1]], [[0], [1]], r"\(1, 2\) and \(2, 1\). Bring them to"),
            ([0, 10**6], [0, 1], "at most 5000"),
        ],
    )
    def test_is_refused(self, first, second, message):
        with pytest.raises(ValueError, match=message):
            compare_clusterings(first, second)


# Against known classes


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
