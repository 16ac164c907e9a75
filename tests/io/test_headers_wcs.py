# SPDX-License-Identifier: BSD-3-Clause
"""Axes on the sky and along the spectrum, distortion, and beams, from headers."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.wcs import DistortionLookupTable
from numpy.testing import assert_allclose, assert_array_equal

from skesom.io import read_cube

SKY = [("RA---TAN", "deg", 204.0, -0.001), ("DEC--TAN", "deg", -29.0, 0.001)]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes an image with world axes and other cards."""

    def write_file(shape, axes, *extensions, **cards):
        hdu = fits.PrimaryHDU(np.arange(np.prod(shape), dtype="f4").reshape(shape))
        for i, (kind, unit, value, step) in enumerate(axes, 1):
            hdu.header[f"CTYPE{i}"], hdu.header[f"CUNIT{i}"] = kind, unit
            hdu.header[f"CRVAL{i}"], hdu.header[f"CDELT{i}"] = value, step
            hdu.header[f"CRPIX{i}"] = 2.0
        hdu.header.update(cards)
        path = tmp_path / "a.fits"
        fits.HDUList([hdu, *extensions]).writeto(path, overwrite=True)
        return path

    return write_file


# ---------------------------------------------------------------- spectral axes


@pytest.mark.parametrize(
    ("kind", "unit", "value", "step"),
    [
        ("FREQ", "GHz", 100.0, 0.5),
        ("FREQ", "Hz", 1.4e9, 1e6),
        ("WAVE", "Angstrom", 6563.0, 1.25),
        ("AWAV", "nm", 500.0, 2.0),
        ("VELO", "km/s", -50.0, 10.0),
        ("VRAD", "m/s", 1e5, 5e3),
        ("ENER", "eV", 500.0, 1.5),
    ],
)
def test_spectral_axis_is_kept_in_its_unit(write, kind, unit, value, step):
    path = write((3, 4, 5), [*SKY, (kind, unit, value, step)])
    cube = read_cube(path)
    assert cube.shape == (4, 5, 3)
    assert cube.wcs.naxis == 2
    assert cube.wcs.array_shape == (4, 5)
    assert cube.band_coordinates.unit == units.Unit(unit)
    wanted = [value - step, value, value + step]
    # WCSLIB counts in joules, with an electronvolt of another year.
    rtol = 1e-7 if kind == "ENER" else 1e-12
    assert_allclose(cube.band_coordinates.value, wanted, rtol=rtol)


@pytest.mark.parametrize(
    ("kind", "unit", "places", "known_as"),
    [
        ("LINEAR", "Angstrom", (4750.0, 1.25), "Angstrom"),
        ("", "nm", (475.0, 0.125), "nm"),
        ("LAMBDA", "ANGSTROM", (4750.0, 1.25), "Angstrom"),
        ("WAVELENG", "MICRON", (1.5, 0.01), "um"),
        ("WAVE", "micron", (1.5, 0.01), "um"),
        ("LINEAR", "KM/S", (400.0, 2.0), "km/s"),
        ("VELOCITY", "km/s", (400.0, 2.0), "km/s"),
        ("VELO-LSR", "km/s", (400.0, 2.0), "km/s"),
        ("VELO-HEL", "M/S", (4e5, 2e3), "m/s"),
        ("FREQ-LSR", "HZ", (1.4e9, -1e4), "Hz"),
        ("FREQUENC", "MHz", (1400.0, 0.5), "MHz"),
        ("ENERGY", "keV", (4.0, 0.1), "keV"),
    ],
)
def test_spectral_axis_in_other_words(write, kind, unit, places, known_as):
    value, step = places
    cube = read_cube(write((3, 4, 5), [*SKY, (kind, unit, value, step)]))
    assert cube.band_coordinates.unit == units.Unit(known_as)
    wanted = [value - step, value, value + step]
    # WCSLIB counts energies in joules, with an electronvolt of another year.
    assert_allclose(cube.band_coordinates.value, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "cards"), [("LINEAR", {"DC-FLAG": 1}), ("LOG-LAM", {})]
)
def test_logarithmic_wavelengths(write, kind, cards):
    cube = read_cube(write((3, 4, 5), [*SKY, (kind, "", 3.6, 1e-4)], **cards))
    wanted = 10.0 ** np.array([3.5999, 3.6, 3.6001])
    assert_allclose(cube.band_coordinates.to_value("Angstrom"), wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("kind", "unit", "value"),
    [
        ("LAMBDA", "", 4750.0),
        ("WAVE", "", 4750.0),
        ("FREQ", "", 1.42),
        ("WAVE", "furlong", 4750.0),
        ("LOG-LAM", "", 4750.0),
    ],
)
def test_spectral_axis_without_a_unit(write, kind, unit, value):
    path = write((3, 4, 5), [*SKY, (kind, unit, value, 1.0)])
    with pytest.warns(UserWarning, match=r"a\.fits.* unit of its spectral .* CUNIT3"):
        cube = read_cube(path)
    assert cube.band_coordinates is None
    assert_allclose(cube.wcs.wcs_pix2world([[1, 1]], 0), [[204.0, -29.0]])


