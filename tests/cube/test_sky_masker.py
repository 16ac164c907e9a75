# SPDX-License-Identifier: BSD-3-Clause
"""SkyMasker: the sky is masked where there is sky, and not where structure fills it."""

import pickle
import warnings
from itertools import pairwise

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage
from scipy.stats import gamma, norm
from sklearn.metrics import adjusted_rand_score

from skesom.cube import AsinhStretch, Cube, CubeAligner, CubeMasker, SkyMasker
from skesom.cube.masking import sky as _sky
from skesom.cube.masking import sky_masker as _sky_masker
from skesom.cube.masking.sky import (
    _chance_cuts,
    _find_peak,
    measure_sky,
    sky_statistics,
)
from skesom.cube.masking.sky_slopes import measure_levels
from skesom.cube.masking.sky_tiles import representative_rows
from tests.helpers.grids import make_wcs
from tests.helpers.sky_fields import (
    COLORS,
    corner,
    disc,
    few_sources,
    gradient,
    nebula,
    read_bands,
    scene,
    spiral,
    star_cloud,
)

SEEDS = 0, pytest.param(1, marks=pytest.mark.long)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def decisions(data):
    """Return maskers that have decided on fluxes, and behind the stretch."""
    yield SkyMasker().fit(data)
    yield SkyMasker().fit(AsinhStretch().fit_transform(data))


@pytest.mark.parametrize("seed", SEEDS)
class TestDecision:
    """Fields of several kinds, with and without the stretch of the pipeline."""

    @pytest.mark.parametrize("n_bands", [1, 2, 5])
    def test_few_sources(self, seed, n_bands):
        data = few_sources(np.random.default_rng(seed), n_bands=n_bands)
        for masker in decisions(data):
            assert masker.masks_sky_
            assert masker.share_ > 0.95

    def test_far_infrared_with_hardly_a_source(self, seed):
        """Smooth noise, 99 % sky, fewer than ten pixels at six sigma."""
        rng = np.random.default_rng(seed)
        data = few_sources(rng, size=200, correlation=2.0, n_stars=8)
        for masker in decisions(data):
            assert masker.masks_sky_
            assert masker.share_ > 0.98

    def test_star_cloud_with_dark_nebulae(self, seed):
        data = star_cloud(np.random.default_rng(seed))
        for masker in decisions(data):
            assert not masker.masks_sky_
            assert not masker.sky_mask_.any()
        assert not check_background(data).background_gradient_.any()

    def test_weak_gradient_is_sky(self, seed):
        data = few_sources(np.random.default_rng(seed), n_bands=3)
        for masker in decisions(data + gradient(data.shape, 0.5)):
            assert masker.masks_sky_


def check_background(data):
    """Return a masker that has looked for slopes, and not for outliers."""
    return CubeMasker(mask_lines=False, mask_outliers=False).fit(data)


class TestGradients:
    """Backgrounds that slope are told, with their bands and sizes."""

    @pytest.mark.parametrize("rise", [2, 5, 20, 100])
    def test_size_is_told(self, rise):
        data = few_sources(np.random.default_rng(rise), n_bands=2)
        data[:, :, :1] += gradient(data.shape, rise)
        with pytest.warns(
            UserWarning, match=r"slopes .* by: band 1 \(.*subtract_background=True"
        ):
            masker = check_background(data)
        np.testing.assert_allclose(masker.background_gradient_, [rise, 0], rtol=0.1)

    @pytest.mark.parametrize("corner", [0, 60, 100])
    def test_galaxy_at_the_border_is_no_gradient(self, corner):
        rng = np.random.default_rng(corner)
        rows, columns = np.indices((200, 200)) - 100 + corner
        galaxy = 30 * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / 150)
        data = galaxy[:, :, np.newaxis] + rng.normal(size=(200, 200, 3))
        assert not check_background(data).background_gradient_.any()

    def test_may_be_ignored(self):
        data = few_sources(np.random.default_rng(0), n_bands=2)
        data += gradient(data.shape, 20)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            masker = CubeMasker(check_background=False).fit(data)
        assert np.isnan(masker.background_gradient_).all()
        assert not SkyMasker().fit(data).masks_sky_  # it is hidden


