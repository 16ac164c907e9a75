# SPDX-License-Identifier: BSD-3-Clause
"""The U-matrix: how far the units of a map are from their neighbors in the data."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from skesom._types import Axes, Colormap
from skesom.displays._unit_map import UnitMapDisplay, uncovered
from skesom.displays.colors import cluster_palette
from skesom.displays.display import size_in_points
from skesom.displays.unit_layout import LatticeLayout

_NUMBER = 0.4  # height of a number by the room of a cluster
_NUMBER_SIZES = 5.0, 8.5  # points
_LEAST_ROOM = 12.0  # points by points for a cluster, or numbers would hide all


@dataclass(eq=False, repr=False)
class UMatrixDisplay(UnitMapDisplay):
    """U-matrix: the mean distance of each unit of a map to its neighbors [1]_.

    High values are borders: neighbors on the map that are far apart in the data.

    Parameters
    ----------
    values : ndarray of shape (n_units,)
        Mean distance of each unit to its neighbors.
    %(layout)s
    unit_labels : array-like of int with one for each unit, default=None
        Cluster of each unit.

    %(attributes)s
    %(units)s
    borders_ : matplotlib.collections.LineCollection or None
        Sides of cells between clusters; None for a graph, and without clusters.

    References
    ----------
    .. [1] Ultsch, A. & Siemon, H. (1990), "Kohonen's self organizing feature maps for
       exploratory data analysis", Proc. INNC, 305-308.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import UMatrixDisplay
    >>> from skesom.som import CSOM
    >>> csom = CSOM(shape=(8, 6), n_clusters=3).fit(load_iris().data)
    >>> display = UMatrixDisplay.from_estimator(csom)
    >>> display.ax_.get_title()
    'U-matrix'
    """

    _: KW_ONLY
    unit_labels: ArrayLike | None = None

    @classmethod
    def _of_map(cls, som):
        labels = getattr(som, "unit_labels_", None)
        return {"values": np.ravel(som.u_matrix()), "unit_labels": labels}

    def plot(
        self,
        ax: Axes | None = None,
        *,
        clusters: bool = True,
        colors: ArrayLike | None = None,
        cmap: str | Colormap = "cividis",
    ) -> Self:
        """Draw the units in the colors of their distances.

        %(parameters)s
        clusters : bool, default=True
            Whether clusters are shown, if there are several: by numbers, and by borders
            between cells or rims of dots.
        colors : array-like of shape (n_clusters, 4), default=None
            Colors of the rims of dots, by default those of the other displays.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colors of the distances.

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import UMatrixDisplay
        >>> display = UMatrixDisplay.from_predictions(np.eye(3))
        >>> display.plot(cmap="viridis").units_.get_cmap().name
        'viridis'
        """
        labels = None
        rims = None
        if clusters and self.unit_labels is not None:
            labels = np.ravel(self.unit_labels)
            n_clusters = len(np.unique(labels))
            if not 1 < n_clusters <= len(labels) / 2:
                labels = None
        on_lattice = isinstance(self.layout, LatticeLayout)
        if labels is not None and not on_lattice:
            if colors is None:
                colors = cluster_palette(int(labels.max()) + 1)
            rims = np.asarray(colors)[labels]
        ax = self._draw_units(
            ax,
            values=self.values,
            title="U-matrix",
            label="mean distance to neighbors",
            cmap=cmap,
            rims=rims,
        )
        self.borders_ = None
        if labels is not None:
            if on_lattice:
                self.borders_ = self.layout.draw_borders(ax, labels)
            _write_cluster_numbers(ax, self.layout, labels)
        return self


def _write_cluster_numbers(ax, layout, unit_labels):
    """Write the number of each cluster on its most central unit, if there is room."""
    from matplotlib.patheffects import withStroke

    labels, counts = np.unique(unit_labels[unit_labels >= 0], return_counts=True)
    room = np.sqrt(np.prod(size_in_points(ax)) / max(len(labels), 1))
    if room < _LEAST_ROOM:
        return
    size = float(np.clip(_NUMBER * room, *_NUMBER_SIZES))
    rim = withStroke(linewidth=size / 4, foreground="black")
    # Large clusters come first: of numbers that overlap, theirs are kept.
    labels = labels[np.argsort(-counts, kind="stable")]
    positions = []
    for label in labels:
        members = layout.positions[unit_labels == label]
        distances = np.linalg.norm(members - members.mean(axis=0), axis=1)
        positions.append(members[np.argmin(distances)])
    middles = ax.transData.transform(positions) * 72 / ax.figure.dpi
    halves = [(0.35 * size * len(str(label)), 0.45 * size) for label in labels]
    for number in sorted(uncovered(middles, halves), key=labels.item):
        x, y = positions[number]
        ax.text(
            x,
            y,
            str(labels[number]),
            size=size,
            weight="bold",
            color="white",
            ha="center",
            va="center",
            path_effects=[rim],
            zorder=4,
        )
