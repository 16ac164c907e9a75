# SPDX-License-Identifier: BSD-3-Clause
"""Mosaics of M83 come from a server that is good, bad, slow to tell, or not there."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.config import get_cache_dir, set_temp_cache
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_array_equal

from skesom.datasets import _m83, fetch_m83, load_study_filters

# urllib leaves it to the garbage collector to close the connection of a failed request.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

SHAPE = (170, 100)
# Fifty times the pixels of the real mosaics, so that their parts fit in the frame.
SCALE = 50 * 0.0396 / 3600
FILTERS = load_study_filters()["name"].tolist()


class Server:
    """A server on this machine that can cut its answers short."""

    def __init__(self):
        self.files = {}
        self.asked = []
        self.cut_at = None
        self.tells_length = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                content = outer.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                if outer.tells_length:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: outer.cut_at])

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/ers"
        threading.Thread(target=self.http.serve_forever, args=[0.01]).start()

    def add(self, name, content):
        """Offer the mosaic of a filter."""
        self.files[path_of(name)] = content


def path_of(name):
    """Return the path of a mosaic, written as the archive's description lists it."""
    return f"/ers/hlsp_wfc3ers_hst_wfc3_m83_{name.lower()}_v2_drz_sci.fits"


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


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Run a server of nine small mosaics, with an empty cache."""
    monkeypatch.setattr(_m83, "MOSAIC_SHAPE", SHAPE)
    server = Server()
    for name in FILTERS:
        server.add(name, make_mosaic(name))
    (tmp_path / "cache").mkdir()
    with set_temp_cache(tmp_path / "cache"):
        yield server
    server.http.shutdown()
    server.http.server_close()


def cached_files():
    """Return the paths of all files that the cache holds."""
    return list(Path(get_cache_dir()).rglob("contents"))


# ---------------------------------------------------------------- what comes back


def test_nine_bands_of_the_study(server):
    cube = fetch_m83(source=server.address)
    assert cube.band_names == tuple(FILTERS)
    table = load_study_filters()
    assert_array_equal(cube.fwhm, table["fwhm"].to_value("arcsec"))
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


def test_zeros_are_no_data(server):
    whole = fetch_m83(["F814W"], part="whole", source=server.address)
    assert whole.shape == (*SHAPE, 1)
    assert np.isnan(whole.data[:, :5]).all()
    assert not np.isnan(whole.data[:, 5:]).any()


def test_filters_and_parts_are_chosen(server):
    cube = fetch_m83(["F814W", "F225W"], part="HII region", source=server.address)
    assert cube.band_names == ("F814W", "F225W")
    assert cube.shape == (12, 12, 2)  # 605 pixels of a fiftieth of the size
    assert len(server.asked) == 2
    place = SkyCoord(204.26884, -29.83995, unit="deg")
    cube = fetch_m83(["F814W"], part=(place, 10 * SCALE * u.deg), source=server.address)
    assert cube.shape == (10, 10, 1)


def test_a_band_on_another_grid_is_resampled_to_the_sky(server):
    """Stacking by pixel would leave the band where it lies in its file."""
    server.add("F814W", make_mosaic("F814W", shift=2.0))
    cube = fetch_m83(["F225W", "F814W"], source=server.address)
    columns = np.rint((cube.data % 1) * 1000)
    inside = np.isfinite(cube.data).all(axis=2)
    assert inside.mean() > 0.9
    assert_array_equal(columns[inside][:, 1] - columns[inside][:, 0], 2)


# ---------------------------------------------------------------- the cache


def test_files_are_downloaded_once_and_recorded(server):
    first = fetch_m83(["F225W"], source=server.address)
    again = fetch_m83(["F225W"], source=server.address)
    assert_array_equal(first.data, again.data)
    assert server.asked == [path_of("F225W")]
    records = json.loads((Path(get_cache_dir()) / "skesom-checksums.json").read_text())
    ((name, record),) = records.items()
    assert name == path_of("F225W").removeprefix("/ers/")
    assert record["bytes"] == len(server.files[path_of("F225W")])


def test_a_file_that_changed_in_the_cache_is_replaced(server):
    first = fetch_m83(["F225W"], source=server.address)
    (path,) = cached_files()
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1  # within the image; no header tells
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="in the cache is damaged .its MD5 sum"):
        again = fetch_m83(["F225W"], source=server.address)
    assert_array_equal(first.data, again.data)
    assert len(server.asked) == 2


def test_a_replaced_file_in_the_archive_is_reported(server):
    fetch_m83(["F225W"], source=server.address)
    (path,) = cached_files()
    path.write_bytes(path.read_bytes()[:5000])
    server.add("F225W", make_mosaic("F225W", shift=1.0))
    with (
        pytest.warns(UserWarning, match="in the cache is damaged"),
        pytest.warns(UserWarning, match="not the file that was downloaded before"),
    ):
        fetch_m83(["F225W"], source=server.address)
    fetch_m83(["F225W"], source=server.address)  # and is known from then on
    assert len(server.asked) == 2


def test_a_cache_without_a_record_is_verified(server):
    fetch_m83(["F225W"], source=server.address)
    (path,) = cached_files()
    record = Path(get_cache_dir()) / "skesom-checksums.json"
    record.unlink()
    fetch_m83(["F225W"], source=server.address)
    assert record.exists()
    record.unlink()
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.warns(UserWarning, match="damaged"):
        fetch_m83(["F225W"], source=server.address)


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("tells_length", [True, False])
@pytest.mark.parametrize("cut_at", [0, 1000, 2880, 5000, -1])
def test_a_truncated_download_is_discarded(server, tells_length, cut_at):
    server.cut_at, server.tells_length = cut_at, tells_length
    with pytest.raises(OSError, match=r"f225w.*(discarded|could not be downloaded)"):
        fetch_m83(["F225W"], source=server.address)
    assert cached_files() == []
    server.cut_at = None
    assert fetch_m83(["F225W"], source=server.address).shape[2] == 1


def test_a_wrong_checksum_in_the_file_is_seen(server):
    content = bytearray(make_mosaic("F225W", checksum=True))
    server.add("F225W", bytes(content))
    fetch_m83(["F225W"], source=server.address)
    content = bytearray(make_mosaic("F336W", checksum=True))
    content[-3000] ^= 1
    server.add("F336W", bytes(content))
    with pytest.raises(OSError, match=r"f336w.*is damaged \(.*hecksum.*discarded"):
        fetch_m83(["F336W"], source=server.address)
    assert len(cached_files()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>Please log in</html>", "is damaged"),
        (make_mosaic("F814W"), "its filter is F814W"),
        (make_mosaic("F225W") + bytes(2880), "extra padding at the end"),
        (make_mosaic("F225W") + b"x" * 2880, "is damaged"),
        (make_mosaic("F225W") + b"x" * 100, "is damaged"),
    ],
)
def test_another_file_is_discarded(server, content, message):
    server.add("F225W", content)
    with pytest.raises(OSError, match=message):
        fetch_m83(["F225W"], source=server.address)
    assert cached_files() == []


def test_an_image_of_another_size_is_discarded(server, monkeypatch):
    monkeypatch.setattr(_m83, "MOSAIC_SHAPE", (8500, 5000))
    with pytest.raises(OSError, match="no image of 5000 x 8500 pixels"):
        fetch_m83(["F225W"], source=server.address)


def test_a_missing_file_and_a_missing_server_are_named(server):
    del server.files[path_of("F225W")]
    with pytest.raises(
        OSError, match=r"f225w_v2_drz_sci.fits could not be downloaded.*Not Found"
    ):
        fetch_m83(["F225W"], source=server.address)
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(OSError, match=r"could not be downloaded.*another source"):
        fetch_m83(["F336W"], source=server.address)


def test_the_next_source_is_tried(server):
    elsewhere = server.address.replace("/ers", "/nothing")
    cube = fetch_m83(["F225W"], source=[elsewhere, server.address])
    assert cube.shape[2] == 1
    assert [path.split("/")[1] for path in server.asked] == ["nothing", "ers"]


# ---------------------------------------------------------------- folders


def test_files_downloaded_by_hand_are_used_in_place(server, tmp_path):
    path = tmp_path / path_of("F225W").removeprefix("/ers/")
    path.write_bytes(make_mosaic("F225W"))
    for source in (tmp_path, str(tmp_path)):
        assert fetch_m83(["F225W"], source=source).shape[2] == 1
    assert server.asked == []
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
    ],
)
def test_bad_parameters_are_named(server, arguments, message):
    with pytest.raises(ValueError, match=message):
        fetch_m83(**{"source": server.address} | arguments)
    assert server.asked == []


def test_a_part_elsewhere_is_named(server):
    part = (SkyCoord(10, 10, unit="deg"), 1 * u.arcmin)
    with pytest.raises(ValueError, match="lies outside of the image"):
        fetch_m83(["F225W"], part=part, source=server.address)
