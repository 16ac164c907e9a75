# SPDX-License-Identifier: BSD-3-Clause
"""The units of any map, drawn as cells of a lattice or as dots of a graph."""

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import as_fitted
from skesom._common.pipelines import map_inside
from skesom.displays.display import size_in_points
from skesom.displays.unit_embedding import AXIS_NAMES, embed

_REPEATED = 2  # rows and columns of a torus that are drawn once more
_BORDER = 0.12  # width of borders by that of cells
_BORDER_WIDTHS = (0.5, 1.4)  # points
_LARGEST = 0.05  # diameter of a dot by the shorter side of the axes, of few units
_CROWDED = 0.8  # the same, times the root of their number, of many
_SMALLEST = 2.0  # points
# By the median distance from the origin: where scales stop being linear. Far units
# left two thirds of a graph blank.
_LONG = 3.0
_TICKS = np.array([-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100, 300])


class LatticeLayout:
    """Units on a lattice of (n_rows, n_columns), drawn as cells that tile it.

    Attributes
    ----------
    positions : ndarray of shape (n_units, 2)
        Middle (x, y) of each cell, in widths of a cell.
    corners : ndarray of shape (n_corners, 2)
        Of a cell, from its middle.
    pitch : float
        Distance of two rows.
    """

    hits = None  # they do not change a cell

    def __init__(self, shape, topology="hexagonal", toroidal=False):
        self.shape = tuple(shape)
        self.toroidal = toroidal
        rows, columns = np.indices(self.shape)
        if topology == "hexagonal":
            # Middles of neighbors are 1 apart, in a row and between rows.
            self.pitch = np.sqrt(0.75)
            x = columns + 0.5 * (rows % 2)
            angles = np.deg2rad(60 * np.arange(6) + 30)
            self.corners = np.column_stack([np.cos(angles), np.sin(angles)])
            self.corners /= np.sqrt(3)
        else:
            self.pitch = 1.0
            x = columns.astype(np.float64)
            self.corners = 0.5 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        self.positions = np.column_stack([x.ravel(), self.pitch * rows.ravel()])

    @property
    def size(self):
        """Width and height of the drawing, in cells."""
        n_rows, n_columns = self.shape
        if self.toroidal:
            n_rows += 2 * _REPEATED
            n_columns += 2 * _REPEATED
        return n_columns + 0.5, self.pitch * n_rows  # odd rows are half a cell longer

    @property
    def flat(self):
        """Whether the lattice is too low for a color bar beside it."""
        return self.size[0] > 3 * self.size[1]

    def draw(self, ax, values, cmap, norm=None, *, rims=None, line=0.4, links=True):
        """Draw the cells in the colors of their values; there are no rims and links."""
        cells = self._add_cells(ax, np.arange(len(self.positions)), 0, values, line)
        cells.set(cmap=cmap, norm=norm)
        cells.autoscale_None()
        if self.toroidal:
            units, shifts = self._beyond_edges()
            beyond = self._add_cells(ax, units, shifts, values, line)
            beyond.set(cmap=cmap, norm=cells.norm, alpha=0.35)
            edge = self.draw_borders(ax, np.zeros(len(values)), edge=True)
            edge.set(color="black", path_effects=None)
            ax.set_xlabel("pale cells repeat those of the opposite edge", size="small")
        ax.autoscale_view()
        ax.set_aspect("equal")
        if not ax.yaxis_inverted():
            ax.invert_yaxis()  # the first row is the upper one, as in arrays
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        return cells

    def draw_borders(self, ax, labels, *, edge=False):
        """Draw lines between cells of different labels."""
        from matplotlib.collections import LineCollection
        from matplotlib.patheffects import withStroke

        cell = (size_in_points(ax) / self.size).min()
        width = float(np.clip(_BORDER * cell, *_BORDER_WIDTHS))
        rim = withStroke(linewidth=1.9 * width, foreground="black")
        lines = LineCollection(self.borders(labels, edge=edge), linewidths=width)
        lines.set(color="white", capstyle="round", path_effects=[rim])
        return ax.add_collection(lines)

    def borders(self, labels, *, edge=False):
        """Return the sides of cells between different labels.

        Parameters
        ----------
        labels : array-like of shape (n_units,)
        edge : bool, default=False
            Whether the sides at the edge of the lattice are returned too.

        Returns
        -------
        sides : ndarray of shape (n_sides, 2, 2)
            Both ends (x, y) of each.
        """
        polygons = self.positions[:, np.newaxis] + self.corners
        sides = np.stack([polygons, np.roll(polygons, -1, axis=1)], axis=2)
        sides = sides.reshape(-1, 2, 2)
        owner = np.repeat(np.asarray(labels), len(self.corners))
        # Neighbors share the middle of a side, but for rounding.
        middles = np.round(sides.mean(axis=1), 6)
        _, first, side, counts = np.unique(
            middles, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        side = side.ravel()
        is_border = np.zeros(len(first), dtype=bool)
        np.logical_or.at(is_border, side, owner != owner[first][side])
        if edge:
            is_border |= counts == 1  # of one cell alone
        return sides[first[is_border]]

    def _beyond_edges(self):
        """Return units that are drawn once more beyond an edge, and how far from it."""
        n_rows, n_columns = self.shape
        margin = 2 * _REPEATED
        rows, columns = np.indices((n_rows + margin, n_columns + margin)) - _REPEATED
        units = n_columns * (rows % n_rows) + columns % n_columns
        # How many whole lattices below, and to the right of, the one that is drawn.
        down = rows // n_rows
        right = columns // n_columns
        is_beyond = (down != 0) | (right != 0)
        shifts = np.dstack([n_columns * right, self.pitch * n_rows * down])
        return units[is_beyond], shifts[is_beyond]

    def _add_cells(self, ax, units, shifts, values, line):
        """Draw the cells of some units, shifted, in the colors of their values."""
        from matplotlib.collections import PolyCollection

        polygons = (self.positions[units] + shifts)[:, np.newaxis] + self.corners
        cells = PolyCollection(polygons, edgecolors="white", linewidths=line)
        cells.set_array(values[units])
        return ax.add_collection(cells)


class GraphLayout:
    """Units at given positions, drawn as dots that are joined by links."""

    size = 1.25, 1.0  # width and height of a picture, in proportion
    flat = False

    def __init__(self, positions, connections, hits=None, axis_names=AXIS_NAMES):
        self.positions = np.asarray(positions, dtype=np.float64)
        connections = sparse.coo_array(connections)
        links = sparse.triu(connections, 1).tocoo()
        self.links = np.column_stack(links.coords)
        self.strengths = np.asarray(links.data, dtype=np.float64)
        self.hits = None if hits is None else np.asarray(hits, dtype=np.float64)
        self.axis_names = axis_names
        if self.positions.shape != (connections.shape[0], 2):
            raise ValueError(
                "positions must be x and y of each of the "
                f"{connections.shape[0]} units, got shape {self.positions.shape}."
            )

    def draw(self, ax, values, cmap, norm=None, *, rims=None, line=0.4, links=True):
        """Draw the units in the colors of their values, and their links."""
        if links:
            self._draw_links(ax)
        n_units = len(self.positions)
        largest = min(_LARGEST, _CROWDED / np.sqrt(n_units)) * size_in_points(ax).min()
        if self.hits is None:
            shares = np.full(n_units, 0.25)  # dots half as wide as the largest
        else:
            shares = self.hits / max(self.hits.max(initial=0), 1)
        areas = np.maximum(shares * largest**2, _SMALLEST**2)
        x, y = self.positions.T
        dots = ax.scatter(x, y, s=areas, c=values, cmap=cmap, norm=norm)
        dots.set(edgecolors="black", linewidths=0.2, zorder=2)
        if rims is not None:
            dots.set(edgecolors=rims, linewidths=1.0)
        if _is_long(x):
            ax.set_xscale("asinh", linear_width=np.median(np.abs(x)))
            ticks, texts = _ticks_of_long_axis(x)
            ax.set_xticks(ticks, texts)
            ax.set_xticks([], minor=True)
        if _is_long(y):
            ax.set_yscale("asinh", linear_width=np.median(np.abs(y)))
            ticks, texts = _ticks_of_long_axis(y)
            ax.set_yticks(ticks, texts)
            ax.set_yticks([], minor=True)
        ax.margins(0.03)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        ax.tick_params(labelsize="small")
        return dots

    def _draw_links(self, ax):
        """Draw the links, the stronger the darker."""
        from matplotlib.collections import LineCollection

        strongest = max(self.strengths.max(initial=0), np.finfo(float).tiny)
        opacity = 0.08 + 0.6 * self.strengths / strongest
        colors = [(0.2, 0.2, 0.25, alpha) for alpha in opacity]
        links = LineCollection(self.positions[self.links], colors=colors, zorder=1)
        links.set_linewidths(0.6)
        ax.add_collection(links)


def _is_long(coordinates):
    """Return whether far units would leave no room for the many in the middle."""
    width = np.median(np.abs(coordinates))
    return 0 < _LONG * width < np.abs(coordinates).max()


def _ticks_of_long_axis(coordinates):
    """Return ticks between the lowest and highest coordinate, and their texts."""
    width = np.median(np.abs(coordinates))
    ticks = 10.0 ** np.round(np.log10(width)) * _TICKS
    ticks = ticks[(ticks > coordinates.min()) & (ticks < coordinates.max())]
    return ticks, [f"{tick:g}" for tick in ticks]


def fitted_map(estimator, display):
    """Return the map inside an estimator.

    `display` is the name of the class, for messages.
    """
    check_is_fitted(estimator)
    som = estimator
    while True:
        if isinstance(som, Pipeline):
            som = som[-1]
        elif hasattr(som, "estimator_"):
            som = som.estimator_
        else:
            break
    som, _ = map_inside(som)
    if not (hasattr(som, "codebook_") and hasattr(som, "connections_")):
        raise ValueError(
            f"{display} shows the units of a map such as ESOM or CSOM, but "
            f"{type(som).__name__} has none."
        )
    return som


def hits_of(som):
    """Return how many training samples each unit of a map has."""
    return som.hits_ if hasattr(som, "hits_") else som.class_hits_.sum(axis=1)


def layout_of(som, embedding):
    """Return the layout of the units of a fitted map."""
    if hasattr(som, "shape_"):
        fitted = as_fitted(som)
        return LatticeLayout(som.shape_, fitted.topology, fitted.toroidal)
    positions, axis_names = embed(som.codebook_, som.connections_, embedding)
    return GraphLayout(
        positions, som.connections_, hits=hits_of(som), axis_names=axis_names
    )
