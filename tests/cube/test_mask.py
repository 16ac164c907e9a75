# SPDX-License-Identifier: BSD-3-Clause
"""CubeMasker: gaps go, measurements stay, and the sky goes only where there is sky."""

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

from skesom.cube import AsinhStretch, Cube, CubeMasker
from skesom.cube.masking._gaps import Compared, gaps_of_value, pedestal_values
from skesom.cube.masking._noise import (
    measure_sky,
    pixel_noise,
    representative_rows,
    sky_statistics,
)

COLORS = np.array([1.0, 0.7, 1.3])


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def disc(size, half_light, peak):
    """Make an exponential disc in the middle of a square frame."""
    rows, columns = np.indices((size, size)) - size / 2
    return peak * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / half_light)


def scene(rng, *, size=200, half_light=12, peak=60, noise=1.0):
    """Make three bands of a galaxy on noise."""
    galaxy = disc(size, half_light, peak)[:, :, np.newaxis] * COLORS
    cube = galaxy + rng.normal(0, noise, galaxy.shape)
    return cube.astype(np.float32), galaxy


def spiral(rng, size=200):
    """Make a galaxy with arms and clumps that fills the frame, in three bands."""
    rows, columns = np.indices((size, size)) - size / 2 + 0.5
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    arms = 1 + 0.6 * np.cos(2 * (angle - np.log(radius) * 3))
    clumps = ndimage.gaussian_filter(rng.random((size, size)) ** 20, 1.5)
    light = 90 * np.exp(-radius / 120) * arms + 300 * clumps * arms + 20
    return light[:, :, np.newaxis] * COLORS


def read_bands(folder):
    """Read the nine bands of the field with the spiral galaxy."""
    bands = []
    for name in "u g r i Z Y J H Ks".split():
        with fits.open(folder / "kids_viking9" / f"{name}.fits") as file:
            bands.append(file[1].data)
    return np.stack(bands, axis=-1).astype(np.float32)


