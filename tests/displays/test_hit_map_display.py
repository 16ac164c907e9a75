# SPDX-License-Identifier: BSD-3-Clause
"""How many samples each unit has."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from sklearn.datasets import make_blobs

from skesom.displays import HitMapDisplay
from skesom.som import CSOM, ESOM, MapClassifier

X, Y = make_blobs(300, n_features=4, centers=2, random_state=0)
EMPTY = "#f2f2f4"


@pytest.fixture(scope="module")
def csom():
    return CSOM(None, shape=(4, 6), random_state=0).fit(X)


def numbers(display):
    return [int(text.get_text()) for text in display.texts_]


def test_cells_have_the_colors_of_their_hits(ax, csom):
    display = HitMapDisplay.from_estimator(csom, ax=ax)
    assert isinstance(display.units_, PolyCollection)
    values = display.units_.get_array()
    np.testing.assert_array_equal(values.filled(0), csom.hits_)
    np.testing.assert_array_equal(np.ma.getmaskarray(values), csom.hits_ == 0)
    assert display.color_bar_.ax.get_ylabel() == "samples"
    assert display.values.sum() == 300


def test_colors_follow_the_root_of_the_hits(ax):
    display = HitMapDisplay.from_predictions([[0, 4, 16, 64]], ax=ax, cmap="gray")
    ax.figure.draw_without_rendering()
    colors = display.units_.get_facecolor()
    np.testing.assert_allclose(colors[0], to_rgba(EMPTY))
    np.testing.assert_allclose(colors[1:, 0], [0.25, 0.5, 1.0], atol=0.003)


def test_numbers_are_written_in_cells_that_hold_any(ax):
    hits = np.array([[0, 12, 3], [7, 0, 100]])
    display = HitMapDisplay.from_predictions(hits, topology="rectangular", ax=ax)
    assert numbers(display) == [12, 3, 7, 100]
    places = [text.get_position() for text in display.texts_]
    assert places == [(1, 0), (2, 0), (0, 1), (2, 1)]


def test_numbers_are_left_out_where_cells_are_small_or_on_demand(ax, csom):
    hits = np.full((40, 60), 1000)
    assert HitMapDisplay.from_predictions(hits, ax=ax).texts_ == []
    assert HitMapDisplay.from_estimator(csom, numbers=False).texts_ == []


def test_other_samples_can_be_counted_but_not_without_features(ax, csom):
    others = np.vstack([X[:50], np.full((2, 4), np.nan)])
    display = HitMapDisplay.from_estimator(csom, others, ax=ax)
    expected = np.bincount(csom.winners(X[:50]), minlength=24)
    np.testing.assert_array_equal(display.values, expected)


def test_nodes_of_a_graph_have_no_numbers(ax):
    esom = ESOM(n_clusters=2, random_state=0).fit(X)
    display = HitMapDisplay.from_estimator(esom, ax=ax)
    np.testing.assert_array_equal(display.units_.get_array().filled(0), esom.hits_)
    assert display.texts_ == []


def test_classifiers_count_samples_of_all_classes(ax):
    classifier = MapClassifier(ESOM(random_state=0)).fit(X, Y)
    assert HitMapDisplay.from_estimator(classifier, ax=ax).values.sum() == 300


def test_a_map_without_hits_can_be_drawn(ax):
    display = HitMapDisplay.from_predictions(np.zeros((2, 3)), ax=ax)
    ax.figure.draw_without_rendering()
    np.testing.assert_allclose(
        display.units_.get_facecolor()[:, :3], to_rgba(EMPTY)[:3] * np.ones((6, 1))
    )


def test_numbers_stay_in_their_cells_beside_other_pictures():
    figure = Figure(figsize=(7, 2.5), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax in axes.flat:
        hits = np.full((4, 5), 888)
        display = HitMapDisplay.from_predictions(hits, ax=ax)
    FigureCanvasAgg(figure).draw()
    left, right = display.ax_.transData.transform([(0, 0), (1, 0)])[:, 0]
    widths = [text.get_window_extent().width for text in display.texts_]
    assert len(widths) == 20
    assert max(widths) < right - left
