# SPDX-License-Identifier: BSD-3-Clause
"""Component planes: the weights of a map's units, a panel for each feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Self

import numpy as np

from skesom._types import Axes, Colormap
from skesom.displays._unit_map import UnitMapDisplay
from skesom.displays.display import (
    add_color_bar,
    literal,
    numbers_of,
    panels_in,
    size_in_points,
    update_layout,
)

_PANEL = 2.6  # inches, the longer side
# Inches between panels, across and down: for a title, and a color bar of each panel.
_GAPS = {
    "own": np.array([0.65, 0.4]),
    "shared": np.array([0.1, 0.3]),
}


@dataclass(eq=False, repr=False)
class ComponentPlanesDisplay(UnitMapDisplay):
    """Component planes: the weights of the units in each feature (band) by itself.

    Features with similar planes are redundant. The panels fill the axes.

    Parameters
    ----------
    values : ndarray of shape (n_units, n_features)
        Weights of the units.
    %(layout)s
    names : sequence of str of length n_features, default=None
        Features or bands, for instance ``cube.band_names``. By default the feature
        names of the fitted map, or "feature 1", "feature 2", ...

    %(attributes)s
    axes_ : ndarray of shape (n_features,) of matplotlib.axes.Axes
        A panel for each feature.
    units_ : list of matplotlib.collections.Collection
        Cells of a lattice or dots of a graph, for each feature.
    color_bars_ : list of matplotlib.colorbar.Colorbar
        One for each feature, or the one that they share.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import ComponentPlanesDisplay
    >>> from skesom.som import CSOM
    >>> iris = load_iris()
    >>> csom = CSOM(shape=(8, 6)).fit(iris.data)
    >>> display = ComponentPlanesDisplay.from_estimator(csom, names=iris.feature_names)
    >>> [ax.get_title() for ax in display.axes_[:2]]
    ['sepal length (cm)', 'sepal width (cm)']
    """

    _: KW_ONLY
    names: Sequence[str] | None = None

    _n_more_axes = 1

    def __post_init__(self):
        n_features = self.values.shape[1]
        if self.names is None:
            self.names = [f"feature {number + 1}" for number in range(n_features)]
        else:
            self.names = list(self.names)
        if len(self.names) != n_features:
            raise ValueError(
                f"Give a name for each of the {n_features} features, got "
                f"{len(self.names)}."
            )

    @classmethod
    def _of_map(cls, som):
        names = getattr(som, "feature_names_in_", None)
        return {"values": som.codebook_, "names": names}

    def plot(
        self,
        ax: Axes | None = None,
        *,
        features: Sequence[int | str] | None = None,
        scale: Literal["own", "shared"] = "own",
        cmap: str | Colormap = "viridis",
    ) -> Self:
        """Draw a panel for each feature.

        %(parameters)s
        features : sequence of int or str, default=None
            Which ones, by number from 0 or by name; all by default.
        scale : {"own", "shared"}, default="own"
            Whether each panel has its own scale of colors, or all have the same.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of the weights.

        %(plotted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import ComponentPlanesDisplay
        >>> from skesom.som import CSOM
        >>> csom = CSOM(shape=(6, 4)).fit(load_iris().data)
        >>> display = ComponentPlanesDisplay.from_estimator(csom)
        >>> len(display.plot(features=[0, 2]).axes_)
        2
        """
        if scale not in ("own", "shared"):
            raise ValueError(f"scale must be 'own' or 'shared', got {scale!r}.")
        numbers = numbers_of("feature", features, self.names)
        ax, self.axes_ = self._panels(ax, len(numbers), gap=_GAPS[scale])
        norm = None
        if scale == "shared":
            from matplotlib.colors import Normalize

            planes = self.values[:, numbers]
            norm = Normalize(planes.min(), planes.max())
        self.units_ = []
        self.color_bars_ = []
        for panel, feature in zip(self.axes_, numbers, strict=True):
            plane = self.values[:, feature]
            # Links would hide the colors of small panels, and take most of the time.
            units = self.layout.draw(panel, plane, cmap, norm, line=0.2, links=False)
            self.units_.append(units)
            panel.set_title(literal(self.names[feature]), size="medium")
            panel.set(xlabel="", ylabel="", xticks=[], yticks=[])
            if scale == "own":
                bar = add_color_bar(panel, units, "", below=self.layout.flat)
                self.color_bars_.append(bar)
        if scale == "shared":
            bar = ax.figure.colorbar(
                self.units_[0], ax=self.axes_, aspect=30, panchor=False, label="weight"
            )
            self.color_bars_.append(bar)
        update_layout(ax)
        return self

    def _panels(self, ax, n_panels, gap):
        """Return axes and the panels that fill them, as large as possible."""
        width, height = self.layout.size
        scale = _PANEL / max(width, height)
        panel_width = scale * width + 0.7  # with a color bar
        panel_height = scale * height + 0.4  # with a title
        if ax is None:
            room = np.array([4, 3])  # only the aspect counts for new axes
        else:
            room = size_in_points(ax)
        # Of all numbers of columns, take the one with the largest panels.
        columns = np.arange(1, n_panels + 1)
        rows = -(-n_panels // columns)
        sizes = np.minimum(
            room[0] / (columns * panel_width), room[1] / (rows * panel_height)
        )
        n_columns = int(columns[np.argmax(sizes)])
        n_rows = math.ceil(n_panels / n_columns)
        ax = self._new_axes(ax, (n_columns * panel_width, n_rows * panel_height))
        # Gaps are given to the grid as shares of a panel without its gap.
        panel_size = room / 72 / (n_columns, n_rows) - gap
        wspace, hspace = gap / np.maximum(panel_size, gap)
        grid = panels_in(ax, n_rows, n_columns, wspace=wspace, hspace=hspace)
        panels = []
        for number in range(n_panels):
            row, column = divmod(number, n_columns)
            panels.append(ax.figure.add_subplot(grid[row, column]))
        return ax, np.array(panels)
