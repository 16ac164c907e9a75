# SPDX-License-Identifier: BSD-3-Clause
"""Mosaics of M83 come from a folder that is good, damaged, or not there."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.config import get_cache_dir, set_temp_cache
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_array_equal

from skesom.datasets import _m83, fetch_m83
from skesom.datasets._galaxy_light import STUDY_BANDS

SHAPE = (170, 100)
# Fifty times the pixels of the real mosaics, so that their parts fit in the frame.
SCALE = 50 * 0.0396 / 3600
FILTERS = [band.name for band in STUDY_BANDS]


class Archive:
    """A folder of mosaics with the address of a server's."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.address = folder.as_uri()

    def add(self, name, content):
        """Offer the mosaic of a filter."""
        (self.folder / path_of(name)).write_bytes(content)

    def remove(self, name):
        """Offer the mosaic of a filter no more; return it."""
        path = self.folder / path_of(name)
        content = path.read_bytes()
        path.unlink()
        return content


def path_of(name):
    """Return the name of a mosaic, written as the archive's description lists it."""
    return f"hlsp_wfc3ers_hst_wfc3_m83_{name.lower()}_v2_drz_sci.fits"


def make_mosaic(name, *, shift=0.0, checksum=False):
    """Return the bytes of a mosaic whose pixels know their row, column and filter."""
    rows, columns = np.indices(SHAPE)
    data = (rows + columns / 1000 + 1000 * FILTERS.index(name) + 1).astype(">f4")
    data[:, :5] = 0
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.26884, -29.83995]
    wcs.wcs.crpix = [50.5 + shift, 85.5]
    wcs.wcs.cdelt = [-SCALE, SCALE]
    header = wcs.to_header()
    header["FILTER"] = name
    header["BUNIT"] = "ELECTRONS/S"
    stream = io.BytesIO()
    fits.PrimaryHDU(data, header).writeto(stream, checksum=checksum)
    return stream.getvalue()


@pytest.fixture(scope="module")
def mosaics():
    """Return the content of nine small mosaics."""
    return {name: make_mosaic(name) for name in FILTERS}


@pytest.fixture
def archive(tmp_path, monkeypatch, mosaics):
    """Return an archive of nine small mosaics, with an empty cache."""
    monkeypatch.setattr(_m83, "MOSAIC_SHAPE", SHAPE)
    archive = Archive(tmp_path / "ers")
    for name, content in mosaics.items():
        archive.add(name, content)
    (tmp_path / "cache").mkdir()
    with set_temp_cache(tmp_path / "cache"):
        yield archive


def cached_files():
    """Return the paths of all files that the cache holds."""
    return list(Path(get_cache_dir()).rglob("contents"))


# ---------------------------------------------------------------- what comes back


def test_nine_bands_of_the_study(archive):
    cube = fetch_m83(source=archive.address)
    assert cube.band_names == tuple(FILTERS)
    assert cube.fwhm.tolist() == [band.fwhm for band in STUDY_BANDS]
    assert set(cube.band_units) == {u.electron / u.s}
    assert cube.dtype == np.float32
    # 0.07907 x 0.03930 degrees.
    assert cube.shape == (round(0.07907 / SCALE), round(0.03930 / SCALE), 9)
    row, column, _ = np.array(cube.shape) // 2
    middle = cube.wcs.pixel_to_world(column, row)
    assert middle.separation(SkyCoord(204.2683, -29.839535, unit="deg")).deg < SCALE
    for band in range(9):
        values = cube.data[:, :, band] - 1000 * band - 1
        assert_array_equal(np.diff(np.floor(values + 0.01), axis=0), 1)


def test_filters_and_parts_are_chosen(archive):
    cube = fetch_m83(["F814W", "F225W"], part="HII region", source=archive.address)
    assert cube.band_names == ("F814W", "F225W")
    assert cube.shape == (12, 12, 2)  # 605 pixels of a fiftieth of the size
    assert len(cached_files()) == 2
    place = SkyCoord(204.26884, -29.83995, unit="deg")
    part = (place, 10 * SCALE * u.deg)
    assert fetch_m83(["F814W"], part=part, source=archive.address).shape == (10, 10, 1)
    whole = fetch_m83(["F814W"], part="whole", source=archive.address)
    assert whole.shape == (*SHAPE, 1)
    assert np.isnan(whole.data[:, :5]).all()  # zeros are no data
    assert not np.isnan(whole.data[:, 5:]).any()


