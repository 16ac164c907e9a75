# SPDX-License-Identifier: BSD-3-Clause
"""``skesom test``: clusters against known classes."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from skesom.io import read_map, write_map, write_regions
from skesom.pixels import cluster_table


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
        out = run.ok("test", *maps, "-o", tmp_path / "out")
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

    def test_objects_of_a_segmentation_map(self, run, tmp_path, wcs):
        """The first object has two parts, which touch by a corner."""
        segments = np.zeros((40, 40), dtype=np.int32)
        for number in range(6):
            segments[5 : 8 + number, 6 * number : 6 * number + 4] = number + 1
        segments[8:10, 4:6] = 1
        clusters = np.where(segments > 0, 1, -2)
        clusters[30:] = 0
        clusters[segments == 6] = -2  # an object in the sky
        write_map(tmp_path / "map.fits", clusters, wcs=wcs)
        fits.writeto(tmp_path / "segm.fits", segments, wcs.to_header())
        where = tmp_path / "map.fits", tmp_path / "segm.fits", "-o", tmp_path / "out"
        out = run.ok("test", *where)
        assert any("numbers 6 objects on a background of 0" in line for line in out)
        classes = Table.read(tmp_path / "out" / "classes.ecsv")
        assert classes["class"].tolist() == ["none", "object"]
        assert classes["clusters"].tolist() == ["-1 0", "1"]
        n_objects, n_lost = np.sum(segments > 0), np.sum(segments == 6)
        found = 1 - n_lost / n_objects
        np.testing.assert_allclose(classes["completeness"], [1, found])
        scores = json.loads((tmp_path / "out" / "scores.json").read_text())
        assert scores["pixels compared"] == 1600

    @pytest.mark.parametrize(
        "kind", ["few", "scattered", "without background", "named"]
    )
    def test_classes_stay_classes(self, run, tmp_path, wcs, kind):
        rows = np.arange(40)[:, np.newaxis]
        truth = np.maximum(np.repeat(rows, 40, axis=1) - 32, 0)  # 0 to 7, in stripes
        if kind == "few":
            truth = np.minimum(truth, 4)
        elif kind == "scattered":
            truth[:, ::2] = 0
        elif kind == "without background":
            truth[:20] = 1
        table = cluster_table(truth)
        if kind == "named":
            table["name"] = [f"class {number}" for number in table["id"]]
        write_map(tmp_path / "truth.fits", truth, wcs=wcs, table=table)
        write_map(tmp_path / "map.fits", (truth > 3).astype(int), wcs=wcs)
        run(
            "test", tmp_path / "map.fits", tmp_path / "truth.fits", "-o", tmp_path / "o"
        )
        classes = Table.read(tmp_path / "o" / "classes.ecsv")
        assert len(classes) == len(np.unique(truth))

    def test_names_of_the_classes(self, run, maps, tmp_path, wcs):
        table = cluster_table(read_map(maps[1])[0])
        table["name"] = ["old disc", "H II region"]
        write_map(tmp_path / "named.fits", read_map(maps[1])[0], wcs=wcs, table=table)
        out = run.ok("test", maps[0], tmp_path / "named.fits")
        assert any(
            line.split() == ["cluster", "old", "disc", "H", "II", "region"]
            for line in out
        )
        assert not any("no names" in line for line in out)

    def test_a_folder_of_results_and_regions(self, run, fitted, tmp_path):
        pytest.importorskip("regions")
        labels, wcs = read_map(fitted / "cluster_map.fits")
        write_regions(tmp_path / "exact.reg", labels, wcs=wcs)
        smooth = fitted / "regions" / "all.reg"
        for path, least in ((tmp_path / "exact.reg", 1), (smooth, 0.6)):
            out = run.ok("test", fitted, path)
            # The regions are the clusters themselves, without the smallest pieces.
            (line,) = [line for line in out if line.startswith("adjusted Rand index")]
            assert float(line.split()[-1]) >= least

    def test_maps_of_another_place(self, run, maps, tmp_path, wcs):
        wcs.wcs.crpix = [4, 2]
        write_map(tmp_path / "far.fits", np.zeros((2, 4), dtype=int), wcs=wcs)
        status, _, err = run("test", maps[0], tmp_path / "far.fits")
        assert status == 0
        assert "lie 2.0 pixels apart on the sky" in err[0]

    @pytest.mark.parametrize(
        ("truth", "parts"),
        [
            (np.zeros((2, 5), int), ["(2, 4)", "(2, 5)"]),
            (np.full((2, 4), -3), ["No pixel has both a cluster and a known class"]),
        ],
    )
    def test_what_cannot_be_compared(self, refused, maps, tmp_path, truth, parts):
        write_map(tmp_path / "other.fits", truth)
        refused("test", maps[0], tmp_path / "other.fits", parts=parts)

    def test_a_folder_that_is_used(self, run, maps, tmp_path):
        assert "is not empty" in run.fails("test", *maps, "-o", tmp_path)