def noisy(light, seed):
    """Return light with noise of 1."""
    return light + np.random.default_rng(seed).normal(size=light.shape)


class TestSteadiness:
    """Neither a share of the frame nor a draw of the noise switches the mask."""

    @pytest.mark.parametrize("share", [0.08, 0.2, 0.4, 0.6, 0.8])
    def test_sky_of_any_share_is_set_aside(self, share):
        light = corner(share)
        for masker in decisions(noisy(light, 1)):
            assert masker.sky_mask_[light[:, :, 0] == 0].mean() > 0.95
            assert not masker.sky_mask_[light.min(axis=2) > 3].any()

    def test_twenty_draws_of_the_noise(self):
        """A galaxy that leaves some 40 % of sky."""
        light = disc(160, 32, 60)[:, :, np.newaxis] * COLORS
        masks = [SkyMasker().fit(noisy(light, seed)).sky_mask_ for seed in range(20)]
        shares = np.mean(masks, axis=(1, 2))
        assert 0.3 < shares.min() < shares.max() < 0.6
        assert np.ptp(shares) < 0.04
        for one, other in pairwise(masks):
            assert adjusted_rand_score(one.ravel(), other.ravel()) > 0.85

    @pytest.mark.parametrize("noise", [1, 3])
    @pytest.mark.parametrize("make", [nebula, spiral, star_cloud])
    def test_nothing_is_set_aside_where_structure_fills_the_frame(self, make, noise):
        light = make(np.random.default_rng(3))
        for seed in range(3):
            data = noisy(light / noise, seed)
            masker = SkyMasker().fit(data)
            assert not masker.masks_sky_
            assert not masker.sky_mask_.any()
        if make is spiral:
            assert masker.share_ < 0.45
            assert not CubeMasker().fit(data).mask_.any()

    @pytest.mark.parametrize("rate", [0.01, 0.1, 1, 30])
    def test_counts(self, rate):
        light = disc(200, 10, 100 * np.sqrt(rate))[:, :, np.newaxis] * COLORS
        counts = np.random.default_rng(0).poisson(rate + light)
        masker = SkyMasker().fit(counts)
        assert masker.sky_mask_[light[:, :, 0] < 0.02 * np.sqrt(rate)].mean() > 0.95
        assert not masker.sky_mask_[light.min(axis=2) > 5 * np.sqrt(rate)].any()

    def test_light_of_all_bands_adds_up(self):
        """Two deviations of the smoothed noise in each of nine bands are no noise."""
        rows, columns = np.indices((128, 128)) - 64
        light = np.where(np.hypot(rows, columns) < 12, 0.56, 0)[:, :, np.newaxis]
        nine = noisy(light.repeat(9, axis=2), 0)
        nine[:9, :9] += 50
        inside = light[:, :, 0] > 0
        assert SkyMasker().fit(nine).sky_mask_[inside].mean() < 0.2
        assert SkyMasker().fit(nine[:, :, :1]).sky_mask_[inside].mean() > 0.8