def test_unknown_system_of_right_ascension(write):
    path = write((4, 5), SKY, RADESYS="DEC--TAN")
    with pytest.raises(ValueError, match=r"a\.fits.* WCS in the header is not valid"):
        read_cube(path)


def test_spectral_axis_in_another_place(write):
    axes = [("VOPT", "km/s", 0.0, 1.0), SKY[1], ("STOKES", "", 1.0, 1.0), SKY[0]]
    cube = read_cube(write((5, 1, 4, 3), axes))
    assert cube.shape == (5, 4, 3)
    assert_allclose(cube.band_coordinates.to_value("km/s"), [-1, 0, 1])
    # Rows run along right ascension, columns along declination, as in the file.
    assert_allclose(cube.wcs.wcs_pix2world([[1, 1]], 0), [[-29.0, 204.0]])


@pytest.mark.parametrize("shape", [(1, 4, 5), (4, 5)])
def test_one_channel_has_a_coordinate(write, shape):
    # In the second file the spectral axis is in the WCS alone.
    path = write(shape, [*SKY, ("FREQ", "GHz", 115.0, 0.5)], WCSAXES=3)
    assert_allclose(read_cube(path).band_coordinates.to_value("GHz"), [114.5])


def test_other_axes_are_no_spectrum(write):
    path = write((3, 4, 5), [*SKY, ("STOKES", "", 1.0, 1.0)])
    assert read_cube(path).band_coordinates is None
    # Stokes parameters of one frequency: the bands do not lie along the spectrum.
    axes = [*SKY, ("FREQ", "GHz", 115.0, 0.5), ("STOKES", "", 1.0, 1.0)]
    assert read_cube(write((3, 1, 4, 5), axes)).band_coordinates is None


def test_spectral_axis_along_a_table(write):
    # FITS Paper III, section 6: coordinates in any order of steps.
    waves = np.array([[400.0, 500.0, 700.0]])
    table = fits.BinTableHDU.from_columns(
        [fits.Column("coords", "3D", array=waves, dim="(1,3)", unit="nm")], name="T"
    )
    axes = [*SKY, ("WAVE-TAB", "nm", 1.0, 1.0)]
    cards = {"PS3_0": "T", "PS3_1": "coords", "PV3_1": 1, "PV3_2": 1, "PV3_3": 1}
    path = write((3, 4, 5), axes, table, **cards, CRPIX3=1.0)
    cube = read_cube(path)
    assert cube.band_coordinates.unit == units.nm
    assert_allclose(cube.band_coordinates.value, waves[0])


def test_pivot_wavelength_of_hubble(write):
    coordinates = read_cube(write((4, 5), SKY, PHOTPLAM=8048.1)).band_coordinates
    assert_array_equal(coordinates.to_value("Angstrom"), [8048.1])
    assert read_cube(write((4, 5), SKY, PHOTPLAM=0.0)).band_coordinates is None
    assert read_cube(write((3, 4, 5), SKY, PHOTPLAM=5000.0)).band_coordinates is None


@pytest.mark.parametrize(("place", "is_kept"), [(480e-9, False), (551e-9, True)])
@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5)])
def test_spectral_axis_of_one_step_beside_a_filter(write, shape, place, is_kept):
    """Where both differ, the axis is left over from another image."""
    axes = [*SKY, ("WAVE", "m", place, 1e-10)]
    path = write(shape, axes, CRPIX3=1.0, FILTER="F547M")
    if is_kept:
        coordinates = read_cube(path).band_coordinates
        assert_allclose(coordinates.to_value("nm"), [551.0])
        return
    with pytest.warns(UserWarning, match=r"a\.fits.* 480 nm, its filter F547M 547 nm"):
        assert read_cube(path).band_coordinates is None


