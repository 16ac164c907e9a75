# SPDX-License-Identifier: BSD-3-Clause
"""Bands on two scales: widths, masks, and values that are known by formula."""

import numpy as np
import pytest
from astropy import units as u

from skesom.cube import Cube, SpatialFeatures

SIGMA = 1 / (2 * np.sqrt(2 * np.log(2)))  # of a FWHM of 1


def gaussian(sigma, side=101):
    """Make a source of peak 1 in the middle of one band."""
    rows, columns = np.indices((side, side)) - side // 2
    return np.exp(-(rows**2 + columns**2) / (2 * sigma**2))[:, :, np.newaxis]


def peak_after(sigma, fwhm):
    """Return the peak of a source of peak 1 that a Gaussian of a FWHM smooths."""
    return sigma**2 / (sigma**2 + (SIGMA * fwhm) ** 2)


def test_a_source_loses_what_gaussians_tell():
    cube = Cube(gaussian(4.0), band_names=["r"])
    features = SpatialFeatures(smooth=2, surroundings=6, fwhm=1.5 * u.pixel)
    made = features.fit_transform(cube)
    assert made.band_names == ("r smooth", "r unsharp")
    smooth = peak_after(4.0, 3.0)
    unsharp = smooth - peak_after(4.0, 9.0)
    np.testing.assert_allclose(made.data[50, 50], [smooth, unsharp], rtol=2e-3)


def test_a_flat_image_stays_and_has_no_contrast():
    """Borders and gaps have no weight, or they would be dark."""
    data = np.full((40, 50, 2), 3.0)
    data[10:14, 20:30] = np.nan
    made = SpatialFeatures().fit_transform(data)
    missing = np.isnan(data[:, :, 0])
    assert np.isnan(made[missing]).all()
    wanted = np.tile([3.0, 3.0, 0.0, 0.0], (np.count_nonzero(~missing), 1))
    np.testing.assert_allclose(made[~missing], wanted, atol=1e-12)


def test_names_and_order_of_bands():
    cube = Cube(np.ones((9, 9, 2)), band_names=["g", "F657N"], fwhm=[1.0, 2.0])
    made = SpatialFeatures().fit_transform(cube)
    wanted = ("g smooth", "F657N smooth", "g unsharp", "F657N unsharp")
    assert made.band_names == wanted
    assert made.band_units == (None,) * 4
    assert np.isnan(made.fwhm).all()


def test_each_band_is_made_of_itself():
    data = np.random.default_rng(0).normal(size=(30, 30, 3))
    both = SpatialFeatures().fit_transform(data)
    alone = SpatialFeatures().fit_transform(data[:, :, 1:2])
    np.testing.assert_array_equal(both[:, :, [1, 4]], alone)


def test_the_width_is_that_of_the_widest_band():
    cube = Cube(np.ones((20, 20, 3)), fwhm=[1, 3, np.nan], pixel_scale=(0.5, 1.0))
    features = SpatialFeatures().fit(cube)
    assert features.psf_width_ == 3.0
    np.testing.assert_array_equal(features.psf_pixels_, [6.0, 3.0])


@pytest.mark.parametrize(
    "description", [{}, {"fwhm": [1.0]}, {"pixel_scale": (0.5, 0.5)}]
)
def test_an_unknown_width_is_three_pixels(description):
    features = SpatialFeatures().fit(Cube(np.ones((20, 20, 1)), **description))
    assert np.isnan(features.psf_width_)
    np.testing.assert_array_equal(features.psf_pixels_, [3.0, 3.0])


@pytest.mark.parametrize("fwhm", [2.0, 2 * u.arcsec, 4 * u.pixel])
def test_a_width_may_be_given(fwhm):
    cube = Cube(gaussian(4.0), fwhm=[9.0], pixel_scale=(0.5, 0.5))
    made = SpatialFeatures(fwhm=fwhm).fit_transform(cube)
    assert made.data[50, 50, 0] == pytest.approx(peak_after(4.0, 4.0), rel=2e-3)


def test_arcsec_are_kept_on_other_pixels():
    """The same source on pixels of half the size, by the fit of the larger ones."""
    coarse = Cube(gaussian(3.0), pixel_scale=(1.0, 1.0), fwhm=[2.0])
    fine = Cube(gaussian(6.0, 201), pixel_scale=(0.5, 0.5), fwhm=[2.0])
    features = SpatialFeatures().fit(coarse)
    np.testing.assert_allclose(
        features.transform(fine).data[100, 100],
        features.transform(coarse).data[50, 50],
        rtol=2e-3,
    )


def test_surroundings_may_be_wider_than_the_image():
    data = np.random.default_rng(0).normal(size=(12, 15, 1))
    made = SpatialFeatures(surroundings=1e12).fit_transform(data)
    smooth, unsharp = np.moveaxis(made, 2, 0)
    assert np.ptp(smooth - unsharp) < 0.1 * np.ptp(smooth)  # nearly one mean


@pytest.fixture
def data():
    data = np.random.default_rng(0).normal(size=(20, 20, 3))
    data[3, 4, 0] = np.nan
    data[8, 9, :2] = np.nan
    return data


def test_all_bands_are_needed_by_default(data):
    made = SpatialFeatures().fit_transform(data)
    missing = np.isnan(data).any(axis=2)
    np.testing.assert_array_equal(np.isnan(made).all(axis=2), missing)
    np.testing.assert_array_equal(np.isnan(made).any(axis=2), missing)


def test_min_bands_lets_pixels_through(data):
    made = SpatialFeatures(min_bands=2).fit_transform(data)
    assert np.isnan(made[3, 4]).tolist() == [True, False, False] * 2
    assert np.isnan(made[8, 9]).all()


def test_values_under_a_mask_do_not_matter(data):
    cube = np.where(np.isnan(data), 1e6, data)
    masked = np.ma.masked_array(cube, np.isnan(data))
    made = SpatialFeatures().fit_transform(Cube(masked)).data
    np.testing.assert_array_equal(made, SpatialFeatures().fit_transform(data))


def test_errors_are_not_passed_on():
    data = np.random.default_rng(0).normal(size=(20, 20, 2))
    cube = Cube(data, errors=np.ones(data.shape))
    with pytest.warns(UserWarning, match="SpatialFeatures passes none on"):
        features = SpatialFeatures().fit(cube)
    made = features.transform(cube)
    assert made.errors is None
    np.testing.assert_array_equal(made.data, features.transform(data))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"smooth": 8.0}, r"surroundings=8\.0 must be wider than smooth=8\.0"),
        ({"min_bands": 3}, "min_bands=3 exceeds the 2 bands"),
        ({"fwhm": 1.5 * u.arcsec}, "fwhm is an angle, .* Give it in pixels"),
        ({"fwhm": -1 * u.pixel}, "finite and not negative"),
        ({"fwhm": 0 * u.pixel}, "one positive width"),
        ({"fwhm": [1, 2] * u.pixel}, "one positive width"),
        ({"fwhm": 2 * u.Jy}, "fwhm must be an angle or in pixels"),
    ],
)
def test_messages_say_which_parameter_is_wrong(parameters, message):
    with pytest.raises(ValueError, match=message):
        SpatialFeatures(**parameters).fit(np.ones((9, 9, 2)))
