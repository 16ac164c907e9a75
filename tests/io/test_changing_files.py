# SPDX-License-Identifier: BSD-3-Clause
"""What is no file, or does not stay the same file while it is read, is refused."""

import builtins
import gzip
import hashlib
import json
import os
import re
import socket

import numpy as np
import pytest
from astropy.io import fits

from skesom._common.fits_files import open_fits
from skesom.cli import main
from skesom.cube.convolution.stamps import read_psf
from skesom.io import read_catalog, read_cube, read_map, read_region_labels
from skesom.runs import Run, load_model, read_cluster_groups
from skesom.runs.image_source import ImageSource
from skesom.runs.recipes import read_recipe
from skesom.som import ESOM

READERS = {
    "image": read_cube,
    "mask": lambda path: read_cube(np.ones((4, 5)), masks=path),
    "label map": read_map,
    "PSF": read_psf,
    "catalog": read_catalog,
    "regions": lambda path: read_region_labels(path, (4, 5)),
    "model": load_model,
    "run": read_recipe,
    "groups": read_cluster_groups,
}
SUFFIXES = {"model": ".skops", "run": ".json", "groups": ".json", "regions": ".reg"}


@pytest.fixture
def no_file(tmp_path, request):
    """Return a function that makes what can be opened as a file and is none."""
    pytest.importorskip("fcntl")

    def make(kind, suffix):
        path = tmp_path / f"it{suffix}"
        if kind == "a pipe":
            os.mkfifo(path)
        elif kind == "a device":
            path.symlink_to("/dev/null")
        else:
            server = socket.socket(socket.AF_UNIX)
            request.addfinalizer(server.close)
            os.chdir(tmp_path)  # names of sockets are short
            server.bind(path.name)
        return path

    before = os.getcwd()
    yield make
    os.chdir(before)


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a socket"])
@pytest.mark.parametrize("what", READERS)
def test_what_is_no_file_is_refused(no_file, what, kind):
    path = no_file(kind, SUFFIXES.get(what, ".fits"))
    with pytest.raises(OSError, match=f"{re.escape(str(path))} is {kind} and no file"):
        READERS[what](path)


@pytest.mark.parametrize(
    "option", ["--align-to", "--psf", "--masks", "--exclude", "--from", "--catalog"]
)
def test_options_of_the_command_take_no_pipe(no_file, tmp_path, capsys, option):
    pipe, image = str(no_file("a pipe", ".reg")), str(tmp_path / "image.fits")
    fits.writeto(image, np.random.default_rng(0).normal(size=(30, 40)))
    files = [] if option == "--from" else [image]
    command = ["cluster", *files, "-o", str(tmp_path / "out"), option, pipe]
    assert main(command) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{pipe} is a pipe and no file" in line


@pytest.mark.filterwarnings("ignore:.*is compressed as a whole")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", ["image.fits", "mask.fits", "image.fits.gz"])
@pytest.mark.parametrize("change", ["cut", "replaced"])
def test_a_file_that_changes_is_refused(tmp_path, monkeypatch, name, change, lazy):
    if lazy:
        pytest.importorskip("dask.array")
    image, mask = tmp_path / "image.fits", tmp_path / "mask.fits"
    for path in (image, mask):
        fits.writeto(path, np.ones((300, 40)))
    changing = tmp_path / name
    if name.endswith(".gz"):
        changing.write_bytes(gzip.compress(image.read_bytes()))
        image = changing

    def change_it(images):  # after the headers were read, and before the pixels
        if change == "cut":
            os.truncate(changing, 2880)
        else:
            changing.rename(tmp_path / "before")
            fits.writeto(changing, np.ones((200, 40)))
        return images

    monkeypatch.setattr("skesom.io.cubes.complete_grids", change_it)
    with pytest.raises(OSError, match=rf"{name} changed after it was opened"):
        np.asarray(read_cube([image], masks=[mask], lazy=lazy))


