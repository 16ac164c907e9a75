# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of all commands share: the command, files, patterns.

`made_by` and `fitted_step` look inside the command: which pipeline options make is seen
there without a run.
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom.cli import main, parser_of_commands
from skesom.cli._images import source_of
from skesom.cli._pipeline import (
    check_steps,
    clusterer_of,
    options_of_bands,
    pipeline_of,
)
from skesom.datasets import make_galaxy_cube
from skesom.io import read_map, write_bands


class Command:
    """The command: takes its arguments, returns status and lines of both outputs."""

    def __init__(self, capsys, *more):
        self._capsys, self._more = capsys, more

    def __call__(self, *arguments):
        self._capsys.readouterr()
        status = main([str(argument) for argument in (*arguments, *self._more)])
        captured = self._capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    def ok(self, *arguments):
        """Run without a warning; return lines of the output."""
        status, out, err = self(*arguments)
        assert (status, err) == (0, [])
        return out

    def fails(self, *arguments):
        """Run to an error; return its line."""
        status, _, err = self(*arguments)
        assert status == 2
        return err[-1]


@pytest.fixture
def run(capsys):
    return Command(capsys)


@pytest.fixture
def quick(capsys):
    """The same without pictures and tables of pixels, which take most of its time."""
    return Command(capsys, "--no-pictures", "--tables=no")


@pytest.fixture(scope="session")
def command():
    """The command for results that tests share; returns the lines of the output."""

    def succeed(*arguments):
        with contextlib.redirect_stdout(io.StringIO()) as text:
            assert main([str(argument) for argument in arguments]) == 0
        return text.getvalue().splitlines()

    return succeed


@pytest.fixture
def repeat(quick, tmp_path):
    """Repeat a run: the same map comes, with no other warning; return its folder."""

    def check(run, *arguments, warned=()):
        again = tmp_path / "again"
        given = "cluster", "--from", run, *arguments, "-o", again, "--overwrite"
        status, out, err = quick(*given)
        assert (status, err) == (0, [*warned])
        assert out[-1] == "The label map is that of the run, bit for bit."
        return again

    return check


@pytest.fixture(scope="session")
def labels_in():
    """A function that returns the label map of a result."""
    return lambda folder: read_map(folder / "cluster_map.fits")[0]


@pytest.fixture(scope="session")
def told_in():
    """A function that returns what a result tells of how it was made."""
    return lambda folder: json.loads((folder / "provenance.json").read_text())


@pytest.fixture(scope="session")
def contents():
    """A function that returns the bytes of all files of a folder, by their names."""

    def read(folder):
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in files
        }

    return read


@pytest.fixture
def refused(run, tmp_path, monkeypatch):
    """Run a command to a new folder: it must fail with one line that has all parts."""
    monkeypatch.chdir(tmp_path)

    def check(command, *arguments, parts):
        before = sorted(Path().iterdir())
        status, out, err = run(command, *arguments, "-o", "new/out")
        assert (status, out) == (2, [])
        (line,) = err
        assert line.startswith(f"skesom {command}: error: ")
        missing = [part for part in parts if part not in line]
        assert not missing, line
        assert sorted(Path().iterdir()) == before

    return check


@pytest.fixture
def fitted_step(made_by):
    """A function of a step and options: the step, fitted to the files, and its cube."""

    def fit(name, *arguments):
        source, pipeline = made_by(*arguments)
        cube = pipeline[name].fit_transform(source.read())
        return pipeline[name], cube

    return fit


@pytest.fixture(scope="session")
def made_by():
    """A function of options: the images and the pipeline they become, not fitted."""

    def make(*arguments):
        options = parser_of_commands().parse_args(
            ["cluster", *map(str, arguments), "-o", "out"]
        )
        check_steps(options)
        source = source_of(options).by_wavelength()
        bands = [source.plan.band_names[band] for band in source.order]
        options = options_of_bands(options, source.order, bands)
        return source, pipeline_of(options, clusterer_of(options))

    return make


@pytest.fixture(scope="session")
def scene():
    """A small galaxy in three bands, and the truth."""
    return make_galaxy_cube((32, 36), 3, random_state=0)


@pytest.fixture(scope="session")
def bands(scene, tmp_path_factory):
    """Files of that galaxy; the headers tell the WCS, the filter and the FWHM."""
    return write_bands(tmp_path_factory.mktemp("bands"), scene[0])


@pytest.fixture(scope="session")
def objects(scene, tmp_path_factory):
    """A catalog of places in that galaxy."""
    rows, columns = np.indices((4, 5)).reshape(2, -1) * 7 + 4
    sky = scene[0].wcs.pixel_to_world(columns, rows)
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg, "type": ["HII", "G"] * 10})
    table["name"] = [f"mine{number}" for number in range(20)]
    path = tmp_path_factory.mktemp("objects") / "objects.csv"
    table.write(path)
    return path


@pytest.fixture(scope="session")
def fitted(command, bands, objects, tmp_path_factory):
    """A result of four clusters, known objects and a page; tests change copies of it.

    The catalog of the objects is gone.
    """
    folder = tmp_path_factory.mktemp("fitted")
    catalog = folder / "objects.csv"
    catalog.write_bytes(objects.read_bytes())
    options = ["--n-clusters", 4, "--method", "csom", "--set", "shape=4,4"]
    options += ["--runs", 1, "--no-pictures", "--catalog", catalog, "--radius", "2pix"]
    options += ["--tables", "yes"]
    command("cluster", *bands, "-o", folder / "result", *options)
    command("explore", folder / "result", "--trust", "--catalog", catalog)
    catalog.unlink()
    return folder / "result"


@pytest.fixture
def images(tmp_path, monkeypatch):
    """An empty folder to work in, with a function that writes images without a WCS."""
    monkeypatch.chdir(tmp_path)

    def write(name, data, wcs=None):
        header = None if wcs is None else wcs.to_header()
        fits.writeto(name, np.asarray(data, dtype=np.float32), header)
        return name

    return write


@pytest.fixture(scope="session")
def pattern():
    """A function that makes images with structure well above their noise."""

    def make(shape=(40, 44), seed=0):
        rng = np.random.default_rng(seed)
        rows, columns = np.indices(shape)
        waves = np.sin(rows / 5) * np.cos(columns / 7)
        spots = np.sin(rows / 3) * np.cos(columns / 4 + seed)
        return 50 + 40 * waves + 4 * spots + rng.normal(size=shape)

    return make


@pytest.fixture(scope="session")
def fast():
    """Options of a clusterer that takes no time, without pictures and tables."""
    method = ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1", "--runs", "2"]
    return [*method, "--no-pictures", "--tables=no"]
