# SPDX-License-Identifier: BSD-3-Clause
"""Units as telescopes spell them, and the zero points that make fluxes of counts."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData

from skesom._sky.units import parse_unit
from skesom.cube import Cube
from skesom.io import read_cube, write_bands

# WFC3/UVIS F814W, as the mosaics of 2009 say.
F814W = {"PHOTFLAM": 1.4985e-19, "PHOTPLAM": 8039.06}


def stsci_zero_point(photflam, photplam):
    """Return the AB magnitude of a count per second by the telescope's handbook."""
    speed_of_light = 2.99792458e18  # Angstrom / s
    return (
        -2.5 * np.log10(photflam)
        - 5 * np.log10(photplam)
        - 48.6
        + 2.5 * np.log10(speed_of_light)
    )


@pytest.fixture
def write(tmp_path):
    """Return a function that writes an image with cards and reads it as a cube."""

    def write(extension=None, **cards):
        hdus = fits.HDUList([fits.PrimaryHDU(np.ones((3, 4)))])
        if extension is not None:
            hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((3, 4)))])
            hdus[1].header.update(extension)
        hdus[0].header.update(cards)
        path = tmp_path / "image.fits"
        hdus.writeto(path, overwrite=True)
        return read_cube(path)

    return write


class TestSpelling:
    """One unit has many names."""

    @pytest.mark.parametrize(
        ("texts", "unit"),
        [
            (
                "ELECTRONS/S|electrons/sec|e-/s|e- s-1|ELECTRONS PER SECOND",
                "electron/s",
            ),
            ("ELECTRONS|electrons|e-", "electron"),
            ("COUNTS|counts|cts|count", "ct"),
            ("COUNTS/S|cps|counts/second", "ct/s"),
            ("ADU|adu|ADUs", "adu"),
            ("DN/s|DN/SEC|dn/s", "DN/s"),
            ("MJY/SR|MJy/sr|MJy sr-1", "MJy/sr"),
            ("JY/BEAM|Jy/beam|JY/Beam", "Jy/beam"),
            ("JY/PIXEL|Jy/pixel|Jy/pix", "Jy/pix"),
            ("uJy|microJy", "uJy"),
            ("erg/s/cm2/A|ERGS/S/CM2/ANG|erg/s/cm^2/Angstrom", "erg/(s cm2 Angstrom)"),
            ("10**(-17)*erg/s/cm2/Ang|1e-17 erg/s/cm2/A", "1e-17 erg/(s cm2 Angstrom)"),
            ("nanomaggies|nanomaggy", "nmgy"),
        ],
    )
    def test_is_understood(self, texts, unit):
        for text in texts.split("|"):
            assert parse_unit(text) == units.Unit(unit), text

    @pytest.mark.parametrize("text", ["W.U.", "MJY/BEAM", "foo/s", "none"])
    def test_is_not_guessed(self, text):
        assert parse_unit(text) is None

    def test_milli_and_mega(self):
        assert parse_unit("mJy/beam") == units.mJy / units.beam
        assert parse_unit("MJy/beam") == units.MJy / units.beam


class TestZeroPoints:
    """AB magnitudes of a value of 1."""

    def test_hubble_rate(self, write):
        cube = write({"BUNIT": "ELECTRONS/S", **F814W})
        expected = stsci_zero_point(*F814W.values())
        assert expected == pytest.approx(25.127, abs=0.001)  # as STScI lists it
        np.testing.assert_allclose(cube.zero_points, expected, atol=1e-6)
        assert cube.band_coordinates.to_value("AA") == pytest.approx([8039.06])

    def test_hubble_counts_have_an_exposure_time(self, write):
        cube = write({"BUNIT": "ELECTRONS", **F814W}, EXPTIME=1234.0)
        # 1234 counts make a count per second.
        expected = stsci_zero_point(*F814W.values()) + 2.5 * np.log10(1234)
        np.testing.assert_allclose(cube.zero_points, expected, atol=1e-6)

    def test_per_minute(self, write):
        cube = write(BUNIT="ct/min", **F814W)
        expected = stsci_zero_point(*F814W.values()) + 2.5 * np.log10(60)
        np.testing.assert_allclose(cube.zero_points, expected, atol=1e-6)

    def test_photfnu(self, write):
        cube = write(BUNIT="DN/s", PHOTFNU=3.63078e-3)
        # 3.63078 mJy are 15 magnitudes below the 3630.78 Jy of magnitude 0.
        np.testing.assert_allclose(cube.zero_points, 15, atol=1e-5)

    @pytest.mark.parametrize(
        "cards",
        [
            {"BUNIT": "COUNTS", **F814W},  # without a time
            {"BUNIT": "MJy/sr", **F814W},  # not in counts
            {**F814W},  # in what?
            {"BUNIT": "ELECTRONS/S", "PHOTFLAM": 0.0, "PHOTPLAM": 0.0},
            {"BUNIT": "ELECTRONS/S", "PHOTFLAM": 1e-19},  # at which wavelength?
            {"BUNIT": "ELECTRONS/S", "PHOTFLAM": "unknown", "PHOTPLAM": 5000.0},
        ],
    )
    def test_unknown(self, write, cards):
        assert np.isnan(write(**cards).zero_points).all()

    @pytest.mark.parametrize(
        "cards",
        [
            {"MAGZERO": (24.5, "[mag] AB zero point")},
            {"MAGZP": 24.5, "MAGSYS": "AB"},
            {"ZP": (24.5, "ABmag")},
            {"ABZP": 24.5},
            {"PHOTZP": (24.5, "zero point"), "MAGSYS": "ABmag"},
        ],
    )
    def test_cards_of_ab_magnitudes(self, write, cards):
        np.testing.assert_array_equal(write(**cards).zero_points, 24.5)
        np.testing.assert_array_equal(write(BUNIT="COUNTS", **cards).zero_points, 24.5)

    @pytest.mark.parametrize(
        "cards",
        [
            {"MAGZP": (20.5, "[mag] relative photometric zero point")},  # WISE, Vega
            {"MAGZPT": 23.0, "MAGSYS": "VEGA"},
            {"MAGZERO": (24.5, "absolute zero point")},
        ],
    )
    def test_other_magnitudes_are_not_taken(self, write, cards):
        assert np.isnan(write(**cards).zero_points).all()

    def test_one_card_does_not_speak_of_several_bands(self, tmp_path):
        path = tmp_path / "cube.fits"
        hdu = fits.PrimaryHDU(np.ones((2, 3, 4)))
        hdu.header.update({"BUNIT": "ct", "MAGZERO": (25.0, "AB")})
        hdu.writeto(path)
        assert np.isnan(read_cube(path).zero_points).all()

    def test_ccddata(self):
        meta = {"EXPTIME": 100.0, **F814W}
        cube = read_cube([CCDData(np.ones((3, 4)), unit="electron", meta=meta)])
        expected = stsci_zero_point(*F814W.values()) + 5
        np.testing.assert_allclose(cube.zero_points, expected, atol=1e-6)

    def test_round_trip(self, tmp_path):
        cube = Cube(
            np.ones((3, 4, 3)),
            band_names="abc",
            band_units=["ct", "ct / s", None],
            zero_points=[25.123456789, np.nan, 21],
        )
        paths = write_bands(tmp_path, cube)
        np.testing.assert_array_equal(read_cube(paths).zero_points, cube.zero_points)
        both = read_cube([cube, np.zeros((3, 4))])
        np.testing.assert_array_equal(both.zero_points, [*cube.zero_points, np.nan])
