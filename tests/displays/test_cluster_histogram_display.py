# SPDX-License-Identifier: BSD-3-Clause
"""How many pixels each cluster has."""

import numpy as np
import pytest

from skesom.displays import ClusterHistogramDisplay
from skesom.displays.colors import cluster_palette

LABELS = np.array([[0, 0, 0, 1], [-3, -1, 2, 1]])


def draw(label_map, **options):
    return ClusterHistogramDisplay.from_predictions(label_map, **options)


def heights(display):
    return [bar.get_height() for bar in display.bars_]


def names(ax):
    return [tick.get_text() for tick in ax.get_xticklabels()]


def test_bars_are_as_high_as_clusters_are_large(ax):
    display = draw(LABELS, ax=ax)
    assert heights(display) == [3, 2, 1]
    colors = [bar.get_facecolor() for bar in display.bars_]
    np.testing.assert_allclose(colors, cluster_palette(3))
    assert names(ax) == ["0", "1", "2"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("cluster", "pixels")
    texts = [text.get_text() for text in display.texts_]
    assert texts == ["50.0 %", "33.3 %", "16.7 %"]


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        (LABELS, "of the pixels with data: noise 14.3 %\nno data in 12.5 % of all"),
        (
            [[0, -2, -2, -3], [1, 0, -2, -1]],
            "of the pixels with data: noise 14.3 %, sky 42.9 %\n"
            "no data in 12.5 % of all",
        ),
        ([[0, 1]], ""),
        (np.full((3, 3), -3), "no data in 100.0 % of all"),
    ],
)
def test_tells_how_many_pixels_are_in_none(ax, labels, title):
    draw(labels, ax=ax)
    ax.figure.draw_without_rendering()
    assert ax.get_title(loc="left") == title


def test_clusters_may_have_names_and_colors(ax):
    display = draw(LABELS, names=["disc", "arm", "dust"], colors=["r", "g", "b"], ax=ax)
    assert names(ax) == ["disc", "arm", "dust"]
    assert display.bars_[0].get_facecolor() == (1, 0, 0, 1)


def test_long_names_are_folded_and_slanted(ax):
    draw(LABELS, names={0: "the old stars of the disc"}, ax=ax)
    assert names(ax)[0].replace("\n", " ") == "the old stars of the disc"
    assert "\n" in names(ax)[0]
    assert ax.get_xticklabels()[0].get_rotation() > 0


def test_numbers_may_be_without_pixels_and_counts_logarithmic(ax):
    assert heights(draw([[0, 2]], log=True, ax=ax)) == [1, 0, 1]
    assert ax.get_yscale() == "log"


def test_200_clusters_have_few_numbers_below_them(ax):
    display = draw(np.arange(200).reshape(10, 20), ax=ax)
    ax.figure.draw_without_rendering()
    assert len(display.bars_) == 200
    assert display.texts_ == []
    assert len(names(ax)) < 15


def test_100_names_give_way_to_numbers(ax):
    labels = np.arange(100).reshape(10, 10)
    draw(labels, names=[f"name {n}" for n in range(100)], ax=ax)
    ax.figure.draw_without_rendering()
    assert all(not name.startswith("name") for name in names(ax))
