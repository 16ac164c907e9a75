# SPDX-License-Identifier: BSD-3-Clause
"""What the page is given, and what is refused; how it behaves, a browser tells."""

import base64
import html
import json
import re
import zlib

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from skesom.cube import Cube
from skesom.displays import ClusterSpectraDisplay
from skesom.maps import (
    ClusterNames,
    CubeClusterer,
    make_cluster_pipeline,
    make_clusterer,
    suggest_names,
)
from skesom.report import explore, merge_clusters
from skesom.report.result import Result
from skesom.runs import Run
from skesom.som import ESOM

KINDS = {
    "Uint8Array": "<u1",
    "Uint16Array": "<u2",
    "Int16Array": "<i2",
    "Float32Array": "<f4",
    "Float64Array": "<f8",
}


def read_page(path):
    """Return the arrays and the facts that a page holds."""
    text = path.read_text(encoding="utf-8")
    facts = json.loads(re.search(r'id="facts">(.*?)</script>', text)[1])
    pattern = r'data-name="(\w+)" data-kind="(\w+)">(.*?)</script>'
    arrays = {}
    for name, kind, packed in re.findall(pattern, text):
        planes = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8)
        kind = np.dtype(KINDS[kind])
        content = planes.reshape(kind.itemsize, -1).T.tobytes()
        arrays[name] = np.frombuffer(content, kind)
    for name in ("codes", "rgb"):
        steps = arrays[name]
        arrays[name] = np.cumsum(steps - steps.dtype.type(128), dtype=steps.dtype)
    for name in ("labels", "units"):
        arrays[name] = arrays[name].reshape(facts["shape"])
    if "tree" in facts:
        arrays["leaves"] = arrays["labels"]
        arrays["labels"] = of_run(arrays["leaves"], facts)
        facts["unit_labels"] = of_run(facts["unit_labels"], facts).tolist()
        for cluster in facts["clusters"]:
            labels = np.unique(of_run(cluster["labels"], facts))
            cluster["labels"] = labels.tolist()
    return arrays, facts


def of_run(leaves, facts):
    """Return the clusters of the run that leaves of its tree are in."""
    leaves, clusters = np.asarray(leaves), np.array(facts["tree"]["clusters"])
    return np.where(leaves >= 0, clusters[leaves], leaves)


def fluxes_of_page(folder, bands):
    """Return the bands of an image as a page shows them, and the codes."""
    cube = Cube(np.stack(bands, axis=2))
    # Of another image, as no clusterer takes bands that are empty or constant.
    stripes = Cube(np.indices(cube.shape)[0] % 2.0)
    clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0))
    pipeline = make_pipeline(clusterer).fit(stripes)
    path = explore(folder / "page.html", pipeline, cube, rgb=[0, 0, 0])
    arrays, facts = read_page(path)
    codes = arrays["codes"].reshape(len(bands), *cube.shape[:2])
    fluxes = []
    for band_codes, scale in zip(codes, facts["bands"], strict=True):
        curved = scale["low"] + (band_codes.astype(np.float64) - 1) * scale["step"]
        shown = scale["level"] + scale["softening"] * np.sinh(curved)
        fluxes.append(np.where(band_codes == 0, np.nan, shown))
    return fluxes, codes


@pytest.fixture(scope="module")
def page(job, galaxy, tmp_path_factory):
    """The page of the small galaxy."""
    return explore(tmp_path_factory.mktemp("page") / "page.html", job, galaxy)


def test_page_holds_labels_units_and_fluxes(page, job, galaxy):
    arrays, facts = read_page(page)
    labels = job["cluster"].labels_
    np.testing.assert_array_equal(arrays["labels"], labels)
    som = job["cluster"].estimator_
    valid = labels >= 0
    np.testing.assert_array_equal(arrays["units"] == 65535, ~valid)
    assert np.bincount(
        arrays["units"][valid], minlength=len(som.codebook_)
    ).tolist() == (som.hits_.astype(int).tolist())
    assert facts["unit_labels"] == som.unit_labels_.tolist()
    sizes = np.bincount(labels[valid])
    assert [cluster["pixels"] for cluster in facts["clusters"]] == sizes.tolist()
    assert [band["name"] for band in facts["bands"]] == list(galaxy.band_names)


