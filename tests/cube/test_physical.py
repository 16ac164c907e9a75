# SPDX-License-Identifier: BSD-3-Clause
"""Cubes whose bands are all calibrated, in one unit."""

import numpy as np
import pytest
from astropy import units as u

from skesom.cube import Cube, to_physical


def calibrated(names=("F438W", "F814W"), **options):
    return Cube(np.full((2, 3, len(names)), 2.0), band_names=names, **options)


def test_optical_bands_have_a_surface_brightness_per_wavelength():
    places = [432.5, 802.4] * u.nm
    points = {"zero_points": [24.8, 25.1], "band_coordinates": places}
    cube = to_physical(calibrated(pixel_scale=(0.04, 0.05), **points))
    # 3631 Jy is a magnitude of 0; c / wavelength^2 turns it to a density per length.
    jansky = 3631 * 10 ** (-0.4 * np.array(points["zero_points"])) * u.Jy
    speed = 299792.458 * u.km / u.s
    expected = 2 * jansky * speed / places**2 / (0.002 * u.arcsec**2)
    np.testing.assert_allclose(
        cube.data[0, 0],
        (expected / cube.band_units[0]).to_value(u.one),
        rtol=1e-3,
    )


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
    assert to_physical(cube).band_units == (u.Unit(unit),) * 2


def test_units_are_enough():
    cube = calibrated(band_units=["mJy", "MJy / sr"], pixel_scale=(1, 1))
    assert to_physical(cube) is not None


@pytest.mark.parametrize(
    "known",
    [{}, {"zero_points": [25, np.nan]}, {"band_units": ["electron / s", "uJy"]}],
)
def test_nothing_is_made_up_of_a_band_that_is_not_calibrated(known):
    assert to_physical(calibrated(**known)) is None