def test_broken_spectral_cards_are_left_out(write):
    path = write((4, 5), SKY, SPECVAL=1.0, SPECUNIT="parrots")
    assert read_cube(path).band_coordinates is None


# ---------------------------------------------------------------- the sky


@pytest.fixture
def sip():
    """Return the cards of a distortion that is large in the corners."""
    cards = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-2, "B_0_2": -1e-2, "B_1_1": 3e-3}
    return cards | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}


def test_distortion_of_a_cube_of_bands(write, sip):
    axes = [*SKY, ("WAVE", "nm", 500.0, 10.0)]
    flat = read_cube(write((4, 5), SKY, **sip))
    cube = read_cube(write((3, 4, 5), axes, **sip))
    assert cube.shape == (4, 5, 3)
    assert cube.wcs.sip is not None
    assert cube.wcs.array_shape == (4, 5)
    assert_allclose(cube.band_coordinates.to_value("nm"), [490, 500, 510])
    # SIP (Shupe et al. 2005): u = 3 - 1, v = 2 - 1 from the reference pixel.
    u, v = 2.0, 1.0
    shifted = u + 2e-2 * u**2, v - 1e-2 * v**2 + 3e-3 * u * v
    plain = read_cube(write((4, 5), SKY)).wcs
    wanted = plain.wcs_pix2world([[shifted[0] + 1, shifted[1] + 1]], 0)
    for wcs in (flat.wcs, cube.wcs):
        assert_allclose(wcs.all_pix2world([[3, 2]], 0), wanted, rtol=1e-13)


@pytest.fixture
def lookup(write, tmp_path):
    """Return a file of three channels whose pixels are shifted by lookup tables."""
    plain = read_cube(write((4, 5), SKY)).wcs
    wcs = plain.deepcopy()
    for axis, shift in ((1, 0.5), (2, -0.25)):
        shifts = np.full((3, 3), shift, dtype=np.float32)
        table = DistortionLookupTable(shifts, (1, 1), (1, 1), (2, 2))
        setattr(wcs, f"cpdis{axis}", table)
    hdus = wcs.to_fits(relax=True)
    hdus[0].data = np.zeros((3, 4, 5), dtype=np.float32)
    cards = {"CTYPE3": "FREQ", "CUNIT3": "GHz", "CRVAL3": 100.0, "CDELT3": 1.0}
    hdus[0].header.update(WCSAXES=3, CRPIX3=1.0, **cards)
    hdus.writeto(tmp_path / "lookup.fits")
    return tmp_path / "lookup.fits", plain


def test_lookup_table_of_a_cube_of_bands(lookup):
    path, plain = lookup
    cube = read_cube(path)
    assert cube.shape == (4, 5, 3)
    assert_allclose(cube.band_coordinates.to_value("GHz"), [100, 101, 102])
    wanted = plain.wcs_pix2world([[2 + 0.5, 1 - 0.25]], 0)
    assert_allclose(cube.wcs.all_pix2world([[2, 1]], 0), wanted, rtol=1e-13)


def test_lookup_table_that_is_missing(lookup):
    path, _ = lookup
    with fits.open(path, "update") as hdus:
        del hdus[2]
    with pytest.raises(ValueError, match=r"lookup\.fits: the WCS in the header is not"):
        read_cube(path)


def test_distortion_along_other_axes(write, sip):
    axes = [("FREQ", "GHz", 100.0, 1.0), *SKY]
    cards = {card: value for card, value in sip.items() if card[0] in "AB"}
    cards |= {"CTYPE2": "RA---TAN-SIP", "CTYPE3": "DEC--TAN-SIP"}
    with pytest.raises(ValueError, match=r"a\.fits: the WCS .*first two axes alone"):
        read_cube(write((4, 5, 3), axes, **cards))


@pytest.mark.parametrize("projection", ["TAN", "TPV"])
def test_left_over_distortion(write, sip, projection):
    """Programs that resample write new CTYPE cards and copy all others."""
    kinds = {"CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}"}
    with pytest.warns(UserWarning, match=r"a\.fits.*A_ORDER.* do not end in -SIP"):
        cube = read_cube(write((4, 5), SKY, **sip | kinds))
    plain = read_cube(write((4, 5), SKY, **kinds)).wcs
    assert cube.wcs.sip is None
    pixels = [[0.0, 0.0], [4.0, 3.0]]
    assert_array_equal(
        cube.wcs.all_pix2world(pixels, 0), plain.all_pix2world(pixels, 0)
    )


