# SPDX-License-Identifier: BSD-3-Clause
"""``--strips``: images that stay on the disk give the same folder of results."""

import json
import sys
import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom._common import machine_limits
from skesom.io import read_map
from skesom.runs import Run
from skesom.runs.image_source import ImageSource
from tests.helpers.block_sizes import set_size

pytest.importorskip("dask.array")
pytestmark = pytest.mark.filterwarnings("default:.*other versions:UserWarning")
# Apart from times, commands and what is said of the files.
DIFFER = {"provenance.json", "model.skops", "recipe.skops"}


@pytest.fixture(scope="module", autouse=True)
def _low_strips():
    """Cut images of some ten rows into several strips."""
    with pytest.MonkeyPatch.context() as patch:
        set_size(patch, "strip", values=1000, rows=5)
        set_size(patch, "steps", values=800)
        yield


@pytest.fixture(scope="module")
def results(command, bands, tmp_path_factory):
    """Folders of results of two ways, with what was printed."""
    folder = tmp_path_factory.mktemp("results")
    options = "--runs", 2, "--dpi", 40, "--tables", "yes", "--strips"
    printed = {
        strips: command("cluster", *bands, "-o", folder / strips, *options, strips)
        for strips in ("no", "yes")
    }
    return folder, printed


def test_folder_of_results_is_the_same(results, contents):
    folder, printed = results
    first, *others = printed["yes"]
    assert first == "Working through the images in strips of rows."
    names = str(folder / "yes"), str(folder / "no")
    assert [line.replace(*names) for line in others] == printed["no"]
    whole, by_strips = contents(folder / "no"), contents(folder / "yes")
    assert whole.keys() == by_strips.keys()
    assert {"agreement.fits", "pixels.fits", "cluster_contours.png"} < whole.keys()
    assert [n for n in whole if whole[n] != by_strips[n] and n not in DIFFER] == []
    for name, files in (("no", whole), ("yes", by_strips)):
        assert json.loads(files["provenance.json"])["strips"] is (name == "yes")


def test_run_is_repeated_without_strips(results, repeat):
    first = results[0] / "yes"
    repeat(first, "--strips", "no")
    report = Run.read(first, trust=True)
    assert report.cube.is_lazy
    np.testing.assert_array_equal(
        report.pipeline.predict(report.cube), report.label_map
    )


def test_prediction_in_strips_is_the_same(results, bands, run, contents, tmp_path):
    for strips in ("no", "yes"):
        command = [results[0] / "no", *bands, "-o", tmp_path / strips, "--trust"]
        run.ok("predict", *command, "--strips", strips, "--no-pictures")
    whole, by_strips = contents(tmp_path / "no"), contents(tmp_path / "yes")
    assert [n for n in whole if whole[n] != by_strips.get(n) and n not in DIFFER] == []


def test_regions_mask_lazy_images(bands, tmp_path):
    path = tmp_path / "hole.reg"
    path.write_text("image\ncircle(15,18,5)\n")
    for role in ("exclude", "include"):
        cubes = [
            ImageSource(tuple(bands), lazy=lazy, **{role: (str(path),)}).read()
            for lazy in (False, True)
        ]
        assert cubes[1].is_lazy
        assert np.isnan(cubes[0].data).any()
        np.testing.assert_array_equal(*map(np.asarray, cubes))


@pytest.mark.parametrize(("share", "is_lazy"), [(0.99, True), (1.01, False)])
def test_auto_counts_the_values_and_the_free_memory(
    run, bands, scene, fast, tmp_path, monkeypatch, share, is_lazy
):
    needed = 4 * 6 * scene[0].data.size  # bytes of float32, as often as a run copies
    monkeypatch.setattr(machine_limits, "free_memory", lambda: share * needed)
    lines = run.ok("cluster", *bands, "-o", tmp_path / "out", *fast)
    reason = "The images need about 0.0 GB of memory, and 0.0 GB are free."
    line = f"Working through the images in strips of rows. {reason}"
    assert (line in lines) == is_lazy


def test_missing_dask_is_named(bands, run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    line = run.fails("cluster", *bands, "-o", tmp_path / "out", "--strips", "yes")
    assert "Work in strips needs dask: pip install 'skesom[dask]'." in line
    assert not (tmp_path / "out").exists()


def test_free_memory_is_the_least_that_anything_leaves(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    machine = machine_limits.free_memory()
    assert 0 < machine < 2**60
    # A limit of the process, and of a group of a container.
    monkeypatch.setattr(resource, "getrlimit", lambda name: (2**50, 2**50))
    assert (
        machine_limits.free_memory() == machine or machine_limits.free_memory() < 2**50
    )
    (tmp_path / "memory.max").write_text("12345\n")
    monkeypatch.setattr(machine_limits, "_GROUPS", tmp_path)
    assert machine_limits.free_memory() == 12345
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(resource, "getrlimit", lambda name: (1000, 1000))
    assert machine_limits.free_memory() == 0


def test_images_of_clusters_are_fits_files(results, tmp_path):
    out = results[0] / "yes"
    with zipfile.ZipFile(out / "cluster_images.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".fits")]
        archive.extract(names[0], tmp_path)
    labels, _ = read_map(out / "cluster_map.fits")
    table = Table.read(out / "clusters.ecsv", format="ascii.ecsv")
    with fits.open(tmp_path / names[0]) as hdus:
        hdus.verify("exception")
        band = hdus[0].header["FILTER"]
        image = hdus[0].data
    for label, median in zip(table["id"], table[f"{band}_median"], strict=True):
        np.testing.assert_array_equal(image[labels == label], np.float32(median))
    assert np.isnan(image[labels < 0]).all()
