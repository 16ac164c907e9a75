# SPDX-License-Identifier: BSD-3-Clause
"""Reports of voxels: a slice of the label map for each band."""

import io
import json
import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from matplotlib.image import imread

from skesom.io import read_map
from skesom.maps import make_cluster_pipeline
from skesom.report import PictureStyle
from skesom.report._pictures import Pictures
from skesom.report.result import Result
from skesom.runs import Run, load_model
from skesom.som import ESOM


@pytest.fixture(scope="module")
def step():
    """A pipeline of voxels."""
    clusterer = ESOM(n_clusters=3, random_state=0)
    return make_cluster_pipeline(clusterer, pattern="voxel", sky="mask")


@pytest.fixture(scope="module")
def files(step, galaxy, tmp_path_factory):
    """All files of a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skesom.report.tables._SAMPLE_SIZE", 200)
        folder = tmp_path_factory.mktemp("voxels") / "out"
        return Run(step.fit(galaxy), galaxy).write(folder, tables=True)


def test_labels_of_all_bands(files, step, galaxy):
    label_map, wcs = read_map(files["cluster_map.fits"])
    np.testing.assert_array_equal(label_map, step[-1].labels_)
    assert label_map.shape == galaxy.shape
    assert wcs is not None
    bands = Table.read(files["cluster_map.fits"], hdu="BANDS")["band"]
    assert bands.tolist() == list(galaxy.band_names)


def test_the_folder_is_that_of_pixels_but_for_what_one_flux_cannot_show(files):
    units = {"u_matrix.png", "hit_map.png", "component_planes.png"}
    rest = {"cluster_map.png", "cluster_histogram.png", "pixels.fits", "summary.md"}
    assert {*files} >= units | rest | {"pixels_scaled.fits", "validity.ecsv"}
    told = json.loads(files["provenance.json"].read_text())["left_out"]
    missing = {"regions", "cutouts", "cluster_contours", "cluster_spectra", "pieces"}
    assert not any(name.startswith(tuple(missing)) for name in files)
    assert all(any(name in text for text in told) for name in missing)


def levels_of_sky(data, labels):
    """Return the median of the voxels of each band that are set aside as sky."""
    return np.array(
        [
            np.nanmedian(data[:, :, band][labels[:, :, band] == -2])
            for band in range(data.shape[2])
        ]
    )


def test_table_of_voxels(files, step, galaxy):
    labels = step[-1].labels_
    n_first = list(step.named_steps).index("align") + 1
    data = np.asarray(step[:n_first].transform(galaxy))
    table = Table.read(files["pixels.fits"])
    scaled = Table.read(files["pixels_scaled.fits"])
    assert table.colnames[:3] == scaled.colnames[:3] == ["row", "column", "band"]
    assert len(table) == np.count_nonzero(labels > -2)
    place = tuple(table[name] for name in ("row", "column", "band"))
    level = levels_of_sky(data, labels)
    np.testing.assert_allclose(table["flux"], data[place] - level[table["band"]])
    np.testing.assert_array_equal(table["cluster"], labels[place])
    np.testing.assert_array_equal(scaled["cluster"], table["cluster"])
    som = step[-1].estimator_
    units, distances = som.winners(np.c_[scaled["flux"]], return_distance=True)
    np.testing.assert_array_equal(table["unit"], units)
    np.testing.assert_allclose(table["distance"], distances, atol=1e-6)


def test_summary_ranks_the_clusters_by_flux(files, step, galaxy):
    lines = [each.line() for each in files.descriptions]
    clusters = Table.read(files["clusters.ecsv"])
    labels = step[-1].labels_
    for rank, row in enumerate(sorted(clusters, key=lambda row: row["flux_scaled"]), 1):
        inside = (labels == row["id"]).sum(axis=(0, 1))
        share = f"{inside.max() / inside.sum():.0%} of its voxels are in "
        line = f"level {rank} of 3 from the faintest, "
        line += share + galaxy.band_names[inside.argmax()]
        assert lines[row["id"]] == line
    text = files["summary.md"].read_text()
    assert "of the voxels are empty sky" in text
    assert "| cluster | what it is | share of the clustered voxels |" in text
    assert "No names are suggested" not in text


def test_histogram_counts_voxels(step, galaxy):
    jobs = dict(Pictures(Result(step, galaxy), PictureStyle()).jobs())
    display = jobs["cluster_histogram"]()
    labels = step[-1].labels_
    counts = np.bincount(labels[labels >= 0])
    assert [bar.get_height() for bar in display.bars_] == counts.tolist()
    assert display.ax_.get_ylabel() == "voxels"


def test_statistics_are_of_the_voxels_of_a_band(files, step, galaxy):
    n_first = list(step.named_steps).index("align") + 1
    data = np.asarray(step[:n_first].transform(galaxy))
    label_map, _ = read_map(files["cluster_map.fits"])
    clusters = Table.read(files["clusters.ecsv"])
    level = levels_of_sky(data, label_map)
    for number, name in enumerate(galaxy.band_names):
        for row in clusters:
            own = data[:, :, number][label_map[:, :, number] == row["id"]]
            mean = own.mean() - level[number] if len(own) else np.nan
            assert row[f"{name}_mean"] == pytest.approx(mean, rel=1e-4, nan_ok=True)


def test_images_of_slices(files, step, galaxy):
    labels = step[-1].labels_
    clusters = Table.read(files["clusters.ecsv"])
    name = galaxy.band_names[1]
    with zipfile.ZipFile(files["cluster_images.zip"]) as archive:
        assert len(archive.namelist()) == 2 * len(galaxy.band_names)
        with archive.open(f"2_{name}.fits") as file:
            image = fits.getdata(io.BytesIO(file.read()))
        with archive.open(f"2_{name}.png") as file:
            picture = imread(file)
    medians = {row["id"]: row[f"{name}_median"] for row in clusters}
    expected = [[medians.get(one, np.nan) for one in row] for row in labels[:, :, 1]]
    np.testing.assert_allclose(image, expected, rtol=1e-6)
    # A dot is a pixel, in the color of its cluster, with the first row below.
    colors = {row["id"]: row["color"] for row in clusters}
    row, column = np.argwhere(labels[:, :, 1] == 0)[0]
    dot = np.rint(255 * picture[len(labels) - 1 - row, column, :3]).astype(int)
    assert "#" + bytes(dot.tolist()).hex() == colors[0]


def test_the_model_predicts_slices(files, step, galaxy):
    pipeline, _ = load_model(files["model.skops"])
    np.testing.assert_array_equal(pipeline.predict(galaxy), step[-1].labels_)