@pytest.mark.parametrize(("step", "is_read"), [(0.1, True), (1.0, False), (2.0, False)])
def test_pixels_as_wide_as_the_default_of_the_standard(write, step, is_read):
    """A header without a step has one of 1 degree, which no telescope has."""
    path = write((4, 5), SKY, CDELT1=-step, CDELT2=step)
    if is_read:
        assert read_cube(path).wcs is not None
        return
    with pytest.warns(UserWarning, match=rf"a\.fits.* {step:g} degrees wide"):
        cube = read_cube(path)
    assert cube.wcs is None
    assert cube.pixel_scale is None or np.isnan(cube.pixel_scale)


def test_coarse_map_of_the_whole_sky_keeps_its_place(write):
    cards = {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 0.0, "CRVAL2": 0.0}
    cards |= {"CDELT1": -2.0, "CDELT2": 2.0, "CRPIX1": 90.5, "CRPIX2": 45.5}
    assert read_cube(write((90, 180), SKY, **cards)).wcs is not None
    with pytest.warns(UserWarning, match="degrees wide"):  # larger than the sky
        assert read_cube(write((200, 400), SKY, **cards)).wcs is None


def test_sky_that_depends_on_the_band(write):
    path = write((3, 4, 5), [*SKY, ("FREQ", "GHz", 100.0, 1.0)], PC1_3=0.5)
    with pytest.raises(ValueError, match=r"a\.fits: the WCS in the header is not val"):
        read_cube(path)


# ---------------------------------------------------------------- beams


def test_beam_of_a_radio_image(write):
    path = write((4, 5), SKY, BMAJ=8 / 3600, BMIN=2 / 3600, BPA=30.0)
    assert_allclose(read_cube(path).fwhm, [4.0])
    path = write((4, 5), SKY, BMAJ=8 / 3600, BMIN=2 / 3600, FWHM=3.0)
    assert_allclose(read_cube(path).fwhm, [3.0])
    assert_array_equal(read_cube(write((4, 5), SKY, BMAJ=8 / 3600)).fwhm, [np.nan])


@pytest.mark.parametrize(
    ("cards", "fwhm"),
    [
        # 206 265 arcsec times 1.03 wavelengths by diameters of mirrors
        ({"TELESCOP": "HST", "FILTER": "F814W"}, 0.0721),
        ({"TELESCOP": "JWST", "INSTRUME": "NIRCAM", "FILTER": "F444W"}, 0.1451),
        ({"INSTRUME": "WFC3_UVIS2", "PHOTPLAM": 8048.1}, 0.0712),
        ({"TELESCOP": "WISE", "BAND": "W3"}, 6.417),
        ({"TELESCOP": "SWIFT", "PHOTPLAM": 2600.0}, 0.1841),
        (
            {"TELESCOP": "Herschel Space Observatory", "WAVELNTH": (250.0, "[um]")},
            15.17,
        ),
        ({"TELESCOP": "Palomar 48-inch Schmidt", "FILTER": "r"}, np.nan),
        ({"TELESCOP": "HST"}, np.nan),
        ({"TELESCOP": 5, "FILTER": "F814W"}, np.nan),
    ],
)
def test_diffraction_limit(write, cards, fwhm):
    cube = read_cube(write((4, 5), SKY, **cards))
    assert_allclose(cube.diffraction_fwhm, [fwhm], rtol=2e-3)
    assert_array_equal(read_cube(cube).diffraction_fwhm, cube.diffraction_fwhm)


def test_diffraction_limit_by_file_names(tmp_path):
    fits.writeto(tmp_path / "NGC5584_GALEX_NUV_crop.fits", np.ones((4, 5)))
    cube = read_cube(tmp_path / "NGC5584_GALEX_NUV_crop.fits")
    assert_allclose(cube.diffraction_fwhm, 0.0982, rtol=2e-3)


def test_blank_cards_before_the_number_of_axes_are_no_values(tmp_path):
    """Cutouts of JWST have titles between blank cards before WCSAXES and others."""
    hdu = fits.PrimaryHDU(np.ones((6, 8), dtype=np.float32))
    hdu.header.add_blank("")
    hdu.header.add_blank("WCS parameters")
    hdu.header.add_blank("")
    hdu.header["WCSAXES"] = 2
    hdu.header["CTYPE1"], hdu.header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    hdu.header["CDELT1"], hdu.header["CDELT2"] = -1e-5, 1e-5
    path = tmp_path / "cutout.fits"
    hdu.writeto(path)
    cube = read_cube([path])
    assert cube.pixel_scale == pytest.approx((0.036, 0.036))
