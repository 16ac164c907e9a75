# SPDX-License-Identifier: BSD-3-Clause
"""How many samples of each class each unit has."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba_array
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.displays import HitMapDisplay
from skesom.som import CSOM, ESOM

X, Y = make_blobs(300, n_features=4, centers=3, random_state=0)
NAMES = np.array(["red", "green", "blue"])[Y]
LATTICE = CSOM(None, shape=(4, 6), random_state=0).fit(X)
GRAPH = ESOM(None, random_state=0).fit(X)


def areas_of_slices(display):
    """Return the area of each slice by its middle and color, of paths of the pies."""
    areas = {}
    paths = display.pies_.get_paths()
    colors = map(tuple, display.pies_.get_facecolor())
    for path, color in zip(paths, colors, strict=True):
        polygon = path.to_polygons(closed_only=True)[0]
        x, y = polygon.T
        area = abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2
        areas[color] = areas.get(color, 0) + area
    return areas


@pytest.mark.parametrize("som", [LATTICE, GRAPH], ids=["lattice", "graph"])
def test_columns_count_the_samples_of_each_class(som, ax):
    others, names = np.vstack([X, np.full((1, 4), np.nan)]), np.append(NAMES, "red")
    display = HitMapDisplay.from_estimator(som, others, names, ax=ax)
    assert list(display.classes) == ["blue", "green", "red"]
    winners = som.winners(X)
    for column, name in enumerate(display.classes):
        for unit in range(len(som.codebook_)):
            expected = np.sum((winners == unit) & (name == NAMES))
            assert display.values[unit, column] == expected
    assert display.ax_ is ax
    assert display.texts_ == []


def test_areas_are_hits_and_slices_are_classes(ax):
    hits = np.array([[[9, 3], [0, 0]], [[4, 0], [0, 3]]])
    colors = to_rgba_array(["tab:red", "tab:blue"])
    display = HitMapDisplay.from_predictions(
        hits, classes=["a", "b"], topology="rectangular", ax=ax, colors=colors
    )
    assert len(display.pies_.get_paths()) == 4
    areas = areas_of_slices(display)
    red, blue = (areas[tuple(color)] for color in colors)
    assert red / blue == pytest.approx(13 / 6, rel=0.01)


def test_the_first_class_begins_at_the_top(ax):
    display = HitMapDisplay.from_predictions([[[3, 1]]], classes="ab", ax=ax)
    first, second = (path.vertices for path in display.pies_.get_paths())
    # Three quarters clockwise from the top: all but the upper left one.
    radius = first[:, 0].max()
    assert radius > 0
    assert second[:, 0].min() == pytest.approx(-radius, rel=0.05)
    assert second[:, 0].max() == pytest.approx(0, abs=1e-9)
    assert second[:, 1].max() == pytest.approx(radius, rel=0.05)
    assert second[:, 1].min() == pytest.approx(0, abs=1e-9)


def drawn_boxes(display):
    """Return middle and half of the width and height of each pie, in dots."""
    scale = display.pies_.get_transform().transform
    middles = display.ax_.transData.transform(display.pies_.get_offsets())
    corners = [scale(path.vertices) for path in display.pies_.get_paths()]
    return middles, [np.ptp(each, axis=0) / 2 for each in corners]


def test_pies_are_round_and_in_their_cells(ax):
    hits = [[[50, 0], [1, 0]], [[0, 30], [0, 9]]]
    display = HitMapDisplay.from_predictions(hits, classes="ab", ax=ax)
    middles, halves = drawn_boxes(display)
    cell = np.diff(ax.transData.transform([(0, 0), (1, 0)])[:, 0])[0]
    assert max(half.max() for half in halves) < cell / 2
    assert max(half.max() for half in halves) > 0.4 * cell
    for half in halves:
        assert half[0] == pytest.approx(half[1], rel=1e-3)
    # The numbers of hits are in order of size of the pies.
    expected = ax.transData.transform(display.layout.positions[[0, 2, 3, 1]])
    np.testing.assert_allclose(middles, expected)


def test_pies_of_a_graph_are_round_on_axes_of_two_scales(ax):
    places = np.array([[0, 0], [1, 40], [2, 0], [900, 10]])
    hits = np.array([[9, 0], [8, 0], [0, 7], [6, 0]])
    display = HitMapDisplay.from_predictions(
        hits, classes="ab", positions=places, ax=ax
    )
    _, halves = drawn_boxes(display)
    for half in halves:
        assert half[0] == pytest.approx(half[1], rel=1e-3)
    sizes = [half[0] for half in halves]
    expected = np.sqrt([9, 8, 7, 6])  # larger ones are below
    np.testing.assert_allclose(sizes / sizes[0], expected / 3, rtol=0.01)


def test_the_legend_has_names_and_percentages():
    hits = [[[3, 0, 1]]]
    display = HitMapDisplay.from_predictions(hits, classes=["x", "y", "$z$"])
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["x: 75.0 %", "y: 0.0 %", r"\$z\$: 25.0 %"]
    assert display.legend_.get_title().get_text() == "class"


def test_many_classes_have_a_color_bar(ax):
    hits = np.ones((1, 1, 120))
    display = HitMapDisplay.from_predictions(hits, classes=range(120), ax=ax)
    assert display.legend_ is None
    assert display.color_bar_.ax.get_ylabel() == "class"


def test_samples_go_through_the_steps_before_the_map(ax):
    pipeline = make_pipeline(StandardScaler(), LATTICE.__class__(shape=(4, 6)))
    pipeline.fit(1e3 * X + 7e4)
    display = HitMapDisplay.from_estimator(pipeline, 1e3 * X + 7e4, Y, ax=ax)
    np.testing.assert_array_equal(display.values.sum(axis=1), pipeline[-1].hits_)


def test_pixels_of_a_cube_are_counted_without_gaps(job, galaxy, ax):
    display = HitMapDisplay.from_estimator(job, galaxy, ax=ax)
    assert display.values.sum() == np.sum(job["cluster"].labels_ >= 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": Y}, "y are the classes of the samples X"),
        ({"X": X, "y": Y[1:]}, r"inconsistent numbers of samples.*300, 299"),
        ({"X": X, "y": Y, "colors": ["red"]}, r"3 classes, but values of .* 1 colors"),
    ],
)
def test_classes_that_do_not_fit_are_refused(given, message, ax):
    with pytest.raises(ValueError, match=message):
        HitMapDisplay.from_estimator(LATTICE, ax=ax, **given)
    with pytest.raises(ValueError, match=r"classes, but values of shape \(1, 2\)"):
        HitMapDisplay.from_predictions([[[1, 2]]], classes="abc", ax=ax)
