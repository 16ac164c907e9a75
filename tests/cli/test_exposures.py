# SPDX-License-Identifier: BSD-3-Clause
"""``--combine``: pointings of several bands become one map, in each command."""

import numpy as np
import pytest

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import read_map, write_bands

FAST = "--tables=no", "--no-pictures", "--n-clusters", "3", "--runs", "1"


@pytest.fixture
def pointings(tmp_path):
    """Return files of two overlapping pointings of a galaxy in three bands."""
    cube, _ = make_galaxy_cube((64, 64), 3, random_state=0)
    files = []
    for number, columns in enumerate((slice(0, 40), slice(24, 64))):
        part = cube[:, columns]
        level = np.float32([3, 5, 7]) * number
        part = Cube(part.data + level, wcs=part.wcs, band_names=part.band_names)
        files += write_bands(tmp_path / f"p{number}", part)
    return files


def test_pointings_become_one_map(run, pointings, tmp_path):
    status, _, err = run("cluster", *pointings, "-o", tmp_path / "out", *FAST)
    assert status == 0
    said = [line for line in err if "combined to one image of 64 x 64 pixels" in line]
    assert len(said) == 3
    assert all("2 exposures of F" in line for line in said)
    labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
    assert labels.shape == (64, 64)
    again = ("-o", tmp_path / "again", "--tables=no", "--no-pictures")
    status, out, _ = run("cluster", "--from", tmp_path / "out", *again)
    assert status == 0
    assert out[-1] == "The label map is that of the run, bit for bit."
    status, _, err = run("explore", tmp_path / "out")
    assert status == 0, err
    apply = ("-o", tmp_path / "predicted", "--tables=no", "--no-pictures")
    status, _, err = run("predict", tmp_path / "out", *pointings[::-1], *apply)
    assert status == 0, err
    predicted, _ = read_map(tmp_path / "predicted" / "cluster_map.fits")
    assert np.mean(predicted == labels) > 0.99


def test_no_and_yes(run, pointings, tmp_path):
    options = ("-o", tmp_path / "out", *FAST)
    status, out, err = run("cluster", *pointings, *options, "--combine", "no")
    assert not any("combined" in line for line in err)
    assert status == 0
    (bands,) = (line for line in out if line.startswith("Bands in their order"))
    assert bands.count(",") == 5  # six of them
    arguments = (*pointings[:3], "-o", tmp_path / "none", *FAST)
    status, _, err = run("cluster", *arguments, "--combine", "yes")
    assert status != 0
    assert "nothing to combine" in err[-1]
