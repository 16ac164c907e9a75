# SPDX-License-Identifier: BSD-3-Clause
"""Files read in strips of rows give the bits of those read into memory."""

import gc
import gzip
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import dask
import dask.array as da
import numpy as np
import pytest
from astropy.io import fits
from distributed import Client, LocalCluster
from numpy.testing import assert_array_equal

from skesom._common.fits_files import open_fits
from skesom.io import read_cube
from tests.helpers.block_sizes import set_size

SHAPE = 20, 30


@pytest.fixture
def image(rng):
    return rng.normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def cut(monkeypatch, height):
    """Let files be read in strips of so many rows."""
    set_size(monkeypatch, "strip", values=1, rows=height)


@pytest.fixture(params=[1, 7])
def height(request, monkeypatch):
    cut(monkeypatch, request.param)
    return request.param


def plain(path, image, rng):
    fits.PrimaryHDU(image).writeto(path)


def scaled(path, image, rng):
    hdu = fits.PrimaryHDU((image * 1000).astype(np.int16))
    hdu.header.update(BSCALE=0.5, BZERO=3.0, BLANK=7)
    hdu.data[::3] = 7
    hdu.writeto(path)


def blank_of_zero(path, image, rng):
    hdu = fits.PrimaryHDU((image * 2).astype(np.int32))
    hdu.header.update(BSCALE=2.0, BLANK=0)
    hdu.writeto(path)


def unsigned(path, image, rng):
    fits.PrimaryHDU((image * 1000 + 30000).astype(np.uint16)).writeto(path)


def bands_first(path, image, rng):
    fits.PrimaryHDU(rng.normal(size=(3, *SHAPE))).writeto(path)


def bands_last(path, image, rng):
    hdu = fits.PrimaryHDU(rng.normal(size=(*SHAPE, 3)).astype(">f4"))
    names = {"CTYPE1": "WAVE", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"}
    hdu.header.update(names, CDELT2=-0.1, CDELT3=0.1)
    hdu.writeto(path)


def rows_last(path, image, rng):
    hdu = fits.PrimaryHDU(rng.normal(size=(SHAPE[1], SHAPE[0])))
    hdu.header.update(CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CDELT1=0.1, CDELT2=-0.1)
    hdu.writeto(path)


def extension(path, image, rng):
    other = fits.ImageHDU(image[::-1].copy(), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), other]).writeto(path)


def tiles(path, image, rng, **options):
    hdu = fits.CompImageHDU(image, tile_shape=(7, 10), **options)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def quantized_tiles(path, image, rng):
    tiles(path, image, rng, quantize_level=4, quantize_method=2, dither_seed=3)


def lossless_tiles(path, image, rng):
    tiles(path, image, rng, compression_type="GZIP_2", quantize_level=0)


def integer_tiles(path, image, rng):
    whole = (image * 1000).astype(np.int32)
    tiles(path, whole, rng, compression_type="HCOMPRESS_1")


WRITERS = [
    *[plain, scaled, blank_of_zero, unsigned, bands_first, bands_last, rows_last],
    *[extension, quantized_tiles, lossless_tiles, integer_tiles],
]


def same_bits(lazy, cube):
    assert lazy.is_lazy
    found = lazy.compute()
    assert found.data.dtype == cube.dtype
    assert found.data.tobytes() == cube.data.tobytes()
    assert (found.errors is None) == (cube.errors is None)
    if cube.errors is not None:
        assert found.errors.tobytes() == cube.errors.tobytes()
    assert found.band_names == cube.band_names
    assert found.band_units == cube.band_units
    assert_array_equal(found.fwhm, cube.fwhm)