class TestBorders:
    """The sky ends where light begins, not where squares of tiles do."""

    @pytest.mark.parametrize("half_light", [20, 40])
    def test_all_that_is_dark_is_set_aside(self, half_light):
        """A large galaxy leaves places that are too narrow for any square of sky."""
        light = disc(200, half_light, 60)[:, :, np.newaxis] * COLORS
        data = noisy(light, 0)
        masker = SkyMasker().fit(data)
        assert 0.5 < masker.in_sky_ <= 1
        np.testing.assert_array_equal(
            masker.sky_mask_, SkyMasker("mask").fit(data).sky_mask_
        )
        np.testing.assert_array_equal(
            masker.sky_mask_, np.isnan(masker.transform(data)).all(axis=2)
        )
        assert masker.sky_mask_[light.max(axis=2) < 0.2].mean() > 0.99
        assert not masker.sky_mask_[light.min(axis=2) > 3].any()

    def test_sky_between_two_galaxies(self):
        light = np.roll(disc(200, 8, 60), -34, axis=1)
        light = (light + np.roll(light, 68, axis=1))[:, :, np.newaxis] * COLORS
        masker = SkyMasker().fit(noisy(light, 0))
        between = masker.sky_mask_[60:140, 97:103]
        assert between[light[60:140, 97:103].max(axis=2) < 0.2].mean() > 0.99

    def test_a_little_that_looks_like_sky_sets_nothing_aside(self):
        """Of a star cloud some parts have one level by chance."""
        light = star_cloud(np.random.default_rng(1), size=180, noise=0) / 3
        for seed in range(2):
            masker = SkyMasker().fit(noisy(light, seed))
            assert masker.in_sky_ < 0.25
            assert not masker.sky_mask_.any()

    def test_few_counts_that_were_resampled(self, rng):
        """Zeros between the photons became rounding errors, which are no noise."""
        light = disc(160, 8, 60)
        counts = rng.poisson(0.05 + light).astype(float)
        counts += 1e-15 * rng.normal(size=counts.shape)
        data = np.stack([counts, light + rng.normal(size=light.shape)], axis=-1)
        masker = SkyMasker().fit(data)
        assert masker.noise_[0] > 0.1
        assert masker.sky_mask_[light < 0.02].mean() > 0.95
        assert not masker.sky_mask_[light > 5].any()


class TestPeak:
    """The level that more tiles have than levels beside it."""

    def test_peak_among_others(self, rng):
        others = rng.uniform(1, 30, 300)
        center, certainty = _find_peak(np.append(rng.normal(1, 0.1, 30), others))
        assert certainty == 1
        assert center == pytest.approx(1, abs=0.3)

    def test_levels_that_are_spread_evenly(self, rng):
        assert _find_peak(rng.uniform(0, 20, 2000))[1] < 0.3

    def test_certainty_grows_with_the_peak(self):
        others = np.linspace(0, 20, 800)
        found = [_find_peak(np.append(np.full(n, 1.0), others))[1] for n in range(80)]
        assert found[0] == 0
        assert found[-1] == 1
        assert np.abs(np.diff(found)).max() < 0.1


class TestUnevenness:
    """What the measure measures."""

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("correlation", [0, 1, 2])
    def test_noise_is_flat(self, seed, correlation):
        rng = np.random.default_rng(seed)
        band = few_sources(rng, n_bands=1, correlation=correlation, n_stars=1)
        assert measure_levels(band[:, :, 0]).unevenness < 0.4

    @pytest.mark.parametrize("seed", SEEDS)
    def test_steps_between_large_patches(self, seed):
        rng = np.random.default_rng(seed)
        patches = rng.normal(size=(8, 8))
        patches *= 1.5 / (1.4826 * np.median(np.abs(patches - np.median(patches))))
        band = np.kron(patches, np.ones((32, 32))) + rng.normal(size=(256, 256))
        assert measure_levels(band).unevenness == pytest.approx(1.5, rel=0.15)

    def test_too_little_to_tell(self):
        band = np.random.default_rng(0).normal(size=(20, 20))
        assert np.isnan(measure_levels(band).unevenness)

    def test_frame_without_noise(self):
        assert measure_levels(np.zeros((128, 128))).unevenness == 0
        steps = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((32, 32)))
        assert measure_levels(steps).unevenness == np.inf


