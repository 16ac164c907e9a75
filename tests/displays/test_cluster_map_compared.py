# SPDX-License-Identifier: BSD-3-Clause
"""Where two clusterings disagree: white where they agree, else what the second says."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba_array
from sklearn.cluster import KMeans

from skesom.displays import ClusterMapDisplay
from skesom.maps import CubeClusterer

FIRST = np.array([[0, 0, 0, 0], [1, 1, 1, 2], [2, -1, 0, -3]])
SECOND = np.array([[2, 2, 2, 0], [0, 0, 0, 0], [1, 1, -1, -3]])
COLORS = ["red", "lime", "blue"]
CYCLE = np.arange(200).reshape(10, 20).repeat(3, axis=1)


def draw(first, second, **options):
    return ClusterMapDisplay.from_predictions(second, reference=first, **options)


def legend_of(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def test_colors(ax):
    image = draw(FIRST, SECOND, colors=COLORS, ax=ax).image_.get_array() / 255
    white, lime, black = to_rgba_array(["white", "lime", "black"])
    np.testing.assert_allclose(image[:2], [[white, white, white, lime]] * 2)
    only_second = to_rgba_array("#8a8a8a")[0]
    row = [white, only_second, black, np.zeros(4)]
    np.testing.assert_allclose(image[2], row, atol=0.002)


@pytest.mark.parametrize(
    ("first", "second", "options", "entries"),
    [
        # Nine pixels are in clusters of both; two of them are in 1 now.
        (
            FIRST,
            SECOND,
            {"names": ["disc", "arms", "bulge"]},
            [
                *("arms: 22.2 %", "same: 77.8 %", "not in the second"),
                *("not in the first", "in neither"),
            ],
        ),
        (FIRST, FIRST, {}, ["same: 100.0 %", "in neither"]),
        # A cluster that matches none has a color too, the next one.
        (
            np.zeros((1, 4), dtype=int),
            np.array([[0, 0, 1, 1]]),
            {"colors": COLORS[:2]},
            ["1: 50.0 %", "same: 50.0 %"],
        ),
        # Many clusters have a color bar.
        (CYCLE, np.roll(CYCLE, 1, axis=1), {}, ["same: 66.7 %"]),
    ],
)
def test_legend(ax, first, second, options, entries):
    display = draw(first, second, ax=ax, **options)
    assert legend_of(display) == entries
    assert (display.color_bar_ is None) == (first is not CYCLE)


def test_outlines_are_those_of_what_differs(ax):
    second = np.zeros((20, 20), dtype=int)
    second[5:15, 5:15] = 1
    cube = np.random.default_rng(0).random((20, 20, 1))
    display = draw(np.zeros_like(second), second, cube=cube, contours=True, ax=ax)
    assert list(display.contours_) == [1]
    assert legend_of(display) == ["1: 25.0 %"]


def test_thinned_counts_all_pixels(ax):
    first = np.zeros((60, 60), dtype=int)
    second = first.copy()
    second[0, :36] = 1
    display = ClusterMapDisplay(second, reference=first)
    for each in (display.plot(ax, max_pixels=400), display.thinned(400).plot(ax)):
        assert each.image_.get_array().shape == (20, 20, 4)
        assert ax.get_title(loc="left") == "every 3rd row and column"
        assert legend_of(each) == ["1: 1.0 %", "same: 99.0 %"]


@pytest.mark.filterwarnings("ignore:.*(few for|One cluster):UserWarning")
def test_of_an_estimator_agrees_with_its_own_map_renumbered(ax, galaxy):
    clusterer = CubeClusterer(KMeans(4, random_state=0)).fit(galaxy)
    first = np.where(clusterer.labels_ >= 0, 3 - clusterer.labels_, -3)
    display = ClusterMapDisplay.from_estimator(
        clusterer, galaxy, reference=first, ax=ax
    )
    assert legend_of(display)[0] == "same: 100.0 %"
