# SPDX-License-Identifier: BSD-3-Clause
"""What ``skesom cluster`` says of sky and background, and what it does about them."""

import re

import numpy as np
import pytest
from sklearn.cluster import KMeans

from skesom.cube import Cube
from skesom.io import read_map, write_bands

FAST = ("--tables=no", "--no-pictures", "--n-clusters", "3") + (
    *("--method", "sklearn.cluster.KMeans", "--set", "n_init=1", "--runs", "1"),
)


@pytest.fixture
def field(tmp_path):
    """Files of a field of sky with a galaxy and a gap, on a background that slopes."""

    def write(rise=0.0, galaxy=60.0):
        rng = np.random.default_rng(0)
        rows, columns = np.indices((96, 96)) - 48
        light = galaxy * np.exp(-1.678 * np.hypot(rows, columns) / 7)
        data = light[:, :, np.newaxis] * [1.0, 0.7, 1.3] + rng.normal(size=(96, 96, 3))
        data += np.linspace(0, rise, 96)[:, np.newaxis, np.newaxis]
        data[:12] = np.nan
        return write_bands(tmp_path / "bands", Cube(data.astype(np.float32)))

    return write


def line_of(out, start):
    """Return the one line that starts so."""
    (line,) = [line for line in out if line.startswith(start)]
    return line


def test_sky_is_told_as_a_share_of_the_pixels_with_data(run, field, tmp_path):
    status, out, err = run("cluster", *field(), "-o", tmp_path / "out", *FAST)
    assert status == 0
    (warning,) = err
    assert "the FWHM of all bands is unknown. Give --fwhm" in warning
    labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
    share = np.mean(labels[labels != -3] == -2)
    assert share > 0.8
    np.testing.assert_array_equal(labels[:12], -3)
    line = line_of(out, "Sky set aside")
    assert f"{share:.1%} of the pixels with data" in line


@pytest.mark.parametrize("choice", ["no", "auto", "yes"])
def test_background_is_told_and_subtracted(run, field, repeat, tmp_path, choice):
    arguments = ("-o", tmp_path / "flat", "--subtract-background", choice, *FAST)
    status, out, err = run("cluster", *field(rise=15), *arguments)
    assert status == 0
    told = [line for line in err if "slopes across the frame" in line]
    assert len(told) == (choice != "yes")
    if choice == "no":
        assert "subtract it first" in told[0]
        assert "Sky kept" in line_of(out, "Sky")
    else:
        line = line_of(out, "Sky set aside")
        assert float(re.search(r"([\d.]+)%", line)[1]) > 70
    if choice == "auto":
        assert "It was subtracted from: band 1 (15), band 2 (1" in told[0]
        repeat(tmp_path / "flat", warned=err)


def test_hardly_anything_stands_out(run, tmp_path):
    """Three beams in a frame of 3600 pixels, as of Herschel."""
    data = np.random.default_rng(0).normal(size=(60, 60, 3))
    rows, columns = np.indices((60, 60))
    for row, column in ((12, 15), (30, 44), (47, 22)):
        beam = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 1.5**2))
        data += 12 * beam[:, :, np.newaxis] * [1.0, 0.8, 0.6]
    cube = Cube(data.astype(np.float32), band_names=["PSW", "PMW", "PLW"])
    files, out = write_bands(tmp_path / "bands", cube), tmp_path / "out"
    more = (*FAST, "--sky", "mask", "--n-clusters")
    status, _, err = run("cluster", *files, "-o", out, *more, 40)
    assert status == 2
    (line,) = err
    found = re.search(r"Only (\d+) of 3600 pixels stand out .* 40 clusters", line)
    n_pixels, fewer = int(found[1]), int(re.search(r"--n-clusters (\d+)\)", line)[1])
    assert 20 < n_pixels < 200
    assert fewer == n_pixels // 5
    assert "--sky keep" in line
    assert not out.exists()
    assert run("cluster", *files, "-o", out, *more, fewer)[0] == 0


@pytest.fixture
def lines_before_the_fit(monkeypatch, capsys):
    """What was told when the first member of a consensus is fitted, of each command."""
    told = []
    fit = KMeans.fit

    def fit_after_a_look(self, X, y=None, sample_weight=None):
        told.append(capsys.readouterr().err.splitlines())
        return fit(self, X, y, sample_weight)

    monkeypatch.setattr(KMeans, "fit", fit_after_a_look)
    return told


def test_too_few_pixels_are_told_before_the_runs(run, tmp_path, lines_before_the_fit):
    """A star at the edge of a survey, in noise."""
    data = np.random.default_rng(0).normal(size=(60, 60, 3))
    rows, columns = np.indices((60, 60))
    star = np.exp(-((rows - 30) ** 2 + (columns - 30) ** 2) / 4)
    data += 30 * star[:, :, np.newaxis]
    cube = Cube(data.astype(np.float32), band_names=["g", "r", "i"])
    files = write_bands(tmp_path / "bands", cube)
    arguments = ("-o", tmp_path / "out", *FAST, "--n-clusters")
    line = run.fails("cluster", *files, *arguments, 40)
    assert re.search(r"Only \d+ of 3600 pixels stand out of the sky: 40 clusters", line)
    assert lines_before_the_fit == []
    fewer = re.search(r"--n-clusters (\d+)\)", line)[1]
    assert run("cluster", *files, *arguments, fewer)[0] == 0
    assert len(lines_before_the_fit) > 0


def test_noise_is_told_before_the_runs(run, field, tmp_path, lines_before_the_fit):
    status, _, err = run("cluster", *field(galaxy=0), "-o", tmp_path / "out", *FAST)
    assert status == 0
    assert sum("nothing but sky" in line for line in lines_before_the_fit[0]) == 1
    assert not any("nothing but sky" in line for line in err)


def test_frame_of_nothing_but_sky(run, field, tmp_path):
    """It is kept with a warning, and refused where it should be masked."""
    files = field(galaxy=0)
    status, _, err = run("cluster", *files, "-o", tmp_path / "out", *FAST)
    assert status == 0
    assert any("nothing but sky" in line for line in err)
    arguments = ("-o", tmp_path / "none", "--sky", "mask", *FAST)
    status, _, err = run("cluster", *files, *arguments)
    assert status != 0
    (line,) = err
    assert "as sky. Give --sky keep." in line
    assert not (tmp_path / "none").exists()