class TestSkyMask:
    """A cube tells which of its masked pixels are sky."""

    @pytest.fixture
    def masked(self):
        data = few_sources(np.random.default_rng(0), size=128, n_bands=3)
        data[:, :9, 1] = np.nan
        return SkyMasker().fit_transform(Cube(data))

    def test_masker_writes_it(self, masked):
        assert np.isnan(masked.data[masked.sky_mask]).all()
        assert masked.sky_mask.mean() > 0.8
        assert not masked.sky_mask[:, :9].any()

    def test_kept_sky_is_none(self):
        cube = Cube(np.random.default_rng(0).normal(size=(64, 64, 2)))
        assert CubeMasker().fit_transform(cube).sky_mask is None
        assert SkyMasker("keep").fit_transform(cube).sky_mask is None

    def test_second_masker_keeps_it(self, masked):
        again = CubeMasker(min_signal_to_noise=-9).fit_transform(masked)
        np.testing.assert_array_equal(again.sky_mask, masked.sky_mask)
        again = SkyMasker("mask", threshold=5).fit_transform(masked)
        assert again.sky_mask.sum() > masked.sky_mask.sum()
        assert again.sky_mask[masked.sky_mask].all()

    def test_stays_with_new_data_of_the_same_pixels(self, masked):
        sky = masked.sky_mask
        assert masked.replace(data=masked.data * 2).sky_mask is sky
        of_bands = ("band_units", "fwhm", "zero_points")
        one = {"data": masked.data[:, :, :1], "band_names": ["a"]}
        assert masked.replace(**one, **dict.fromkeys(of_bands)).sky_mask is sky
        assert masked.replace(data=masked.data[::2]).sky_mask is None
        assert masked.replace(sky_mask=None).sky_mask is None

    @pytest.mark.parametrize(
        "key",
        [
            np.s_[10:50],
            np.s_[10:50, ::3],
            np.s_[::-1, 5:, :2],
            np.s_[..., 1:],
            np.s_[np.array([3, 1, 60])],
            np.s_[np.arange(128) % 3 == 0],
        ],
    )
    def test_is_cut_with_the_pixels(self, masked, key):
        cut = masked[key]
        np.testing.assert_array_equal(
            cut.sky_mask,
            masked.replace(data=masked.sky_mask[:, :, None].repeat(3, 2).astype(float))[
                key
            ].data[:, :, 0]
            > 0,
        )
        np.testing.assert_array_equal(
            masked.cutout((64, 64), 20).sky_mask, masked.sky_mask[54:74, 54:74]
        )

    def test_pickle(self, masked):
        copy = pickle.loads(pickle.dumps(masked))
        np.testing.assert_array_equal(copy.sky_mask, masked.sky_mask)

    @pytest.mark.parametrize("wrong", [np.zeros((3, 4)), np.zeros((4, 3), dtype=bool)])
    def test_must_fit(self, wrong):
        with pytest.raises(ValueError, match=r"sky_mask must be of bool .* \(3, 4\)"):
            Cube(np.zeros((3, 4, 2)), sky_mask=wrong)

    def test_is_aligned(self, masked):
        sharp = masked.replace(wcs=make_wcs((128, 128), 0.5))
        other = Cube(
            np.ones((64, 64, 1)), wcs=make_wcs((64, 64), 1.0), band_names=["r"]
        )
        other.data[:, 30:34] = np.nan
        cube = CubeAligner("r", conserve="flux").fit_transform([sharp, other])
        assert cube.sky_mask.shape == (64, 64)
        assert not cube.sky_mask[:, :4].any()
        assert not cube.sky_mask[:, 30:34].any()
        assert cube.sky_mask.mean() > 0.7
        assert np.isnan(cube.data[cube.sky_mask]).any(axis=1).all()
        same = CubeAligner().fit_transform(sharp)
        np.testing.assert_array_equal(same.sky_mask, masked.sky_mask)