def test_no_file_is_in_the_memory_map(tmp_path):
    """The system would end the process where the file is cut."""
    fits.writeto(tmp_path / "image.fits", np.ones((300, 40)))
    with open_fits(tmp_path / "image.fits") as hdus:
        data = hdus[0].data
    while isinstance(data, np.ndarray):
        assert not isinstance(data, np.memmap)
        data = data.base


@pytest.mark.parametrize("lazy", [False, True])
def test_headers_of_images_are_read_once(tmp_path, monkeypatch, lazy):
    """Names, order, size, companions and pixels are those of one plan."""
    if lazy:
        pytest.importorskip("dask.array")
    files = [tmp_path / f"{name}.fits" for name in ("r", "u")]
    for path in files:
        fits.writeto(path, np.arange(1200.0).reshape(30, 40))
    fits.writeto(tmp_path / "u_mask.fits", np.zeros((30, 40), np.int16))
    opened = []

    def count(path, **options):
        opened.append((str(path), options.get("stamp") is not None))
        return open_fits(path, **options)

    for module in ("_images", "_pixels", "_planes"):
        monkeypatch.setattr(f"skesom.io.{module}.open_fits", count)
    source = ImageSource(tuple(map(str, files)), masks="auto").by_wavelength()
    source = source._replace(lazy=lazy)
    assert (source.order, source.n_values()) == ([1, 0], 2 * 30 * 40)
    assert list(source.lines()) == ["Masks: u_mask.fits (masks=None leaves them out)."]
    assert source.companions() == [tmp_path / "u_mask.fits"]
    np.asarray(source.read())
    files = sorted(map(str, tmp_path.iterdir()))
    assert sorted(path for path, has_stamp in opened if not has_stamp) == files
    pixels = sorted(path for path, has_stamp in opened if has_stamp)
    assert (sorted(set(pixels)) if lazy else pixels) == files


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def write_band(path, rng, *, with_errors=False):
    """Write an image with some light in its middle, perhaps with errors beside it."""
    y, x = np.indices((48, 48)) - 24
    image = 50 * np.exp(-np.hypot(x, y) / 8) + rng.normal(size=x.shape)
    header = fits.Header([("FWHM", 1.0), ("BUNIT", "MJy/sr")])
    hdus = [fits.PrimaryHDU(image.astype(np.float32), header)]
    if with_errors:
        hdus.append(fits.ImageHDU(np.ones(x.shape, np.float32), name="ERR"))
    fits.HDUList(hdus).writeto(path)


def fit_and_count(files, monkeypatch, **how):
    """Return a run of files, and how often each of them has been opened since."""
    counts = dict.fromkeys(map(os.path.realpath, files), 0)
    real_open = builtins.open

    def count(file, *args, **options):
        if isinstance(file, str | os.PathLike):
            place = os.path.realpath(file)
            if place in counts:
                counts[place] += 1
        return real_open(file, *args, **options)

    monkeypatch.setattr(builtins, "open", count)
    source = {"files": list(map(str, files)), **how}
    return Run.fit(source, clusterer=ESOM(3, random_state=0)), counts