class TestFiles:
    """Each kind of file, in strips of one, some and all rows."""

    @pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
    def test_bits(self, write, image, rng, tmp_path, monkeypatch):
        path = tmp_path / "g.fits"
        write(path, image, rng)
        for height, dtype in [(7, np.float32), (1, np.float64), (20, np.float32)]:
            cut(monkeypatch, height)
            cube = read_cube(path, dtype=dtype)
            lazy = read_cube(path, dtype=dtype, lazy=True)
            assert lazy.data.chunks[0][0] == min(height, cube.shape[0])
            same_bits(lazy, cube)

    def test_tiles_of_hcompress_in_many_threads(
        self, image, rng, tmp_path, monkeypatch
    ):
        # Its decoder is not for threads: several at once mix up their places.
        cut(monkeypatch, 1)
        integer_tiles(tmp_path / "g.fits", image, rng)
        expected = read_cube(tmp_path / "g.fits").data
        with dask.config.set(scheduler="threads", num_workers=8):
            for _ in range(20):
                found = read_cube(tmp_path / "g.fits", lazy=True).compute().data
                assert found.tobytes() == expected.tobytes()

    def test_several_files_in_any_order(self, height, image, rng, tmp_path):
        paths = [tmp_path / f"{write.__name__}.fits" for write in WRITERS[:5]]
        for path, write in zip(paths, WRITERS, strict=False):
            write(path, image, rng)
        options = {"order": [3, 0, 6, 2, 1, 4, 5], "fwhm": np.arange(1.0, 8.0)}
        same_bits(read_cube(paths, lazy=True, **options), read_cube(paths, **options))

    def test_several_grids(self, height, image, tmp_path):
        shapes = {"g": (20, 30), "r": (9, 30), "i": (20, 30)}
        for name, shape in shapes.items():
            plain(tmp_path / f"{name}.fits", image[: shape[0]], None)
        paths = [tmp_path / f"{name}.fits" for name in shapes]
        cubes = read_cube(paths)
        assert [cube.shape[2] for cube in cubes] == [2, 1]
        for lazy, cube in zip(read_cube(paths, lazy=True), cubes, strict=True):
            same_bits(lazy, cube)

    def test_compressed_as_a_whole(self, image, tmp_path):
        path = tmp_path / "g.fits.gz"
        plain(path, image, None)
        with pytest.warns(UserWarning, match=r"g\.fits\.gz is compressed as a whole"):
            lazy = read_cube(path, lazy=True)
        path.unlink()
        assert_array_equal(lazy.compute().data[:, :, 0], image)

    @pytest.mark.filterwarnings("ignore:.*is compressed as a whole")
    def test_unpacked_pixels_are_on_the_disk_and_go(
        self, height, image, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        path = tmp_path / "counts.fits.gz"
        hdu = fits.PrimaryHDU(np.arange(600, dtype=np.int16).reshape(20, 30))
        hdu.header.update(BSCALE=0.5, BZERO=3.0, BLANK=0)
        hdu.writeto(path)
        lazy = read_cube(path, lazy=True)
        [rows] = tmp_path.glob("*.rows")
        assert rows.stat().st_size == hdu.data.size * 4
        same_bits(pickle.loads(pickle.dumps(lazy)), read_cube(path))
        same_bits(lazy, read_cube(path))
        del lazy
        gc.collect()
        assert not rows.exists()

    def test_images_in_memory(self, height, image, tmp_path):
        plain(tmp_path / "g.fits", image, None)
        lazy = da.from_array(image[::-1], chunks=(3, 11))
        images = [lazy, tmp_path / "g.fits", np.ma.masked_greater(image, 1)]
        cube, found = read_cube(images), read_cube(images, lazy=True)
        same_bits(found, cube)
        assert_array_equal(cube.data[:, :, 0], image[::-1])

    def test_hdus_in_memory_are_refused(self, image):
        with pytest.raises(ValueError, match=r"in memory\. For lazy=True, give its"):
            read_cube(fits.PrimaryHDU(image), lazy=True)

    def test_combined_exposures_are_refused(self, image, tmp_path):
        paths = [tmp_path / "1.fits", tmp_path / "2.fits"]
        for path in paths:
            plain(path, image, None)
        options = {"band_names": ["g", "g"], "combine": True, "lazy": True}
        with pytest.raises(ValueError, match="2 exposures of g are combined in memory"):
            read_cube(paths, **options)


class TestPlanes:
    """Errors, masks and weights beside the images."""

    @pytest.fixture
    def path(self, image, rng, tmp_path):
        flags = rng.integers(0, 4, SHAPE).astype(np.uint16)
        image[3:5] = np.nan
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(image, name="SCI")]
        hdus += [fits.ImageHDU(rng.normal(size=SHAPE) ** 2, name="ERR")]
        hdus += [fits.ImageHDU(flags, name="DQ")]
        hdus += [fits.ImageHDU(rng.integers(0, 3, SHAPE), name="WHT")]
        fits.HDUList(hdus).writeto(tmp_path / "g.fits")
        ivar = rng.integers(0, 3, SHAPE).astype(np.float32)
        fits.PrimaryHDU(ivar).writeto(tmp_path / "g_ivar.fits")
        return tmp_path / "g.fits"

    @pytest.mark.parametrize(
        "options",
        [
            {"errors": "inside"},
            {"errors": "WHT", "error_kind": "ivar"},
            {"masks": "auto", "ignore_flags": 1},
            {"weights": "inside", "errors": "inside", "masks": "inside"},
            {"errors": "IVAR", "hdu": "SCI"},
        ],
    )
    def test_bits(self, path, options, height):
        if options.get("errors") == "IVAR":
            options = {**options, "errors": [path.with_name("g_ivar.fits")]}
        with warnings.catch_warnings():  # of many flags, only in memory
            warnings.simplefilter("ignore")
            cube = read_cube(path, **options)
        same_bits(read_cube(path, lazy=True, **options), cube)

    def test_lazy_planes(self, path, height, rng):
        flags = rng.random(SHAPE) < 0.3
        errors = rng.random(SHAPE) - 0.1
        cube = read_cube(path, masks=[flags], errors=[errors])
        options = {
            "masks": [da.from_array(flags, chunks=(6, 30))],
            "errors": [da.from_array(errors, chunks=(11, 7))],
        }
        same_bits(read_cube(path, lazy=True, **options), cube)
        same_bits(read_cube(read_cube(path, lazy=True, **options), lazy=True), cube)

    def test_both_come_from_one_task(self, path, monkeypatch):
        opened = []

        def count(path, **options):
            opened.append(path)
            return open_fits(path, **options)

        lazy = read_cube(path, errors="inside", lazy=True)
        monkeypatch.setattr("skesom.io._pixels.open_fits", count)
        lazy.compute()
        assert len(opened) == 2  # the image and its errors, in one strip


