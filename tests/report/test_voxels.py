# SPDX-License-Identifier: BSD-3-Clause
"""Reports of voxels: a slice of the label map for each band."""

import io
import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from matplotlib.image import imread

from skesom.io import read_map
from skesom.maps import make_cluster_pipeline
from skesom.report import load_model, write_report
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
        patch.setattr("skesom.report._tables._SAMPLE_SIZE", 200)
        folder = tmp_path_factory.mktemp("voxels") / "out"
        return write_report(folder, step.fit(galaxy), galaxy)


def test_labels_of_all_bands(files, step, galaxy):
    label_map, wcs = read_map(files["cluster_map.fits"])
    np.testing.assert_array_equal(label_map, step[-1].labels_)
    assert label_map.shape == galaxy.shape
    assert wcs is not None
    bands = Table.read(files["cluster_map.fits"], hdu="BANDS")["band"]
    assert bands.tolist() == list(galaxy.band_names)
    assert not any(name.startswith(("regions", "pixels")) for name in files)


def test_statistics_are_of_the_voxels_of_a_band(files, step, galaxy):
    n_first = list(step.named_steps).index("align") + 1
    data = np.asarray(step[:n_first].transform(galaxy))
    label_map, _ = read_map(files["cluster_map.fits"])
    clusters = Table.read(files["clusters.ecsv"])
    for number, name in enumerate(galaxy.band_names):
        for row in clusters:
            own = data[:, :, number][label_map[:, :, number] == row["id"]]
            mean = own.mean() if len(own) else np.nan
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
    pipeline, _ = load_model(files["model.joblib"], trust=True)
    np.testing.assert_array_equal(pipeline.predict(galaxy), step[-1].labels_)
