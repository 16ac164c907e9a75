# SPDX-License-Identifier: BSD-3-Clause
"""A result of a stranger may hold links to files of the user: none is written through.

Folders of temporary files are on another file system here, where files are copied.
"""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from skesom.cube import Cube
from skesom.io import write_bands, write_cube, write_map, write_regions
from skesom.runs import save_model
from skesom.runs.group_files import write_cluster_groups
from skesom.som import CSOM

QUICK = ["--no-pictures", "--runs", "1", "--method", "csom", "--set", "shape=4,4"]
QUICK += ["--n-clusters", "3"]


def contents(folder):
    """Return what a folder holds: the content of files, None of folders."""
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def victims(fitted, tmp_path):
    """The files of the user, which have what the result needs to be read."""
    shutil.copytree(fitted, tmp_path / "victims")
    for name in (".skesom.json", ".skesom.json.new", "confusion.ecsv", "scores.json"):
        (tmp_path / "victims" / name).write_text("{}")
    (tmp_path / "victims" / "images").mkdir()
    before = contents(tmp_path / "victims")
    yield tmp_path / "victims"
    assert contents(tmp_path / "victims") == before


@pytest.fixture(params=[False, True])
def trapped(request, victims, tmp_path, monkeypatch):
    """A result whose files are links; or also its folders, and the shell is in it."""
    folder = tmp_path / "result"
    folder.mkdir()
    for path in [*victims.glob("*"), *victims.glob("*/*")]:
        place = folder / path.relative_to(victims)
        if path.is_dir() and not request.param:
            place.mkdir()
        elif not place.parent.is_symlink():
            place.symlink_to(path)
    monkeypatch.chdir(folder if request.param else tmp_path)  # moved file by file
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Have temporary files on another file system."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("skesom.report.catalog._pictures", lambda *_: [])
    rename = os.rename

    def rename_on_one(old, new):
        sides = [tmp_path / "elsewhere" in Path(path).parents for path in (old, new)]
        if sides[0] != sides[1]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(old, new)

    monkeypatch.setattr(os, "rename", rename_on_one)


COMMANDS = {
    "name": "name RESULT --trust",
    "name to another": "name FITTED -o RESULT --overwrite --trust",
    "explore": "explore RESULT --overwrite --trust",
    "cluster": "cluster BANDS -o RESULT --overwrite QUICK",
    "repeat": "cluster --from FITTED -o RESULT --overwrite --no-pictures",
    "predict": "predict RESULT BANDS -o RESULT --overwrite --no-pictures --trust",
    "crossmatch": "crossmatch RESULT OBJECTS -o RESULT --overwrite",
    "test": "test RESULT FITTED/cluster_map.fits -o RESULT --overwrite",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COMMANDS)
def test_commands(run, fitted, bands, objects, trapped, name):
    known = {"RESULT": trapped, "FITTED": fitted, "OBJECTS": objects}
    known |= {"BANDS": " ".join(map(str, bands)), "QUICK": " ".join(QUICK)}
    line = COMMANDS[name]
    for word, text in known.items():
        line = line.replace(word, str(text))
    status, _, errors = run(*line.split())
    if name == "explore":  # a page is a file that takes the place of a link
        assert status == 0, errors
    else:
        assert status == 2
        assert "holds files that were not written here" in errors[-1]
    assert not [path for path in trapped.iterdir() if path.name.startswith(".skesom-")]


CUBE = Cube(np.ones((4, 5, 1)), band_names=["r"])
LABELS = np.zeros((4, 5), dtype=int)
WRITERS = {
    "map.fits": lambda path: write_map(path, LABELS, overwrite=True),
    "map.zarr": lambda path: write_map(path, LABELS, overwrite=True),
    "cube.zarr": lambda path: write_cube(path, CUBE, overwrite=True),
    "r.fits": lambda path: write_bands(path.parent, CUBE, overwrite=True),
    "map.reg": lambda path: write_regions(path, LABELS, overwrite=True),
    "groups.json": lambda path: write_cluster_groups(path, [("a", [0])]),
    "model.joblib": lambda path: save_model(path, CSOM(2), overwrite=True),
}


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("name", WRITERS)
def test_functions(tmp_path, name, link):
    """A link that is named itself is replaced."""
    victim, path = tmp_path / "victim", tmp_path / "folder" / name
    path.parent.mkdir()
    is_zarr = path.suffix == ".zarr"
    if is_zarr:
        pytest.importorskip("zarr")
        victim.mkdir()
        link = os.symlink  # there are no others of folders
    file = victim / "zarr.json" if is_zarr else victim
    file.write_text("mine")
    link(victim, path)
    WRITERS[name](path)
    assert file.read_text() == "mine"
    assert not path.is_symlink()
    assert path.is_dir() if is_zarr else path.read_bytes() != b"mine"
    assert sorted(tmp_path.glob("*/*")) == sorted([path, *[file] * is_zarr])