class TestSchedulers:
    """The same bits wherever the tasks run."""

    @pytest.fixture
    def cubes(self, image, rng, tmp_path, monkeypatch):
        set_size(monkeypatch, "strip", values=1, rows=3)
        paths = [tmp_path / f"{write.__name__}.fits" for write in WRITERS[:5]]
        for path, write in zip(paths, WRITERS, strict=False):
            write(path, image, rng)
        monkeypatch.chdir(tmp_path)
        names = [path.name for path in paths]
        return read_cube(names), read_cube(names, lazy=True)

    @pytest.mark.parametrize(
        ("scheduler", "n_workers"),
        [("synchronous", 1), ("threads", 2), ("processes", 1)],
    )
    def test_of_dask(self, cubes, scheduler, n_workers, monkeypatch):
        monkeypatch.chdir("/")  # workers may be anywhere
        options = {"scheduler": scheduler, "num_workers": n_workers}
        with dask.config.set(**options):
            same_bits(cubes[1], cubes[0])

    @pytest.mark.long
    def test_of_distributed(self, cubes):
        options = {"processes": True, "threads_per_worker": 1, "n_workers": 2}
        options["dashboard_address"] = None
        with LocalCluster(**options) as cluster, Client(cluster):
            same_bits(cubes[1], cubes[0])

    def test_filters_of_warnings_stay(self, cubes):
        before = list(warnings.filters)
        with dask.config.set(scheduler="threads", num_workers=8):
            for _ in range(5):
                cubes[1].compute()
        assert warnings.filters == before

    def test_filters_hold_until_the_last_thread_is_done(self, image, tmp_path):
        plain(tmp_path / "g.fits", image, None)
        first, second = threading.Event(), threading.Event()

        def stay():
            with open_fits(tmp_path / "g.fits"):
                first.set()
                second.wait(20)

        before = list(warnings.filters)
        thread = threading.Thread(target=stay)
        with open_fits(tmp_path / "g.fits"):
            thread.start()
            first.wait(20)
        assert warnings.filters != before
        second.set()
        thread.join()
        assert warnings.filters == before


