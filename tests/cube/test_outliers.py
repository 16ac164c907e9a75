# SPDX-License-Identifier: BSD-3-Clause
"""CubeMasker against hot and dead pixels and cosmic rays put in on purpose."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage
from sklearn.metrics import adjusted_rand_score

from skesom.cube import Cube, CubeMasker
from skesom.cube.masking import cube_masker as _cube_masker
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.maps import make_cluster_pipeline, make_clusterer
from tests.helpers.block_sizes import set_size
from tests.helpers.grids import make_wcs

SHAPE = (128, 144)
LEVEL = 50.0


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def star(place, peak, fwhm):
    """Return a Gaussian, sampled at the centers of the pixels."""
    rows, columns = (
        0.5 ** (4 * ((np.arange(length) - middle) / fwhm) ** 2)
        for length, middle in zip(SHAPE, place, strict=True)
    )
    return peak * np.outer(rows, columns)


def sky(rng, n_bands=3):
    return rng.normal(LEVEL, 1, (*SHAPE, n_bands))


def stars(rng, fwhm, n_bands=3, number=40):
    """Return a field of stars of all brightnesses and colors."""
    field = sky(rng, n_bands)
    for place in rng.uniform(0, SHAPE, (number, 2)):
        light = star(place, 10 ** rng.uniform(0.5, 4.5), fwhm)
        field += light[..., np.newaxis] * rng.uniform(0.1, 1, n_bands)
    return field


def outliers(cube, **options):
    """Return the values that are masked, band by band."""
    masked = CubeMasker(min_bands=1, **options).fit_transform(cube)
    return np.isnan(np.asarray(masked))


class TestHotPixels:
    """Single pixels."""

    def test_among_stars(self, rng):
        field = stars(rng, 1.7)
        assert not outliers(field).any()
        truth = np.zeros(field.shape, dtype=bool)
        places = rng.choice(field[:, :, 0].size, 60, replace=False)
        for band, some in enumerate(np.split(places, 3)):
            truth[..., band].flat[some] = True
        field[truth] += 10 ** rng.uniform(1.7, 5, 60)
        found = outliers(field)
        assert found[truth].mean() > 0.9
        assert found[~truth].mean() < 1e-4

    def test_a_hundred_times_the_brightest(self, rng):
        field = stars(rng, 2.0)
        truth = rng.random(field.shape) < 5e-4
        truth[[0, 0, -1, 70], [20, 90, 30, -1], 1] = True  # borders of the frame
        truth[70, 0, 2] = True
        field[truth] += 100 * field.max()
        found = outliers(field)
        assert found[truth].all()
        assert found[~truth].mean() < 2e-3

    def test_dead(self, rng):
        field = sky(rng)
        truth = rng.random(field.shape) < 1e-3
        field[truth] = 0
        assert_array_equal(outliers(field, mask_zeros=False), truth)

    def test_beside_gaps(self, rng):
        field = sky(rng)
        field[:, 60:] = np.nan
        field[40, 59, 0] += 1000
        field[80, 30, 1] = np.nan
        field[80, 31, 1] += 1000
        found = outliers(field) & ~np.isnan(field)
        assert np.argwhere(found).tolist() == [[40, 59, 0], [80, 31, 1]]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_summary(self, rng, dtype):
        field = sky(rng).astype(dtype)
        field[40, 50, 1] += 300
        masker = CubeMasker().fit(field)
        assert masker.summary_["outliers"] == masker.mask_.sum() == 1
        assert masker.mask_[40, 50]
        assert not CubeMasker(mask_outliers=False).fit(field).mask_.any()
        assert CubeMasker(grow=1).fit(field).summary_["grow"] == 4


class TestWhatIsKept:
    """What is sharp or single for good reasons."""

    def test_nebulae_of_one_band(self, rng):
        field = sky(rng)
        for place in rng.uniform(5, 120, (30, 2)):
            field[..., 1] += star(place, 10 ** rng.uniform(1, 4), rng.uniform(1.7, 6))
        assert not outliers(field).any()

    @pytest.mark.parametrize("fwhm", [1.2, 1.5])
    def test_undersampled_stars_of_several_bands(self, rng, fwhm):
        field = sky(rng)
        for place in rng.uniform(0, SHAPE, (40, 2)):
            light = star(place, 10 ** rng.uniform(1.5, 4.5), fwhm)
            field += light[..., np.newaxis] * rng.uniform(0.3, 1, 3)
        assert not outliers(field).any()

    @pytest.mark.parametrize("fwhm", [1.2, 1.7, 4.0])
    def test_stars_of_a_single_band(self, rng, fwhm):
        assert not outliers(stars(rng, fwhm, n_bands=1)).any()

    def test_known_width(self, rng):
        """Sharp points of one band, if the cube says that it is so sharp."""
        data = sky(rng)
        data[..., 0] += star((64, 70), 500, 1.2)
        assert outliers(Cube(data))[64, 70, 0]
        cube = Cube(data, fwhm=[0.12, 0.2, 0.2])
        assert not outliers(cube.replace(wcs=make_wcs(SHAPE, 0.1))).any()

    def test_crowded_stars(self, rng):
        """Neither the stars nor the dark places between them."""
        assert not outliers(stars(rng, 1.7, number=1500)).any()

    def test_edges(self, rng):
        field = sky(rng)
        field[:, 70:, 1] += 500
        rows, columns = np.indices(SHAPE)
        field[2 * rows + columns > 220, 2] += 500
        assert not outliers(field)[8:-8, 8:-8].any()

    @pytest.mark.parametrize("rate", [0.001, 0.03, 0.3, 3])
    def test_photons(self, rng, rate):
        counts = rng.poisson(rate, (300, 300, 2)).astype(np.float32)
        found = outliers(counts, mask_zeros=False, mask_lines=False)
        assert found.mean() < 2e-5

    def test_pictures(self, rng):
        picture = (255 * (stars(rng, 2.0) / 1e5).clip(0, 1) ** 0.4).round()
        assert not outliers(picture).any()

    def test_no_noise(self):
        assert not outliers(np.full((40, 40, 2), 3.0), mask_pedestal=False).any()

    def test_trail(self, rng):
        """It is as wide as the stars: a region takes it, the search must not."""
        rows, columns = np.indices(SHAPE)
        across = np.abs(rows - 30 - 0.37 * columns) / np.hypot(1, 0.37)
        field = stars(rng, 3.0)
        field[..., 1] += 100 * 0.5 ** (4 * (across / 4) ** 2)
        assert not outliers(field).any()
        assert_array_equal(outliers(field, exclude=across < 6)[..., 1], across < 6)

    def test_correlated_noise(self, rng):
        """As resampling makes it."""
        noise = ndimage.gaussian_filter(rng.normal(size=(400, 400, 3)), (2.5, 2.5, 0))
        assert not outliers(noise).any()


class TestRays:
    """Cosmic rays of any direction, one to three pixels wide."""

    @pytest.mark.parametrize("width", [1, 2, 3])
    @pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
    def test_streak(self, rng, width, slope):
        field = stars(rng, 1.8)
        truth = np.zeros(field.shape, dtype=bool)
        for column in range(60, 80):
            row = round(40 + slope * (column - 60))
            truth[row : row + width, column, 1] = True
        field[truth] += 1000 * rng.uniform(0.7, 1.3, truth.sum())
        found = outliers(field)
        assert found[truth].mean() > 0.9
        assert found[~truth].mean() < 1e-4


class TestHow:
    """Blocks, threads, lists of cubes, errors and messages."""

    @pytest.fixture
    def field(self, rng):
        field = stars(rng, 1.8)
        field[rng.random(field.shape) < 1e-3] += 500
        field[30:34, 20:60, 1] += 300
        return field

    def test_blocks_and_threads(self, field, monkeypatch):
        expected = outliers(field)
        assert expected.sum() > 50
        assert_array_equal(outliers(field, n_jobs=2), expected)
        set_size(monkeypatch, "wide block", pixels=16 * SHAPE[1])
        assert_array_equal(outliers(field), expected)

    def test_cubes_of_several_grids(self, rng):
        cubes = [
            Cube(sky(rng, 1), band_names=["u"]),
            Cube(sky(rng, 2)[:100], band_names=["g", "r"]),
        ]
        cubes[0].data[20, 30] += 1000
        cubes[1].data[50, 60, 1] += 1000
        masker = CubeMasker().fit(cubes)
        places = [np.argwhere(mask).tolist() for mask in masker.mask_]
        assert places == [[[20, 30]], [[50, 60]]]

    def test_errors_are_kept(self, field):
        errors = np.ones_like(field)
        masked = CubeMasker().fit_transform(Cube(field, errors=errors))
        assert_array_equal(masked.errors, errors)

    def test_transform_looks_anew(self, rng):
        masker = CubeMasker().fit(sky(rng))
        field = sky(rng)
        field[9, 9, 0] += 400
        assert np.argwhere(np.isnan(masker.transform(field))).tolist() == [
            [9, 9, band] for band in range(3)
        ]

    def test_nothing_left(self, rng, monkeypatch):
        def everything(data, taken, band, rows, *how):
            return np.ones(taken[band, rows].shape, dtype=bool)

        monkeypatch.setattr(_cube_masker, "find_outliers", everything)
        with pytest.raises(ValueError, match=r"by 'outliers' .* mask_outliers=False"):
            CubeMasker().fit(sky(rng))


class TestChain:
    """What it is for."""

    def test_light_of_compact_objects(self, global_random_seed):
        cube, truth = make_galaxy_cube((200, 200), random_state=global_random_seed)
        compact = truth >= POPULATIONS.index("H II region")
        found = outliers(cube)
        for band in range(9):
            light = np.where(compact, cube.data[:, :, band], 0)
            assert light[found[:, :, band]].sum() < 0.01 * light.sum()
        assert found.mean() < 1e-4

    def test_hot_pixels_take_no_clusters(self, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        cube, truth = make_galaxy_cube((200, 200), random_state=global_random_seed)
        data = cube.data.copy()
        for band in range(9):
            places = rng.choice(truth.size, 20, replace=False)
            data[..., band].flat[places] *= 10 ** rng.uniform(2, 4, 20)
        hot = cube.replace(data=data)
        agreement, largest = {}, {}
        for name, images in (("clean", cube), ("masked", hot), ("kept", hot)):
            chain = make_cluster_pipeline(
                make_clusterer("esom", n_runs=4), mask_outliers=name != "kept"
            )
            labels = chain.fit_predict(images)
            there = labels >= 0
            agreement[name] = adjusted_rand_score(truth[there], labels[there])
            largest[name] = np.bincount(labels[there]).max() / there.sum()
        assert agreement["masked"] > agreement["clean"] - 0.02
        assert agreement["masked"] > agreement["kept"] + 0.05
        assert largest["masked"] < 0.75
