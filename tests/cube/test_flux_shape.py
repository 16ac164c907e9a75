# SPDX-License-Identifier: BSD-3-Clause
"""FluxShape: shares of the sum or ratios of bands, without brightness."""

import numpy as np
import pytest
from astropy import units

from skesom.cube import Cube, FluxShape

NOISE = np.array([1.0, 2.0, 2.0])  # of the sum: 3
BAND_NOISE = np.array([1.0, 2.0, 0.5])


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def field(rng):
    """Sky at 5, with four sources of two shapes and two brightnesses."""
    flux = rng.normal(5, NOISE, (64, 64, 3))
    flux[10, 10] = 5 + 1e5 * np.array([0.5, 0.3, 0.2])
    flux[10, 50] = 5 + 1e7 * np.array([0.5, 0.3, 0.2])
    flux[50, 10] = 5 + 1e5 * np.array([0.1, 0.1, 0.8])
    flux[50, 50] = 5 + 1e7 * np.array([0.1, 0.1, 0.8])
    return flux


@pytest.fixture
def colored(rng):
    """Sky at 7 with two sources of one color."""
    flux = rng.normal(7, BAND_NOISE, (64, 64, 3))
    flux[10, 10] = 7 + np.array([1e6, 1e5, 1e7])
    flux[50, 50] = 7 + np.array([1e8, 1e7, 1e9])
    return flux


def test_bright_pixels_have_shares_whatever_their_brightness(field):
    shape = FluxShape().fit_transform(field)
    for column in (10, 50):
        np.testing.assert_allclose(shape[10, column], [0.5, 0.3, 0.2], atol=2e-4)
        np.testing.assert_allclose(shape[50, column], [0.1, 0.1, 0.8], atol=2e-4)


def test_sky_goes_to_zero(field):
    fitted = FluxShape().fit(field)
    np.testing.assert_allclose(fitted.sky_level_, 5, atol=0.3)
    assert fitted.total_noise_ == pytest.approx(3, rel=0.05)
    sky = fitted.transform(field)[20:40, 20:40]
    # Near no flux a value is f / (3 n).
    np.testing.assert_allclose(sky.std(axis=(0, 1)), NOISE / 9, rtol=0.2)


def test_shares_follow_the_definition(rng):
    flux = rng.normal(0, 5, (6, 7, 3))
    shape = FluxShape(
        softening=2, noise=NOISE, subtract_sky=False, brightness=True
    ).fit_transform(flux)
    for spectrum, values in zip(flux.reshape(-1, 3), shape.reshape(-1, 4), strict=True):
        total = sum(spectrum)
        np.testing.assert_allclose(
            values[:3], spectrum / (total**2 + 6**2) ** 0.5, rtol=1e-12
        )
        assert values[3] == pytest.approx(np.arcsinh(total / 6))


def test_a_missing_band_takes_the_pixel(field):
    field[3, 4, 1] = np.nan
    shape = FluxShape(brightness=True).fit_transform(field)
    assert np.isnan(shape[3, 4]).all()
    assert np.isnan(shape).sum() == 4


def test_tiny_single_precision_fluxes(field):
    expected = FluxShape().fit_transform(field)
    single = FluxShape().fit_transform((field * 1e-30).astype(np.float32))
    np.testing.assert_allclose(single, expected, atol=1e-5)


def test_the_cube_describes_shares_and_ratios(field):
    cube = Cube(
        field,
        band_names=["B", "V", "I"],
        band_units=["Jy"] * 3,
        band_coordinates=[0.44, 0.55, 0.8] * units.um,
        fwhm=[0.1, 0.1, 0.1],
    )
    shape = FluxShape(brightness=True).fit_transform(cube)
    assert shape.band_names == ("B", "V", "I", "brightness")
    assert shape.band_units == (units.dimensionless_unscaled,) * 4
    np.testing.assert_array_equal(shape.fwhm, [0.1] * 4)
    np.testing.assert_allclose(
        shape.band_coordinates.to_value("nm"), [440, 550, 800, np.nan]
    )
    plain = FluxShape().fit_transform(cube)
    assert plain.band_names == cube.band_names
    np.testing.assert_array_equal(plain.band_coordinates, cube.band_coordinates)
    ratios = FluxShape(0, brightness=True).fit_transform(cube)
    assert ratios.band_names == ("V/B", "I/B", "brightness")
    assert ratios.band_units == (units.dimensionless_unscaled,) * 3
    assert ratios.band_coordinates is None
    np.testing.assert_array_equal(ratios.fwhm, [0.1] * 3)
    # Widths that differ are no longer known.
    shape = FluxShape().fit_transform(cube.replace(fwhm=[0.1, 0.2, 0.1]))
    assert np.isnan(shape.fwhm).all()


