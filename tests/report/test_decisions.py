# SPDX-License-Identifier: BSD-3-Clause
"""What a run decided for its user, in numbers and in lines."""

import json

import numpy as np
import pytest
from astropy import units
from scipy import ndimage
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from skesom.consensus import ConsensusClusterer
from skesom.cube import AsinhStretch, Cube
from skesom.maps import CubeClusterer, MajorityVote, make_cluster_pipeline
from skesom.report.decisions import decision_lines, decisions_of
from skesom.runs import Run
from skesom.som import ESOM


def field(shape=(96, 96)):
    """A galaxy in sky, with a gap and two hot pixels, in three bands."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(row - 60, column - 50)
    data = rng.normal(size=(*shape, 3))
    data += 60 * np.exp(-radius / 4)[:, :, None] * [1, 2, 1.5]
    data[:4] = 0
    data[20, 30, 1] = data[80, 70, 2] = 1000
    return Cube(data)


@pytest.fixture(scope="module")
def pipeline():
    member = ESOM(random_state=0)
    consensus = ConsensusClusterer(member, n_clusters=4, n_estimators=4, random_state=0)
    return make_cluster_pipeline(consensus, target_fwhm=None).fit(field())


def test_numbers_are_those_of_the_run(pipeline):
    decisions = decisions_of(pipeline)
    step = pipeline[-1]
    labels = step.labels_
    assert decisions["pixels"] == {
        "all": 96 * 96,
        "with_data": (labels != -3).sum(),
        "clustered": (labels >= 0).sum(),
    }
    assert (labels == -3).sum() >= 4 * 96 + 2
    assert decisions["outliers"] >= 2
    assert decisions["sky"]["set_aside"] == (labels == -2).sum() > 5000
    assert decisions["sky"]["certainty"] == 1
    assert decisions["fwhm"] is None
    assert (decisions["clusters"], decisions["features"]) == (4, 3)
    assert decisions["runs"]["number"] == 4
    by_cluster = [step.agreement_[labels == cluster].mean() for cluster in range(4)]
    assert decisions["runs"]["by_cluster"] == pytest.approx(by_cluster, rel=1e-5)
    mean = step.agreement_[labels >= 0].mean()
    assert decisions["runs"]["agreement"] == pytest.approx(mean, rel=1e-5)
    assert json.loads(json.dumps(decisions, allow_nan=False)) == decisions


def test_lines_say_the_same(pipeline):
    decisions = decisions_of(pipeline)
    text = "\n".join(decision_lines(decisions_of(pipeline)))
    share = decisions["pixels"]["with_data"] / 96**2
    assert f"Data: {share:.1%} of the 9216 pixels" in text
    assert f"Outliers masked: {decisions['outliers']} pixels" in text
    assert "Sky set aside:" in text
    assert "Agreement of 4 runs:" in text
    assert "FWHM" not in text


@pytest.mark.filterwarnings("ignore:One cluster holds")
@pytest.mark.parametrize("n_runs", [1, 4])
def test_what_else_was_considered_is_said(n_runs):
    clusterer = ESOM("auto", random_state=0)
    if n_runs > 1:
        clusterer = ConsensusClusterer(clusterer, n_estimators=n_runs, random_state=0)
    image = np.random.default_rng(0).exponential(size=(30, 30, 3))
    pipeline = make_pipeline(AsinhStretch(), CubeClusterer(clusterer)).fit(Cube(image))
    decisions = decisions_of(pipeline)
    assert json.loads(json.dumps(decisions, allow_nan=False)) == decisions
    lines = [
        line
        for line in decision_lines(decisions_of(pipeline))
        if "the next gap" in line
    ]
    assert len(lines) == 1
    n_clusters = decisions["clusters"]
    number = "1 cluster" if n_clusters == 1 else f"{n_clusters} clusters"
    assert lines[0].startswith(f"{number}: the next gap ")
    words = ("of the usual links", "of the pixels.")
    assert all(word in lines[0] for word in (words if n_runs == 1 else ("would give",)))


def test_what_is_not_there_is_not_said():
    cube = field()[30:90, 20:80]
    pipeline = make_pipeline(
        AsinhStretch(), CubeClusterer(KMeans(3, n_init=1, random_state=0))
    ).fit(cube)
    decisions = decisions_of(pipeline)
    assert decisions["sky"] is decisions["runs"] is decisions["fwhm"] is None
    assert decisions["considered"] is None
    assert decisions["outliers"] == 0
    assert len(decision_lines(decisions_of(pipeline))) == 1


@pytest.mark.parametrize("regularizer", [None, MajorityVote(fwhm=2 * units.pix)])
def test_a_single_band_has_no_color(regularizer, tmp_path):
    clusterer = CubeClusterer(
        KMeans(3, n_init=1, random_state=0), regularizer=regularizer
    )
    cube = field()[30:90, 20:80][["band 2"]]
    pipeline = make_pipeline(AsinhStretch(), clusterer).fit(cube)
    decisions = decisions_of(pipeline)
    is_smoothed = regularizer is not None
    assert decisions["single_band"] == {"name": "band 2", "smoothed": is_smoothed}
    (line,) = (line for line in decision_lines(decisions) if "no color" in line)
    assert line.startswith("One band, band 2: there is no color, so clusters are steps")
    assert "other bands" in line
    assert ("regularizer=" in line) != is_smoothed
    Run(pipeline, cube).write(tmp_path / "out", pictures=False, tables=False)
    assert line in (tmp_path / "out" / "summary.md").read_text()
    written = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert written["decisions"]["single_band"] == decisions["single_band"]


def test_several_bands_have_colors(pipeline):
    decisions = decisions_of(pipeline)
    assert decisions["single_band"] is None
    assert "no color" not in "\n".join(decision_lines(decisions))


def test_bands_of_few_photons_are_said():
    cube = field()[30:90, 20:80]
    photons = np.random.default_rng(1).poisson(0.3, cube.shape[:2])
    data = cube.data.copy()
    data[:, :, 2] = photons
    cube = Cube(data, band_names=["g", "r", "chandra"])
    options = {"target_fwhm": None, "sky": "keep"}
    clusterer = KMeans(3, n_init=1, random_state=0)
    pipeline = make_cluster_pipeline(clusterer, **options).fit(cube)
    decisions = decisions_of(pipeline)
    assert decisions["counts"].keys() == {"chandra"}
    found = decisions["counts"]["chandra"]["photons_per_pixel"]
    assert found == pytest.approx(photons.mean())
    assert json.loads(json.dumps(decisions, allow_nan=False)) == decisions
    text = "\n".join(decision_lines(decisions))
    assert f"Few photons: chandra has {photons.mean():.2g} per pixel" in text
    assert "smooth_counts=False" in text
    options["smooth_counts"] = False
    pipeline = make_cluster_pipeline(clusterer, **options).fit(cube)
    assert decisions_of(pipeline)["counts"] == {}


def test_averaged_colors_are_said_with_the_option_that_keeps_them():
    cube = field()
    rng = np.random.default_rng(1)
    cube = cube.replace(data=cube.data + rng.normal(0, 1, cube.shape))
    clusterer = KMeans(3, n_init=1, random_state=0)
    pipeline = make_cluster_pipeline(clusterer, target_fwhm=None, smooth_colors=True)
    decisions = decisions_of(pipeline.fit(cube))
    widths = pipeline["color"].widths_.max(axis=1)
    found = decisions["color_averages"]
    assert found["widest_sigma_in_pixels"] == widths.max() > 0
    assert json.loads(json.dumps(decisions, allow_nan=False)) == decisions
    (line,) = [x for x in decision_lines(decisions) if x.startswith("Colors:")]
    assert f"{np.mean(widths > 0):.0%} of the pixels" in line
    assert "smooth_colors=False" in line
    pipeline = make_cluster_pipeline(clusterer, target_fwhm=None)
    decisions = decisions_of(pipeline.fit(cube))
    assert decisions["color_averages"] is None
    assert "Colors:" not in "\n".join(decision_lines(decisions))


def flicker(vote=None):
    """A pipeline fitted to two halves, of which one is noise of two bands."""
    rng = np.random.default_rng(0)
    image = np.full((60, 60, 2), 100.0) + rng.normal(size=(60, 60, 2))
    image[:, 30:] += rng.choice([0, 50], size=(60, 30, 1))
    clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0), regularizer=vote)
    return make_pipeline(AsinhStretch(subtract_sky=False), clusterer).fit(Cube(image))


def test_a_map_that_flickers_is_said_with_the_option_that_helps():
    pipeline = flicker()
    decisions = decisions_of(pipeline)
    labels = pipeline[-1].labels_
    small = 0
    for cluster in range(2):
        pieces, _ = ndimage.label(labels == cluster)
        sizes = np.bincount(pieces.ravel())[1:]
        small += sizes[sizes < 15].sum()
    assert decisions["small_pieces"]["share"] == pytest.approx(small / 3600)
    assert small / 3600 > 0.1
    assert json.loads(json.dumps(decisions, allow_nan=False)) == decisions
    lines = [line for line in decision_lines(decisions) if "Small pieces" in line]
    assert len(lines) == 1
    assert f"{small / 3600:.0%} of the clustered pixels" in lines[0]
    assert "regularizer=MajorityVote()" in lines[0]


def test_a_vote_that_leaves_small_pieces_is_told_a_wider_one():
    wide = decisions_of(flicker(MajorityVote(fwhm=9 * units.pixel)))
    assert wide["small_pieces"]["share"] < 0.1
    assert "Small pieces" not in "\n".join(decision_lines(wide))
    narrow = decisions_of(flicker(MajorityVote(fwhm=0.5 * units.pixel)))
    assert narrow["small_pieces"]["share"] > 0.1
    assert "a wider MajorityVote" in "\n".join(decision_lines(narrow))


def test_widths_and_kept_sky_are_said():
    pipeline = make_cluster_pipeline(
        KMeans(3, n_init=1, random_state=0), fwhm=2.0, pixel_scale=1.0
    ).fit(field()[45:75, 35:65])
    decisions = decisions_of(pipeline)
    assert decisions["fwhm"] == 2.0
    text = "\n".join(decision_lines(decisions_of(pipeline)))
    assert "FWHM of 2 arcsec" in text
    assert "Sky kept:" in text
    pipeline = make_cluster_pipeline(KMeans(3, n_init=1, random_state=0), fwhm=2.0).fit(
        Cube(field()[45:75, 35:65].data)
    )
    assert "FWHM of 2 pixels" in "\n".join(decision_lines(decisions_of(pipeline)))