@pytest.mark.filterwarnings("ignore:The errors of the cube are not used")
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
@pytest.mark.parametrize("with_errors", [False, True])
def test_a_run_opens_each_image_once(tmp_path, monkeypatch, rng, suffix, with_errors):
    """For headers, pixels, errors and the digest in the provenance together."""
    files = [tmp_path / f"{name}{suffix}" for name in ("u", "g", "r", "i")]
    for path in files:
        write_band(path, rng, with_errors=with_errors)
    errors = "inside" if with_errors else None
    run, counts = fit_and_count(files, monkeypatch, errors=errors)
    assert set(counts.values()) == {1}
    run.write(tmp_path / "out", pictures=False)
    assert set(counts.values()) == {1}
    again = json.loads((tmp_path / "out" / "provenance.json").read_text())
    for file in again["images"]["files"]:
        content = (tmp_path / os.path.basename(file["path"])).read_bytes()
        assert file["size"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_repeated_run_opens_each_image_for_its_digest_and_once_more(
    tmp_path, monkeypatch, rng
):
    files = [tmp_path / f"{name}.fits" for name in ("u", "g", "r")]
    for path in files:
        write_band(path, rng)
    run, counts = fit_and_count(files, monkeypatch)
    run.write(tmp_path / "out", pictures=False)
    counts.update(dict.fromkeys(counts, 0))
    again = Run.read(tmp_path / "out").repeat()
    again.write(tmp_path / "again", pictures=False)
    assert set(counts.values()) == {2}
    np.testing.assert_array_equal(again.label_map, run.label_map)


def test_the_provenance_tells_what_was_read(tmp_path, rng):
    """And not what lies there when the run is written."""
    files = [tmp_path / f"{name}.fits" for name in ("u", "g")]
    for path in files:
        write_band(path, rng)
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    size = files[0].stat().st_size
    run = Run.fit(files, clusterer=ESOM(3, random_state=0))
    files[0].unlink()
    write_band(files[0], rng, with_errors=True)
    run.write(tmp_path / "out", pictures=False)
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    told = {file["path"]: file for file in provenance["images"]["files"]}
    assert told[str(files[0])]["sha256"] == digest
    assert told[str(files[0])]["size"] == size
    with pytest.raises(ValueError, match=r"u\.fits has changed since the run"):
        Run.read(tmp_path / "out").repeat()


def test_an_image_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch, rng):
    """Its digest would not be that of the pixels."""
    path = tmp_path / "u.fits"
    write_band(path, rng)
    real_digest = hashlib.file_digest

    def grow(file, *args):
        with open(path, "ab") as other:
            other.write(bytes(2880))
        return real_digest(file, *args)

    monkeypatch.setattr(hashlib, "file_digest", grow)
    with pytest.raises(OSError, match=r"u\.fits changed after it was opened"):
        ImageSource((str(path),)).read()


def n_handles():
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="handles are not listed")
class TestHandles:
    """Files stay open between their headers and their pixels, and no longer."""

    @pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
    @pytest.mark.parametrize("is_damaged", [False, True])
    def test_none_is_left(self, tmp_path, rng, suffix, is_damaged):
        files = [tmp_path / f"{n}{suffix}" for n in range(3)]
        for path in files:
            write_band(path, rng)
        if is_damaged:
            files[-1].write_bytes(b"no image")
        before = n_handles()
        if is_damaged:
            with pytest.raises(OSError, match="not a readable FITS file"):
                read_cube(files)
        else:
            read_cube(files)
        assert n_handles() == before

    @pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
    def test_few_are_enough_for_many_images(self, tmp_path, rng, suffix):
        resource = pytest.importorskip("resource")
        files = [tmp_path / f"{n}{suffix}" for n in range(60)]
        for path in files:
            write_band(path, rng)
        expected = [read_cube(path).data[:, :, 0] for path in files]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (n_handles() + 40, hard))
        try:
            cube = read_cube(files)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        np.testing.assert_array_equal(cube.data, np.dstack(expected))

    @pytest.mark.parametrize("has_room", [False, True])
    def test_packed_images_stay_unpacked_if_there_is_room(
        self, tmp_path, monkeypatch, rng, has_room
    ):
        files = [tmp_path / f"{n}.fits.gz" for n in range(3)]
        for path in files:
            write_band(path, rng)
        if not has_room:
            monkeypatch.setattr("skesom._common.fits_files._MAX_UNPACKED", 2**10)
        before, between = n_handles(), []

        def count(images):  # after the headers were read, and before the pixels
            between.append(n_handles())
            return images

        monkeypatch.setattr("skesom.io.cubes.complete_grids", count)
        cube = read_cube(files)
        assert (between[0] > before) == has_room
        for number, path in enumerate(files):
            np.testing.assert_array_equal(cube.data[:, :, number], fits.getdata(path))
