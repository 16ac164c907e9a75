# SPDX-License-Identifier: BSD-3-Clause
"""The lattice of a classical map: its shape, and what is looked up on it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from skesom.som import CSOM
from skesom.som._epsilon import target_nodes


def draw(n_samples=400, n_features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_samples, n_features))


def test_an_int_is_a_chain():
    X = draw()
    chain = CSOM(None, shape=7, topology="rectangular").fit(X)
    assert chain.shape_ == (1, 7)
    same = CSOM(None, shape=(1, 7), topology="rectangular").fit(X)
    assert_array_equal(chain.codebook_, same.codebook_)
    assert_array_equal(chain.connections_.toarray(), np.eye(7, k=1) + np.eye(7, k=-1))
    ring = CSOM(None, shape=7, toroidal=True).fit(X)
    assert ring.connections_.toarray()[0].nonzero()[0].tolist() == [1, 6]


class TestAutomaticShape:
    """As many units as an ESOM aims at; sides as deviations along the widest axes."""

    @pytest.mark.parametrize("n_samples", [100, 1000, 10000])
    @pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
    @pytest.mark.parametrize("ratio", [1, 2, 3])
    def test_units_and_sides(self, n_samples, topology, ratio):
        X = draw(n_samples) * [1, ratio, 0.1]
        csom = CSOM(None, shape="auto", topology=topology, n_epochs=1).fit(X)
        n_rows, n_columns = csom.shape_
        n_units = max(100, target_nodes(n_samples, 2000))
        assert 0.8 < n_rows * n_columns / n_units < 1.25
        height, width = np.ptp(csom.positions_, axis=0)[::-1]
        if n_samples >= 1000:
            assert height / width == pytest.approx(ratio, rel=0.25)

    def test_is_the_default(self):
        X = draw(1000)
        assert CSOM(n_epochs=1).fit(X).shape_ == (
            CSOM(shape="auto", n_epochs=1).fit(X).shape_
        )

    def test_bounds(self):
        csom = CSOM(None, shape="auto", n_epochs=1)
        assert 80 < len(csom.fit(draw(9)).codebook_) < 125
        flat = draw(1000) * [1, 1e-3, 1e-3]
        n_rows, n_columns = csom.fit(flat).shape_
        assert n_rows / n_columns < 6  # the ratio is cut at 4 rows to a column
        line = np.outer(np.linspace(0, 1, 400), [1, 2, 3])
        assert csom.fit(line).shape_ == (1, 100)
        assert csom.fit(np.ones((50, 2))).codebook_.shape[0] > 1
        big = csom.fit(draw(300_000).astype(np.float32))
        assert 400 < len(big.codebook_) < 600

    @pytest.mark.parametrize("n_samples", [3, 8, 12, 20])
    def test_each_of_a_few_samples_can_be_a_cluster(self, n_samples):
        labels = CSOM(n_samples).fit_predict(draw(n_samples))
        assert_array_equal(np.sort(labels), np.arange(n_samples))

    def test_a_hexagonal_torus_gets_even_rows(self):
        for n_samples in range(20, 300, 40):
            csom = CSOM(None, shape="auto", toroidal=True, n_epochs=1).fit(
                draw(n_samples)
            )
            assert csom.shape_[0] % 2 == 0

    def test_a_weight_is_a_repetition(self):
        X = draw(200)
        times = np.random.default_rng(1).integers(0, 6, 200)
        weighted = CSOM(None, shape="auto", n_epochs=2).fit(X, sample_weight=times)
        repeated = CSOM(None, shape="auto", n_epochs=2).fit(np.repeat(X, times, axis=0))
        assert weighted.shape_ == repeated.shape_
        assert_allclose(weighted.codebook_, repeated.codebook_, rtol=1e-9)
        relative = CSOM(None, shape="auto", n_epochs=2).fit(
            X, sample_weight=times / 700 + 1e-3
        )
        assert relative.shape_ == CSOM(None, shape="auto", n_epochs=2).fit(X).shape_


class TestLookingUp:
    """Hits, planes, distances to neighbors and places, by unit numbers row by row."""

    @pytest.fixture
    def csom(self):
        """Units put by hand on 2 x 3, where they stay."""
        init = [[0.0, 0], [1, 0], [5, 0], [0, 1], [1, 1], [5, 4]]
        X = np.repeat(init, [4, 3, 2, 0, 1, 2], axis=0)
        return CSOM(
            None,
            shape=(2, 3),
            topology="rectangular",
            init=init,
            sigma=0.02,
            n_epochs=1,
        ).fit(X)

    def test_hit_map(self, csom):
        assert_array_equal(csom.hit_map(), [[4, 3, 2], [0, 1, 2]])
        others = [[0, 0], [5, 3.9], [5, 3.8], [np.nan, np.nan]]
        assert_array_equal(csom.hit_map(others), [[1, 0, 0], [0, 0, 2]])

    def test_component_planes(self, csom):
        planes = csom.component_planes()
        assert_allclose(planes[:, :, 0], [[0, 1, 5], [0, 1, 5]])
        assert_allclose(planes[:, :, 1], [[0, 0, 0], [1, 1, 4]])
        assert np.shares_memory(planes, csom.codebook_)

    def test_u_matrix(self, csom):
        # Means over left, right, above, below.
        expected = [[1, (1 + 4 + 1) / 3, 4], [1, (1 + 5 + 1) / 3, (5 + 4) / 2]]
        assert_allclose(csom.u_matrix(), expected)

    def test_map_coordinates(self, csom):
        X = [[0.1, 0.1], [4, 3.9], [4, 0], [np.nan, np.nan], [np.nan, 4]]
        expected = [[0, 0], [1, 2], [0, 2], [-1, -1], [1, 2]]
        assert_array_equal(csom.map_coordinates(X), expected)

    def test_weighted_hits_stay_numbers_of_the_weights(self):
        csom = CSOM(None, shape=(1, 2), init=[[0.0], [9.0]], sigma=0.02, n_epochs=1)
        csom.fit([[0.0], [9.0], [9.0]], sample_weight=[0.5, 1.25, 1])
        assert_array_equal(csom.hit_map(), [[0.5, 2.25]])


class TestBestFew:
    """winners(X, k) are the k nearest units, nearest first."""

    @pytest.mark.parametrize("k", [1, 2, 5, 30])
    def test_as_by_all_distances(self, k):
        X = draw(150)
        csom = CSOM(None, shape=(6, 5)).fit(X)
        winners, distances = csom.winners(X, k, return_distance=True)
        expected = cdist(X, csom.codebook_)
        order = np.argsort(expected, axis=1)[:, :k]
        assert_array_equal(winners, order[:, 0] if k == 1 else order)
        nearest = np.take_along_axis(expected, order, axis=1)
        assert_allclose(distances, nearest[:, 0] if k == 1 else nearest, rtol=1e-12)

    def test_ties_and_missing_features(self):
        csom = CSOM(
            None,
            shape=4,
            init=[[0.0, 0], [2, 2], [2, 0], [0, 2]],
            sigma=0.02,
            n_epochs=1,
        )
        csom.fit([[0.0, 0], [2, 2], [2, 0], [0, 2]])
        X = [[1.0, 1], [np.nan, 0.5], [np.nan, np.nan]]
        winners, distances = csom.winners(X, 3, return_distance=True)
        assert_array_equal(winners, [[0, 1, 2], [0, 2, 1], [-1, -1, -1]])
        half = np.sqrt(2) / 2  # a difference of .5 in one of two features
        expected = [[2 * half] * 3, [half, half, 3 * half], [np.nan] * 3]
        assert_allclose(distances, expected)

    @pytest.mark.parametrize("k", [0, 5, 2.0, "all"])
    def test_refused_numbers(self, k):
        csom = CSOM(None, shape=4).fit(draw(50))
        with pytest.raises(ValueError, match=r"k must be an int from 1 to .* 4\. Got"):
            csom.winners(draw(3), k)


def test_a_stream_may_miss_a_feature_for_a_while():
    csom = CSOM(None, shape=2, init=[[0.0, 0], [10, 10]], sigma=0.02, n_epochs=1)
    csom.partial_fit([[0.0, 0], [10, 10]])
    csom.partial_fit([[2.0, np.nan], [12, np.nan]])
    new = 2**-0.6
    assert_allclose(csom.codebook_, [[2 * new, 0], [10 + 2 * new, 10]])
