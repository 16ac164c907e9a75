# SPDX-License-Identifier: BSD-3-Clause
"""Base of displays of a map, whose units are cells of a lattice or dots of a graph."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator

from skesom._types import Axes
from skesom.displays.display import Display, add_color_bar, update_layout
from skesom.displays.unit_layout import (
    GraphLayout,
    LatticeLayout,
    fitted_map,
    layout_of,
)

EMPTY = "#f2f2f4"
_LONGEST_SIDE = 5.5  # inches
_MARGIN = 0.1  # around a graph, for images of units at its edge


@dataclass(eq=False, repr=False)
class UnitMapDisplay(Display):
    """Values of units in colors, on a lattice or as dots of a graph."""

    values: ArrayLike
    layout: LatticeLayout | GraphLayout

    _n_more_axes = 0

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        embedding: Any = "pca",
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the units of a fitted map.

        %(map)s
        %(embedding)s
        %(drawn)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import UMatrixDisplay
        >>> from skesom.som import ESOM
        >>> esom = ESOM(3, random_state=0).fit(load_iris().data)
        >>> display = UMatrixDisplay.from_estimator(esom, embedding="isomap")
        >>> len(display.values) == len(esom.codebook_)
        True
        """
        som = fitted_map(estimator, cls.__name__)
        fields = cls._of_map(som) | {"layout": layout_of(som, embedding)}
        return cls._drawn(ax, options, fields)

    @classmethod
    def from_predictions(  # type: ignore[override]
        cls,
        values: ArrayLike,
        *,
        topology: Literal["hexagonal", "rectangular"] = "hexagonal",
        toroidal: bool = False,
        positions: ArrayLike | None = None,
        connections: Any = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw values that are known already, of a map of any origin.

        Parameters
        ----------
        values : array-like of shape (n_rows, n_columns) or (n_units,)
            Values as in the class, of the units of a lattice or, with `positions`, of
            the units of a graph. Component planes and prototypes have one axis more,
            the features, and hits of `classes` have these.
        topology : {"hexagonal", "rectangular"}, default="hexagonal"
            Cells of a lattice. Odd rows of a hexagonal one are shifted to the right.
        toroidal : bool, default=False
            Whether opposite edges of a lattice are joined.
        positions : array-like of shape (n_units, 2), default=None
            Places (x, y) of the units of a graph, instead of a lattice.
        connections : sparse or array-like of shape (n_units, n_units), default=None
            Strengths of the links of a graph.
        %(drawn)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import UMatrixDisplay
        >>> distances = np.array([[0.1, 0.9, 0.2], [0.1, 0.8, 0.1]])
        >>> display = UMatrixDisplay.from_predictions(distances, topology="rectangular")
        >>> display.ax_.get_title()
        'U-matrix'
        """
        values = np.asarray(values, dtype=np.float64)
        n_more_axes = cls._n_more_axes
        if "classes" in options:  # hits of each class, in an axis of their own
            n_more_axes += 1
        n_map_axes = values.ndim - n_more_axes
        shape = values.shape[:n_map_axes]
        values = values.reshape((-1, *values.shape[n_map_axes:]))
        if positions is not None:
            if toroidal or topology != "hexagonal":
                raise ValueError("topology and toroidal are about units on a lattice.")
            if connections is None:
                connections = sparse.coo_array((len(values), len(values)))
            layout = GraphLayout(positions, connections)
        elif len(shape) == 2:
            layout = LatticeLayout(shape, topology, toroidal)
        else:
            raise ValueError(
                "Values of a lattice have the shape (n_rows, n_columns); for the units "
                f"of a graph give their positions. Got shape {shape}."
            )
        return cls._drawn(ax, options, {"values": values, "layout": layout})

    def _begin(self, ax, title):
        """Return axes for the units."""
        width, height = self.layout.size
        scale = _LONGEST_SIDE / max(width, height)
        figure_width = max(scale * width, 2.0) + 1.2  # with a color bar
        figure_height = max(scale * height, 1.2) + 0.6  # with a title
        ax = self._new_axes(ax, (figure_width, figure_height))
        ax.set_title(title)
        return ax

    def _draw_units(self, ax, values, title, label, cmap, norm=None, rims=None):
        """Draw the units and a color bar."""
        ax = self._begin(ax, title)
        self.units_ = self.layout.draw(ax, values, cmap, norm, rims=rims)
        self.color_bar_ = add_color_bar(ax, self.units_, label, below=self.layout.flat)
        update_layout(ax)  # lines and numbers depend on the size of the cells
        return ax

    def _draw_ground(self, ax, title):
        """Draw cells or dots of a graph in light gray, for pies or images over them."""
        ax = self._begin(ax, title)
        from matplotlib.colors import ListedColormap

        zeros = np.zeros(len(self.values))
        layout = copy.copy(self.layout)
        layout.hits = zeros
        layout.toroidal = False  # no cell is repeated
        self.units_ = layout.draw(ax, zeros, ListedColormap([EMPTY]))
        if not isinstance(layout, LatticeLayout):
            ax.margins(_MARGIN)
        return ax

    def _dots(self, ax, of_cell, of_axes):
        """Return a share of a cell, or of the shorter side of a graph, in dots."""
        update_layout(ax)
        ax.apply_aspect()
        if isinstance(self.layout, LatticeLayout):
            corners = ax.transData.transform([(0, 0), (1, 0)])  # of one cell
            return of_cell * np.diff(corners[:, 0])
        return of_axes * min(ax.bbox.size)


def uncovered(middles, halves):
    """Return the numbers of boxes, by halves of their sides, that cover none before."""
    kept = []
    halves = np.asarray(halves)
    for number, middle in enumerate(middles):
        far = np.abs(middles[kept] - middle) >= halves[kept] + halves[number]
        if far.any(axis=1).all():
            kept.append(number)
    return kept
