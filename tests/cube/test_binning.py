# SPDX-License-Identifier: BSD-3-Clause
"""Means of neighboring bands."""

import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import BandBinner, Cube


@pytest.fixture
def cube():
    """Make a cube of seven channels with holes and errors."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(5, 6, 7))
    data[rng.random(data.shape) < 0.2] = np.nan
    data[0, 0] = np.nan
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    return Cube(
        data,
        wcs=wcs,
        errors=rng.uniform(1, 2, data.shape),
        band_units=["Jy"] * 7,
        fwhm=[1, 2, 3, np.nan, 2, 1, 5],
        band_coordinates=np.arange(7) * u.km / u.s,
    )


def test_bins_are_means_of_the_values_that_are_present(cube):
    binned = BandBinner(3).fit_transform(cube)
    for number, bands in enumerate([slice(0, 3), slice(3, 6), slice(6, 7)]):
        present = np.ma.masked_invalid(cube.data[:, :, bands])
        expected = present.mean(axis=2).filled(np.nan)
        assert_allclose(binned.data[:, :, number], expected, rtol=1e-12)


def test_a_bin_describes_its_bands(cube):
    binned = BandBinner(3).fit_transform(cube)
    assert binned.band_names == ("band 1 to band 3", "band 4 to band 6", "band 7")
    assert_allclose(binned.band_coordinates.to_value("km/s"), [1, 4, 6])
    assert_array_equal(binned.fwhm, [3, np.nan, 5])
    assert set(binned.band_units) == {u.Jy}
    assert binned.wcs is cube.wcs


def test_errors_are_those_of_a_mean():
    """The scatter of many means of noise is the error that they get."""
    sigma = np.array([1.0, 2, 3, 4])
    noise = np.random.default_rng(1).normal(size=(200, 200, 4)) * sigma
    noise[:100, :, 1] = np.nan
    cube = Cube(noise, errors=np.broadcast_to(sigma, noise.shape))
    binned = BandBinner(4).fit_transform(cube)
    for rows in (slice(0, 100), slice(100, 200)):
        error = binned.errors[rows].mean()
        assert_allclose(binned.data[rows].std(), error, rtol=0.02)


@pytest.mark.parametrize(
    "description", [{"band_units": ["Jy", "ct"]}, {"zero_points": [25.0, 26]}]
)
def test_bands_in_different_units_are_refused(description):
    cube = Cube(np.zeros((2, 2, 2)), band_names=["r", "K"], **description)
    with pytest.raises(ValueError, match=r"'r' to 'K'.*FluxUnitConverter"):
        BandBinner(2).fit_transform(cube)