class TestSky:
    """Whether the sky is set aside, and what counts as sky."""

    def test_small_galaxy_on_noise(self, rng):
        cube, galaxy = scene(rng)
        masker = SkyMasker().fit(cube)
        assert masker.masks_sky_
        assert 0.85 < masker.share_ < 0.97
        # The smoothed noise is 1 / (2 sqrt(pi)) = .28, so the limit is at .85.
        second = np.sort(galaxy, axis=2)[:, :, 1]
        assert not masker.sky_mask_[second > 2].any()
        assert masker.sky_mask_[second < 0.1].mean() > 0.99
        masked = masker.transform(cube)
        np.testing.assert_array_equal(np.isnan(masked).all(axis=2), masker.sky_mask_)
        np.testing.assert_array_equal(
            masked[~masker.sky_mask_], cube[~masker.sky_mask_]
        )
        # Half of the pixels of sky are above its level in a band: of squares of normal
        # values, the mean is 1/2 and the variance 5/4.
        assert 0.6 < gamma.isf(norm.sf(3), 0.6, scale=2.5) / masker.threshold_[2] < 1.1

    def test_unit_and_zero_point_do_not_matter(self, rng):
        cube, _ = scene(rng)
        expected = SkyMasker().fit(cube).sky_mask_
        scaled = (cube * np.array([1e-11, 1, 1e3])).astype(np.float32)
        assert (SkyMasker().fit(scaled).sky_mask_ != expected).mean() < 1e-3
        moved = SkyMasker().fit(cube + np.float32(500))
        assert (moved.sky_mask_ != expected).mean() < 1e-3

    def test_picture_of_8_bit(self, rng):
        light = spiral(rng)
        picture = np.clip(light + rng.normal(0, 3, light.shape), 0, 255)
        picture = picture.astype(np.uint8)
        masker = SkyMasker().fit(picture)
        assert not masker.masks_sky_
        assert not masker.sky_mask_.any()
        assert not CubeMasker().fit(picture).mask_.any()

    @pytest.mark.parametrize("correlation", [0, 2.5])
    def test_pure_noise_is_kept(self, rng, correlation):
        noise = rng.normal(size=(200, 200, 3))
        if correlation:
            noise = ndimage.gaussian_filter(noise, (correlation, correlation, 0))
        masker = SkyMasker()
        with pytest.warns(UserWarning, match=r"nothing but sky: \d+ pixels stand out"):
            masker.fit(noise)
        assert masker.certainty_ == 1
        assert not masker.masks_sky_
        assert not masker.sky_mask_.any()
        assert not CubeMasker().fit(noise).mask_.any()

    def test_waves_that_only_the_first_guess_of_the_noise_shows_are_kept(self):
        rows, columns = np.indices((40, 44))
        cube = np.empty((40, 44, 3), dtype=np.float32)
        for band in range(3):
            noise = np.random.default_rng(band).normal(size=(40, 44))
            waves = np.sin(rows / 5 + band) * np.cos(columns / 7)
            cube[:, :, band] = 50 + 40 * waves + noise
        cube[:, 30:, 0] = np.nan
        stretched = AsinhStretch().fit_transform(cube)
        assert not SkyMasker().fit(stretched).masks_sky_

    def test_correlated_noise_is_sky(self, rng):
        """Convolved frames have smooth noise; the galaxy still stands out of it."""
        _, galaxy = scene(rng)
        noise = ndimage.gaussian_filter(rng.normal(size=galaxy.shape), (2, 2, 0))
        noise /= noise.std()
        masker = SkyMasker().fit(galaxy + noise)
        assert masker.masks_sky_
        assert masker.sky_mask_[galaxy.min(axis=2) < 0.1].mean() > 0.98
        assert not masker.sky_mask_[galaxy.min(axis=2) > 8].any()

    def test_requests(self, rng):
        cube, _ = scene(rng)
        keep = SkyMasker("keep").fit(cube)
        assert not keep.masks_sky_
        assert not keep.sky_mask_.any()
        assert keep.share_ == 0
        np.testing.assert_array_equal(keep.transform(cube), cube)
        light = spiral(rng) + rng.normal(size=(200, 200, 3))
        forced = SkyMasker("mask").fit(light)
        assert forced.masks_sky_
        assert 0 < forced.sky_mask_.mean() < 0.5

    def test_band_count(self, rng):
        """One band alone decides where there is only one."""
        cube, galaxy = scene(rng)
        one = SkyMasker().fit(cube[:, :, :1])
        assert one.masks_sky_
        assert not one.sky_mask_[galaxy[:, :, 0] > 3].any()
        cube[20:24, 20:24, 0] += 50  # a line of one band
        assert not SkyMasker().fit(cube).sky_mask_[21:23, 21:23].any()

    def test_gaps_beside_sky(self, rng):
        cube, galaxy = scene(rng)
        cube[:, :100] = np.nan
        masker = SkyMasker().fit(cube)
        assert masker.sky_mask_[:, 100:].mean() > 0.8
        assert not masker.sky_mask_[:, :100].any()
        assert not masker.sky_mask_[:, 100:][galaxy[:, 100:, 1] > 3].any()

    def test_pixels_that_lack_bands_stay_as_they_are(self, rng):
        cube, _ = scene(rng)
        cube[:, :60, 0] = np.nan
        masker = SkyMasker().fit(cube)
        assert not masker.sky_mask_[:, :60].any()
        np.testing.assert_array_equal(masker.transform(cube)[:, :60], cube[:, :60])
        partly = SkyMasker(min_bands=2).fit(cube)
        assert (partly.sky_mask_ != masker.sky_mask_)[:, 100:].mean() < 1e-3
        assert partly.sky_mask_[:, :60].mean() > 0.8

    def test_strip_uses_fitted_thresholds(self, rng):
        """Far from the border of a strip its mask is that of the whole frame."""
        cube, _ = scene(rng)
        masker = SkyMasker().fit(cube)
        strip = np.isnan(masker.transform(cube[30:170])).any(axis=2)
        np.testing.assert_array_equal(strip[45:-45], masker.sky_mask_[75:125])

    @pytest.mark.parametrize("copy", [True, False])
    def test_fit_transform(self, rng, copy):
        cube, _ = scene(rng)
        given = cube.copy()
        expected = SkyMasker().fit(cube).sky_mask_
        masker = SkyMasker(copy=copy, n_jobs=2)
        masked = masker.fit_transform(Cube(given, band_names=["a", "b", "c"]))
        assert np.array_equal(given, cube) == copy
        assert masked.band_names == ("a", "b", "c")
        np.testing.assert_array_equal(masked.data, masker.transform(cube))
        np.testing.assert_array_equal(np.isnan(masked.data).all(axis=2), expected)


