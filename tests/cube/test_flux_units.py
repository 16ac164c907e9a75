# SPDX-License-Identifier: BSD-3-Clause
"""FluxUnitConverter: values against the formulae of handbooks, and clear refusals."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from skesom.cube import Cube, CubeAligner, FluxUnitConverter
from skesom.io import read_cube

SPEED_OF_LIGHT = 2.99792458e18  # Angstrom / s
ARCSEC = np.pi / 180 / 3600
FLAM = u.erg / u.s / u.cm**2 / u.AA


def pixel(value, unit=None, **description):
    """Return a cube of one pixel in one band."""
    return Cube([[[value]]], band_names=["r"], band_units=[unit], **description)


def convert(cube, unit="uJy", **options):
    """Return the value of the pixel in another unit."""
    return FluxUnitConverter(unit, **options).fit_transform(cube).data[0, 0, 0]


def convert_all(cube, unit="uJy", **options):
    """Return the first pixel in another unit."""
    return FluxUnitConverter(unit, **options).fit_transform(cube).data[0, 0]


@pytest.mark.parametrize(
    ("unit", "target", "factor"),
    [
        ("Jy", "uJy", 1e6),
        ("mJy / pix", "uJy", 1e3),
        ("uJy", u.nJy / u.pix, 1e3),
        # A pixel of 0.2 x 0.5 arcsec.
        ("MJy / sr", "uJy", 1e12 * 0.1 * ARCSEC**2),
        ("uJy / arcsec2", "uJy", 0.1),
        ("uJy", "uJy / arcsec2", 10.0),
        ("MJy / sr", "Jy / arcsec2", 1e6 * ARCSEC**2),
        # A Gaussian of 3 arcsec has an area of 1.1331 x 9 square arcsec.
        ("Jy / beam", "mJy", 1e3 * 0.1 / (np.pi / np.log(16) * 9)),
        ("Jy", "Jy / beam", np.pi / np.log(16) * 9 / 0.1),
        ("nmgy", "uJy", 3.63078054770),
        ("erg / (s cm2 Hz)", "Jy", 1e23),
        ("W / (m2 Hz sr)", "Jy / sr", 1e26),
        ("ct / s", "ct / min", 60),  # counts stay counts
    ],
)
def test_units_are_converted_as_handbooks_say(unit, target, factor):
    cube = pixel(2.0, unit, pixel_scale=(0.2, 0.5), fwhm=[3.0])
    assert convert(cube, target) == pytest.approx(2 * factor, rel=1e-9)


def test_the_size_of_pixels_comes_from_a_turned_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204, -30]
    # Scaled by PC and turned: 0.3 x 0.4 arcsec.
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    wcs.wcs.pc = turn @ np.diag([-3.0, 4.0])
    wcs.wcs.cdelt = [0.1 / 3600] * 2
    cube = pixel(1.0, "uJy / arcsec2", wcs=wcs)
    assert convert(cube) == pytest.approx(0.12, rel=1e-9)


def test_fluxes_per_wavelength_become_fluxes_per_frequency():
    cube = pixel(1e-18, FLAM, band_coordinates=[6000] * u.AA)
    expected = 1e-18 * 6000**2 / SPEED_OF_LIGHT * 1e23 * 1e6
    assert convert(cube) == pytest.approx(expected, rel=1e-9)
    assert convert(cube, "1e-18 erg / (s cm2 Angstrom)") == pytest.approx(1)
    back = pixel(expected, "uJy", band_coordinates=[SPEED_OF_LIGHT / 6000] * u.Hz)
    assert convert(back, FLAM) == pytest.approx(1e-18, rel=1e-9)

    cube = pixel(1.0, FLAM / u.sr, pixel_scale=(2.0, 3.0))
    expected = 6000**2 / SPEED_OF_LIGHT * 1e23 * 6 * ARCSEC**2
    found = convert(cube, "Jy", wavelengths=0.6 * u.um)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_zero_point_of_23_9_is_a_microjansky():
    """As m = -2.5 log10(erg / (s cm2 Hz)) - 48.6, of the cube or of the user."""
    cube = pixel(40.0, "ct")
    with_zero_point = cube.replace(zero_points=[23.9])
    assert convert(with_zero_point) == pytest.approx(40, rel=1e-9)
    assert convert(cube, calibration=23.9) == pytest.approx(40, rel=1e-9)
    assert convert(cube, calibration=23.9 * u.ABmag) == pytest.approx(40, rel=1e-9)


def test_an_st_magnitude_calibrates_at_its_wavelength():
    expected = 10 ** (-0.4 * (20 + 21.1)) * 5000**2 / SPEED_OF_LIGHT * 1e29
    found = convert(pixel(1.0), calibration=20 * u.STmag, wavelengths=5000 * u.AA)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_header_of_hubble_gives_the_magnitudes_of_its_handbook(tmp_path):
    """From the header of a mosaic to the magnitudes that its handbook gives."""
    header = fits.Header(
        {"BUNIT": "ELECTRONS/S", "PHOTFLAM": 1.4985e-19, "PHOTPLAM": 8039.06}
    )
    rate = np.geomspace(0.01, 1000, 20).reshape(4, 5)
    fits.writeto(tmp_path / "F814W.fits", rate, header)
    cube = read_cube(tmp_path / "F814W.fits", dtype=np.float64)
    converter = FluxUnitConverter("uJy").fit(cube)
    assert converter.sources_ == ("zero point",)
    flux = converter.transform(cube).data[:, :, 0] * u.uJy
    # WFC3 Instrument Handbook: ABMAG = -2.5 log PHOTFLAM - 5 log PHOTPLAM - 2.408
    zero_point = -2.5 * np.log10(1.4985e-19) - 5 * np.log10(8039.06) - 2.408
    expected = zero_point - 2.5 * np.log10(rate)
    np.testing.assert_allclose(flux.to_value(u.ABmag), expected, atol=5e-4)
    # The same by astropy's own hands.
    density = rate * 1.4985e-19 * FLAM
    density = density.to(u.uJy, u.spectral_density(8039.06 * u.AA))
    np.testing.assert_allclose(flux, density, rtol=1e-12)


def test_photflam_and_photfnu_calibrate_counts():
    cube = Cube(np.ones((1, 1, 2)), band_units=["electron / s", "DN / s"])
    flux = convert_all(
        cube,
        calibration=[1.4985e-19 * FLAM, 2e-7 * u.Jy],
        wavelengths={"band 1": 803.906 * u.nm},
    )
    expected = 1.4985e-19 * 8039.06**2 / SPEED_OF_LIGHT * 1e29
    np.testing.assert_allclose(flux, [expected, 0.2], rtol=1e-9)


def test_calibration_before_unit_before_zero_point():
    cube = Cube(
        np.ones((1, 1, 3)),
        band_units=["Jy", "Jy", "ct"],
        zero_points=[25, 25, 23.9],
    )
    converter = FluxUnitConverter("Jy", calibration={"band 1": 3 * u.Jy}).fit(cube)
    assert converter.sources_ == ("calibration", "unit", "zero point")
    np.testing.assert_allclose(converter.factors_, [3, 1, 1e-6], rtol=1e-9)


def test_a_wavelength_of_the_user_comes_before_that_of_the_cube():
    cube = pixel(1.0, FLAM, band_coordinates=[5000] * u.AA)
    ratio = convert(cube, wavelengths=[10_000 * u.AA]) / convert(cube)
    assert ratio == pytest.approx(4)


def test_a_calibration_of_nan_leaves_a_band_to_its_unit():
    cube = Cube(np.ones((1, 1, 2)), band_units=["Jy", "ct"])
    flux = convert_all(cube, "Jy", calibration=[np.nan, 2 * u.Jy])
    np.testing.assert_allclose(flux, [1, 2])


@pytest.fixture
def cube():
    data = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    data[1, 2, 0] = np.nan
    return Cube(
        data,
        band_names=["r", "i"],
        band_units=["mJy", "ct"],
        zero_points=[np.nan, 23.9],
        fwhm=[1.0, 2.0],
        pixel_scale=(0.5, 0.5),
        band_coordinates=[600, 800] * u.nm,
        errors=data / 10,
    )


def test_a_cube_keeps_all_but_its_fluxes_and_units(cube):
    new = FluxUnitConverter("nJy").fit_transform(cube)
    assert new.band_units == (u.nJy, u.nJy)
    assert np.isnan(new.zero_points).all()
    assert new.band_names == cube.band_names
    assert new.dtype == np.float32
    np.testing.assert_array_equal(new.fwhm, cube.fwhm)
    np.testing.assert_array_equal(new.band_coordinates, cube.band_coordinates)
    np.testing.assert_allclose(new.data[:, :, 0], cube.data[:, :, 0] * 1e6)
    np.testing.assert_allclose(new.errors, new.data / 10, rtol=1e-6)
    in_place = FluxUnitConverter("nJy", copy=False).fit_transform(cube)
    assert np.shares_memory(in_place.data, cube.data)
    np.testing.assert_array_equal(in_place.data, new.data)


def test_each_cube_by_its_own_units(cube):
    converter = FluxUnitConverter("mJy").fit(cube)
    other = cube.replace(band_units=["Jy", "Jy"])
    np.testing.assert_allclose(
        converter.transform(other).data, cube.data * np.float32(1e3)
    )
    np.testing.assert_allclose(
        converter.transform(cube.data), cube.data * [1, 1e-3], rtol=1e-6
    )
    with pytest.raises(ValueError, match="'r' is in ct"):
        converter.transform(cube.replace(band_units=["ct", "mJy"]))


def test_picked_rows_keep_the_size_of_their_pixels(cube):
    converter = FluxUnitConverter("MJy / sr").fit(cube)
    rows = converter.transform(cube[[2, 0]])
    np.testing.assert_array_equal(rows.data, converter.transform(cube).data[[2, 0]])


def test_surface_brightness_outlives_alignment():
    """A sky of 1 uJy / arcsec2 stays one through alignment."""

    def sky(n_pixels, size, name, value, unit):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [204, -30]
        wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
        wcs.wcs.cdelt = [-size / 3600, size / 3600]
        data = np.full((n_pixels, n_pixels, 1), value)
        return Cube(data, wcs=wcs, band_names=[name], band_units=[unit])

    cubes = [sky(40, 0.5, "r", 0.25, "uJy"), sky(10, 2.0, "K", 4e-6, "Jy / pix")]
    bright = FluxUnitConverter("uJy / arcsec2").fit_transform(cubes)
    assert [cube.shape for cube in bright] == [(40, 40, 1), (10, 10, 1)]
    aligned = CubeAligner().fit_transform(bright)
    np.testing.assert_allclose(aligned.data[2:8, 2:8], 1, rtol=1e-6)
    assert aligned.band_units == (u.uJy / u.arcsec**2,) * 2


@pytest.mark.parametrize(
    ("cube", "options", "message"),
    [
        (pixel(1.0), {}, r"'r' has no known unit .* uJy: its zero point .* calib"),
        (pixel(1.0, "ct"), {}, r"'r' is in ct .* uJy: its zero point is unknown"),
        (pixel(1.0, "K"), {}, "'r' is in K and cannot .*: its zero point"),
        (pixel(1.0, "MJy / sr"), {}, "'r' is in MJy / sr .* size of its pixels"),
        (
            pixel(1.0, "Jy / beam", pixel_scale=(1, 1)),
            {},
            r"'r' is in Jy / beam .*width of its beam.*Cube.replace\(fwhm",
        ),
        (pixel(1.0, "Jy / beam", fwhm=[1]), {}, "size of its pixels"),
        (pixel(1.0, FLAM), {}, "'r' is in erg .* wavelength .* wavelengths"),
        (
            pixel(1.0, FLAM, band_coordinates=[100] * u.km / u.s),
            {},
            "wavelength of the band, which is unknown",
        ),
        (pixel(1.0, "Jy"), {"unit": "K"}, "to K: K measures neither flux"),
        (pixel(1.0, "Jy"), {"unit": "parsnip"}, "not know the unit 'parsnip'"),
        (pixel(1.0, "Jy"), {"unit": "mag(AB)"}, "not of its logarithm"),
        (pixel(1.0), {"calibration": 3 * u.K}, "K measures neither flux"),
        (pixel(1.0), {"calibration": 3 * u.mag}, "mag measures neither flux"),
        (pixel(1.0), {"calibration": 3 * FLAM}, "depends on the wavelength"),
        (pixel(1.0), {"calibration": [1, 2]}, r" 1 bands \(r\), got 2"),
        (
            pixel(1.0),
            {"calibration": {"g": 1}},
            "calibration for 'g', .* bands are r",
        ),
        (pixel(1.0), {"calibration": ["25"]}, "calibration of band 'r' must .* '25'"),
        (pixel(1.0), {"calibration": [[25]]}, "a number or a Quantity"),
        (pixel(1.0), {"wavelengths": [500]}, "'r' needs a unit such as nm"),
        (pixel(1.0), {"wavelengths": 5 * u.kg}, "'r' needs a unit such as nm"),
    ],
)
def test_messages_say_what_is_missing_in_which_band(cube, options, message):
    options = {"unit": "uJy"} | options
    with pytest.raises(ValueError, match=message):
        FluxUnitConverter(**options).fit(cube)
