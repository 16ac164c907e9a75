# SPDX-License-Identifier: BSD-3-Clause
"""Numbers and "never" in the pages that no other test asserts, each with its page."""

import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from skesom import ESOM
from skesom.cube import Cube, CubeAligner, CubeMasker
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay
from skesom.maps import CubeClusterer, crossmatch, find_pieces, suggest_names
from skesom.report import PictureStyle
from skesom.runs import Run, load_model, save_model

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def scene():
    """A small galaxy and clusters of it."""
    cube, _ = make_galaxy_cube((40, 44), random_state=0)
    cube = cube[["F336W", "F438W", "F814W"]]
    pipeline = make_pipeline(CubeClusterer(KMeans(3, n_init=1, random_state=0)))
    return cube, pipeline.fit(cube)


@pytest.fixture
def outliers():
    """Normal rows, and three far from all, each once."""
    X = np.random.default_rng(0).normal(size=(2000, 2))
    rows = [100, 700, 1300]
    X[rows] = [[50, 0], [0, 60], [-70, 0]]
    return X, rows


# docs/evolving_map.md: "Prune never (0) where rare samples are what you look for."
def test_a_map_that_never_prunes_keeps_units_of_rare_samples(outliers):
    X, rows = outliers
    distances = {}
    for period in (0, 10):
        esom = ESOM(None, pruning_period=period, random_state=0).fit(X)
        apart = X[rows, np.newaxis] - esom.codebook_
        distances[period] = np.linalg.norm(apart, axis=2).min(axis=1)
    np.testing.assert_allclose(distances[0], 0, atol=1e-12)
    assert (distances[10] > 10).all()


# docs/evolving_map.md: "The number of clusters does not change it."
def test_epsilon_is_that_of_any_number_of_clusters(outliers):
    X, _ = outliers
    found = {ESOM(number, random_state=0).fit(X).epsilon_ for number in (2, 20, "auto")}
    assert len(found) == 1


# docs/masking.md: NaN are "always" masked.
def test_nan_is_masked_when_nothing_else_is():
    data = np.random.default_rng(0).normal(10, 1, (30, 40, 2))
    data[3, 4, 0] = np.nan
    data[5, 6] = 0
    masker = CubeMasker(
        mask_zeros=False, mask_outliers=False, mask_lines=False, mask_pedestal=False
    )
    masked = np.isnan(masker.fit_transform(Cube(data)).data)
    np.testing.assert_array_equal(np.argwhere(masked), [[3, 4, 0], [3, 4, 1]])


# docs/grids.md: a grid that is given "is not cut, unless `crop=True` asks for it".
@pytest.mark.parametrize(
    ("crop", "is_cut"), [(False, False), ("auto", False), (True, True)]
)
def test_a_grid_that_is_given_is_cut_only_if_asked_for(crop, is_cut):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    grid = wcs.deepcopy()
    grid.wcs.crpix = [5, 5]
    grid.wcs.cdelt = [-1.5e-4, 1.5e-4]
    grid.array_shape = (60, 70)
    cube = Cube(np.ones((20, 30, 2)), wcs=wcs)
    aligner = CubeAligner(grid, crop=crop, conserve="flux")
    shape = aligner.fit_transform(cube).shape
    assert (shape != (60, 70, 2)) == is_cut


# docs/known_objects.md: the p-values are (1 + n) / (1 + n_draws) "and at most 1".
def test_p_values_are_never_zero_and_at_most_one():
    rng = np.random.default_rng(0)
    label_map = rng.integers(0, 3, (20, 30))
    label_map[:4, :4] = 3
    objects = Table()
    objects["x"] = [*rng.uniform(0, 29, 30), *rng.uniform(0, 3, 12)]
    objects["y"] = [*rng.uniform(0, 19, 30), *rng.uniform(0, 3, 12)]
    objects["type"] = ["a"] * 30 + ["b"] * 12
    result = crossmatch(label_map, objects, n_draws=99, random_state=0)
    for name in ("p_value", "p_any"):
        found = np.asarray(result.table[name], dtype=float)
        found = found[~np.isnan(found)]
        assert found.min() >= 1 / 100
        assert found.max() <= 1
    assert np.nanmin(result.table["p_value"]) == pytest.approx(2 / 100)