class TestDamage:
    """What happens to a file between opening and computing has one error."""

    @pytest.fixture
    def path(self, image, tmp_path):
        plain(tmp_path / "g.fits", image, None)
        return tmp_path / "g.fits"

    def test_a_file_that_changes(self, path, image):
        lazy = read_cube(path, lazy=True)
        later = time.time() + 10
        os.utime(path, (later, later))
        with pytest.raises(
            OSError, match=r"g\.fits changed after it was opened\. Read"
        ):
            lazy.compute()

    def test_a_file_that_shrinks(self, path):
        lazy = read_cube(path, lazy=True)
        os.truncate(path, 4000)
        with pytest.raises(OSError, match=r"g\.fits changed after it was opened"):
            lazy.compute()

    def test_a_file_that_vanishes(self, path):
        lazy = read_cube(path, lazy=True)
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"g\.fits"):
            lazy.compute()

    def test_a_short_file_is_refused_when_opened(self, path):
        os.truncate(path, 4000)
        with pytest.raises(OSError, match=r"g\.fits .* ends too early"):
            read_cube(path, lazy=True)

    def test_damaged_tiles(self, image, rng, tmp_path):
        path = tmp_path / "g.fits"
        lossless_tiles(path, image, rng)
        content = bytearray(path.read_bytes())
        with fits.open(path) as hdus:
            table = hdus[1]._bintable
            start = table._data_offset + table._theap
        content[start : start + 300] = bytes(300)
        path.write_bytes(content)
        lazy = read_cube(path, lazy=True)
        with pytest.raises(OSError, match=r"g\.fits is not a readable FITS file"):
            lazy.compute()

    def test_values_beyond_the_type(self, path, tmp_path):
        fits.PrimaryHDU(np.full(SHAPE, 1e300)).writeto(tmp_path / "r.fits")
        lazy = read_cube(tmp_path / "r.fits", lazy=True)
        with pytest.raises(ValueError, match=r"r\.fits holds values beyond float32"):
            lazy.compute()

    def test_headers_are_checked(self, tmp_path):
        with gzip.open(tmp_path / "g.fits.gz", "wb") as file:
            file.write(b"SIMPLE  =                    T".ljust(2880))
        with pytest.raises(OSError, match=r"g\.fits\.gz"):
            read_cube(tmp_path / "g.fits.gz", lazy=True)


MEMORY = """
import resource, sys
import dask
import numpy as np
from skesom._common.strips import SIZES, Size
from skesom.io import read_cube, write_bands
SIZES["strip"] = Size(values=2**20, rows=64)
lazy = read_cube(sys.argv[1], lazy=True)
assert lazy.data.numblocks[0] > 20
with dask.config.set(scheduler="threads", num_workers=1):
    lazy[:64].compute()  # loads all that is imported later, and starts the thread
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit = used + 64 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print(np.nansum(lazy.data, dtype=np.float64).compute())
    write_bands(sys.argv[2], lazy)
"""


def test_memory_is_bounded(tmp_path):
    shape = 1500, 16384  # 98 MB
    header = fits.Header({"SIMPLE": True, "BITPIX": -32, "NAXIS": 2})
    header.update(NAXIS1=shape[1], NAXIS2=shape[0])
    stream = fits.StreamingHDU(tmp_path / "g.fits", header)
    for _ in range(0, shape[0], 500):
        stream.write(np.ones((500, shape[1]), dtype=np.float32))
    stream.close()
    command = [sys.executable, "-c", MEMORY, tmp_path / "g.fits", tmp_path / "out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) == shape[0] * shape[1]
    (path,) = (tmp_path / "out").iterdir()
    with fits.open(path) as hdus:
        assert hdus[0].shape == shape
        assert (hdus[0].section[-100:] == 1).all()
