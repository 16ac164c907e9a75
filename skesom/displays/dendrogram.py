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
from skesom.displays.cluster_plots import push_apart, shortened
from skesom.displays.clusters import as_colors, as_names
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.display import Display, literal, size_in_points, update_layout
from skesom.som.tree import has_tree, tree_of_pieces

_WIDTH = 8.0  # inches
_MARGINS = 1.1  # inches above and below the tree
_LINE = 0.16  # inches for each leaf
_HEIGHTS = (3.0, 12.0)  # inches, from a few leaves to as many as a page holds
_ENOUGH = 40  # leaves
_LARGEST = 9.0  # points, of names
_SMALLEST = 4.0
_LETTER = 1.2  # height of a line by that of its letters
_BAR_START = 1.01  # by the width of the axes
_BAR_WIDTH = 0.025  # by the same
_HALF = 0.42  # leaves that a bar goes on beyond the middle of its last one
_PAD = 4.0  # points from a bar to the names
_MIXED = -9  # cluster of a node of several
_TRUNK = (1.3, "0.3")  # points and color of the lines between clusters
_SPLITS = (0.8, "0.75")  # of those inside clusters
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
        for node, children in tree.steps.items():
            x = tree.heights[node]
            is_split = tree.is_cluster[node]
            width, color = _SPLITS if is_split else _TRUNK
            ends = [(x, tree.rows[child]) for child in children]
            lines.append((width, color, ends))
            for child in children:
                y = tree.rows[child]
                ends = [(x, y), (tree.heights[child], y)]
                if tree.is_cluster[child] and not is_split:
                    branch_color = colors[tree.cluster_of_node[child]]
                    lines.append((_BRANCH, branch_color, ends))
                else:
                    lines.append((width, color, ends))
        # Thick lines are drawn last.
        lines.sort(key=lambda line: line[0])
        collection = LineCollection(
            [ends for _, _, ends in lines],
            linewidths=[width for width, _, _ in lines],
            colors=[color for _, color, _ in lines],
            capstyle="butt",
        )
        self.branches_ = ax.add_collection(collection)

    def _draw_clusters(self, ax, tree, colors, names):
        """Write the names of the clusters, each behind a bar of its color."""
        from matplotlib.patches import Rectangle

        branches = tree.branches()
        middles = np.array([(low + high) / 2 for low, high, _ in branches])
        nodes = [node for _, _, node in branches]
        texts = [shortened(names[tree.cluster_of_node[node]]) for node in nodes]
        if self.sizes is not None:
            sizes = tree.sizes[nodes]
            shares = (100 * sizes / max(sizes.sum(), 1)).tolist()
            for number, share in enumerate(shares):
                texts[number] = f"{texts[number]}: {percent(share)}"
        # Names are as large as the rows of leaves allow, and pushed apart.
        axes_width, axes_height = size_in_points(ax)
        row_height = axes_height / tree.n_ends  # points
        rows_of_name = tree.n_ends / len(branches)
        size = row_height * rows_of_name / _LETTER
        size = float(np.clip(size, _SMALLEST, _LARGEST))
        name_rows = push_apart(middles, min(_LETTER * size / row_height, rows_of_name))
        ax.yaxis.tick_right()
        ax.set_yticks(name_rows, [literal(text) for text in texts], size=size)
        bar_end = axes_width * (_BAR_START + _BAR_WIDTH - 1)
        ax.tick_params(axis="y", length=0, pad=bar_end + _PAD)
        self.bars_ = []
        for low, high, node in branches:
            bar = Rectangle(
                (_BAR_START, low - _HALF),
                width=_BAR_WIDTH,
                height=high - low + 2 * _HALF,
                color=colors[tree.cluster_of_node[node]],
                linewidth=0,
                clip_on=False,
            )
            bar.set_transform(ax.get_yaxis_transform())
            self.bars_.append(ax.add_artist(bar))
        update_layout(ax)