def labels_of_page(folder, clusterer, galaxy):
    """Return of the clustered pixels their units and clusters, and those of units."""
    pipeline = make_cluster_pipeline(clusterer, sky="mask").fit(galaxy)
    arrays, facts = read_page(explore(folder / "page.html", pipeline, galaxy))
    labels = pipeline["cluster"].labels_
    np.testing.assert_array_equal(arrays["labels"], labels)
    valid = labels >= 0
    return arrays["units"][valid], labels[valid], np.array(facts["unit_labels"])


def test_pixels_have_the_cluster_of_their_unit(galaxy, tmp_path):
    esom = ESOM(n_clusters=4, random_state=0)
    units, labels, unit_labels = labels_of_page(tmp_path, esom, galaxy)
    np.testing.assert_array_equal(unit_labels[units], labels)


def test_units_of_a_consensus_have_the_cluster_of_most_of_their_pixels(
    galaxy, tmp_path
):
    consensus = make_clusterer("esom", n_clusters=4, n_runs=4)
    units, labels, unit_labels = labels_of_page(tmp_path, consensus, galaxy)
    counts = np.zeros((len(unit_labels), 4), dtype=int)
    np.add.at(counts, (units, labels), 1)
    of_unit = counts[np.arange(len(counts)), unit_labels]
    used = counts.sum(axis=1) > 0
    assert used.sum() > 50
    np.testing.assert_array_equal(of_unit[used], counts[used].max(axis=1))


def test_a_page_with_a_tree_holds_the_leaf_of_each_pixel(galaxy, tmp_path):
    consensus = make_clusterer("esom", n_clusters=4, n_runs=4)
    pipeline = make_cluster_pipeline(consensus, sky="mask").fit(galaxy)
    arrays, facts = read_page(explore(tmp_path / "page.html", pipeline, galaxy))
    names = ClusterNames.from_clusterer(pipeline, galaxy)
    np.testing.assert_array_equal(arrays["leaves"], names.leaf_map)
    sizes = [part["pixels"] for part in facts["parts"]]
    assert sizes == names.sizes.tolist()
    place = names.offer()
    row, column = divmod(facts["parts"][place.leaf]["middle"], galaxy.shape[1])
    assert (row, column) == place.pixel
    agreement = pipeline["cluster"].agreement_[arrays["leaves"] == place.leaf].mean()
    assert facts["parts"][place.leaf]["agreement"] == pytest.approx(agreement, 1e-4)


@pytest.mark.parametrize("noise", [1e-20, 1.0, 1e6])
def test_fluxes_keep_an_eighth_of_the_noise_and_half_a_per_cent_of_the_bright(
    noise, tmp_path
):
    random = np.random.default_rng(0)
    flux = noise * (3.0 + random.normal(size=(50, 60)))
    flux[20:22] = noise * 10.0 ** random.uniform(0, 6, (2, 60))
    flux[0, :5] = np.nan
    (shown,), codes = fluxes_of_page(tmp_path, [flux])
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(flux))
    # Half a step; the noise is measured, here within a tenth.
    allowed = 1.1 * noise / 8 + 0.005 * np.abs(flux - np.nanmedian(flux))
    assert (np.abs(shown - flux) <= allowed)[np.isfinite(flux)].all()
    assert codes.max() < 2000  # or it would not be small


def check_spectra(path, label_map, cube, name, **options):
    """Compare clusters with those of the picture, and numbers with what they are of."""
    arrays, facts = read_page(path)
    assert facts["spectrum_name"][0] == name
    display = ClusterSpectraDisplay.from_predictions(label_map, cube, **options)
    for cluster in facts["clusters"]:
        medians = [middle for _, middle, _ in cluster["quartiles"]]
        (label,) = cluster["labels"]
        seen = display.lines_[label].get_ydata()
        np.testing.assert_allclose(medians, seen, rtol=1e-5)
    places = display.lines_[0].get_xdata()
    assert facts["places"] is None or facts["places"] == pytest.approx(places)
    # Numbers have steps of a quarter of the noise: medians from them differ little.
    codes = arrays["codes"].reshape(cube.shape[2], -1)
    values = arrays["spectrum"].reshape(cube.shape[2], -1)
    inside = label_map.ravel() == 0
    found = [np.median(v[c[inside]]) for v, c in zip(values, codes, strict=True)]
    found = np.array(found)[facts["order"]]
    spread = np.ptp(facts["clusters"][0]["quartiles"], axis=1)
    assert (np.abs(found - display.lines_[0].get_ydata()) < 0.1 * spread).all()
    is_log = display.ax_.get_yscale() != "linear"
    assert facts["is_log"] == (is_log and options.get("physical", True))
    return facts