@pytest.mark.parametrize(
    ("n_above", "n_below", "masks"),
    [(10, 0, True), (9, 0, False), (16, 3, True), (15, 3, False)],
)
@pytest.mark.filterwarnings("ignore:The frame shows nothing but sky")
def test_ten_more_than_twice_those_below_are_signals(
    monkeypatch, n_above, n_below, masks
):
    sky = _sky_masker._USABLE | _sky_masker._DARK | _sky_masker._IN_SKY
    codes = np.full((20, 20), sky)
    codes.flat[:n_above] = _sky_masker._USABLE
    codes.flat[n_above : n_above + n_below] = sky | _sky_masker._BELOW
    monkeypatch.setattr(SkyMasker, "_find_codes", lambda *_: codes)
    cube = np.random.default_rng(0).normal(size=(20, 20, 1))
    assert SkyMasker().fit(cube).masks_sky_ == masks


class TestNothingLeft:
    """A cube of which nothing remains is refused."""

    def test_sky(self, rng):
        noise = rng.normal(size=(64, 64, 3))
        with pytest.raises(ValueError, match=r"4096 .* as sky\. Pass sky=\"keep\""):
            SkyMasker("mask", threshold=9).fit(noise)

    def test_missing_bands(self, rng):
        cube = rng.normal(size=(10, 10, 3))
        cube[:, :, 1] = np.nan
        with pytest.raises(ValueError, match=r"lack bands \(band 'band 2' 100\)"):
            SkyMasker().fit(cube)
        with pytest.raises(ValueError, match="min_bands=4 exceeds the 3 bands"):
            SkyMasker(min_bands=4).fit(cube)


