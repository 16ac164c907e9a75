# SPDX-License-Identifier: BSD-3-Clause
"""``skesom test``: clusters against known classes."""

import json

import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS

from skesom.io import cluster_table, read_map, write_map, write_regions


@pytest.fixture
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [2, 2]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    return wcs


@pytest.fixture
def maps(tmp_path, wcs):
    """Four clusters, of which one is noise, and two classes; one pixel is unknown."""
    write_map(tmp_path / "map.fits", [[0, 0, 0, 1], [2, 2, -1, -3]], wcs=wcs)
    write_map(tmp_path / "truth.fits", [[1, 1, 0, 1], [0, 0, 0, 1]], wcs=wcs)
    return tmp_path / "map.fits", tmp_path / "truth.fits"


class TestTruth:
    """How clusters and classes go together."""

    def test_prints_what_it_writes(self, run, maps, tmp_path):
        status, out, err = run("test", *maps, "-o", tmp_path / "out")
        assert (status, err) == (0, [])
        scores = json.loads((tmp_path / "out" / "scores.json").read_text())
        # Clusters 0 and 1 stand for class 1, cluster 2 and noise for class 0.
        assert scores["accuracy"] == pytest.approx(6 / 7)
        assert scores["pixels compared"] == 7
        assert scores["pixels without cluster"] == 1
        assert any(
            line.split() == ["accuracy:", f"{scores['accuracy']:.3f}"] for line in out
        )
        classes = Table.read(tmp_path / "out" / "classes.ecsv")
        assert classes["clusters"].tolist() == ["-1 2", "0 1"]
        np.testing.assert_allclose(classes["completeness"], [3 / 4, 1])
        np.testing.assert_allclose(classes["purity"], [1, 3 / 4])
        confusion = Table.read(tmp_path / "out" / "confusion.ecsv")
        assert confusion["cluster"].tolist() == [-1, 0, 1, 2]
        assert confusion["0"].tolist() == [1, 1, 0, 2]
        assert confusion["1"].tolist() == [0, 2, 1, 0]
        values = f"their numbers are the values in {maps[1]}."
        assert f"Classes have no names: {values}" in out

    def test_names_of_the_classes(self, run, maps, tmp_path, wcs):
        table = cluster_table(read_map(maps[1])[0])
        table["name"] = ["old disc", "H II region"]
        write_map(tmp_path / "named.fits", read_map(maps[1])[0], wcs=wcs, table=table)
        status, out, err = run("test", maps[0], tmp_path / "named.fits")
        assert (status, err) == (0, [])
        assert any(
            line.split() == ["cluster", "old", "disc", "H", "II", "region"]
            for line in out
        )
        assert not any("no names" in line for line in out)

    def test_a_folder_of_results_and_regions(self, run, bands, tmp_path, fast):
        pytest.importorskip("regions")
        run("cluster", *bands, "-o", tmp_path / "out", *fast, "--n-clusters", 3)
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        write_regions(tmp_path / "exact.reg", labels, wcs=wcs)
        smooth = tmp_path / "out" / "regions" / "all.reg"
        for path, least in ((tmp_path / "exact.reg", 1), (smooth, 0.6)):
            status, out, err = run("test", tmp_path / "out", path)
            assert (status, err) == (0, [])
            # The regions are the clusters themselves, without the smallest pieces.
            (line,) = [line for line in out if line.startswith("adjusted Rand index")]
            assert float(line.split()[-1]) >= least

    def test_maps_of_another_place(self, run, maps, tmp_path, wcs):
        wcs.wcs.crpix = [4, 2]
        write_map(tmp_path / "far.fits", np.zeros((2, 4), dtype=int), wcs=wcs)
        status, _, err = run("test", maps[0], tmp_path / "far.fits")
        assert status == 0
        assert "lie 2.0 pixels apart on the sky" in err[0]

    def test_shapes_that_differ(self, run, maps, tmp_path):
        write_map(tmp_path / "wide.fits", np.zeros((2, 5), dtype=int))
        status, _, err = run("test", maps[0], tmp_path / "wide.fits")
        assert status == 2
        assert "(2, 4)" in err[0]
        assert "(2, 5)" in err[0]

    def test_nothing_in_common(self, run, maps, tmp_path):
        write_map(tmp_path / "blank.fits", np.full((2, 4), -3))
        status, _, err = run("test", maps[0], tmp_path / "blank.fits")
        assert status == 2
        assert "No pixel has both a cluster and a known class" in err[0]

    def test_a_folder_that_is_used(self, run, maps, tmp_path):
        status, _, err = run("test", *maps, "-o", tmp_path)
        assert status == 2
        assert "is not empty" in err[0]