def test_spectra_are_those_of_the_picture(page, job, galaxy):
    labels = job["cluster"].labels_
    cube = Result(job, galaxy).cube
    facts = check_spectra(page, labels, cube, "surface brightness")
    assert facts["places"][0] == pytest.approx(336, abs=5)  # of F336W, in nm


def test_wide_spectra_are_logarithmic(galaxy, tmp_path):
    brightness = np.where(np.arange(80) < 40, 1, 300)[:, np.newaxis]
    cube = galaxy.replace(data=(galaxy.data * brightness).astype(np.float32))
    clusterer = KMeans(4, n_init=1, random_state=0)
    job = make_cluster_pipeline(clusterer, sky="keep").fit(cube)
    path = explore(tmp_path / "page.html", job, cube)
    labels, cube = job["cluster"].labels_, Result(job, cube).cube
    display = ClusterSpectraDisplay.from_predictions(labels, cube)
    assert read_page(path)[1]["is_log"]
    assert display.ax_.get_yscale() != "linear"


def test_spectra_of_what_is_not_calibrated_are_stretched(galaxy, tmp_path):
    cube = Cube(galaxy.data, band_names=list("abcde"))
    job = make_cluster_pipeline(KMeans(3, n_init=1, random_state=0), target_fwhm=None)
    path = explore(tmp_path / "page.html", job.fit(cube), cube)
    labels, _, scaled = Result(job, cube).thinned(1)
    name = "stretched flux, scaled"
    facts = check_spectra(path, labels, scaled, name, physical=False)
    assert not facts["is_log"]


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_constant_and_empty_bands(value, tmp_path):
    constant = np.full((12, 14), value)
    empty = np.full((12, 14), np.nan)
    shown, codes = fluxes_of_page(tmp_path, [constant, empty])
    np.testing.assert_array_equal(shown[0], value)
    assert not codes[1].any()


def test_sky_between_the_nodes_is_that_of_the_wcs(page, galaxy):
    n_rows, n_columns = galaxy.shape[:2]
    nodes = read_page(page)[0]["sky"].reshape(33, 33, 3)
    row, column = 20.3, 41.7
    place = np.array([row / (n_rows - 1), column / (n_columns - 1)]) * (len(nodes) - 1)
    low = place.astype(int)
    part = place - low
    vector = sum(
        (part[0] if down else 1 - part[0])
        * (part[1] if right else 1 - part[1])
        * nodes[low[0] + down, low[1] + right]
        for down in (0, 1)
        for right in (0, 1)
    )
    exact = galaxy.wcs.pixel_to_world(column, row).icrs.cartesian.xyz.value
    separation = np.degrees(
        np.arccos(min(1.0, vector @ exact / np.linalg.norm(vector)))
    )
    assert separation * 3600 < 0.01  # arcsec, of pixels of 0.04


def test_clusterer_without_a_map(galaxy, tmp_path):
    job = make_cluster_pipeline(KMeans(3, n_init=1, random_state=0)).fit(galaxy)
    path = explore(tmp_path / "page.html", job, galaxy)
    arrays, facts = read_page(path)
    assert (arrays["units"] == 65535).all()
    assert "unit_labels" not in facts
    assert len(facts["clusters"]) == 3


