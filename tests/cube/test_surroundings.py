# SPDX-License-Identifier: BSD-3-Clause
"""Bands of the surroundings, against astropy's convolution around gaps."""

import numpy as np
import pytest
from astropy.convolution import Gaussian2DKernel, convolve

from skesom.cube import Cube, SurroundingBands


@pytest.fixture
def cube(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    data = rng.normal(10, 1, (40, 36, 2))
    data[10:13, 20] = np.nan
    return Cube(
        data,
        band_names=["u", "g"],
        band_units=["Jy", None],
        fwhm=[0.6, 0.8],
        pixel_scale=(0.2, 0.2),
        errors=np.full_like(data, 0.5),
    )


def test_copies_are_weighted_means_of_the_valid_surroundings(cube):
    result = SurroundingBands(4.0, weight=0.3).fit_transform(cube)
    np.testing.assert_array_equal(result.data[:, :, :2], cube.data)
    kernel = Gaussian2DKernel(4.0 / np.sqrt(8 * np.log(2)), x_size=15, y_size=15)
    for band in range(2):
        expected = convolve(
            cube.data[:, :, band], kernel, boundary="fill", fill_value=np.nan
        )
        expected[np.isnan(cube.data[:, :, band])] = np.nan
        np.testing.assert_allclose(
            result.data[:, :, 2 + band], 0.3 * expected, rtol=2e-4
        )


def test_errors_fall_as_noise_averages_out(cube):
    result = SurroundingBands(4.0, weight=0.3).fit_transform(cube)
    sigma = 4.0 / np.sqrt(8 * np.log(2))
    # The squares of a Gaussian's weights add up to 1 / (4 pi sigma^2).
    expected = 0.3 * 0.5 / np.sqrt(4 * np.pi * sigma**2)
    assert result.errors[25, 8, 2] == pytest.approx(expected, rel=1e-3)
    np.testing.assert_array_equal(result.errors[:, :, :2], cube.errors)


def test_what_is_known_of_the_bands_goes_along(cube):
    result = SurroundingBands(3.0).fit_transform(cube)
    assert result.band_names == ("u", "g", "u around", "g around")
    assert [str(unit) for unit in result.band_units] == ["Jy", "None", "Jy", "None"]
    np.testing.assert_allclose(
        result.fwhm, [0.6, 0.8, np.hypot(0.6, 0.6), np.hypot(0.8, 0.6)]
    )


def test_bad_width_is_refused(cube):
    with pytest.raises(ValueError, match="'fwhm' parameter of SurroundingBands"):
        SurroundingBands(0).fit(cube)
