# SPDX-License-Identifier: BSD-3-Clause
"""Completeness and purity over numbers of clusters."""

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import AgglomerativeClustering, KMeans

from skesom.maps import CubeClusterer, crossmatch, make_cluster_pipeline
from skesom.report import write_report
from skesom.report._completeness import completeness_curve, completeness_figure
from skesom.report._result import Result
from skesom.som import CSOM


@pytest.fixture
def known(job):
    """Objects in the brightest pixels of a cluster, and all over the map."""
    labels = job["cluster"].labels_
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(labels == 2)
    chosen = rng.choice(len(rows), 12)
    others = np.transpose(np.nonzero(labels >= 0))[::37]
    table = Table({"x": [*columns[chosen], *others[:, 1]]})
    table["y"] = [*rows[chosen], *others[:, 0]]
    table["type"] = ["HII"] * 12 + ["G"] * len(others)
    return table


def curve_of(pipeline, cube, known):
    """Return the result and the curve of a pipeline."""
    result = Result(pipeline, cube)
    found = crossmatch(result.label_map, known)
    return result, found, completeness_curve(result, found, None)


def test_the_cut_into_the_number_of_the_run_is_its_result(job, galaxy, known):
    result, _, curve = curve_of(job, galaxy, known)
    assert {2, 4, 20} <= set(curve["n_clusters"].tolist())
    # All pixels of the small galaxy are looked at, so the units group as in the fit.
    own = curve[(curve["n_clusters"] == 4) & (curve["type"] == "HII")][0]
    assert own["completeness"] == pytest.approx(1, abs=0.2)
    assert own["n_objects"] == 12
    assert own["area_share"] == pytest.approx(
        np.mean(result.label_map[result.label_map >= 0] == 2), abs=0.05
    )


def test_many_clusters_are_less_complete_and_purer(job, galaxy, known):
    _, found, curve = curve_of(job, galaxy, known)
    own = curve[curve["type"] == "HII"]
    assert own["completeness"][-1] < own["completeness"][0]
    assert own["area_share"][-1] < own["area_share"][0]
    figure = completeness_figure(curve, found)
    first, _ = figure.axes
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    n_galaxies = found.best()["n_objects"][0]
    assert texts == [
        *(f"galaxy: {n_galaxies}", "H II region: 12", "by chance", "this result")
    ]
    line = first.lines[3]
    np.testing.assert_allclose(line.get_xdata(), own["n_clusters"])
    np.testing.assert_allclose(line.get_ydata(), 100 * own["completeness"])


@pytest.mark.parametrize(
    "clusterer",
    [KMeans(4, random_state=0), CSOM(shape=(6, 6), n_clusters=4, random_state=0)],
)
def test_any_clusterer_of_a_number_has_a_curve(galaxy, known, clusterer):
    pipeline = make_cluster_pipeline(clusterer, sky="mask").fit(galaxy)
    curve = curve_of(pipeline, galaxy, known)[2]
    numbers = np.unique(curve["n_clusters"])
    assert numbers[0] == 2
    assert numbers[-1] == 20
    assert ((curve["completeness"] > 0) & (curve["completeness"] <= 1)).all()


def test_a_clusterer_of_its_own_pixels_has_none_and_says_so(galaxy, known, tmp_path):
    pipeline = make_cluster_pipeline(AgglomerativeClustering(4), sky="mask").fit(galaxy)
    assert isinstance(pipeline[-1], CubeClusterer)
    how = {"catalog": known, "pictures": False}
    with pytest.warns(UserWarning, match="AgglomerativeClustering cannot be given"):
        files = write_report(tmp_path / "out", pipeline, galaxy, **how)
    assert "crossmatch.ecsv" in files
    assert "completeness_curve.ecsv" not in files