def test_fluxes_are_added_in_one_unit(field):
    cube = Cube(field, band_units=["Jy"] * 3)
    mixed = Cube(field * [1, 1e3, 1e6], band_units=["Jy", "mJy", "uJy"])
    np.testing.assert_allclose(
        FluxShape().fit_transform(mixed).data,
        FluxShape().fit_transform(cube).data,
        rtol=1e-9,
        atol=1e-12,
    )
    np.testing.assert_allclose(FluxShape().fit(mixed).unit_factors_, [1, 1e-3, 1e-6])


@pytest.mark.parametrize("reference", [None, 0])
def test_units_of_several_kinds_are_refused(field, reference):
    cube = Cube(field, band_names="BVI", band_units=["Jy", None, "electron / s"])
    with pytest.raises(ValueError, match=r"'I' is in electron / s.*'B' in Jy"):
        FluxShape(reference).fit(cube)


def test_a_sum_over_unlike_units_is_warned_of(field):
    with pytest.warns(UserWarning, match=r"'band 3' is .*'band 1'.*not all units"):
        FluxShape().fit(field * [1, 1, 1e13])
    FluxShape().fit(Cube(field * [1, 1, 1e13], band_units=["Jy"] * 3))


@pytest.mark.parametrize("brightness", [False, True])
def test_errors_of_shares_against_realisations(rng, brightness):
    spectra = np.array([[300.0, 100, 50], [2, 3, -1], [0, 0, 0], [-40, 70, 10]])
    sigma = np.array([0.3, 0.5, 0.02])
    options = {"noise": NOISE, "subtract_sky": False, "brightness": brightness}
    many = spectra[:, None] + rng.normal(0, sigma, (4, 40_000, 3))
    expected = FluxShape(**options).fit_transform(many).std(axis=1)
    cube = Cube(spectra[:, None], errors=np.broadcast_to(sigma, (4, 1, 3)))
    shape = FluxShape(**options).fit_transform(cube)
    np.testing.assert_allclose(shape.errors[:, 0], expected, rtol=0.02)


def test_unknown_errors_stay_unknown(field):
    errors = np.ones_like(field)
    errors[2, 2, 0] = np.nan
    shape = FluxShape().fit_transform(Cube(field, errors=errors))
    assert np.isnan(shape.errors[2, 2]).all()
    assert np.isfinite(shape.errors[2, 3]).all()
    assert FluxShape().fit_transform(Cube(field)).errors is None


@pytest.mark.parametrize("method", ["asinh", "log"])
def test_both_methods_agree_in_bright_pixels(colored, method):
    ratios = FluxShape(0, method=method).fit_transform(colored)
    np.testing.assert_allclose(ratios[10, 10], [-1, 1], atol=1e-4)
    np.testing.assert_allclose(ratios[50, 50], [-1, 1], atol=1e-4)
    bands = FluxShape(2, method=method, brightness=True).fit_transform(colored)
    assert bands.shape == (64, 64, 3)
    np.testing.assert_allclose(bands[[10, 50], [10, 50], 2], [7, 9], atol=1e-4)


@pytest.mark.parametrize("method", ["asinh", "log"])
def test_reference_by_name_and_number(colored, method):
    cube = Cube(colored, band_names="BVI")
    by_name = FluxShape("V", method=method).fit_transform(cube)
    by_number = FluxShape(1, method=method).fit_transform(cube)
    assert by_name.band_names == by_number.band_names == ("B/V", "I/V")
    np.testing.assert_array_equal(by_name.data, by_number.data)
    np.testing.assert_allclose(by_name.data[10, 10], [1, 2], atol=1e-4)


