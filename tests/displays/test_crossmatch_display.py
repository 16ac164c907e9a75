# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a cross-match says what its table says."""

import numpy as np
import pytest
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.cube import Cube
from skesom.displays import CrossmatchDisplay
from skesom.maps import CubeClusterer, crossmatch


@pytest.fixture(scope="module")
def labels():
    """Three clusters, and noise."""
    labels = np.zeros((40, 40), dtype=int)
    labels[:10], labels[10:12], labels[39] = 1, 2, -1
    return labels


@pytest.fixture(scope="module")
def catalog():
    """H II regions in the first rows, and a few bubbles anywhere."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 39, 40), rng.uniform(0, 9, 40)
    y[30:] = rng.uniform(12, 38, 10)
    return Table({"x": x, "y": y, "type": ["HII"] * 36 + ["bubble"] * 4})


def test_numbers_names_and_colors_are_those_of_the_table(labels, catalog):
    result = crossmatch(labels, catalog)
    display = CrossmatchDisplay(result, names={1: "arm"}).plot()
    ax = display.ax_
    assert display.figure_ is ax.figure
    texts = [text.get_text() for text in ax.get_yticklabels()]
    assert texts == ["H II region  36", "bubble  4"]
    texts = [text.get_text() for text in ax.get_xticklabels()]
    assert texts == ["noise\n2.5 %", "0\n68 %", "arm\n25 %", "2\n5.0 %"]
    enrichment = result.matrix("enrichment")
    written = [float(text.get_text()) for text in display.texts_]
    np.testing.assert_allclose(written, enrichment.ravel(), atol=0.05)
    shown = display.image_.get_array()
    certain = result.matrix("p_any") < 0.05
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), ~certain)
    assert certain[0, 2]
    assert shown[0, 2] == pytest.approx(np.log2(enrichment[0, 2]))
    is_bold = [text.get_weight() == "bold" for text in display.texts_]
    np.testing.assert_array_equal(is_bold, certain.ravel())


@pytest.mark.parametrize("significance", [0.0, 1.1])
def test_it_is_drawn_in_given_axes_and_colored_where_significant(
    labels, catalog, significance, ax
):
    colors = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    options = {"n_draws": 20, "significance": significance, "colors": colors}
    display = CrossmatchDisplay.from_predictions(labels, catalog, ax=ax, **options)
    assert display.ax_ is ax
    # A bar for each cluster; noise has no color.
    (bars,) = ax.collections
    np.testing.assert_array_equal(bars.get_color()[:, :3], colors)
    mask = np.ma.getmaskarray(display.image_.get_array())
    assert (mask == (significance == 0)).all()


def test_an_estimator_finds_the_clusters_and_the_cube_its_place(catalog):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(40, 40, 2))
    data[:10] += 20
    clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0)).fit(Cube(data))
    display = CrossmatchDisplay.from_estimator(
        clusterer, Cube(data), catalog, n_draws=50
    )
    best = display.crossmatch.best()
    label_map = clusterer.labels_.reshape(40, 40)
    assert best["cluster"][best["type"] == "HII"].tolist() == [label_map[0, 0]]


def test_many_clusters_leave_out_numbers_that_nobody_could_read(catalog):
    labels = np.arange(1600).reshape(40, 40) // 8
    display = CrossmatchDisplay.from_predictions(labels, catalog, n_draws=20)
    assert display.texts_ == []
    assert len(display.ax_.get_xticks()) < 20
    one = CrossmatchDisplay.from_predictions(0 * labels, catalog, n_draws=20)
    assert [text.get_text() for text in one.ax_.get_xticklabels()] == ["0\n100 %"]
