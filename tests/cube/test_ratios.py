# SPDX-License-Identifier: BSD-3-Clause
"""BandRatios: colors as logarithms of ratios, tame within the noise."""

import numpy as np
import pytest
from astropy import units

from skesom.cube import BandRatios, Cube

NOISE = np.array([1.0, 2.0, 0.5])


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def field(rng):
    """Sky at 7 with two sources of one color."""
    flux = rng.normal(7, NOISE, (64, 64, 3))
    flux[10, 10] = 7 + np.array([1e6, 1e5, 1e7])
    flux[50, 50] = 7 + np.array([1e8, 1e7, 1e9])
    return flux


@pytest.mark.parametrize("method", ["asinh", "log"])
class TestBothMethods:
    """Where all is bright they are the same."""

    def test_ratios_of_bright_pixels(self, field, method):
        ratios = BandRatios(method=method).fit_transform(field)
        for place in (10, 50):
            np.testing.assert_allclose(ratios[place, place], [-1, 1], atol=1e-4)

    def test_reference_by_name_and_number(self, field, method):
        cube = Cube(field, band_names="BVI")
        by_name = BandRatios("V", method=method).fit_transform(cube)
        by_number = BandRatios(1, method=method).fit_transform(cube)
        assert by_name.band_names == by_number.band_names == ("B/V", "I/V")
        np.testing.assert_array_equal(by_name.data, by_number.data)
        np.testing.assert_allclose(by_name.data[10, 10], [1, 2], atol=1e-4)

    def test_brightness_is_the_reference_band(self, field, method):
        bands = BandRatios(2, method=method, brightness=True).fit_transform(field)
        assert bands.shape == (64, 64, 3)
        np.testing.assert_allclose(bands[[10, 50], [10, 50], 2], [7, 9], atol=1e-4)

    def test_units_do_not_matter(self, field, method):
        cube = Cube(field, band_units=["Jy", None, "Jy"])
        mixed = Cube(field * [1, 1, 1e6], band_units=["Jy", None, "uJy"])
        np.testing.assert_allclose(
            BandRatios(method=method).fit_transform(mixed).data,
            BandRatios(method=method).fit_transform(cube).data,
            rtol=1e-8,
            atol=1e-10,
        )

    def test_missing_reference_takes_the_pixel_other_bands_only_theirs(
        self, field, method
    ):
        field[10, 10, 1] = field[50, 50, 0] = np.nan
        ratios = BandRatios(method=method).fit_transform(field)
        np.testing.assert_array_equal(np.isnan(ratios[10, 10]), [True, False])
        assert np.isnan(ratios[50, 50]).all()

    def test_errors_against_realisations(self, rng, method):
        spectra = np.array([[300.0, 100, 50], [40, 30, 90], [7, 9, 4]])
        sigma = np.array([0.05, 0.03, 0.02])
        options = {"noise": NOISE, "subtract_sky": False, "brightness": True}
        bands = BandRatios(method=method, **options)
        many = spectra[:, None] + rng.normal(0, sigma, (3, 40_000, 3))
        expected = bands.fit_transform(many).std(axis=1)
        cube = Cube(spectra[:, None], errors=np.broadcast_to(sigma, (3, 1, 3)))
        errors = bands.fit_transform(cube).errors[:, 0]
        np.testing.assert_allclose(errors, expected, rtol=0.02)


class TestNearTheNoise:
    """What becomes of fluxes that have no logarithm."""

    def test_logarithm_of_noise_is_none(self, rng):
        flux = np.array([[[10.0, 10, 10], [3, 10, 10], [3.01, 5, 10], [10, 7, -1]]])
        bands = BandRatios(method="log", noise=NOISE, subtract_sky=False)
        ratios = bands.fit_transform(flux)[0]
        # Three times the noise is 3, 6 and 1.5, and has to be exceeded.
        np.testing.assert_array_equal(
            np.isnan(ratios), [[0, 0], [1, 1], [1, 0], [0, 1]]
        )
        np.testing.assert_allclose(ratios[3, 0], np.log10(0.7))

    def test_differences_of_asinh_magnitudes(self, rng):
        flux = rng.normal(0, 4, (5, 6, 3))
        ratios = BandRatios(noise=NOISE, subtract_sky=False, softening=2).fit_transform(
            flux
        )
        # Lupton et al. (1999), eq. 3, for zero points of 0 and b = softening * n / 2.
        b = NOISE
        magnitudes = -2.5 / np.log(10) * (np.arcsinh(flux / (2 * b)) + np.log(b))
        expected = -0.4 * (magnitudes[:, :, 1:] - magnitudes[:, :, :1])
        np.testing.assert_allclose(ratios, expected, rtol=1e-10, atol=1e-12)

    def test_empty_sky_has_one_color(self, field):
        ratios = BandRatios().fit_transform(field)[:, :45]
        assert np.isfinite(ratios).all()
        expected = np.log10(NOISE[1:] / NOISE[0])
        np.testing.assert_allclose(np.median(ratios, axis=(0, 1)), expected, atol=0.02)
        assert (ratios.std(axis=(0, 1)) < 0.25).all()


class TestDescription:
    """What the new bands are."""

    def test_cube(self, field):
        cube = Cube(
            field,
            band_units=["Jy"] * 3,
            band_coordinates=[0.44, 0.55, 0.8] * units.um,
            fwhm=[0.1, 0.1, 0.1],
        )
        ratios = BandRatios(brightness=True).fit_transform(cube)
        assert ratios.band_names == ("band 2/band 1", "band 3/band 1", "brightness")
        assert ratios.band_units == (units.dimensionless_unscaled,) * 3
        assert ratios.band_coordinates is None
        np.testing.assert_array_equal(ratios.fwhm, [0.1] * 3)


class TestRefusals:
    """What cannot be divided."""

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("Z", r"no band 'Z' .* \['B', 'V', 'I'\]"),
            (3, "no band number 3 .* 3 bands are counted from 0"),
            (-1, "no band number -1"),
        ],
    )
    def test_reference(self, field, reference, message):
        with pytest.raises(ValueError, match=message):
            BandRatios(reference).fit(Cube(field, band_names="BVI"))

    def test_one_band(self, field):
        with pytest.raises(ValueError, match="two bands at least, got one"):
            BandRatios().fit(field[:, :, :1])

    def test_constant_band(self, field):
        field[:, :, 1] = 3
        with pytest.raises(ValueError, match=r"constant.*'band 2'\. Leave them out"):
            BandRatios().fit(field)
        BandRatios(noise=1.0).fit(field)

    def test_units_of_other_kinds(self, field):
        cube = Cube(field, band_units=["Jy", "Jy", "MJy / sr"])
        with pytest.raises(ValueError, match="'band 3' is in MJy / sr"):
            BandRatios().fit(cube)
