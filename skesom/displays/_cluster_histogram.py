# SPDX-License-Identifier: BSD-3-Clause
"""How many pixels each cluster has."""

import textwrap

import numpy as np

from skesom._common.labels import MASKED, SKY
from skesom.displays._axes import new_axes, size_in_points
from skesom.displays._clusters import as_clusters
from skesom.displays._fitted import labeled_cube

_HIGHEST = 8.0  # points, of the numbers above the bars
_SMALLEST = 5.0
_LONGEST_NAME = 16  # letters in a line below a bar
_MANY = 50  # bars leave no gaps


class ClusterHistogramDisplay:
    """Histogram of clusters: the number of pixels that each has.

    It is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are no clusters.
    colors : array-like of shape (n_clusters, 4), default=None
        A color for each cluster, `cluster_palette` by default.
    names : dict of int to str or sequence of str, default=None
        What clusters are called; their numbers by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    bars_ : matplotlib.container.BarContainer
        A bar for each cluster, as high as the number of its pixels.
    texts_ : list of matplotlib.text.Text
        Percentages of the pixels in clusters, above bars that are wide enough.

    See Also
    --------
    skesom.io.cluster_table : The same as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import ClusterHistogramDisplay
    >>> label_map = np.array([[0, 0, 1], [0, -1, -3]])
    >>> display = ClusterHistogramDisplay.from_predictions(label_map)
    >>> [text.get_text() for text in display.texts_]
    ['75.0 %', '25.0 %']
    """

    def __init__(self, label_map, *, colors=None, names=None):
        self.label_map = label_map
        self.colors = colors
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator, X, *, colors=None, names=None, ax=None, **options
    ):
        """Draw the histogram of the clusters that an estimator finds in a cube.

        Parameters
        ----------
        estimator : estimator
            Fitted CubeClusterer or CubeClassifier, or a Pipeline that ends in one.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What the estimator takes.
        colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterHistogramDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        label_map, _ = labeled_cube(estimator, X)
        return cls(label_map, colors=colors, names=names).plot(ax, **options)

    @classmethod
    def from_predictions(
        cls, label_map, *, colors=None, names=None, ax=None, **options
    ):
        """Draw the histogram of clusters that are known already.

        Parameters
        ----------
        label_map : array-like of int of shape (n_rows, n_columns)
            Clusters from 0; negative labels are no clusters.
        colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterHistogramDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the labels are not such a map, or other arguments do not fit to it.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        return cls(label_map, colors=colors, names=names).plot(ax, **options)

    def plot(self, ax=None, *, log=False):
        """Draw a bar for each cluster.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        log : bool, default=False
            Whether the numbers of pixels are on a logarithmic scale.

        Returns
        -------
        self : ClusterHistogramDisplay
            With the attributes that end in an underscore.
        """
        clusters = as_clusters(self.label_map, colors=self.colors, names=self.names)
        labels = clusters.label_map
        n_clusters = len(clusters.names)
        pixels = np.bincount(labels[labels >= 0], minlength=n_clusters)
        ax = new_axes(ax)
        self.bars_ = ax.bar(
            np.arange(n_clusters),
            pixels,
            width=0.86 if n_clusters <= _MANY else 1.0,
            color=clusters.colors,
            log=log,
        )
        self.texts_ = self._write_percentages(ax, pixels)
        self._name_bars(ax, clusters.names)
        ax.set(xlabel="cluster", ylabel="pixels", xlim=(-0.6, max(n_clusters, 1) - 0.4))
        ax.spines[["top", "right"]].set_visible(False)
        ax.margins(y=0.1)
        if not pixels.any():
            ax.set_ylim(0, 1)
        others = _shares_of_others(labels)
        if others:
            ax.set_title(others, loc="left", size="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _write_percentages(self, ax, pixels):
        """Write the share of each cluster above its bar, if it is wide enough."""
        room = size_in_points(ax)[0] / max(len(pixels), 1)
        size = min(room / 4.2, _HIGHEST)  # "12.3 %" is four times as wide as high
        if size < _SMALLEST:
            return []
        shares = [f"{100 * share:.1f} %" for share in pixels / max(pixels.sum(), 1)]
        return ax.bar_label(self.bars_, shares, size=size, padding=2)

    def _name_bars(self, ax, names):
        """Write names below the bars, slanted if they are long, or some numbers."""
        room = size_in_points(ax)[0] / max(len(names), 1)
        numbers = names == [str(number) for number in range(len(names))]
        if room < (14 if numbers else 10):  # they cannot be read side by side
            ax.locator_params(axis="x", integer=True, nbins=10)
            return
        names = [textwrap.fill(name, _LONGEST_NAME) for name in names]
        fits = max(map(len, names), default=0) * 5.5 < room
        slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(range(len(names)), names, **({} if fits else slanted))
        ax.tick_params(axis="x", length=0)


def _shares_of_others(labels):
    """Tell which shares of the pixels belong to no cluster."""
    without_data = np.count_nonzero(labels == MASKED)
    with_data = labels.size - without_data
    parts = []
    for name, label in (("noise", -1), ("sky", SKY)):
        if n_pixels := np.count_nonzero(labels == label):
            parts.append(f"{name} {100 * n_pixels / with_data:.1f} %")
    lines = [f"of the pixels with data: {', '.join(parts)}"] if parts else []
    if without_data:
        lines.append(f"no data in {100 * without_data / labels.size:.1f} % of all")
    return "\n".join(lines)