class _Tree:
    """The steps of a tree that are drawn, their nodes, and where they lie.

    Attributes
    ----------
    steps : dict of int to ndarray of shape (2,), dtype int
        The node that each step makes, and the two that it joins.
    cluster_of_node : ndarray of shape (n_nodes,), dtype int
        Cluster of each node, -9 of one that joins several.
    clusters : ndarray of shape (n_leaves,), dtype int
        Cluster of each leaf.
    is_cluster : ndarray of shape (n_nodes,), dtype bool
        Whether a node is of one cluster.
    has_splits : bool
        Whether steps inside clusters are drawn.
    sizes, heights : ndarray of shape (n_nodes,)
        Rows of the data, and height of the step.
    rows : ndarray of shape (n_nodes,)
        Vertical coordinate of each node; from 0 for the ends of the tree.
    spans : ndarray of shape (n_nodes, 2)
        Lowest and highest end below each node.
    n_ends : int
        Number of the nodes from which no step is drawn.
    """

    def __init__(self, display, max_leaves):
        children = np.asarray(display.children, dtype=int)
        n_steps = len(children)
        n_leaves = n_steps + 1
        heights = np.asarray(display.distances, dtype=float)
        clusters = list(range(n_leaves))
        if display.clusters is not None:
            clusters = list(display.clusters)
        sizes = list(np.ones(n_leaves))
        if display.sizes is not None:
            sizes = list(display.sizes)
        shapes = (children.shape, heights.shape, len(clusters), len(sizes))
        if shapes != ((n_steps, 2), (n_steps,), n_leaves, n_leaves) or n_steps == 0:
            raise ValueError(
                "A tree of n_leaves > 1 has n_leaves - 1 children and distances, and a "
                f"cluster and a size for each leaf. Got {shapes}."
            )
        if (children.max(axis=1) >= np.arange(n_leaves, n_leaves + n_steps)).any():
            raise ValueError("children must be leaves or steps before.")

        # Clusters and sizes of the leaves become those of all nodes.
        for left, right in children:
            is_same = clusters[left] == clusters[right]
            clusters.append(clusters[left] if is_same else _MIXED)
            sizes.append(sizes[left] + sizes[right])
        self.cluster_of_node = np.array(clusters)
        self.sizes = np.array(sizes)
        self.clusters = self.cluster_of_node[:n_leaves]
        self.is_cluster = self.cluster_of_node != _MIXED

        # Steps are drawn from the first one that joins clusters, or from an earlier
        # one if there is room for more leaves.
        mixed_steps = np.flatnonzero(~self.is_cluster[n_leaves:])
        first = max(0, n_leaves - max(max_leaves, 2))
        if len(mixed_steps) > 0:
            first = min(first, mixed_steps[0])
        self.steps = dict(enumerate(children[first:], n_leaves + first))
        self.has_splits = len(mixed_steps) < len(self.steps)
        self.heights = np.zeros(len(clusters))
        self.heights[n_leaves + first :] = heights[first:]
        self._place_nodes()

    def _place_nodes(self):
        """Give a row to each node: large branches are above."""
        ends = []
        waiting = [self._root()]
        while waiting:  # no recursion: trees are deep
            node = waiting.pop()
            if node in self.steps:
                small, large = sorted(
                    self.steps[node], key=lambda child: self.sizes[child]
                )
                waiting += [large, small]
            else:
                ends.append(node)
        self.n_ends = len(ends)
        self.rows = np.zeros(len(self.cluster_of_node))
        self.rows[ends] = np.arange(len(ends))
        self.spans = np.stack([self.rows, self.rows], axis=1)
        for node, children in self.steps.items():
            self.rows[node] = self.rows[children].mean()
            self.spans[node, 0] = self.spans[children].min()
            self.spans[node, 1] = self.spans[children].max()

    def _root(self):
        return len(self.cluster_of_node) - 1

    def branches(self):
        """Return lowest and highest end, and node, of each branch of one cluster."""
        tops = []
        for node, children in self.steps.items():
            if not self.is_cluster[node]:
                tops += [int(child) for child in children if self.is_cluster[child]]
        if not tops:  # all is one cluster
            tops = [self._root()]
        branches = []
        for node in tops:
            low, high = self.spans[node].tolist()
            branches.append((low, high, node))
        return sorted(branches)


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
        # Rows of a map's leaves become pixels, cluster by cluster; none of cluster -1.
        pixels = count_clusters(step.labels_, clusters.max() + 1)
        rows = np.bincount(clusters + 1, sizes)[1:]
        pixels_per_row = pixels / np.maximum(rows, 1)
        sizes *= np.append(pixels_per_row, 0)[clusters]
    return {
        "children": tree.children,
        "distances": tree.heights,
        "clusters": clusters,
        "sizes": sizes,
    }
