# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of all commands share: the command, files, patterns."""

import numpy as np
import pytest
from astropy.io import fits

from skesom.cli import main
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands


@pytest.fixture
def run(capsys):
    """The command: takes its arguments, returns status and lines of both outputs."""

    def run_command(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run_command


@pytest.fixture(autouse=True)
def _quick_reports(request, monkeypatch):
    """Save the time of drawing and of validity, which most tests do not look at."""
    monkeypatch.setattr("skesom.report._tables._SAMPLE_SIZE", 200)
    name = "skesom.report._pictures.Pictures"
    monkeypatch.setattr(f"{name}.jobs_of_bands", lambda self: [])
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(f"{name}.jobs", lambda self: [])
        monkeypatch.setattr(f"{name}.jobs_of_pixels", lambda self, summary: [])


@pytest.fixture
def pictures():
    """Draw after all."""


@pytest.fixture(scope="session")
def scene():
    """A small galaxy in three bands, and the truth."""
    return make_galaxy_cube((48, 56), 3, random_state=0)


@pytest.fixture(scope="session")
def bands(scene, tmp_path_factory):
    """Files of that galaxy; the headers tell the WCS, the filter and the FWHM."""
    return write_bands(tmp_path_factory.mktemp("bands"), scene[0])


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
    """Options of a clusterer that takes no time."""
    return ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1"]