class TestGaps:
    """Zeros, pedestals and dead lines."""

    def test_mosaic_gap_of_zeros(self, rng):
        cube, _ = scene(rng)
        gap = np.zeros((200, 200), dtype=bool)
        gap[:, 150:] = True
        gap |= np.add.outer(np.arange(200), np.arange(200)) < 60  # a ragged corner
        cube[gap, 1] = 0
        masker = CubeMasker().fit(cube)
        np.testing.assert_array_equal(masker.mask_, gap)
        assert masker.summary_["zeros"] == gap.sum()
        assert sum(masker.summary_.values()) == masker.mask_.sum()
        masked = masker.transform(cube)
        assert np.isnan(masked[gap]).all()
        np.testing.assert_array_equal(masked[~gap], cube[~gap])

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
    def test_scattered_zeros_are_measurements(self, rng, share):
        """Rounding and counting make zeros by chance; a gap among them is found."""
        band = np.where(rng.random((300, 300)) < share, 0, rng.normal(size=(300, 300)))
        assert not gaps_of_value(Compared(band), 0).any()
        band[100:200, 50:150] = 0
        gaps = gaps_of_value(Compared(band), 0).unpack()
        assert gaps[100:200, 50:150].all()
        # Chance zeros that touch the gap cannot be told from it.
        around = np.zeros_like(gaps)
        around[80:220, 30:170] = True
        assert not gaps[~around].any()
        assert CubeMasker(mask_zeros=False).fit(band[:, :, None]).summary_["zeros"] == 0

    def test_photon_counts_with_a_field_of_view(self, rng):
        rows, columns = np.indices((200, 200)) - 100
        inside = np.hypot(rows, columns) < 95
        counts = np.where(inside, rng.poisson(0.3, inside.shape), 0.0)
        gaps = gaps_of_value(Compared(counts), 0).unpack()
        outside = np.hypot(rows, columns) > 97
        assert gaps[outside].all()
        assert not gaps[np.hypot(rows, columns) < 75].any()

    def test_clipped_picture_keeps_its_black(self, rng):
        """A smooth picture runs into black; a black frame around it is a gap."""
        smooth = ndimage.gaussian_filter(rng.normal(size=(200, 200)), 8)
        smooth /= smooth.std()
        dark = np.clip(60 + 50 * smooth, 0, 255).round()
        assert 0.03 < np.mean(dark == 0) < 0.3
        assert not CubeMasker().fit(dark[:, :, None]).mask_.any()
        framed = np.clip(120 + 30 * smooth, 1, 255).round()
        framed[:12] = 0
        framed[:, -7:] = 0
        mask = CubeMasker().fit(framed[:, :, None]).mask_
        np.testing.assert_array_equal(mask, framed == 0)

    def test_dead_column_of_zeros(self, rng):
        cube, _ = scene(rng)
        cube[:, 33, 0] = 0
        cube[70, 20:120, 2] = 0
        masker = CubeMasker().fit(cube)
        assert masker.mask_[:, 33].all()
        assert masker.mask_[70, 20:120].all()
        assert masker.mask_.sum() == 200 + 100 - 1

    def test_every_zero_on_request(self, rng):
        cube, _ = scene(rng)
        cube[10, 20, 1] = 0
        assert not CubeMasker().fit(cube).mask_.any()
        mask = CubeMasker(mask_zeros=True).fit(cube).mask_
        assert np.argwhere(mask).tolist() == [[10, 20]]

    @pytest.mark.parametrize("value", [-99.0, 0.4, 1e4])
    def test_pedestal(self, rng, value):
        cube, _ = scene(rng)
        cube[60:90, 10:60, 2] = value
        masker = CubeMasker().fit(cube)
        expected = np.zeros((200, 200), dtype=bool)
        expected[60:90, 10:60] = True
        np.testing.assert_array_equal(masker.mask_, expected)
        assert masker.summary_["pedestal"] == 1500
        kept = CubeMasker(mask_pedestal=False, mask_outliers=False).fit(cube)
        assert not kept.mask_.any()

    def test_flat_areas_of_a_picture_are_no_pedestal(self):
        picture = np.repeat(np.repeat(np.arange(256.0).reshape(16, 16), 10, 0), 10, 1)
        assert not len(pedestal_values(Compared(picture)))
        assert not CubeMasker().fit(picture[:, :, None]).mask_.any()

    def test_dark_column(self, rng):
        """A column that keeps some signal is found; a dark lane of a galaxy is not."""
        cube, _ = scene(rng)
        cube[40:160, 20, 1] -= 4
        cube[:, 120:, 0] -= 0.3
        masker = CubeMasker().fit(cube)
        assert masker.mask_[40:160, 20].all()
        strays = masker.mask_.copy()
        strays[32:168, 20] = False
        assert not strays.any()
        assert masker.summary_["lines"] == masker.mask_.sum()
        assert not CubeMasker(mask_lines=False).fit(cube).mask_.any()

    def test_no_lines_in_correlated_noise(self, rng):
        noise = ndimage.gaussian_filter(rng.normal(size=(300, 300, 3)), (3, 3, 0))
        assert not CubeMasker().fit(noise).mask_.any()

    def test_grow(self, rng):
        cube, _ = scene(rng)
        cube[100, 100, 0] = np.nan
        mask = CubeMasker(grow=2).fit(cube).mask_
        distance = np.hypot(*(np.indices((200, 200)) - 100))
        np.testing.assert_array_equal(mask, distance <= 2)

    def test_grow_counts_apart(self, rng):
        cube, _ = scene(rng)
        cube[:, :20, 1] = 0
        summary = CubeMasker(grow=3).fit(cube).summary_
        assert summary["zeros"] == 200 * 20
        assert summary["grow"] == 200 * 3


