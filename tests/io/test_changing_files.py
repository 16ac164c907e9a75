# SPDX-License-Identifier: BSD-3-Clause
"""What is no file, or does not stay the same file while it is read, is refused."""

import gzip
import os
import re
import socket

import numpy as np
import pytest
from astropy.io import fits

from skesom._common.fits_files import open_fits
from skesom.cli import main
from skesom.cube.convolution.kernels import read_psf
from skesom.io import read_catalog, read_cube, read_map, read_region_labels
from skesom.runs import load_model, read_cluster_groups
from skesom.runs.image_source import ImageSource
from skesom.runs.provenance import read_recipe

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

    for module in ("_images", "_planes"):
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
