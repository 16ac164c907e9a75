# SPDX-License-Identifier: BSD-3-Clause
"""``--combine``: pointings of several bands become one map, in each command."""

import numpy as np
import pytest

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands


@pytest.fixture
def pointings(tmp_path):
    """Return files of two overlapping pointings of a galaxy in three bands."""
    cube, _ = make_galaxy_cube((40, 40), 3, random_state=0)
    files = []
    for number, columns in enumerate((slice(0, 26), slice(14, 40))):
        part = cube[:, columns]
        level = np.float32([3, 5, 7]) * number
        part = Cube(part.data + level, wcs=part.wcs, band_names=part.band_names)
        files += write_bands(tmp_path / f"p{number}", part)
    return files


def test_pointings_become_one_map(
    run, quick, pointings, fast, repeat, labels_in, tmp_path
):
    out, predicted = tmp_path / "out", tmp_path / "predicted"
    status, _, err = run("cluster", *pointings, "-o", out, "--n-clusters", 3, *fast)
    assert status == 0
    said = [line for line in err if "combined to one image of 40 x 40 pixels" in line]
    assert len(said) == 3
    assert all("2 exposures of F" in line for line in said)
    labels = labels_in(out)
    assert labels.shape == (40, 40)
    repeat(out, warned=err)
    status, _, err = run("explore", out)
    assert status == 0, err
    status, _, err = quick("predict", out, *pointings[::-1], "-o", predicted)
    assert status == 0, err
    assert np.mean(labels_in(predicted) == labels) > 0.99


def test_no_and_yes(refused, made_by, pointings):
    with pytest.warns(UserWarning, match="Several bands have the name"):
        source, _ = made_by(*pointings, "--combine", "no")
    assert len(source.plan.band_names) == 6
    parts = ["nothing to combine"]
    refused("cluster", *pointings[:3], "--combine", "yes", parts=parts)