class TestSingleValues:
    """Saturation, signal to noise, a given mask, and partly observed pixels."""

    def test_saturation(self, rng):
        cube, _ = scene(rng)
        limits = [40, np.inf, 70]
        masker = CubeMasker(saturation=limits).fit(cube)
        expected = (cube[:, :, 0] >= 40) | (cube[:, :, 2] >= 70)
        assert expected.any()
        np.testing.assert_array_equal(masker.mask_, expected)
        np.testing.assert_array_equal(masker.saturation_, limits)
        with pytest.raises(ValueError, match=r"saturation .* 3 bands, got 2"):
            CubeMasker(saturation=[1, 2]).fit(cube)

    def test_signal_to_noise(self, rng):
        cube, galaxy = scene(rng, noise=2.0)
        cube += 100
        masker = CubeMasker(min_signal_to_noise=5).fit(cube)
        kept = ~masker.mask_
        bright = (galaxy > 5 * 2.0 + 8).all(axis=2)
        faint = (galaxy < 5 * 2.0 - 8).any(axis=2)
        assert kept[bright].all()
        assert not kept[faint].any()
        np.testing.assert_allclose(masker.noise_, 2, rtol=0.03)
        np.testing.assert_allclose(masker.sky_level_, 100, atol=0.2)

    def test_given_mask(self, rng):
        cube, _ = scene(rng)
        given = np.zeros((200, 200), dtype=int)
        given[3, 4] = 1
        masker = CubeMasker(exclude=given).fit(cube)
        np.testing.assert_array_equal(masker.mask_, given == 1)
        with pytest.raises(ValueError, match=r"\(200, 200\), but .* 100 x 200"):
            masker.transform(cube[:100])

    def test_min_bands(self, rng):
        cube, _ = scene(rng)
        cube[:, :50, 0] = np.nan
        cube[:, :20, 1] = np.nan
        whole = CubeMasker().fit(cube)
        np.testing.assert_array_equal(whole.mask_.sum(), 200 * 50)
        partly = CubeMasker(min_bands=2).fit(cube)
        np.testing.assert_array_equal(partly.mask_.sum(), 200 * 20)
        result = partly.transform(cube)
        assert np.isnan(result[:, :20]).all()
        np.testing.assert_array_equal(result[:, 20:], cube[:, 20:])
        np.testing.assert_array_equal(partly.fit_transform(cube), result)
        with pytest.raises(ValueError, match="min_bands is 4, but the cube has 3"):
            CubeMasker(min_bands=4).fit(cube)


