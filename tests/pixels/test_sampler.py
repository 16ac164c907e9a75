# SPDX-License-Identifier: BSD-3-Clause
"""PixelSampler: which pixels are chosen, and maps that learn from a sample."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch, Cube
from skesom.maps import CubeClusterer
from skesom.metrics import map_scorer
from skesom.pixels import PixelSampler, flatten, sky_blocks
from skesom.som import ESOM

METHODS = ["random", "brightness", "blocks"]


def blocks_of(method, side):
    """Return the parameter of blocks, for the method that has some."""
    return {"block_size": side} if method == "blocks" else {}


@pytest.fixture
def cube(global_random_seed):
    """Sky with a small bright galaxy and a gap."""
    rng = np.random.default_rng(global_random_seed)
    rows, columns = np.indices((90, 110))
    light = 1000 * np.exp(-np.hypot(rows - 40, columns - 60) / 4)
    data = light[:, :, None] * [1.0, 0.5, 2.0] + rng.normal(size=(90, 110, 3))
    data[:, 100:, 1] = np.nan
    return Cube(data.astype(np.float32))


N_VALID = 90 * 100


@pytest.mark.parametrize("method", METHODS)
class TestAnyMethod:
    """What all samples have in common."""

    @pytest.mark.parametrize(
        ("size", "wanted"), [(0.25, N_VALID / 4), (1, 1), (700, 700), (1.0, N_VALID)]
    )
    def test_size(self, cube, method, size, wanted):
        sampler = PixelSampler(size, method, random_state=0, **blocks_of(method, 8))
        chosen = sampler.sample(cube)
        assert chosen.shape == (90, 110)
        assert chosen.dtype == bool
        assert not chosen[:, 100:].any()
        if method == "blocks":
            assert wanted <= chosen.sum() < wanted + 8 * 8
        else:
            assert chosen.sum() == wanted

    def test_more_than_there_are(self, cube, method):
        chosen = PixelSampler(10**9, method, random_state=0).sample(cube)
        np.testing.assert_array_equal(chosen, ~np.isnan(cube.data).any(axis=2))

    def test_seed(self, cube, method):
        samplers = [PixelSampler(0.1, method, random_state=seed) for seed in (1, 1, 2)]
        first, again, other = (sampler.sample(cube) for sampler in samplers)
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(first, samplers[0].sample(cube))
        assert (first != other).any()

    def test_the_callers_random_state_is_left_alone(self, cube, method):
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        PixelSampler(0.1, method, random_state=3).sample(cube)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002

    def test_pixels_to_choose_from(self, cube, method):
        valid = np.zeros((90, 110), dtype=bool)
        valid[20:60, 95:] = True  # partly without the second band
        sampler = PixelSampler(0.5, method, random_state=0, **blocks_of(method, 4))
        chosen = sampler.sample(cube, valid)
        assert not chosen[~valid].any()
        assert 300 <= chosen.sum() < 316
        assert chosen[:, 100:].any()

    def test_dtype_and_units_do_not_matter(self, cube, method):
        sampler = PixelSampler(0.1, method, random_state=0)
        factors = [1, 2.0**-40, 2.0**30]
        other = Cube(np.asfortranarray(cube.data.astype(np.float64) * factors))
        np.testing.assert_array_equal(sampler.sample(cube), sampler.sample(other))


class TestRandom:
    """All pixels have the same chance."""

    def test_share_of_every_part(self, cube):
        chosen = sum(
            PixelSampler(0.2, random_state=seed).sample(cube).astype(int)
            for seed in range(50)
        )
        # 2500 pixels in 50 samples: 0.2 +- 0.001.
        assert chosen[:50, :50].mean() / 50 == pytest.approx(0.2, abs=0.004)
        assert chosen[40:, 50:100].mean() / 50 == pytest.approx(0.2, abs=0.004)
        assert chosen[:, :100].max() < 30


class TestBrightness:
    """Bright pixels are few and taken."""

    def test_every_step_gives_the_same_if_it_can(self, cube):
        # Brightness in four equal steps, with 6000, 2980, 15 and 5 pixels.
        flux = np.repeat([0.0, 1, 2, 3], [6000, 2980, 15, 5])
        rng = np.random.default_rng(0)
        flux = rng.permutation(np.sinh(flux)).reshape(90, 100, 1)
        sampler = PixelSampler(420, "brightness", n_strata=4, random_state=0)
        values, counts = np.unique(flux[sampler.sample(flux)], return_counts=True)
        np.testing.assert_allclose(values, np.sinh([0, 1, 2, 3]))
        assert counts.tolist() == [200, 200, 15, 5]

    def test_stretched_or_not(self, cube):
        stretched = AsinhStretch().fit_transform(cube)
        chosen = PixelSampler(400, "brightness", random_state=0).sample(stretched)
        bright = cube.data[:, :, 0] > 20
        assert bright[chosen].mean() > 3 * bright.mean()

    @pytest.mark.parametrize("value", [0, 7.5])
    def test_nothing_differs(self, value):
        flux = np.full((20, 20, 2), value)
        assert PixelSampler(30, "brightness").sample(flux).sum() == 30


class TestBlocks:
    """Whole blocks, and groups that keep neighbors together."""

    def test_blocks_are_whole(self, cube):
        chosen = PixelSampler(0.3, "blocks", block_size=10, random_state=0).sample(cube)
        blocks = chosen[:, :100].reshape(9, 10, 10, 10).mean(axis=(1, 3))
        assert set(blocks.ravel()) == {0, 1}
        assert blocks.sum() == 27

    def test_numbers(self):
        blocks = sky_blocks(np.empty((5, 7, 2)), 3)
        expected = [[0, 0, 0, 1, 1, 1, 2]] * 3 + [[3, 3, 3, 4, 4, 4, 5]] * 2
        np.testing.assert_array_equal(blocks, expected)
        assert blocks.dtype == np.int32

    def test_a_row_of_blocks_is_never_split(self, cube):
        groups = sky_blocks(cube, 16)[:, 0]
        seen = np.zeros(90, dtype=int)
        for train, test in GroupKFold(3).split(cube, groups=groups):
            assert not set(train // 16) & set(test // 16)
            seen[test] += 1
        assert (seen == 1).all()

    def test_a_block_of_a_table_is_never_split(self, cube):
        table, valid = flatten(cube)
        blocks = sky_blocks(cube, 16)[valid]
        for train, test in GroupKFold(4).split(table, groups=blocks):
            assert not set(blocks[train]) & set(blocks[test])

    @pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
    def test_cross_validation_of_a_cube(self, cube):
        clusterer = CubeClusterer(KMeans(2, random_state=0))
        label_map = cross_val_predict(
            clusterer, cube, cv=GroupKFold(3), groups=sky_blocks(cube, 16)[:, 0]
        )
        np.testing.assert_array_equal(label_map == -3, np.isnan(cube.data).any(axis=2))


class TestEachBand:
    """Fluxes of each band, drawn on their own."""

    @pytest.mark.parametrize("method", METHODS)
    def test_as_many_of_each_band(self, cube, method):
        sampler = PixelSampler(200, method, each_band=True, random_state=0)
        chosen = sampler.set_params(**blocks_of(method, 1)).sample(cube)
        assert chosen.shape == cube.shape
        assert not chosen[np.isnan(cube.data)].any()
        assert chosen.sum(axis=(0, 1)).tolist() == [200, 200, 200]
        assert (chosen[:, :, 0] != chosen[:, :, 2]).any()
        np.testing.assert_array_equal(chosen, sampler.sample(cube))

    def test_share_of_each_band(self, cube):
        chosen = PixelSampler(0.1, each_band=True).sample(cube)
        assert chosen.sum(axis=(0, 1)).tolist() == [990, 900, 990]  # of 9900 and 9000

    def test_brightness_is_that_of_the_band(self, cube):
        data = cube.data.copy()
        data[70:73, 20:23, 1] += 5000  # nothing elsewhere
        sampler = PixelSampler(400, "brightness", each_band=True, random_state=0)
        spot = sampler.sample(data)[70:73, 20:23].mean(axis=(0, 1))
        assert spot[1] == 1
        assert spot[[0, 2]].max() < 0.5

    def test_band_without_data(self, cube):
        data = cube.data.copy()
        data[:, :, 1] = np.nan
        chosen = PixelSampler(10, each_band=True).sample(data)
        assert chosen.sum(axis=(0, 1)).tolist() == [10, 0, 10]

    def test_valid_fluxes(self, cube):
        with pytest.raises(ValueError, match=r"valid must .* \(90, 110, 3\)"):
            PixelSampler(each_band=True).sample(cube, np.ones((90, 110), dtype=bool))
        valid = np.zeros(cube.shape, dtype=bool)
        with pytest.raises(ValueError, match="all 29700 are masked"):
            PixelSampler(each_band=True).sample(cube, valid)
        valid[:50, :, 2] = True
        chosen = PixelSampler(30, each_band=True).sample(cube, valid)
        assert chosen.sum(axis=(0, 1)).tolist() == [0, 0, 30]
        assert not chosen[~valid].any()


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
class TestCubeClusterer:
    """Learn from a sample, label all."""

    def make(self, sampler, **options):
        estimator = make_pipeline(StandardScaler(), KMeans(3, random_state=0))
        return CubeClusterer(estimator, sampler=sampler, **options)

    @pytest.mark.parametrize("method", METHODS)
    def test_all_valid_pixels_are_labeled(self, cube, method):
        sampler = PixelSampler(0.1, method, random_state=0)
        clusterer = self.make(sampler)
        label_map = clusterer.fit_predict(cube)
        np.testing.assert_array_equal(label_map == -3, np.isnan(cube.data).any(axis=2))
        np.testing.assert_array_equal(label_map, clusterer.predict(cube))
        sizes = np.bincount(label_map[label_map >= 0])
        assert (np.diff(sizes) <= 0).all()

    def test_learns_from_the_chosen_pixels_and_no_others(self, cube):
        sampler = PixelSampler(500, "brightness", random_state=0)
        clusterer = self.make(sampler).fit(cube)
        expected = StandardScaler().fit(cube.data[sampler.sample(cube)])
        np.testing.assert_array_equal(clusterer.estimator_[0].mean_, expected.mean_)
        assert len(clusterer.estimator_[1].labels_) == 500

    def test_missing_bands(self, cube):
        estimator = make_pipeline(StandardScaler(), ESOM(random_state=0))
        sampler = PixelSampler(0.1, random_state=0)
        clusterer = CubeClusterer(estimator, min_bands=2, sampler=sampler).fit(cube)
        assert (clusterer.labels_ >= 0).all()

    def test_voxels(self, cube):
        clusterer = self.make(PixelSampler(300, random_state=0), pattern="voxel")
        label_map = clusterer.fit_predict(cube)
        np.testing.assert_array_equal(label_map == -3, np.isnan(cube.data))
        # The fluxes of 300 pixels, of which a tenth lacks a band.
        chosen = PixelSampler(300, random_state=0).sample(
            cube, np.ones((90, 110), dtype=bool)
        )
        wanted = np.isfinite(cube.data[chosen]).sum()
        assert len(clusterer.estimator_[1].labels_) == wanted < 900

    def test_voxels_of_each_band(self, cube):
        sampler = PixelSampler(300, "brightness", each_band=True, random_state=0)
        clusterer = self.make(sampler, pattern="voxel")
        label_map = clusterer.fit_predict(cube)
        np.testing.assert_array_equal(label_map == -3, np.isnan(cube.data))
        fluxes = cube.data[sampler.sample(cube)]
        scaler = StandardScaler().fit(fluxes[:, np.newaxis])
        np.testing.assert_array_equal(clusterer.estimator_[0].mean_, scaler.mean_)
        assert len(clusterer.estimator_[1].labels_) == 900
        with pytest.raises(ValueError, match=r"each_band=True, .* for pattern='voxel'"):
            self.make(sampler).fit(cube)

    def test_same_seed_same_map(self, cube):
        clusterer = self.make(PixelSampler(50, random_state=np.random.RandomState(0)))
        first = clone(clusterer).fit_predict(cube)
        np.testing.assert_array_equal(clusterer.fit_predict(cube), first)
        np.testing.assert_array_equal(clusterer.fit_predict(cube), first)

    def test_size_can_be_searched(self, cube):
        search = GridSearchCV(
            self.make(PixelSampler(random_state=0)),
            {"sampler__size": [20, 0.5], "sampler__method": METHODS},
            scoring=map_scorer("silhouette"),
            cv=2,
            error_score="raise",
        ).fit(cube)
        assert len(search.cv_results_["params"]) == 6

    def test_an_estimator_that_labels_only_what_it_learned_from(self, cube):
        estimator = make_pipeline(StandardScaler(), HDBSCAN(copy=True))
        with pytest.raises(ValueError, match=r"HDBSCAN cannot label .* the sampler"):
            CubeClusterer(estimator, sampler=PixelSampler(0.1)).fit(cube)


class TestRefusals:
    """Clear words."""

    @pytest.mark.parametrize(
        "options",
        [
            {"size": 0},
            {"size": 1.5},
            {"size": -0.1},
            {"method": "grid"},
            {"n_strata": 0},
            {"block_size": 0},
            {"random_state": "x"},
            {"each_band": 2},
        ],
    )
    def test_parameters(self, cube, options):
        (name,) = options
        with pytest.raises(ValueError, match=f"'{name}' parameter of PixelSampler"):
            PixelSampler(**options).sample(cube)

    def test_nothing_to_choose_from(self, cube):
        with pytest.raises(ValueError, match="all 9900 are masked"):
            PixelSampler().sample(cube, np.zeros((90, 110), dtype=bool))

    def test_valid_of_another_shape(self, cube):
        with pytest.raises(ValueError, match=r"valid must .* \(90, 110\)"):
            PixelSampler().sample(cube, np.ones((90, 100), dtype=bool))
        with pytest.raises(ValueError, match="got float64"):
            PixelSampler().sample(cube, np.ones((90, 110)))

    def test_no_sampler(self, cube):
        with pytest.raises(ValueError, match="'sampler' parameter of CubeClusterer"):
            CubeClusterer(sampler=0.1).fit(cube)