class TestStatistics:
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
        assert sky.certainty == 1
        np.testing.assert_allclose(sky.level, 5, atol=0.15)
        np.testing.assert_allclose(sky.noise, 3, rtol=0.04)

    def test_noise_in_a_filled_frame(self, rng):
        light = spiral(rng)[:, :, 0] + rng.normal(0, 2, (200, 200))
        _, noise = sky_statistics(light)
        # Some structure in the darkest parts counts as noise.
        assert 1.9 < noise < np.std(light) / 3

    def test_cuts_are_those_of_gamma_distributions(self, rng):
        """Squares of the lower half of normal values: mean 1/2, variance 5/4."""
        expected = gamma.isf(norm.sf(3), 0.2 * np.arange(1, 5), scale=2.5)
        for unknown in ([], np.zeros(9)):
            np.testing.assert_allclose(_chance_cuts(unknown, 3, 4), expected)
        one = np.fmin(1.5 * rng.normal(size=9999), 0) ** 2
        same = _chance_cuts(4 * one, 3, 4)[3]  # of four bands of one noise
        np.testing.assert_allclose(same, 4 * _chance_cuts(one, 3, 1)[0])

    def test_sums_are_of_squares_below_the_sky(self, rng, monkeypatch):
        monkeypatch.setattr(_sky, "_chance_cuts", lambda sums, *_: sums)
        sums = measure_sky(rng.normal(size=(400, 400, 3))).cuts
        assert sums.min() >= 0
        assert sums.mean() == pytest.approx(3 / 2, rel=0.1)
        assert sums.var() == pytest.approx(3 * 5 / 4, rel=0.2)

    def test_scene_without_noise(self):
        flat = np.full((128, 128, 1), 2.0)
        flat[32:64, 48:64] = 9
        sky = measure_sky(flat)
        assert (sky.certainty, *sky.level, *sky.noise) == (1, 2, 0)

    def test_odd_bands(self):
        assert sky_statistics(np.full((64, 64), 3.0)) == (3.0, 0.0)
        assert np.isnan(sky_statistics(np.full((64, 64), np.nan))).all()
        counts = np.zeros((64, 64))
        counts[::3, ::3] = 1
        level, noise = sky_statistics(counts)
        assert level == 0
        assert noise == pytest.approx(np.sqrt(1 / 9 * 8 / 9), rel=0.1)

    def test_representative_rows(self):
        assert representative_rows(600, 600) == slice(None)
        rows = representative_rows(8500, 5000)
        assert len(rows) == len(np.unique(rows)) == 2_000_000 // 5000
        assert rows[0] == 0
        assert 8400 < rows[-1] < 8500


def test_sky_around_a_real_galaxy(shared_data):
    """KiDS and VIKING; the nucleus, an arm, stars and another galaxy remain."""
    masker = SkyMasker().fit(read_bands(shared_data))
    assert masker.masks_sky_
    assert 0.88 < masker.sky_mask_.mean() < 0.95
    for row, column in [(280, 110), (262, 70), (283, 177), (92, 495), (195, 440)]:
        assert not masker.sky_mask_[row, column]


def test_real_galaxy_that_fills_the_frame(shared_data):
    with fits.open(shared_data / "m83" / "m83_hubble_rgb_wcs.fits") as file:
        picture = np.moveaxis(file[0].data, 0, -1)
    assert not SkyMasker().fit(picture).masks_sky_