class TestSky:
    """Whether the sky is set aside, and what counts as sky."""

    def test_small_galaxy_on_noise(self, rng):
        cube, galaxy = scene(rng)
        masker = CubeMasker(sky="auto").fit(cube)
        assert masker.sky_masked_
        assert 0.85 < masker.sky_share_ < 0.97
        # The smoothed noise is 1 / (2 sqrt(pi)) = .28, so the limit is at .85.
        second = np.sort(galaxy, axis=2)[:, :, 1]
        assert not masker.sky_[second > 2].any()
        assert masker.sky_[second < 0.1].mean() > 0.99
        np.testing.assert_array_equal(masker.mask_, masker.sky_)
        assert masker.summary_["sky"] == masker.sky_.sum()
        np.testing.assert_allclose(masker.sky_cut_, 0.85, atol=0.1)

    def test_unit_and_zero_point_do_not_matter(self, rng):
        cube, _ = scene(rng)
        expected = CubeMasker(sky="auto").fit(cube).mask_
        scaled = (cube * np.array([1e-11, 1, 1e3])).astype(np.float32)
        assert (CubeMasker(sky="auto").fit(scaled).mask_ != expected).mean() < 1e-3
        moved = CubeMasker(sky="auto").fit(cube + np.float32(500))
        assert (moved.mask_ != expected).mean() < 1e-3

    def test_frame_filled_by_a_galaxy(self, rng):
        light = spiral(rng)
        for noise in (1.0, 4.0):
            cube = light + rng.normal(0, noise, light.shape)
            masker = CubeMasker(sky="auto").fit(cube)
            assert not masker.sky_masked_
            assert masker.sky_share_ < 0.45
            assert not masker.mask_.any()

    def test_picture_of_8_bit(self, rng):
        light = spiral(rng)
        picture = np.clip(light + rng.normal(0, 3, light.shape), 0, 255)
        masker = CubeMasker(sky="auto").fit(picture.astype(np.uint8))
        assert not masker.sky_masked_
        assert not masker.mask_.any()

    @pytest.mark.parametrize("correlation", [0, 2.5])
    def test_pure_noise_is_kept(self, rng, correlation):
        noise = rng.normal(size=(200, 200, 3))
        if correlation:
            noise = ndimage.gaussian_filter(noise, (correlation, correlation, 0))
        masker = CubeMasker(sky="auto")
        with pytest.warns(UserWarning, match=r"nothing but sky: \d+ pixels stand out"):
            masker.fit(noise)
        assert masker.sky_share_ > 0.98
        assert not masker.sky_masked_
        assert not masker.mask_.any()

    def test_waves_that_only_the_first_guess_of_the_noise_shows_are_kept(self):
        rows, columns = np.indices((40, 44))
        cube = np.empty((40, 44, 3), dtype=np.float32)
        for band in range(3):
            noise = np.random.default_rng(band).normal(size=(40, 44))
            waves = np.sin(rows / 5 + band) * np.cos(columns / 7)
            cube[:, :, band] = 50 + 40 * waves + noise
        cube[:, 30:, 0] = np.nan
        stretched = AsinhStretch().fit_transform(cube)
        masker = CubeMasker(sky="auto").fit(stretched)
        assert masker.sky_share_ > 0.5
        assert not masker.sky_masked_

    def test_correlated_noise_is_sky(self, rng):
        """Convolved frames have smooth noise; the galaxy still stands out of it."""
        _, galaxy = scene(rng)
        noise = ndimage.gaussian_filter(rng.normal(size=galaxy.shape), (2, 2, 0))
        noise /= noise.std()
        masker = CubeMasker(sky="auto").fit(galaxy + noise)
        assert masker.sky_masked_
        assert masker.sky_[galaxy.min(axis=2) < 0.1].mean() > 0.98
        assert not masker.sky_[galaxy.min(axis=2) > 8].any()

    def test_gradient(self, rng):
        """A weak gradient changes nothing; a strong one hides the sky, so all stay."""
        cube, _ = scene(rng)
        slope = np.linspace(-0.5, 0.5, 200)[:, np.newaxis, np.newaxis]
        weak = CubeMasker(sky="auto").fit(cube + 0.5 * slope)
        assert weak.sky_masked_
        strong = CubeMasker(sky="auto")
        with pytest.warns(UserWarning, match="slopes .* band 1 .* --subtract-backgr"):
            strong.fit(cube + 20 * slope)
        assert not strong.sky_masked_
        np.testing.assert_allclose(strong.background_gradient_, 20, rtol=0.1)

    def test_large_galaxy_with_sky_around(self, rng):
        cube, galaxy = scene(rng, half_light=45, peak=30)
        assert 0.2 < (galaxy[:, :, 0] > 1).mean() < 0.5
        masker = CubeMasker(sky="auto").fit(cube)
        assert masker.sky_masked_
        assert not masker.sky_[galaxy.min(axis=2) > 2.5].any()

    def test_requests(self, rng):
        cube, _ = scene(rng)
        keep = CubeMasker().fit(cube)
        assert not keep.sky_masked_
        assert not keep.sky_.any()
        assert keep.sky_share_ > 0.85
        light = spiral(rng) + rng.normal(size=(200, 200, 3))
        forced = CubeMasker(sky="mask").fit(light)
        assert forced.sky_masked_
        assert 0 < forced.sky_.mean() < 0.5

    def test_band_count(self, rng):
        """One band alone decides where there is only one."""
        cube, galaxy = scene(rng)
        one = CubeMasker(sky="auto").fit(cube[:, :, :1])
        assert one.sky_masked_
        assert not one.sky_[galaxy[:, :, 0] > 3].any()
        cube[20:24, 20:24, 0] += 50  # a glitch in one band
        assert CubeMasker(sky="auto").fit(cube).sky_[20:24, 20:24].all()
        lenient = CubeMasker(sky="auto", sky_min_bands=1).fit(cube)
        assert not lenient.sky_[21:23, 21:23].any()

    def test_gaps_beside_sky(self, rng):
        cube, galaxy = scene(rng)
        cube[:, :100] = np.nan
        masker = CubeMasker(sky="auto").fit(cube)
        assert masker.mask_[:, :100].all()
        assert not masker.sky_[:, :100].any()
        assert not masker.mask_[:, 100:][galaxy[:, 100:, 1] > 3].any()

    def test_strip_uses_fitted_thresholds(self, rng):
        """Far from the border of a strip its mask is that of the whole frame."""
        cube, _ = scene(rng)
        masker = CubeMasker(sky="auto").fit(cube)
        strip = np.isnan(masker.transform(cube[60:140])).any(axis=2)
        np.testing.assert_array_equal(strip[10:-10], masker.mask_[70:130])

    def test_fit_transform(self, rng):
        cube, _ = scene(rng)
        masker = CubeMasker(sky="auto")
        masked = masker.fit_transform(Cube(cube, band_names=["a", "b", "c"]))
        assert masked.band_names == ("a", "b", "c")
        np.testing.assert_array_equal(masked.data, masker.transform(cube))
        np.testing.assert_array_equal(np.isnan(masked.data).all(axis=2), masker.mask_)