def test_large_images_are_thinned_and_the_page_says_so(job, galaxy, tmp_path):
    path = explore(tmp_path / "page.html", job, galaxy, max_pixels=64 * 80 // 4)
    arrays, facts = read_page(path)
    assert facts["step"] == 2
    np.testing.assert_array_equal(arrays["labels"], job["cluster"].labels_[::2, ::2])
    text = path.read_text(encoding="utf-8")
    assert "one pixel of each 2 x 2 is shown" in text
    sizes = np.bincount(job["cluster"].labels_[job["cluster"].labels_ >= 0])
    assert [cluster["pixels"] for cluster in facts["clusters"]] == sizes.tolist()


def test_names_and_groups_are_taken_and_are_no_code(job, galaxy, tmp_path):
    groups, title = [("arms <and> knots", [1, 3])], "<script>alert(1)</script>"
    path = explore(tmp_path / "page.html", job, galaxy, groups=groups, title=title)
    assert title not in path.read_text(encoding="utf-8")
    _, facts = read_page(path)
    named = {(*cluster["labels"],): cluster["name"] for cluster in facts["clusters"]}
    assert named == {(1, 3): "arms <and> knots", (0,): None, (2,): None}


def test_clusters_are_told_merged_and_alone(job, galaxy, tmp_path):
    """As by the same rules on the map of the groups, and on that of the run."""
    path = explore(tmp_path / "page.html", job, galaxy, groups=[("a", [1, 3])])
    _, facts = read_page(path)
    labels = job["cluster"].labels_
    merged, _ = merge_clusters(labels, [("a", [1, 3])])
    cube = Result(job, galaxy).cube
    for name, label_map in (("clusters", merged), ("originals", labels)):
        told = [(each["suggestion"], each["description"]) for each in facts[name]]
        found = suggest_names(label_map, cube)
        assert told == [(each.name, each.description) for each in found]
    plain = explore(tmp_path / "plain.html", job, galaxy, continua="none")
    assert "H alpha" not in plain.read_text(encoding="utf-8")
    assert "H alpha" in path.read_text(encoding="utf-8")


def test_objects_outside_are_left_out(job, galaxy, tmp_path):
    inside = galaxy.wcs.pixel_to_world(40, 30)
    table = Table({"ra": [inside.ra.deg, 10.0], "dec": [inside.dec.deg, 5.0]})
    table["name"], table["type"] = ["here", "elsewhere"], ["HII", "HII"]
    path = explore(tmp_path / "page.html", job, galaxy, catalog=table)
    _, facts = read_page(path)
    assert [kind["name"] for kind in facts["objects"]] == [["here"]]


def test_a_notebook_shows_the_page(page):
    """In a frame that holds the page, but cannot reach what is around it."""
    shown = page._repr_html_()
    content = re.search(r'srcdoc="([^"]*)"', shown)[1]
    assert html.unescape(content) == page.read_text(encoding="utf-8")
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert page.parent._repr_html_() is None
    assert page.is_file()


def test_refused(job, galaxy, tmp_path):
    path = tmp_path / "page.html"
    far = Table({"ra": [10.0], "dec": [5.0], "type": ["HII"], "name": ["far"]})
    with pytest.raises(ValueError, match="None of the 1 objects"):
        explore(path, job, galaxy, catalog=far)
    with pytest.raises(ValueError, match="has the cluster 9"):
        explore(path, job, galaxy, groups=[("none", [9])])
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        explore(path, job, galaxy)
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_nothing_or_too_much_to_show_is_refused(job, galaxy, tmp_path, monkeypatch):
    step = job["cluster"]
    monkeypatch.setattr(step, "labels_", np.full_like(step.labels_, -3))
    with pytest.raises(ValueError, match="No pixel is in a cluster"):
        explore(tmp_path / "page.html", job, galaxy)
    monkeypatch.setattr(
        step, "labels_", np.arange(step.labels_.size).reshape(step.labels_.shape)
    )
    with pytest.raises(ValueError, match="can show 2000 clusters, but there are 5120"):
        explore(tmp_path / "page.html", job, galaxy)


def test_slices_of_voxels(galaxy, tmp_path):
    clusterer = KMeans(3, random_state=0)
    voxels = make_cluster_pipeline(clusterer, pattern="voxel").fit(galaxy)
    arrays, facts = read_page(explore(tmp_path / "page.html", voxels, galaxy))
    label_map = voxels["cluster"].labels_
    assert facts["slices"] == [galaxy.band_names[band] for band in facts["order"]]
    slices = arrays["slices"].reshape(-1, *label_map.shape[:2])
    np.testing.assert_array_equal(
        np.moveaxis(slices, 0, 2), label_map[:, :, facts["order"]]
    )
    np.testing.assert_array_equal(arrays["labels"], slices[0])
    sizes = np.bincount(label_map[label_map >= 0])
    assert [cluster["pixels"] for cluster in facts["clusters"]] == sizes.tolist()
    files = Run(voxels, galaxy).write(tmp_path / "result", pictures=False, tables=False)
    words = [(each["description"], each["why"]) for each in facts["clusters"]]
    assert words == [(told.name, told.why) for told in files.descriptions]
    assert {name for name, _ in words} == {
        f"level {rank} of 3 from the faintest" for rank in (1, 2, 3)
    }
