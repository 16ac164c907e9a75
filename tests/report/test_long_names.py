# SPDX-License-Identifier: BSD-3-Clause
"""Names of any length and alphabet in the files of a report."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.cube import Cube
from skesom.io import (
    read_cube,
    read_map,
    read_region_labels,
    write_bands,
    write_map,
    write_regions,
)
from skesom.maps import make_cluster_pipeline
from skesom.pixels import cluster_table
from skesom.runs import Run

LONG = "a long name " * 17
NAMES = [
    [LONG, "b", ""],
    [LONG + "x", LONG + "y", LONG + "X"],
    ["\u03b1" * 200, "alpha" * 200, "\u4e2d\u6587"],
    ["'" * 200, "''", "'"],
    ["$\\foo$" * 40, "a/b" * 70, "../" * 60],
    ["\u03b1", "alpha", "b c"],
]


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def cube(request, galaxy):
    data = galaxy.data[:24, :28, :3]
    return Cube(data, wcs=galaxy.wcs, band_names=request.param)


@pytest.mark.filterwarnings("ignore:It is strongly recommended that column names")
def test_map_and_its_table(cube, tmp_path):
    labels = np.arange(cube.shape[0] * cube.shape[1]).reshape(cube.shape[:2]) % 3
    write_map(tmp_path / "map.fits", labels, cube=cube)
    np.testing.assert_array_equal(read_map(tmp_path / "map.fits")[0], labels)
    table = cluster_table(labels, cube)
    with fits.open(tmp_path / "map.fits") as hdus:
        written, header = hdus["CLUSTERS"].data, hdus["CLUSTERS"].header
        assert len(set(written.names)) == len(table.colnames)
        for number, name in enumerate(table.colnames, 1):
            np.testing.assert_array_equal(written.field(number - 1), table[name])
            band = name.rpartition("_")[0]
            is_kept = band in header[f"TCOMM{number}"]  # the whole of it
            assert is_kept or number <= 3 or not band.isascii()


def test_bands_are_read_again(cube, tmp_path):
    if cube.band_names[1][:2] in ("''", "al") or cube.band_names[2][-1:] == "X":
        with pytest.raises(ValueError, match="would share a file"):
            write_bands(tmp_path / "bands", cube)
        return
    paths = write_bands(tmp_path / "bands", cube)
    again = read_cube(paths)
    np.testing.assert_array_equal(again.data, cube.data)
    for name, own in zip(again.band_names, cube.band_names, strict=True):
        is_changed = not own.isascii() or not own
        assert is_changed or name == own.rstrip()


@pytest.mark.filterwarnings(
    "ignore:The bands stay as sharp", "ignore:One cluster holds"
)
@pytest.mark.filterwarnings("ignore:Glyph", "ignore:It is strongly recommended")
def test_report(cube, tmp_path):
    clusterer = KMeans(2, n_init=1, random_state=3)
    pipeline = make_cluster_pipeline(clusterer).fit(cube)
    # Pictures take names as mathematics, and letters that fonts may lack.
    pictures = "$" in cube.band_names[0] or not cube.band_names[0].isascii()
    Run(pipeline, cube).write(tmp_path / "new", pictures=pictures)
    pixels = Table.read(tmp_path / "new/pixels.fits")
    header = fits.getheader(tmp_path / "new/pixels.fits", 1)
    told = [header.get(f"TCOMM{n}", "") for n in range(1, header["TFIELDS"] + 1)]
    assert len(set(map(str.lower, pixels.colnames))) == header["TFIELDS"]
    for name in cube.band_names:
        is_told = any(text.startswith(f"flux in {name}".rstrip()) for text in told)
        assert is_told or not name.isascii()
    clusters = Table.read(tmp_path / "new/clusters.ecsv")
    for name in cube.band_names:
        assert f"{name}_median" in clusters.colnames


@pytest.mark.parametrize("name", [LONG, "\u03b1" * 200, ""])
def test_regions_of_clusters(tmp_path, name):
    labels = np.zeros((20, 20), dtype=int)
    labels[5:15, 5:15] = 1
    path = tmp_path / "clusters.reg"
    write_regions(path, labels, names=[name, "other"])
    again = read_region_labels(path, labels.shape)
    label_map, names, _ = again
    assert set(names.values()) == {name.strip() or "0", "other"}
    (other,) = (label for label, text in names.items() if text == "other")
    np.testing.assert_array_equal(label_map == other, labels == 1)


@pytest.mark.parametrize("name", ["a\nb", "{" * 200, ";"])
def test_names_that_no_region_can_have(tmp_path, name):
    with pytest.raises(ValueError, match="braces, semicolons or line breaks"):
        write_regions(tmp_path / "clusters.reg", np.zeros((9, 9), int), names=[name])
