# SPDX-License-Identifier: BSD-3-Clause
"""How often pixels keep their clusters."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.maps import (
    CubeClusterer,
    make_cluster_pipeline,
    stability,
)
from skesom.pixels import PixelSampler

REFERENCE = np.array([[0, 0, 0, 0, 1, 1, -3]])
RUNS = [
    np.array([[1, 1, 1, 1, 0, 0, -3]]),  # the same in other numbers
    np.array([[0, 0, 0, 1, 1, 1, -3]]),  # a pixel moves
    np.array([[0, 0, 0, 0, 1, -1, 2]]),  # one becomes noise, one appears
    np.array([[0, 0, 0, 2, 1, 1, -3]]),  # a cluster splits
]


class Drifting(ClusterMixin, BaseEstimator):
    """Puts as many samples in the second cluster as its seed says."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        self.labels_ = (np.arange(len(X)) >= len(X) - 2 - self.random_state).astype(int)
        return self


class Counting(TransformerMixin, BaseEstimator):
    """Counts how often it is fitted."""

    n_fits = 0

    def fit(self, X, y=None):
        type(self).n_fits += 1
        return self

    def transform(self, X):
        return X


def test_seven_pixels_in_four_runs_by_hand():
    result = stability(iter(RUNS), reference=REFERENCE)
    np.testing.assert_array_equal(result.label_map, REFERENCE)
    np.testing.assert_array_equal(result.stability, [[1, 1, 1, 0.5, 1, 0.75, np.nan]])
    assert result.stability.dtype == np.float32
    table = result.table
    assert table["cluster"].tolist() == [0, 1]
    assert table["n_pixels"].tolist() == [4, 2]
    np.testing.assert_allclose(table["stability"], [3.5 / 4, 1.75 / 2])
    np.testing.assert_allclose(table["always"], [3 / 4, 1 / 2])
    # The pixel that appears is in a cluster of its own and in no union.
    np.testing.assert_allclose(
        table["jaccard"], [(1 + 3 / 4 + 1 + 3 / 4) / 4, (1 + 2 / 3 + 1 / 2 + 1) / 4]
    )
    row = table.pformat()[3].split()
    assert row[2:] == ["0.875", "0.500", "0.792"]  # 19 / 24
    assert result.n_clusters.tolist() == [2, 2, 3, 3]
    assert len(result.adjusted_rand) == 4
    assert result.adjusted_rand[[0, 2]].tolist() == [1, 1]
    # Pairs: 4 in both, 7 in the reference, 6 in the run, 15 in all.
    expected = (4 - 7 * 6 / 15) / ((7 + 6) / 2 - 7 * 6 / 15)
    assert result.adjusted_rand[1] == pytest.approx(expected)


class TestReference:
    """Without one, the run that agrees best with the others."""

    def test_is_the_most_typical_run(self):
        other = np.array([0, 1, 0, 1, 0, 1])
        usual = np.array([0, 0, 0, 1, 1, 1])
        result = stability([other, usual, 1 - usual])
        np.testing.assert_array_equal(result.label_map, usual)
        assert len(result.adjusted_rand) == 2
        np.testing.assert_array_equal(result.stability, [1, 0.5, 1, 1, 0.5, 1])

    def test_does_not_list_numbers_without_pixels(self):
        result = stability([[0, 3]], reference=[0, 3])
        assert result.table["cluster"].tolist() == [0, 3]


class TestSeeds:
    """Clustering again."""

    def test_every_seed_is_used(self):
        X = np.zeros((10, 1))
        reference = [0] * 8 + [1] * 2
        result = stability(Drifting(), X, seeds=[0, 1, 2], reference=reference)
        expected = [1, 1, 1, 1, 1, 1, 2 / 3, 1 / 3, 1, 1]
        np.testing.assert_allclose(result.stability, expected, rtol=1e-6)

    def test_of_a_cube(self, galaxy):
        pipeline = make_cluster_pipeline(KMeans(3, n_init=1))
        result = stability(pipeline, galaxy, seeds=3)
        assert result.stability.shape == galaxy.shape[:2]
        first = pipeline.set_params(cluster__estimator__random_state=0)
        masked = first.fit_predict(galaxy) < 0
        np.testing.assert_array_equal(np.isnan(result.stability), masked)

    def test_is_the_same_as_doing_it_by_hand(self, galaxy):
        pipeline = CubeClusterer(KMeans(5, n_init=1))
        name = "estimator__random_state"
        runs = [
            pipeline.set_params(**{name: seed}).fit_predict(galaxy)
            for seed in (3, 5, 8)
        ]
        result = stability(pipeline, galaxy, seeds=(3, 5, 8))
        by_hand = stability(runs)
        np.testing.assert_array_equal(result.stability, by_hand.stability)
        np.testing.assert_array_equal(result.label_map, by_hand.label_map)

    def test_reaches_the_sampler(self, galaxy):
        clusterer = CubeClusterer(
            KMeans(4, n_init=1), sampler=PixelSampler(60), min_bands=5
        )
        result = stability(clusterer, np.nan_to_num(galaxy.data), seeds=2)
        assert result.adjusted_rand[0] < 1

    def test_does_not_repeat_what_is_not_random(self):
        Counting.n_fits = 0
        X = np.random.default_rng(0).random((30, 2))
        stability(make_pipeline(Counting(), KMeans(2, n_init=1)), X, seeds=4)
        assert Counting.n_fits == 1

    def test_leaves_the_estimator_alone_and_passes_steps_that_are_left_out(self):
        kmeans = KMeans(2, n_init=1, random_state=7)
        pipeline = make_pipeline("passthrough", StandardScaler(), kmeans)
        X = np.random.default_rng(0).random((30, 2))
        assert stability(pipeline, X, seeds=2).stability.shape == (30,)
        assert kmeans.random_state == 7
        assert not hasattr(kmeans, "labels_")


KMEANS = KMeans(2, n_init=1)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((AgglomerativeClustering(2), np.eye(4)), {}, "no parameter random_state"),
        *(
            ((KMEANS, np.eye(4)), {"seeds": seeds}, "seeds must be")
            for seeds in ("01", 1.5, None)
        ),
        ((KMEANS, np.eye(4)), {"seeds": 1}, "two or more"),
        (([],), {"reference": [0, 1]}, "no run"),
        (([[-3, -3], [-3, -3]],), {}, "all are masked"),
        (([[0, 1, 1]],), {"reference": [0, 1]}, "of the same pixels"),
        ((KMEANS,), {}, "Give an estimator and X"),
        ((RUNS, REFERENCE), {}, "Give an estimator and X"),
    ],
)
def test_what_has_no_stability_is_said(given, options, message):
    with pytest.raises(ValueError, match=message):
        stability(*given, **options)