def test_a_band_on_another_grid_is_resampled_to_the_sky(archive):
    """Stacking by pixel would leave the band where it lies in its file."""
    archive.add("F814W", make_mosaic("F814W", shift=2.0))
    cube = fetch_m83(["F225W", "F814W"], source=archive.address)
    columns = np.rint((cube.data % 1) * 1000)
    inside = np.isfinite(cube.data).all(axis=2)
    assert inside.mean() > 0.9
    assert_array_equal(columns[inside][:, 1] - columns[inside][:, 0], 2)


# ---------------------------------------------------------------- the cache


def test_files_are_downloaded_once(archive):
    first = fetch_m83(["F225W"], source=archive.address)
    archive.remove("F225W")
    again = fetch_m83(["F225W"], source=archive.address)
    assert_array_equal(first.data, again.data)


def test_a_file_that_is_damaged_in_the_cache_is_replaced(archive):
    first = fetch_m83(["F225W"], source=archive.address)
    (path,) = cached_files()
    for content in (path.read_bytes()[:5000], path.read_bytes()[:-2880], b"nothing"):
        path.write_bytes(content)
        with pytest.warns(UserWarning, match=r"f225w.* in the cache is damaged \("):
            again = fetch_m83(["F225W"], source=archive.address)
        assert_array_equal(first.data, again.data)
    archive.remove("F225W")
    path.write_bytes(b"nothing")
    with (
        pytest.warns(UserWarning, match="in the cache is damaged"),
        pytest.raises(OSError, match="could not be downloaded"),
    ):
        fetch_m83(["F225W"], source=archive.address)
    assert cached_files() == []


# ---------------------------------------------------------------- damage


def test_a_checksum_in_the_file_is_compared(archive):
    archive.add("F225W", make_mosaic("F225W", checksum=True))
    fetch_m83(["F225W"], source=archive.address)
    content = bytearray(make_mosaic("F336W", checksum=True))
    content[-3000] ^= 1
    archive.add("F336W", bytes(content))
    with pytest.raises(OSError, match=r"f336w.*is damaged \(.*hecksum.*discarded"):
        fetch_m83(["F336W"], source=archive.address)
    assert len(cached_files()) == 1


MOSAIC = make_mosaic("F225W")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *((MOSAIC[:cut], "discarded|could not") for cut in (0, 1000, 2880, 5000, -1)),
        (b"<html>Please log in</html>", "is damaged"),
        (make_mosaic("F814W"), "its filter is F814W"),
        (MOSAIC + bytes(2880), "extra padding at the end"),
        (MOSAIC + b"x" * 2880, "is damaged"),
        (MOSAIC + b"x" * 100, "is damaged"),
    ],
)
def test_another_file_is_discarded(archive, content, message):
    archive.add("F225W", content)
    with pytest.raises(OSError, match=message):
        fetch_m83(["F225W"], source=archive.address)
    assert cached_files() == []


def test_the_next_source_is_tried_and_a_missing_file_is_named(archive, monkeypatch):
    elsewhere = archive.address.replace("/ers", "/nothing")
    cube = fetch_m83(["F225W"], source=[elsewhere, archive.address])
    assert cube.shape[2] == 1
    text = r"f336w_v2_drz_sci.fits could not be downloaded.*another source"
    with pytest.raises(OSError, match=text):
        fetch_m83(["F336W"], source=elsewhere)
    monkeypatch.setattr(_m83, "MOSAIC_SHAPE", (8500, 5000))
    with pytest.raises(OSError, match="no image of 5000 x 8500 pixels"):
        fetch_m83(["F225W"], source=archive.address)


# ---------------------------------------------------------------- folders


def test_files_downloaded_by_hand_are_used_in_place(archive, tmp_path):
    path = tmp_path / path_of("F225W")
    path.write_bytes(make_mosaic("F225W"))
    for source in (tmp_path, str(tmp_path)):
        assert fetch_m83(["F225W"], source=source).shape[2] == 1
    assert cached_files() == []
    with pytest.raises(FileNotFoundError, match=r"no hlsp.*f336w.* in .*Download it"):
        fetch_m83(["F336W"], source=tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(OSError, match=r"f225w.* is damaged .*Download it again"):
        fetch_m83(["F225W"], source=tmp_path)
    assert path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": ["F555W"]}, r"filters must be different ones of \['F225W'"),
        ({"filters": []}, "filters must be"),
        ({"filters": ["F225W", "F225W"]}, "filters must be"),
        ({"part": "nucleus"}, r"part must be one of \['study', 'HII region', 'whole'"),
        ({"part": 5}, "part must be"),
        (
            {"part": (SkyCoord(10, 10, unit="deg"), 1 * u.arcmin)},
            "lies outside of the image",
        ),
    ],
)
def test_bad_parameters_are_named(archive, arguments, message):
    with pytest.raises(ValueError, match=message):
        fetch_m83(**{"source": archive.address} | arguments)
