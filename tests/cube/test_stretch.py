# SPDX-License-Identifier: BSD-3-Clause
"""AsinhStretch: fluxes in units of the noise, on a scale that ends as a logarithm."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits

from skesom.cube import AsinhStretch, Cube, SkyMasker
from skesom.datasets import make_galaxy_cube


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def field(rng, sky=(5.0, -2.0), noise=(2.0, 0.5), size=160):
    """Make two bands of sky with a galaxy and two stars; return cube and light."""
    rows, columns = np.indices((size, size)) - size / 2
    light = 100 * np.exp(-np.hypot(rows, columns) / 6)
    for row, column in [(30, 40), (120, 130)]:
        light += 1e4 * np.exp(
            -((rows + size / 2 - row) ** 2 + (columns + size / 2 - column) ** 2) / 4
        )
    light = light[:, :, np.newaxis] * np.array(noise)
    return np.array(sky) + light + rng.normal(0, noise, light.shape), light


def test_noise_and_level_are_those_of_the_sky(rng):
    flux, _ = field(rng)
    stretch = AsinhStretch().fit(flux)
    assert stretch.sky_certainty_ == 1
    np.testing.assert_allclose(stretch.noise_, [2, 0.5], rtol=0.03)
    np.testing.assert_allclose(stretch.sky_level_, [5, -2], atol=0.2)
    keep = AsinhStretch(subtract_sky=False).fit(flux)
    np.testing.assert_array_equal(keep.sky_level_, 0)
    np.testing.assert_allclose(keep.noise_, [2, 0.5], rtol=0.03)
    flux[:, :50] = np.nan
    gaps = AsinhStretch().fit(flux)
    np.testing.assert_allclose(gaps.noise_, [2, 0.5], rtol=0.05)


@pytest.mark.parametrize("light", [0, 0.7])
def test_values_follow_the_definition(rng, light):
    flux, _ = field(rng)
    stretch = AsinhStretch(softening=2.5, light=light).fit(flux)
    above = flux - stretch.sky_level_
    typical = [
        np.median(band[band > 3 * noise])
        for band, noise in zip(above.T, stretch.noise_, strict=True)
    ]
    scale = np.hypot(2.5 * stretch.noise_, light * np.array(typical))
    np.testing.assert_allclose(stretch.scale_, scale, rtol=1e-12)
    expected = np.arcsinh(above / scale)
    np.testing.assert_allclose(stretch.transform(flux), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_that_differ_by_1e13(rng, dtype):
    flux, _ = field(rng, sky=(0.5, -0.5), noise=(1.0, 1.0))
    expected = AsinhStretch().fit_transform(flux)
    scale = np.array([3e-12, 40.0])
    stretched = AsinhStretch().fit_transform((flux * scale).astype(dtype))
    assert stretched.dtype == dtype
    np.testing.assert_allclose(stretched, expected, rtol=1e-4, atol=1e-5)


def test_the_sky_may_be_masked_before_or_after(rng):
    """Sky set aside before or after the stretch: the order of pixels is kept."""
    flux, _ = field(rng, sky=(0, 0))
    masker = SkyMasker()
    late = masker.fit_transform(AsinhStretch().fit_transform(flux))
    stretch = AsinhStretch()
    early = stretch.fit_transform(SkyMasker().fit_transform(flux))
    kept_late = np.isfinite(late).all(axis=2)
    kept_early = np.isfinite(early).all(axis=2)
    assert np.mean(kept_late != kept_early) < 0.01
    assert 0.02 < kept_early.mean() < 0.3
    both = kept_late & kept_early
    for band in range(2):
        correlation = np.corrcoef(late[both][:, band], early[both][:, band])
        assert correlation[0, 1] > 0.95
    # Without sky the noise is measured in the outskirts of the sources.
    assert (stretch.noise_ > [1.5, 0.4]).all()
    assert (stretch.noise_ < [12, 3]).all()


def test_a_galaxy_that_fills_the_frame_keeps_its_zero_point():
    cube, _ = make_galaxy_cube((160, 160), random_state=0)
    stretch = AsinhStretch().fit(cube)
    assert stretch.sky_certainty_ == 0
    np.testing.assert_array_equal(stretch.sky_level_, 0)
    spread = np.nanstd(cube.data, axis=(0, 1))
    assert (stretch.noise_ < spread).all()
    assert stretch.noise_[-1] < 0.2 * spread[-1]
    stretch = AsinhStretch(subtract_sky=True).fit(cube)
    low, middle = np.nanquantile(cube.data, [0.01, 0.6], axis=(0, 1))
    assert (stretch.sky_level_ > low).all()
    assert (stretch.sky_level_ < middle).all()


def test_a_picture_of_8_bit_is_stretched_like_a_logarithm(shared_data):
    with fits.open(shared_data / "m83" / "m83_hubble_rgb_wcs.fits") as file:
        picture = np.moveaxis(file[0].data, 0, -1)
    stretch = AsinhStretch().fit(picture)
    assert stretch.sky_certainty_ < 0.5
    assert (stretch.noise_ > 4).all()
    assert (stretch.noise_ < 20).all()
    stretched = stretch.transform(picture)
    assert stretched.dtype == np.float32
    # As log(flux + 8), which served well for this picture.
    for band in range(3):
        logarithm = np.log(picture[:, :, band] + 8.0).ravel()
        correlation = np.corrcoef(stretched[:, :, band].ravel(), logarithm)
        assert correlation[0, 1] > 0.98


def test_the_inverse_gives_fluxes_and_units_back(rng):
    flux, _ = field(rng)
    cube = Cube(flux, band_names=["r", "i"], band_units=["Jy", None], fwhm=[1, 2])
    stretch = AsinhStretch().fit(cube)
    stretched = stretch.transform(cube)
    assert stretched.band_units == (units.dimensionless_unscaled,) * 2
    np.testing.assert_array_equal(stretched.fwhm, cube.fwhm)
    again = stretch.inverse_transform(stretched)
    np.testing.assert_allclose(again.data, flux, rtol=1e-9, atol=1e-9)
    assert again.band_names == cube.band_names
    assert again.band_units == cube.band_units


def test_errors_follow_the_slope(rng):
    flux, _ = field(rng)
    errors = rng.uniform(0.01, 0.1, flux.shape)
    stretch = AsinhStretch().fit(flux)
    stretched = stretch.transform(Cube(flux, errors=errors))
    half = (stretch.transform(flux + 1e-4) - stretch.transform(flux - 1e-4)) / 2e-4
    np.testing.assert_allclose(stretched.errors, errors * half, rtol=1e-4)
    again = stretch.inverse_transform(stretched)
    np.testing.assert_allclose(again.errors, errors, rtol=1e-8)


def test_the_inverse_is_as_precise_as_float32(rng):
    flux, _ = field(rng)
    flux = (flux * [1e-12, 1]).astype(np.float32)
    stretch = AsinhStretch().fit(flux)
    again = stretch.inverse_transform(stretch.transform(flux))
    assert again.dtype == np.float32
    np.testing.assert_array_less(
        np.abs(again - flux), 1e-5 * (np.abs(flux) + stretch.noise_)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0, 0.1, 7e-12, 1e9])
def test_a_constant_band_becomes_0(rng, dtype, value):
    flux, _ = field(rng)
    flux = flux.astype(dtype)
    flux[:, :, 1] = value
    flux[3, 3] = np.nan
    cube = Cube(flux, band_names=["r", "dull"])
    with pytest.warns(UserWarning, match="constant .* dull"):
        stretch = AsinhStretch().fit(cube)
    assert stretch.noise_[1] == 0
    stretched = stretch.transform(cube).data
    assert np.isnan(stretched[3, 3]).all()
    np.testing.assert_array_equal(np.nan_to_num(stretched[:, :, 1]), 0)
    assert np.nanstd(stretched[:, :, 0]) > 0.1


def test_a_band_that_is_constant_but_for_rounding_is_constant(rng):
    flux, _ = field(rng)
    flux = flux.astype(np.float32)
    flux[:, :, 1] = np.nextafter(np.float32(5), rng.choice([0, 9], flux.shape[:2]))
    with pytest.warns(UserWarning, match="constant .* band 2"):
        assert AsinhStretch().fit(flux).noise_[1] == 0


def test_a_scene_without_noise_is_finite():
    rows, columns = np.indices((80, 80)) - 40
    light = np.where(np.hypot(rows, columns) < 10, 50.0, 0)[:, :, np.newaxis]
    stretched = AsinhStretch().fit_transform(light)
    assert np.isfinite(stretched).all()
    assert stretched[40, 40, 0] > stretched[0, 0, 0] == 0


def test_an_empty_band_stays_empty(rng):
    flux, _ = field(rng)
    flux[:, :, 1] = np.nan
    with pytest.warns(UserWarning, match="band 2"):
        stretched = AsinhStretch().fit_transform(flux)
    assert np.isnan(stretched[:, :, 1]).all()
    assert np.isfinite(stretched[:, :, 0]).all()
    with pytest.raises(ValueError, match="All pixels are masked"):
        AsinhStretch().fit(flux * np.nan)


def test_noise_of_the_user_comes_before_that_of_the_sky(rng):
    flux, _ = field(rng)
    stretch = AsinhStretch(noise=[4, 1]).fit(flux)
    np.testing.assert_array_equal(stretch.noise_, [4, 1])
    np.testing.assert_array_equal(AsinhStretch(noise=3).fit(flux).noise_, [3, 3])
    with pytest.raises(ValueError, match=r"noise .* 2 bands, got 3"):
        AsinhStretch(noise=[1, 2, 3]).fit(flux)
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"band 'band 2' .* got {bad}"):
            AsinhStretch(noise=[1, bad]).fit(flux)


def test_depth_hardly_matters(rng):
    """Images of one galaxy, one ten times deeper, are stretched alike."""
    deep, _ = field(rng)
    shallow = deep + rng.normal(0, [6, 1.5], deep.shape)

    def ratio_of_scales(light):
        stretch = AsinhStretch(light=light)
        return stretch.fit(shallow).scale_ / stretch.fit(deep).scale_

    by_noise = ratio_of_scales(light=0)
    assert (by_noise > 2.5).all()
    assert (ratio_of_scales(light=3) < 0.8 * by_noise).all()


def test_a_real_field_comes_to_one_scale(shared_data):
    """Nine bands in units that differ by 1e13 come to one scale."""
    bands = []
    for name in "u g r i Z Y J H Ks".split():
        with fits.open(shared_data / "kids_viking9" / f"{name}.fits") as file:
            bands.append(file[1].data)
    flux = np.stack(bands, axis=-1).astype(np.float32)
    stretch = AsinhStretch(light=0).fit(flux)
    assert stretch.sky_certainty_ == 1
    stretched = stretch.transform(flux)
    sky = stretched[400:, 250:500]
    np.testing.assert_allclose(np.median(sky, axis=(0, 1)), 0, atol=0.06)
    np.testing.assert_allclose(sky.std(axis=(0, 1)), 1 / 3, rtol=0.15)
    arm, nucleus = stretched[258:266, 66:74], stretched[278:283, 106:112]
    # From g to J the arm stands well out of the noise, and the nucleus of the arm.
    assert (np.median(arm[:, :, 1:7], axis=(0, 1)) > 0.5).all()
    assert (np.median(nucleus, axis=(0, 1)) > np.median(arm, axis=(0, 1))).all()
    assert stretched.max() < 10
