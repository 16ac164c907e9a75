# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of many channels: binned, or as principal components."""

import numpy as np
import pytest
from astropy.io import fits


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A cube of 20 channels, with a line at two velocities left and right."""
    rng = np.random.default_rng(0)
    velocities = np.linspace(-200, 180, 20)
    cube = rng.normal(0, 0.1, (20, 20, 24))
    for columns, velocity in ((slice(0, 8), -120), (slice(16, 24), 120)):
        line = np.exp(-(((velocities - velocity) / 25) ** 2) / 2)
        cube[:, :, columns] += line[:, np.newaxis, np.newaxis]
    axes = {"CTYPE3": "VELO", "CUNIT3": "km/s", "CRVAL3": -200.0, "CDELT3": 20.0}
    sky = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-4, "CDELT2": 1e-4}
    header = fits.Header({"CRPIX3": 1.0} | axes | sky)
    path = tmp_path_factory.mktemp("lines") / "lines.fits"
    fits.PrimaryHDU(cube.astype("f4"), header).writeto(path)
    return path


@pytest.mark.parametrize("options", [("--bin-bands", 4), ("--pca", 3)], ids=str)
def test_lines_at_two_velocities(quick, lines, labels_in, tmp_path, options):
    out, folder = tmp_path / "out", tmp_path / "predicted"
    arguments = "--n-clusters", 3, "--sky", "keep", "--runs", 1, *options
    assert quick("cluster", lines, "-o", out, *arguments)[0] == 0
    labels = labels_in(out)
    for columns in (slice(0, 8), slice(8, 16), slice(16, 24)):
        counts = np.bincount(labels[:, columns].ravel(), minlength=3)
        assert counts.max() > 0.95 * counts.sum()
    assert len({labels[10, 4], labels[10, 12], labels[10, 20]}) == 3
    assert quick("predict", out, lines, "-o", folder)[0] == 0
    np.testing.assert_array_equal(labels_in(folder), labels)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--bin-bands", 0), "--bin-bands"),
        (("--pca", 0), "--pca must be at least 1"),
        (("--pca", 3, "--min-bands", 15), "all bands"),
        (("--pca", 21), "--pca 21 must be between"),
    ],
    ids=str,
)
def test_impossible(refused, lines, options, reason):
    refused("cluster", lines, "--sky", "keep", *options, parts=[reason])


def test_empty_channels_of_fewer_pixels_than_channels(quick, labels_in, tmp_path):
    """As at the ends of the cubes of small spectrographs."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0, 0.1, (60, 6, 8)).astype("f4")
    cube[20:30, :, 4:] += 2
    cube[0] = 0
    cube[59] = np.nan
    fits.writeto(tmp_path / "ends.fits", cube)
    arguments = "--n-clusters", 2, "--sky", "keep", "--runs", 3
    out = tmp_path / "out"
    status, _, told = quick("cluster", tmp_path / "ends.fits", "-o", out, *arguments)
    assert status == 0
    again, other = tmp_path / "again", tmp_path / "other"
    words = "2 of 60 channels are left out, as they hold no data or one value: ends 1, "
    assert any(line.endswith(words + "ends 60.") for line in told)
    labels = labels_in(out)
    assert len({labels[3, 2], labels[3, 6]}) == 2
    assert quick("predict", out, tmp_path / "ends.fits", "-o", again)[0] == 0
    np.testing.assert_array_equal(labels_in(again), labels)
    arguments = "--n-clusters", 3, "-o", tmp_path / "cut"
    assert quick("cluster", "--from", out, *arguments)[0] == 0

    cube[[0, 59]] = rng.normal(0, 0.1, (2, 6, 8))  # channels that the model has not
    fits.writeto(tmp_path / "whole.fits", cube)
    assert quick("predict", out, tmp_path / "whole.fits", "-o", other)[0] == 0
    np.testing.assert_array_equal(labels_in(other), labels)

    cube[10] = 0
    fits.writeto(tmp_path / "short.fits", cube)
    status, _, told = quick(
        "predict", out, tmp_path / "short.fits", "-o", tmp_path / "no"
    )
    assert status == 2
    assert "takes the channels short 11, which hold no data" in told[-1]
