# SPDX-License-Identifier: BSD-3-Clause
"""The tree of clusters: colors, names, shares, and how it is cut short."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.consensus import ConsensusClusterer
from skesom.displays import DendrogramDisplay
from skesom.displays.colors import MISSING_COLOR, cluster_palette
from skesom.maps import CubeClusterer

# 0 and 1 join to 4, 2 and 3 to 5, and these to the root.
CHILDREN, HEIGHTS = [[0, 1], [2, 3], [4, 5]], [0.1, 0.3, 0.8]


def draw(children=CHILDREN, heights=HEIGHTS, **options):
    return DendrogramDisplay.from_predictions(children, heights, **options)


def names(display):
    return [text.get_text() for text in display.ax_.get_yticklabels()]


def colors(display):
    return [to_hex(bar.get_facecolor()) for bar in display.bars_]


def lines_of(display, width):
    """Return the ends of the lines of a width, as sorted heights."""
    parts = zip(
        display.branches_.get_segments(),
        display.branches_.get_linewidths(),
        strict=True,
    )
    return sorted(sorted(line[:, 0].tolist()) for line, own in parts if own == width)


def large_tree(n_clusters):
    X = np.random.default_rng(0).normal(size=(300, 3))
    tree = AgglomerativeClustering(n_clusters, compute_distances=True).fit(X)
    return tree.children_, tree.distances_, tree.labels_


def test_clusters_have_names_shares_and_colors(ax):
    style = {"colors": ["r", "lime", "b"], "names": {2: "dust"}}
    display = draw(clusters=[0, 0, 2, 1], sizes=[6, 2, 1, 1], ax=ax, **style)
    assert names(display) == ["dust: 10.0 %", "1: 10.0 %", "0: 80.0 %"]
    assert colors(display) == ["#0000ff", "#00ff00", "#ff0000"]
    assert ax.get_xlim()[0] > 0.8 > ax.get_xlim()[1] == 0


def test_lines_end_at_the_heights_of_the_steps(ax):
    display = draw(clusters=[0, 0, 2, 1], ax=ax)
    assert lines_of(display, 3.0) == [[0, 0.3], [0, 0.3], [0.1, 0.8]]
    assert lines_of(display, 0.8) == [[0, 0.1], [0, 0.1], [0.1, 0.1]]
    assert lines_of(display, 1.3) == [[0.3, 0.3], [0.3, 0.8], [0.8, 0.8]]
    assert ax.get_title(loc="left") == "gray: further splits"


def test_each_leaf_is_a_cluster_by_default(ax):
    display = draw(ax=ax)
    assert sorted(names(display)) == list("0123")
    assert ax.get_title(loc="left") == ""
    assert ax.get_xlabel() == "distance"


def test_merged_single_and_no_clusters(ax):
    merged = draw(clusters=[0, 1, 2, 0], sizes=[3, 2, 2, 3], ax=ax)
    assert names(merged).count("0: 30.0 %") == 2
    single = draw(clusters=[0, 0, 0, 0], ax=ax)
    assert names(single) == ["0"]
    assert len(lines_of(single, 0.8)) == 9
    none = draw(clusters=[0, 0, -1, 1], ax=ax)
    assert colors(none)[names(none).index("none")] == MISSING_COLOR


@pytest.mark.parametrize("n_clusters", [2, 60])
def test_bounds_the_leaves_and_draws_all_clusters(n_clusters):
    children, heights, labels = large_tree(n_clusters)
    display = draw(children, heights, clusters=labels, sizes=np.ones(300))
    palette = {to_hex(color) for color in cluster_palette(n_clusters)}
    assert set(colors(display)) == palette
    assert len(display.branches_.get_segments()) == 3 * (max(40, n_clusters) - 1)
    figure = display.figure_
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in display.ax_.get_yticklabels()]
    for low, high in pairwise(boxes):
        assert low.y1 < high.y1
        assert low.y1 - high.y0 < 0.4 * low.height


@pytest.mark.parametrize(
    "change",
    [
        {"heights": [0.1, 0.3]},
        {"clusters": [0, 1]},
        {"sizes": [1, 2, 3]},
        {"children": [], "heights": []},
        {"children": [[0, 1], [2, 6], [4, 5]]},
        {"names": ["one"]},
    ],
)
def test_refuses_what_is_no_tree(change, ax):
    with pytest.raises(ValueError, match=r"tree|children|names"):
        draw(**change, ax=ax)


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(400, centers=5, n_features=3, random_state=1)[0]


@pytest.fixture(scope="module")
def consensus():
    return ConsensusClusterer(KMeans(3, n_init=1), n_estimators=4, random_state=0)


def test_of_a_consensus_in_a_pipeline(blobs, consensus, ax):
    fitted = make_pipeline(StandardScaler(), consensus).fit(blobs)
    display = DendrogramDisplay.from_estimator(fitted, ax=ax)
    sizes = np.bincount(fitted[-1].labels_)
    expected = {f"{n}: {s / 4:.1f} %" for n, s in enumerate(sizes)}
    assert set(names(display)) == expected
    assert "clusterings" in ax.get_xlabel()
    assert "persistence" in ax.get_xlabel()
    with pytest.raises(ValueError, match="KMeans has no tree"):
        DendrogramDisplay.from_estimator(KMeans(2, n_init=1).fit(blobs))


def test_of_a_map_with_its_numbers_and_pixels(blobs, consensus, ax):
    cube = blobs.reshape(20, 20, 3)
    clusterer = CubeClusterer(consensus).fit(cube)
    for n_clusters in (3, 2):
        cut = clusterer.cut_at(n_clusters, cube)
        sizes = np.bincount(cut.labels_.ravel())
        expected = {f"{n}: {s / 4:.1f} %" for n, s in enumerate(sizes)}
        display = DendrogramDisplay.from_estimator(cut, ax=ax)
        assert set(names(display)) == expected
