# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster --pattern voxel``."""

import numpy as np
from astropy.io import fits

from skesom.io import read_map


def test_a_map_of_each_band(run, quick, bands, fast, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    how = ("--pattern", "voxel", "--n-clusters", 3)
    run.ok("cluster", *bands, "-o", first, *fast[:6], *how, "--dpi", 40)
    label_map, _ = read_map(first / "cluster_map.fits")
    assert label_map.shape == (*fits.getdata(bands[0]).shape, 3)
    assert (first / "cluster_map.png").is_file()
    status, out, _ = quick("cluster", "--from", first, "-o", again)
    assert status == 0
    assert any("bit for bit" in line for line in out)
    other = tmp_path / "other"
    assert quick("predict", first, *bands, "-o", other, "--trust")[0] == 0
    predicted, _ = read_map(other / "cluster_map.fits")
    np.testing.assert_array_equal(predicted, label_map)
