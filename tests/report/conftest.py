# SPDX-License-Identifier: BSD-3-Clause
"""A report of the small galaxy, written once."""

import pytest

from skesom.io import write_bands
from skesom.report import PictureStyle
from skesom.runs import Run
from skesom.runs.image_source import ImageSource


@pytest.fixture
def small_sample(monkeypatch):
    """Save time of the validity indices."""
    monkeypatch.setattr("skesom.report.tables._SAMPLE_SIZE", 200)


@pytest.fixture(scope="session")
def source(galaxy, tmp_path_factory):
    """Files of the galaxy."""
    return ImageSource(write_bands(tmp_path_factory.mktemp("images"), galaxy))


@pytest.fixture(scope="session")
def plain_report(galaxy, job, source, tmp_path_factory):
    """Files of a report without pictures, by their names."""
    folder = tmp_path_factory.mktemp("plain") / "result"
    spare = {"pictures": False, "tables": False}
    return Run(job, galaxy, source=source).write(folder, **spare)


@pytest.fixture(scope="session")
def report(galaxy, job, source, tmp_path_factory):
    """All files of a report by their names, with coarse pictures."""
    folder = tmp_path_factory.mktemp("written") / "result"
    run = Run(job, galaxy, source=source, command=["skesom", "x"])
    return run.write(folder, pictures=PictureStyle(dpi=60), tables=True)