class TestNothingLeft:
    """The criterion that took most is named, with a way out."""

    def test_missing(self):
        with pytest.raises(ValueError, match=r"All 100 pixels .* 'missing'.*NaN"):
            CubeMasker().fit(np.full((10, 10, 2), np.nan))

    def test_zeros(self, rng):
        cube, _ = scene(rng)
        cube[:, :, 1] = 0
        cube[:, :7, 0] = np.nan
        with pytest.raises(ValueError, match=r"38600 of them by 'zeros'.*mask_zeros"):
            CubeMasker(mask_zeros=True).fit(cube)

    def test_sky(self, rng):
        noise = rng.normal(size=(64, 64, 3))
        with pytest.raises(ValueError, match=r"'sky'.*sky=\"keep\""):
            CubeMasker(sky="mask", sky_threshold=9).fit(noise)

    def test_mask(self, rng):
        with pytest.raises(ValueError, match=r"'regions'.*leave some pixels"):
            CubeMasker(exclude=np.ones((8, 8), dtype=bool)).fit(
                rng.normal(size=(8, 8, 1))
            )


class TestNoise:
    """The estimators behind it."""

    def test_sky_statistics(self, rng):
        band = rng.normal(7, 3, (300, 300))
        band += disc(300, 30, 500)
        level, noise = sky_statistics(band)
        assert level == pytest.approx(7, abs=0.5)
        assert noise == pytest.approx(3, rel=0.05)
        band[rng.random(band.shape) < 0.3] = np.nan
        level, noise = sky_statistics(band)
        assert level == pytest.approx(7, abs=0.5)
        assert noise == pytest.approx(3, rel=0.05)

    def test_sky_is_measured_without_bias_where_it_dominates(self, rng):
        noise = ndimage.gaussian_filter(rng.normal(size=(400, 400, 2)), (2, 2, 0))
        noise = 5 + 3 * noise / noise.std()
        sky = measure_sky(noise)
        assert sky.dominates
        np.testing.assert_allclose(sky.level, 5, atol=0.15)
        np.testing.assert_allclose(sky.noise, 3, rtol=0.04)

    def test_noise_in_a_filled_frame(self, rng):
        light = spiral(rng)[:, :, 0] + rng.normal(0, 2, (200, 200))
        _, noise = sky_statistics(light)
        # Some structure in the darkest parts counts as noise.
        assert 1.9 < noise < np.std(light) / 3

    def test_odd_bands(self):
        assert sky_statistics(np.full((64, 64), 3.0)) == (3.0, 0.0)
        assert np.isnan(sky_statistics(np.full((64, 64), np.nan))).all()
        counts = np.zeros((64, 64))
        counts[::3, ::3] = 1
        level, noise = sky_statistics(counts)
        assert level == 0
        assert noise == pytest.approx(np.sqrt(1 / 9 * 8 / 9), rel=0.1)

    def test_pixel_noise(self, rng):
        ramp = np.linspace(0, 100, 250_000).reshape(500, 500).T
        noise = pixel_noise(ramp + rng.normal(0, 4, ramp.shape))
        assert noise == pytest.approx(4, rel=0.01)
        assert pixel_noise(np.array([[np.nan, 1.0]])) == 0

    def test_representative_rows(self):
        assert representative_rows(600, 600) == slice(None)
        rows = representative_rows(8500, 5000)
        assert len(rows) == len(np.unique(rows)) == 2_000_000 // 5000
        assert rows[0] == 0
        assert 8400 < rows[-1] < 8500


class TestRealImages:
    """The frames that the rules were made for."""

    def test_field_with_a_spiral(self, shared_data):
        field = read_bands(shared_data)
        masker = CubeMasker(sky="auto").fit(field)
        assert masker.sky_masked_
        assert 0.88 < masker.sky_.mean() < 0.95
        assert masker.summary_["zeros"] == 0
        # The broken columns of u and r.
        assert masker.mask_[480:600, 508].all()
        assert masker.mask_[160:350, 590].all()
        assert masker.mask_[331:350, 578:580].all()
        assert 300 < masker.summary_["lines"] < 700
        # Nucleus, arm, stars and another galaxy remain.
        for row, column in [(280, 110), (262, 70), (283, 177), (92, 495), (195, 440)]:
            assert not masker.mask_[row, column]

    def test_galaxy_that_fills_the_frame(self, shared_data):
        with fits.open(shared_data / "m83" / "m83_hubble_rgb_wcs.fits") as file:
            picture = np.moveaxis(file[0].data, 0, -1)
        masker = CubeMasker(sky="auto").fit(picture)
        assert not masker.sky_masked_
        assert masker.mask_.mean() < 1e-3
