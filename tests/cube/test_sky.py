# SPDX-License-Identifier: BSD-3-Clause
"""The decision on the sky: right in fields of sky, and in frames full of structure."""

import pickle
import warnings

import numpy as np
import pytest
from _sky_fields import few_sources, gradient, star_cloud
from astropy.wcs import WCS

from skesom.cube import AsinhStretch, Cube, CubeAligner, CubeMasker, align
from skesom.cube.masking._flatness import FLAT, measure_levels

SEEDS = range(4)


def decide(data, *, stretch=False):
    """Return a masker that has decided on the sky."""
    if stretch:
        data = AsinhStretch().fit_transform(data)
    return CubeMasker(sky="auto", check_background=not stretch).fit(data)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stretch", [False, True])
class TestDecision:
    """Fields of several kinds, with and without the stretch of the pipeline."""

    @pytest.mark.parametrize("n_bands", [1, 2, 5])
    def test_few_sources(self, seed, stretch, n_bands):
        data = few_sources(np.random.default_rng(seed), n_bands=n_bands)
        masker = decide(data, stretch=stretch)
        assert masker.sky_masked_
        assert masker.sky_share_ > 0.95
        assert masker.sky_unevenness_ < 0.2

    def test_far_infrared_with_hardly_a_source(self, seed, stretch):
        """Smooth noise, 99 % sky, fewer than ten pixels at six sigma."""
        rng = np.random.default_rng(seed)
        data = few_sources(rng, size=200, correlation=2.0, n_stars=8)
        masker = decide(data, stretch=stretch)
        assert masker.sky_masked_
        assert masker.sky_share_ > 0.98
        assert masker.sky_unevenness_ < FLAT

    def test_star_cloud_with_dark_nebulae(self, seed, stretch):
        masker = decide(star_cloud(np.random.default_rng(seed)), stretch=stretch)
        assert not masker.sky_masked_
        assert not masker.mask_.any()
        assert masker.sky_unevenness_ > FLAT

    def test_weak_gradient_is_sky(self, seed, stretch):
        data = few_sources(np.random.default_rng(seed), n_bands=3)
        masker = decide(data + gradient(data.shape, 0.5), stretch=stretch)
        assert masker.sky_masked_


class TestGradients:
    """Backgrounds that slope are told, with their bands and sizes."""

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("rise", [2, 5, 20, 100])
    def test_size_is_told(self, seed, rise):
        data = few_sources(np.random.default_rng(seed), n_bands=2)
        data[:, :, :1] += gradient(data.shape, rise)
        masker = CubeMasker(sky="auto")
        with pytest.warns(UserWarning, match=r"slopes .* by: band 1 \(.*--subtract-b"):
            masker.fit(data)
        np.testing.assert_allclose(masker.background_gradient_, [rise, 0], rtol=0.1)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_structure_is_no_gradient(self, seed):
        rng = np.random.default_rng(seed)
        assert not decide(star_cloud(rng)).background_gradient_.any()

    @pytest.mark.parametrize("corner", [0, 60, 100])
    def test_galaxy_at_the_border_is_no_gradient(self, corner):
        rng = np.random.default_rng(corner)
        rows, columns = np.indices((200, 200)) - 100 + corner
        galaxy = 30 * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / 150)
        data = galaxy[:, :, np.newaxis] + rng.normal(size=(200, 200, 3))
        assert not decide(data).background_gradient_.any()

    def test_may_be_ignored(self):
        data = few_sources(np.random.default_rng(0), n_bands=2)
        data += gradient(data.shape, 20)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            CubeMasker(check_background=False).fit(data)
            masker = CubeMasker(sky="keep", check_background=False).fit(data)
        assert np.isnan(masker.background_gradient_).all()
        assert np.isnan(masker.sky_unevenness_)


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


def tangent(n_pixels, pixel_size):
    """Make a WCS around one place of the sky."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
    wcs.wcs.cdelt = [-pixel_size / 3600, pixel_size / 3600]
    return wcs


class TestSkyMask:
    """A cube tells which of its masked pixels are sky."""

    @pytest.fixture
    def masked(self):
        data = few_sources(np.random.default_rng(0), size=128, n_bands=3)
        data[:, :9, 1] = np.nan
        return CubeMasker(sky="auto").fit_transform(Cube(data))

    def test_masker_writes_it(self, masked):
        assert np.isnan(masked.data[masked.sky_mask]).all()
        assert masked.sky_mask.mean() > 0.8
        assert not masked.sky_mask[:, :9].any()

    def test_kept_sky_is_none(self):
        cube = Cube(np.random.default_rng(0).normal(size=(64, 64, 2)))
        assert CubeMasker().fit_transform(cube).sky_mask is None

    def test_second_masker_keeps_it(self, masked):
        again = CubeMasker(min_signal_to_noise=-9).fit_transform(masked)
        np.testing.assert_array_equal(again.sky_mask, masked.sky_mask)

    def test_stays_with_new_data_of_the_same_pixels(self, masked):
        sky = masked.sky_mask
        assert masked.replace(data=masked.data * 2).sky_mask is sky
        assert (
            masked.replace(
                data=masked.data[:, :, :1],
                band_names=["a"],
                band_units=None,
                fwhm=None,
                zero_points=None,
            ).sky_mask
            is sky
        )
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
        sharp = masked.replace(wcs=tangent(128, 0.5))
        other = Cube(np.ones((64, 64, 1)), wcs=tangent(64, 1.0), band_names=["r"])
        other.data[:, 30:34] = np.nan
        cube = align([sharp, other], "r")
        assert cube.sky_mask.shape == (64, 64)
        assert not cube.sky_mask[:, :4].any()
        assert not cube.sky_mask[:, 30:34].any()
        assert cube.sky_mask.mean() > 0.7
        assert np.isnan(cube.data[cube.sky_mask]).any(axis=1).all()
        same = CubeAligner().fit_transform(sharp)
        np.testing.assert_array_equal(same.sky_mask, masked.sky_mask)
