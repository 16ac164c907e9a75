# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster --pattern voxel``."""

import numpy as np
from astropy.io import fits


def test_a_map_of_each_band(run, quick, bands, fast, repeat, labels_in, tmp_path):
    first, other = tmp_path / "first", tmp_path / "other"
    how = ("--pattern", "voxel", "--n-clusters", 3)
    run.ok("cluster", *bands, "-o", first, *fast[:6], *how, "--dpi", 40)
    label_map = labels_in(first)
    assert label_map.shape == (*fits.getdata(bands[0]).shape, 3)
    assert (first / "cluster_map.png").is_file()
    repeat(first)
    assert quick("predict", first, *bands, "-o", other, "--trust")[0] == 0
    np.testing.assert_array_equal(labels_in(other), label_map)
