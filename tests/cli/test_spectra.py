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
        (("--bin-bands", 0), "bin_size"),
        (("--pca", 0), "n_components must be at least 1"),
        (("--pca", 3, "--min-bands", 15), "all bands"),
        (("--pca", 21), "--pca 21 must be between"),
    ],
    ids=str,
)
def test_impossible(refused, lines, options, reason):
    refused("cluster", lines, "--sky", "keep", *options, parts=[reason])
