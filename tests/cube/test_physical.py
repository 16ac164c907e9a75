# SPDX-License-Identifier: BSD-3-Clause
"""The unit of cubes whose bands are all calibrated."""

import numpy as np
import pytest
from astropy import units as u

from skesom.cube import Cube
from skesom.cube.flux.physical import physical_factors


def calibrated(names=("F438W", "F814W"), **options):
    return Cube(np.full((2, 3, len(names)), 2.0), band_names=names, **options)


def test_optical_bands_have_a_surface_brightness_per_wavelength():
    wavelengths = [432.5, 802.4] * u.nm
    cube = calibrated(
        pixel_scale=(0.04, 0.05),
        zero_points=[24.8, 25.1],
        band_coordinates=wavelengths,
    )
    factors, unit = physical_factors(cube)
    # 3631 Jy is a magnitude of 0; c / wavelength^2 turns it to a density per length.
    flux = 3631 * 10 ** (-0.4 * np.array([24.8, 25.1])) * u.Jy
    speed = 299792.458 * u.km / u.s
    expected = flux * speed / wavelengths**2 / (0.002 * u.arcsec**2)
    expected = (expected / unit).to_value(u.one)
    np.testing.assert_allclose(factors, expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("names", "scale", "unit"),
    [
        (["F438W", "F814W"], None, "1e-18 erg / (s cm2 Angstrom)"),
        (["F438W", "irac1"], (1, 1), "MJy / sr"),
        (["F438W", "irac1"], None, "uJy"),
        (["F438W", "a"], None, "uJy"),
    ],
)
def test_unit_suits_wavelengths_and_pixels(names, scale, unit):
    cube = calibrated(names, zero_points=[25, 25], pixel_scale=scale)
    assert physical_factors(cube)[1] == u.Unit(unit)


@pytest.mark.parametrize(
    ("wavelength", "letters"), [(2999.9, "Angstrom"), (3000.1, "Jy")]
)
def test_optical_ends_at_3_um(wavelength, letters):
    wavelengths = [800, wavelength] * u.nm
    cube = calibrated(zero_points=[25, 25], band_coordinates=wavelengths)
    assert letters in physical_factors(cube)[1].to_string()


def test_units_are_enough_and_one_that_all_bands_have_stays():
    factors, unit = physical_factors(calibrated(band_units=["mJy", "mJy"]))
    assert (factors.tolist(), unit) == ([1, 1], u.mJy)
    cube = calibrated(band_units=["mJy", "MJy / sr"], pixel_scale=(1, 1))
    assert physical_factors(cube)[1] == u.Unit("1e-18 erg / (s cm2 Angstrom arcsec2)")


@pytest.mark.parametrize(
    "description",
    [{}, {"zero_points": [25, np.nan]}, {"band_units": ["electron / s", "uJy"]}],
)
def test_nothing_is_made_up_of_a_band_that_is_not_calibrated(description):
    assert physical_factors(calibrated(**description)) == (None, None)
