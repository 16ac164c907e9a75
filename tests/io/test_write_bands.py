# SPDX-License-Identifier: BSD-3-Clause
"""A cube written as one file per band is the same cube when read."""

import os

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.wcs import DistortionLookupTable, Sip
from numpy.testing import assert_array_equal

from skesom.cube import Cube
from skesom.io import read_cube, write_bands


@pytest.fixture
def cube(make_wcs):
    """Return a cube that uses everything a cube can hold."""
    data = np.random.default_rng(0).normal(size=(4, 5, 4)).astype(np.float32)
    data[1, 2, 0] = np.nan
    data[3, 4] = np.nan
    return Cube(
        data,
        wcs=make_wcs((4, 5)),
        band_names=["F438W", "band 2", "[O III]", "CLEAR"],
        band_units=["electron/s", "erg s-1 cm-2", None, units.Unit("1.5 nJy")],
        fwhm=[0.07, np.nan, 0.1, 0.083],
    )


def test_round_trip(cube, tmp_path):
    folder = tmp_path / "new" / "folder"
    paths = write_bands(folder, cube)
    names = ["F438W.fits", "band_2.fits", "O_III.fits", "CLEAR.fits"]
    assert paths == [folder / name for name in names]
    assert sorted(os.listdir(folder)) == sorted(names)
    back = read_cube(paths)
    assert_array_equal(back.data, cube.data)
    assert back.dtype == cube.dtype
    assert back.band_names == cube.band_names
    assert back.band_units == cube.band_units
    assert_array_equal(back.fwhm, cube.fwhm)
    assert back.wcs.wcs.compare(cube.wcs.wcs, tolerance=1e-12)
    assert back.wcs.array_shape == (4, 5)


def test_round_trip_of_a_plain_array(tmp_path):
    data = np.random.default_rng(0).normal(size=(4, 5, 2))
    back = read_cube(write_bands(str(tmp_path), data), dtype=np.float64)
    assert_array_equal(back.data, data)
    assert back.wcs is None
    assert back.band_names == ("band 1", "band 2")


@pytest.mark.parametrize("kind", ["SIP", "table"])
def test_distortion_survives(cube, tmp_path, kind):
    wcs = cube.wcs.deepcopy()
    if kind == "SIP":
        a = np.zeros((3, 3))
        a[2, 0] = 0.05
        wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        wcs.sip = Sip(a, a.T, None, None, wcs.wcs.crpix)
    else:
        shifts = np.full((3, 3), 1.5, dtype=np.float32)
        wcs.cpdis1 = DistortionLookupTable(shifts, (1, 1), (1, 1), (3, 3))
        wcs.cpdis2 = DistortionLookupTable(shifts, (1, 1), (1, 1), (3, 3))
    back = read_cube(write_bands(tmp_path, cube.replace(wcs=wcs)))
    place = wcs.pixel_to_world(4.0, 3.0)
    assert place.separation(cube.wcs.pixel_to_world(4.0, 3.0)) > 0.05 * units.arcsec
    assert place.separation(back.wcs.pixel_to_world(4.0, 3.0)) < 1e-6 * units.arcsec


def test_header_says_what_the_numbers_are(cube, tmp_path):
    header = fits.getheader(write_bands(tmp_path, cube)[0])
    assert header["FILTER"] == "F438W"
    assert header["BUNIT"] == "electron / s"
    assert header["FWHM"] == 0.07
    assert "arcsec" in header.comments["FWHM"]
    assert header["BITPIX"] == -32


def test_names_beyond_ascii_are_spelled_out(tmp_path):
    cube = Cube(np.zeros((2, 3, 2)), band_names=["H\N{GREEK SMALL LETTER ALPHA}", "r'"])
    paths = write_bands(tmp_path, cube)
    assert [path.name for path in paths] == ["Halpha.fits", "r.fits"]
    assert read_cube(paths).band_names == ("Halpha", "r'")


def test_one_existing_file_stops_all(cube, tmp_path):
    taken = tmp_path / "O_III.fits"
    taken.write_text("mine")
    with pytest.raises(FileExistsError, match=r"O_III\.fits exists already"):
        write_bands(tmp_path, cube)
    assert os.listdir(tmp_path) == ["O_III.fits"]
    assert taken.read_text() == "mine"
    paths = write_bands(tmp_path, cube, overwrite=True)
    assert_array_equal(read_cube(paths).data, cube.data)


def test_failure_in_the_middle_leaves_nothing(cube, tmp_path, monkeypatch):
    written = []
    original = fits.HDUList.writeto

    def fail_at_third(hdus, path, *args, **kwargs):
        if len(written) == 2:
            raise OSError("disk full")
        written.append(path)
        return original(hdus, path, *args, **kwargs)

    monkeypatch.setattr(fits.HDUList, "writeto", fail_at_third)
    with pytest.raises(OSError, match="disk full"):
        write_bands(tmp_path, cube)
    assert len(written) == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("names", [("r", "R"), ("a/b", "a b")])
def test_bands_that_would_share_a_file(tmp_path, names):
    cube = Cube(np.zeros((2, 3, 2)), band_names=names)
    with pytest.raises(ValueError, match="would share a file"):
        write_bands(tmp_path, cube)
    assert os.listdir(tmp_path) == []
