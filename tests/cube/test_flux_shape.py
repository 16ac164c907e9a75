# SPDX-License-Identifier: BSD-3-Clause
"""FluxShape: shares of the sum, which say nothing of brightness."""

import numpy as np
import pytest
from astropy import units

from skesom.cube import Cube, FluxShape

NOISE = np.array([1.0, 2.0, 2.0])  # of the sum: 3


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


class TestShares:
    """What the numbers are."""

    def test_bright_pixels_have_shares_whatever_their_brightness(self, field):
        shape = FluxShape().fit_transform(field)
        for column in (10, 50):
            np.testing.assert_allclose(shape[10, column], [0.5, 0.3, 0.2], atol=2e-4)
            np.testing.assert_allclose(shape[50, column], [0.1, 0.1, 0.8], atol=2e-4)

    def test_sky_goes_to_zero(self, field):
        fitted = FluxShape().fit(field)
        np.testing.assert_allclose(fitted.sky_level_, 5, atol=0.3)
        assert fitted.total_noise_ == pytest.approx(3, rel=0.05)
        sky = fitted.transform(field)[20:40, 20:40]
        # Near no flux a value is f / (3 n).
        np.testing.assert_allclose(sky.std(axis=(0, 1)), NOISE / 9, rtol=0.2)

    def test_formula(self, rng):
        flux = rng.normal(0, 5, (6, 7, 3))
        shape = FluxShape(
            softening=2, noise=NOISE, subtract_sky=False, brightness=True
        ).fit_transform(flux)
        for spectrum, values in zip(
            flux.reshape(-1, 3), shape.reshape(-1, 4), strict=True
        ):
            total = sum(spectrum)
            np.testing.assert_allclose(
                values[:3], spectrum / (total**2 + 6**2) ** 0.5, rtol=1e-12
            )
            assert values[3] == pytest.approx(np.arcsinh(total / 6))

    def test_a_missing_band_takes_the_pixel(self, field):
        field[3, 4, 1] = np.nan
        shape = FluxShape(brightness=True).fit_transform(field)
        assert np.isnan(shape[3, 4]).all()
        assert np.isnan(shape).sum() == 4

    def test_tiny_single_precision_fluxes(self, field):
        expected = FluxShape().fit_transform(field)
        single = FluxShape().fit_transform((field * 1e-30).astype(np.float32))
        np.testing.assert_allclose(single, expected, atol=1e-5)

    def test_constant_bands(self):
        with pytest.raises(ValueError, match=r"constant.*band 1.*band 2"):
            FluxShape().fit(np.ones((20, 20, 2)))


class TestDescription:
    """Names, units and places of the new bands."""

    def test_cube(self, field):
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

    def test_widths_that_differ_are_no_longer_known(self, field):
        shape = FluxShape().fit_transform(Cube(field, fwhm=[0.1, 0.2, 0.1]))
        assert np.isnan(shape.fwhm).all()


class TestUnits:
    """Fluxes are added in one unit."""

    def test_other_units_are_converted(self, field):
        cube = Cube(field, band_units=["Jy"] * 3)
        mixed = Cube(field * [1, 1e3, 1e6], band_units=["Jy", "mJy", "uJy"])
        np.testing.assert_allclose(
            FluxShape().fit_transform(mixed).data,
            FluxShape().fit_transform(cube).data,
            rtol=1e-9,
            atol=1e-12,
        )
        np.testing.assert_allclose(
            FluxShape().fit(mixed).unit_factors_, [1, 1e-3, 1e-6]
        )

    def test_other_kinds_are_refused(self, field):
        cube = Cube(field, band_names="BVI", band_units=["Jy", None, "electron / s"])
        with pytest.raises(ValueError, match=r"'I' is in electron / s.*'B' in Jy"):
            FluxShape().fit(cube)

    def test_unknown_units_that_cannot_be_common(self, field):
        with pytest.warns(UserWarning, match=r"'band 3' is .*'band 1'.*not all units"):
            FluxShape().fit(field * [1, 1, 1e13])
        FluxShape().fit(Cube(field * [1, 1, 1e13], band_units=["Jy"] * 3))


class TestErrors:
    """Errors follow the values."""

    @pytest.mark.parametrize("brightness", [False, True])
    def test_against_realisations(self, rng, brightness):
        spectra = np.array([[300.0, 100, 50], [2, 3, -1], [0, 0, 0], [-40, 70, 10]])
        sigma = np.array([0.3, 0.5, 0.02])
        options = {"noise": NOISE, "subtract_sky": False, "brightness": brightness}
        many = spectra[:, None] + rng.normal(0, sigma, (4, 40_000, 3))
        expected = FluxShape(**options).fit_transform(many).std(axis=1)
        cube = Cube(spectra[:, None], errors=np.broadcast_to(sigma, (4, 1, 3)))
        shape = FluxShape(**options).fit_transform(cube)
        np.testing.assert_allclose(shape.errors[:, 0], expected, rtol=0.02)

    def test_unknown_errors_stay_unknown(self, field):
        errors = np.ones_like(field)
        errors[2, 2, 0] = np.nan
        shape = FluxShape().fit_transform(Cube(field, errors=errors))
        assert np.isnan(shape.errors[2, 2]).all()
        assert np.isfinite(shape.errors[2, 3]).all()
        assert FluxShape().fit_transform(Cube(field)).errors is None
