# SPDX-License-Identifier: BSD-3-Clause
"""The tree of the clusters of a map or a consensus."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skesom._common.labels import count_clusters
from skesom._common.pipelines import pipeline_end
from skesom._common.texts import percent
from skesom._types import Axes, Names
from skesom.displays.cluster_plots import shortened, spread
from skesom.displays.clusters import as_colors, as_names
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.display import Display, literal, size_in_points, update_layout
from skesom.som.tree import has_tree, tree_of_pieces

_WIDTH, _MARGINS, _LINE = 8.0, 1.1, 0.16  # inches
_HEIGHTS = 3.0, 12.0  # inches, from a few leaves to as many as a page holds
_ENOUGH = 40  # leaves
_LARGEST, _SMALLEST = 9.0, 4.0  # points, of names
_LETTER = 1.2  # height of a line by that of its letters
_BAR = 1.01, 0.025  # place and width, by the width of the axes
_HALF, _PAD = 0.42, 4.0  # leaves that a bar goes on, points to the names
_MIXED = -9  # cluster of a node of several
_TRUNK, _SPLITS = (1.3, "0.3"), (0.8, "0.75")  # points and color
_BRANCH = 3.0  # points, so that the color of a cluster shows
HEIGHT_OF_TREE = "share of the clusterings in which both sides are apart (persistence)"


@dataclass(eq=False, repr=False)
class DendrogramDisplay(Display):
    """Tree of clusters: which are most alike, and how each would split next.

    Clusters are thick branches in their colors. Dark lines join them up to the root at
    the left, thin gray ones show further splits.

    Parameters
    ----------
    children : array-like of int of shape (n_leaves - 1, 2)
        The two nodes that each step joins: leaves from 0, then the steps from n_leaves,
        as in ``children_`` of scikit-learn's AgglomerativeClustering.
    distances : array-like of shape (n_leaves - 1,)
        Height of each step, from 0 and not falling.
    clusters : array-like of int of shape (n_leaves,), default=None
        Cluster of each leaf, by default each its own. A cluster of several branches is
        drawn at each.
    sizes : array-like of shape (n_leaves,), default=None
        Rows of each leaf, for the shares behind the names; none by default.
    %(style)s

    %(attributes)s
    branches_ : matplotlib.collections.LineCollection
        All lines of the tree.
    bars_ : list of matplotlib.patches.Rectangle
        The colors beside the names, from the lowest to the highest.

    See Also
    --------
    skesom.ConsensusClusterer.labels_at : Labels for another number of clusters.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skesom.displays import DendrogramDisplay
    >>> from skesom.consensus import ConsensusClusterer
    >>> from skesom.som import ESOM
    >>> X, _ = make_blobs(500, centers=3, random_state=0)
    >>> consensus = ConsensusClusterer(ESOM(3), n_estimators=4, random_state=0).fit(X)
    >>> display = DendrogramDisplay.from_estimator(consensus, names=["a", "b", "c"])
    >>> sorted(text.get_text()[:1] for text in display.ax_.get_yticklabels())
    ['a', 'b', 'c']

    Of any other tree:

    >>> from sklearn.cluster import AgglomerativeClustering
    >>> tree = AgglomerativeClustering(compute_distances=True).fit(X[:20])
    >>> display = DendrogramDisplay.from_predictions(
    ...     tree.children_, tree.distances_, clusters=tree.labels_
    ... )
    >>> len(display.bars_)
    2
    """

    children: ArrayLike
    distances: ArrayLike
    _: KW_ONLY
    clusters: ArrayLike | None = None
    sizes: ArrayLike | None = None
    colors: ArrayLike | None = None
    names: Names | None = None

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the tree of a map or of a consensus.

        Parameters
        ----------
        estimator : estimator
            Fitted map or ConsensusClusterer, or a Pipeline or CubeClusterer that ends
            in one.
        %(drawn)s

        Examples
        --------
        >>> from sklearn.cluster import KMeans
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.displays import DendrogramDisplay
        >>> from skesom.maps import CubeClusterer
        >>> from skesom.consensus import ConsensusClusterer
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> consensus = ConsensusClusterer(KMeans(4), n_estimators=3, random_state=0)
        >>> clusterer = CubeClusterer(consensus).fit(cube)
        >>> display = DendrogramDisplay.from_estimator(clusterer)
        >>> len(display.bars_)
        4
        """
        options = {"height": HEIGHT_OF_TREE} | options
        return cls._drawn(ax, options, tree_of(estimator))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches of a figure in which all names can be read."""
        n_leaves = min(len(self.children) + 1, _ENOUGH)
        if self.clusters is not None:
            n_leaves = max(n_leaves, len(np.unique(self.clusters)))
        return _WIDTH, float(np.clip(_MARGINS + _LINE * n_leaves, *_HEIGHTS))

    def plot(
        self,
        ax: Axes | None = None,
        *,
        max_leaves: int = _ENOUGH,
        height: str = "distance",
    ) -> Self:
        """Draw the tree from its root at the left.

        %(parameters)s
        max_leaves : int, default=40
            At how many leaves further splits end. Clusters are always drawn.
        height : str, default="distance"
            What the height of a step is, for the axis.

        %(plotted)s

        Examples
        --------
        >>> from skesom.displays import DendrogramDisplay
        >>> display = DendrogramDisplay([[0, 1], [2, 3]], [0.1, 0.8])
        >>> display.plot(height="distance of means").ax_.get_xlabel()
        'distance of means'
        """
        tree = _Tree(self, max_leaves)
        ax = self._new_axes(ax, self.size)
        from matplotlib.colors import to_rgba

        n_clusters = int(tree.clusters.max()) + 1  # what is -1 is in none
        names = [*as_names(self.names, n_clusters), "none"]
        colors = as_colors(self.colors, n_clusters)
        colors = np.vstack([colors, to_rgba(MISSING_COLOR)])
        self._draw_lines(ax, tree, colors)
        ax.set(xlabel=height, ylim=(-0.6, tree.n_ends - 0.4))
        ax.set_xlim(1.02 * (tree.heights.max() or 1), 0)
        ax.spines[["top", "left", "right"]].set_visible(False)
        if tree.has_splits:
            ax.set_title("gray: further splits", loc="left", size="small")
        self._draw_clusters(ax, tree, colors, names)
        return self

    def _draw_lines(self, ax, tree, colors):
        """Draw all steps, those inside clusters below the others."""
        from matplotlib.collections import LineCollection

        lines = []
        for node, pair in tree.steps.items():
            x, ends = tree.heights[node], tree.places[pair]
            own = _SPLITS if tree.is_cluster[node] else _TRUNK
            lines.append((*own, [(x, ends[0]), (x, ends[1])]))
            for child, y in zip(pair, ends, strict=True):
                style = own
                if tree.is_cluster[child] and not tree.is_cluster[node]:
                    style = _BRANCH, colors[tree.of_node[child]]
                lines.append((*style, [(x, y), (tree.heights[child], y)]))
        lines.sort(key=lambda line: line[0])
        widths, shades, ends = zip(*lines, strict=True)
        drawn = LineCollection(ends, linewidths=widths, colors=shades, capstyle="butt")
        self.branches_ = ax.add_collection(drawn)

    def _draw_clusters(self, ax, tree, colors, names):
        """Write the names of the clusters, each behind a bar of its color."""
        from matplotlib.patches import Rectangle

        branches = tree.branches()
        middles = np.array([(low + high) / 2 for low, high, _ in branches])
        texts = [shortened(names[tree.of_node[node]]) for *_, node in branches]
        if self.sizes is not None:
            held = np.array([tree.sizes[node] for *_, node in branches])
            shares = (100 * held / max(held.sum(), 1)).tolist()
            texts = [f"{t}: {percent(s)}" for t, s in zip(texts, shares, strict=True)]
        width, height = size_in_points(ax)
        room = height / tree.n_ends  # points of a leaf
        apart = tree.n_ends / len(branches)
        size = float(np.clip(room * apart / _LETTER, _SMALLEST, _LARGEST))
        places = spread(middles, min(_LETTER * size / room, apart))
        ax.yaxis.tick_right()
        ax.set_yticks(places, map(literal, texts), size=size)
        ax.tick_params(axis="y", length=0, pad=width * (sum(_BAR) - 1) + _PAD)
        self.bars_ = []
        for low, high, node in branches:
            bar = Rectangle((_BAR[0], low - _HALF), _BAR[1], high - low + 2 * _HALF)
            bar.set(color=colors[tree.of_node[node]], linewidth=0, clip_on=False)
            bar.set_transform(ax.get_yaxis_transform())
            self.bars_.append(ax.add_artist(bar))
        update_layout(ax)


class _Tree:
    """The steps of a tree that are drawn, their nodes, and where they lie."""

    def __init__(self, display, max_leaves):
        children = np.asarray(display.children, dtype=int)
        steps, n_leaves = len(children), len(children) + 1
        heights = np.asarray(display.distances, dtype=float)
        of_node, sizes = display.clusters, display.sizes
        of_node = list(range(n_leaves) if of_node is None else of_node)
        sizes = list(np.ones(n_leaves) if sizes is None else sizes)
        shapes = children.shape, heights.shape, len(of_node), len(sizes)
        if shapes != ((steps, 2), (steps,), n_leaves, n_leaves) or steps == 0:
            raise ValueError(
                "A tree of n_leaves > 1 has n_leaves - 1 children and distances, and a "
                f"cluster and a size for each leaf. Got {shapes}."
            )
        if (children.max(axis=1) >= np.arange(n_leaves, n_leaves + steps)).any():
            raise ValueError("children must be leaves or steps before.")
        for pair in children:
            one, other = (of_node[node] for node in pair)
            of_node.append(one if one == other else _MIXED)
            sizes.append(sum(sizes[node] for node in pair))
        self.of_node, self.sizes = np.array(of_node), np.array(sizes)
        self.clusters = self.of_node[:n_leaves]
        self.is_cluster = self.of_node != _MIXED
        mixed = np.flatnonzero(~self.is_cluster[n_leaves:])
        first = max(0, n_leaves - max(max_leaves, 2))
        first = min([first, *mixed[:1]])
        # The node that each step makes, and the two that it joins.
        self.steps = dict(enumerate(children[first:], n_leaves + first))
        self.has_splits = len(mixed) < len(self.steps)
        self.heights = np.zeros(len(of_node))
        self.heights[n_leaves + first :] = heights[first:]
        self._place()

    def _place(self):
        """Find the place of each node, and of its ends: large branches are above."""
        ends, waiting = [], [len(self.of_node) - 1]
        while waiting:  # no recursion: trees are deep
            node = waiting.pop()
            if node in self.steps:
                pair = sorted(self.steps[node], key=lambda child: self.sizes[child])
                waiting += reversed(pair)
            else:
                ends.append(node)
        self.n_ends, self.places = len(ends), np.zeros(len(self.of_node))
        self.places[ends] = np.arange(len(ends))
        self.spans = np.stack([self.places, self.places], axis=1)
        for node, pair in self.steps.items():
            self.places[node] = self.places[pair].mean()
            self.spans[node] = self.spans[pair].min(), self.spans[pair].max()

    def branches(self):
        """Return lowest and highest end, and node, of each branch of one cluster."""
        mixed = [pair for node, pair in self.steps.items() if not self.is_cluster[node]]
        whole = [child for pair in mixed for child in pair if self.is_cluster[child]]
        whole = whole or [len(self.of_node) - 1]  # the root
        return sorted((*self.spans[node].tolist(), int(node)) for node in whole)


def tree_of(estimator):
    """Return the tree of a map or consensus as parameters of a display.

    The clusters of a CubeClusterer are those of its map, with its pixels.
    """
    step, _ = pipeline_end(estimator)
    last, _ = pipeline_end(getattr(step, "estimator_", step))
    check_is_fitted(last)
    if not has_tree(last):
        name = type(last).__name__
        raise ValueError(f"{name} has no tree of clusters; a map or consensus has.")
    tree = tree_of_pieces(last)
    clusters = tree.clusters
    sizes = tree.sizes.astype(float)
    if step is not last:
        clusters = step._clusters_of(clusters)
        pixels = count_clusters(step.labels_, clusters.max() + 1)
        held = np.bincount(clusters + 1, sizes)[1:]
        sizes *= np.append(pixels / np.maximum(held, 1), 0)[clusters]
    return {
        "children": tree.children,
        "distances": tree.heights,
        "clusters": clusters,
        "sizes": sizes,
    }