# docs/names.md: what tells clusters apart "is never a name": those are in the table.
def test_names_are_those_of_the_table_of_rules():
    text = (DOCS / "names.md").read_text(encoding="utf-8")
    table = text[text.index("| name | holds if") :].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    cells = [
        re.sub("star clusters, stars and nuclei", "star clusters", c) for c in cells
    ]
    listed = {cell.strip() for cell in cells}
    rng = np.random.default_rng(0)
    met = set()
    cube, truth = make_galaxy_cube((64, 64), random_state=0)
    for trial in range(6):
        labels = np.where(rng.random(truth.shape) < 0.1 * trial, 9, truth)
        for each in suggest_names(labels, cube):
            met.add(each.name)
            assert each.description not in listed
    assert met - {None} <= listed
    assert len(met - {None}) > 2


# docs/report.md: "Pictures in `cluster_images.zip` are always PNG."
# docs/report.md: "a region file [has] 2 MB" at most.
def test_pictures_of_the_archive_and_size_of_regions(scene, tmp_path, monkeypatch):
    cube, pipeline = scene
    monkeypatch.setattr("skesom.report.pieces._MOST_BYTES", 4000)
    files = Run(pipeline, cube).write(
        tmp_path / "r", pictures=PictureStyle("pdf", dpi=40), tables=True
    )
    assert any(name.endswith(".pdf") for name in files)
    with zipfile.ZipFile(files["cluster_images.zip"]) as archive:
        names = archive.namelist()
        pictures = [name for name in names if not name.endswith(".fits")]
        assert pictures
        for name in pictures:
            assert archive.read(name).startswith(b"\x89PNG")
    regions = [path for name, path in files.items() if name.endswith("pieces.reg")]
    for path in regions:
        assert path.stat().st_size <= 4000 + 500  # and its first lines
    assert regions


# docs/report.md: "The table has the 10 000 largest pieces, and the largest of each
# cluster".
def test_a_table_of_pieces_has_the_largest_ten_thousand():
    rows, columns = np.indices((320, 240))
    label_map = (rows + columns) % 2
    label_map[:2, :2] = 0
    cube = Cube(np.ones((320, 240, 1)))
    table = find_pieces(label_map, cube, min_size=1)
    assert table["pixels"].max() > 1
    assert np.bincount(table["cluster"]).tolist() == [10_000, 1]


# docs/what_is_safe_to_open.md: "An archive (`.skops`) is never unpacked to the disk."
def test_a_model_is_read_without_a_file_that_is_written(scene, tmp_path):
    _, pipeline = scene
    save_model(tmp_path / "model.skops", pipeline)
    written = []
    is_watched = True

    def watch(event, arguments):
        if not is_watched:
            return
        if event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
            written.append((event, arguments))
        if event == "open" and isinstance(arguments[1], str):
            if set(arguments[1]) & set("wax+"):
                written.append((event, arguments))

    sys.addaudithook(watch)
    try:
        load_model(tmp_path / "model.skops")
    finally:
        is_watched = False
    assert written == []


# docs/displays.md: "An image of more than four million pixels is drawn from every
# second, third, ... row and column, and a note above the axes gives the step."
def test_more_than_four_million_pixels_are_thinned_with_a_note():
    axes = Figure().subplots()
    labels = np.zeros((2000, 2000), dtype=np.int32)
    display = ClusterMapDisplay.from_predictions(labels, ax=axes, legend=False)
    assert display.image_.get_array().shape[:2] == (2000, 2000)
    assert axes.get_title(loc="left") == ""
    axes = Figure().subplots()
    more = np.zeros((2001, 2000), dtype=np.int32)
    display = ClusterMapDisplay.from_predictions(more, ax=axes, legend=False)
    assert display.image_.get_array().shape[:2] == (1001, 1000)
    assert axes.get_title(loc="left") == "every 2nd row and column"