@pytest.mark.parametrize("method", ["asinh", "log"])
def test_units_do_not_change_ratios(colored, method):
    cube = Cube(colored, band_units=["Jy", None, "Jy"])
    mixed = Cube(colored * [1, 1, 1e6], band_units=["Jy", None, "uJy"])
    np.testing.assert_allclose(
        FluxShape(0, method=method).fit_transform(mixed).data,
        FluxShape(0, method=method).fit_transform(cube).data,
        rtol=1e-8,
        atol=1e-10,
    )


@pytest.mark.parametrize("method", ["asinh", "log"])
def test_missing_reference_takes_the_pixel_other_bands_only_theirs(colored, method):
    colored[10, 10, 1] = colored[50, 50, 0] = np.nan
    ratios = FluxShape(0, method=method).fit_transform(colored)
    np.testing.assert_array_equal(np.isnan(ratios[10, 10]), [True, False])
    assert np.isnan(ratios[50, 50]).all()


@pytest.mark.parametrize("method", ["asinh", "log"])
def test_errors_of_ratios_against_realisations(rng, method):
    spectra = np.array([[300.0, 100, 50], [40, 30, 90], [7, 9, 4]])
    sigma = np.array([0.05, 0.03, 0.02])
    options = {"noise": BAND_NOISE, "subtract_sky": False, "brightness": True}
    bands = FluxShape(0, method=method, **options)
    many = spectra[:, None] + rng.normal(0, sigma, (3, 40_000, 3))
    expected = bands.fit_transform(many).std(axis=1)
    cube = Cube(spectra[:, None], errors=np.broadcast_to(sigma, (3, 1, 3)))
    errors = bands.fit_transform(cube).errors[:, 0]
    np.testing.assert_allclose(errors, expected, rtol=0.02)


def test_noise_has_no_logarithm(rng):
    flux = np.array([[[10.0, 10, 10], [3, 10, 10], [3.01, 5, 10], [10, 7, -1]]])
    bands = FluxShape(0, method="log", noise=BAND_NOISE, subtract_sky=False)
    ratios = bands.fit_transform(flux)[0]
    # Three times the noise is 3, 6 and 1.5, and has to be exceeded.
    np.testing.assert_array_equal(np.isnan(ratios), [[0, 0], [1, 1], [1, 0], [0, 1]])
    np.testing.assert_allclose(ratios[3, 0], np.log10(0.7))


def test_differences_of_asinh_magnitudes(rng):
    flux = rng.normal(0, 4, (5, 6, 3))
    ratios = FluxShape(
        0, noise=BAND_NOISE, subtract_sky=False, softening=2
    ).fit_transform(flux)
    # Lupton et al. (1999), eq. 3, for zero points of 0 and b = softening * n / 2.
    b = BAND_NOISE
    magnitudes = -2.5 / np.log(10) * (np.arcsinh(flux / (2 * b)) + np.log(b))
    expected = -0.4 * (magnitudes[:, :, 1:] - magnitudes[:, :, :1])
    np.testing.assert_allclose(ratios, expected, rtol=1e-10, atol=1e-12)


def test_empty_sky_has_one_color(colored):
    ratios = FluxShape(0).fit_transform(colored)[:, :45]
    assert np.isfinite(ratios).all()
    expected = np.log10(BAND_NOISE[1:] / BAND_NOISE[0])
    np.testing.assert_allclose(np.median(ratios, axis=(0, 1)), expected, atol=0.02)
    assert (ratios.std(axis=(0, 1)) < 0.25).all()


@pytest.mark.parametrize(
    ("names", "reference", "message"),
    [
        ("BVI", "Z", r"no band 'Z' .* \['B', 'V', 'I'\]"),
        ("BVI", 3, "no band number 3 .* 3 bands are counted from 0"),
        ("BVI", -1, "no band number -1"),
        ("B", 0, "two bands at least, got one"),
    ],
)
def test_a_reference_that_is_not_there_is_refused(colored, names, reference, message):
    cube = Cube(colored[:, :, : len(names)], band_names=names)
    with pytest.raises(ValueError, match=message):
        FluxShape(reference).fit(cube)


def test_constant_bands_are_refused(colored):
    with pytest.raises(ValueError, match=r"constant.*band 1.*band 2"):
        FluxShape().fit(np.ones((20, 20, 2)))
    colored[:, :, 1] = 3
    with pytest.raises(ValueError, match=r"constant.*'band 2'\. Leave them out"):
        FluxShape(0).fit(colored)
    FluxShape(0, noise=1.0).fit(colored)
