# SPDX-License-Identifier: BSD-3-Clause
"""Units of a classical map as cells: squares, or hexagons."""

import numpy as np

from skesom.displays._axes import size_in_points

_REPEATED = 2  # rows and columns of a torus that are drawn once more
_FADED = 0.35
_LINE = 0.12  # width of borders by that of cells
_LINE_WIDTHS = 0.5, 1.4  # points


class LatticeLayout:
    """Units that stand on a lattice, drawn as cells that tile it.

    Parameters
    ----------
    shape : tuple (n_rows, n_columns)
        Units by rows and columns.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Form of the cells.
    toroidal : bool, default=False
        Whether opposite edges are joined: the cells beyond an edge are drawn pale.

    Attributes
    ----------
    positions : ndarray of shape (n_units, 2)
        x and y of each unit; rows are sqrt(3)/2 apart if they are of hexagons.
    corners : ndarray of shape (n_corners, 2)
        Of a cell, from its center.
    """

    def __init__(self, shape, topology="hexagonal", toroidal=False):
        self.shape = tuple(shape)
        self.toroidal = toroidal
        hexagonal = topology == "hexagonal"
        rows, columns = np.indices(self.shape)
        self.pitch = np.sqrt(0.75) if hexagonal else 1.0
        x = columns + 0.5 * hexagonal * (rows % 2)
        self.positions = np.column_stack([x.ravel(), self.pitch * rows.ravel()])
        if hexagonal:
            angles = np.deg2rad(60 * np.arange(6) + 30)
            self.corners = np.column_stack([np.cos(angles), np.sin(angles)])
            self.corners /= np.sqrt(3)
        else:
            self.corners = 0.5 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])

    @property
    def size(self):
        """Width and height of what is drawn, in cells."""
        margin = 2 * _REPEATED * self.toroidal
        return self.shape[1] + margin + 0.5, self.pitch * (self.shape[0] + margin)

    @property
    def flat(self):
        """Whether the lattice is too low for a color bar beside it."""
        return self.size[0] > 3 * self.size[1]

    def draw(self, ax, values, **style):
        """Draw the cells in the colors of their values."""
        style = {"edgecolors": "white", "linewidths": 0.4} | style
        cells = self._collection(np.arange(len(self.positions)), 0, values, style)
        cells.autoscale_None()
        ax.add_collection(cells)
        if self.toroidal:
            units, shifts = self._beyond_edges()
            beyond = self._collection(units, shifts, values[units], style)
            beyond.set_clim(*cells.get_clim())
            beyond.set_alpha(_FADED)
            ax.add_collection(beyond)
            self.draw_borders(
                ax, np.zeros(len(values)), edge=True, colors="black", path_effects=None
            )
        self._dress(ax)
        return cells

    def draw_borders(self, ax, labels, *, edge=False, **style):
        """Draw lines between cells of different labels."""
        from matplotlib.collections import LineCollection
        from matplotlib.patheffects import withStroke

        cell = (size_in_points(ax) / self.size).min()
        width = float(np.clip(_LINE * cell, *_LINE_WIDTHS))
        style = {
            "colors": "white",
            "linewidths": width,
            "capstyle": "round",
            "path_effects": [withStroke(linewidth=1.9 * width, foreground="black")],
        } | style
        lines = LineCollection(self.borders(labels, edge=edge), **style)
        ax.add_collection(lines)
        return lines

    def borders(self, labels, *, edge=False):
        """Return the sides of cells between different labels, (n_sides, 2, 2)."""
        polygons = self.positions[:, np.newaxis] + self.corners
        sides = np.stack([polygons, np.roll(polygons, -1, axis=1)], axis=2)
        sides = sides.reshape(-1, 2, 2)
        owner = np.repeat(np.asarray(labels), len(self.corners))
        middles = np.round(sides.mean(axis=1), 6)
        _, first, side, counts = np.unique(
            middles, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        different = np.zeros(len(first), dtype=bool)
        np.logical_or.at(different, side.ravel(), owner != owner[first][side.ravel()])
        return sides[first[different | (edge & (counts == 1))]]

    def _beyond_edges(self):
        """Return units that are drawn once more beyond an edge, and how far from it."""
        n_rows, n_columns = self.shape
        rows, columns = np.indices(self.shape).reshape(2, -1)
        units, shifts = [], []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                row, column = rows + down * n_rows, columns + right * n_columns
                near = (row >= -_REPEATED) & (row < n_rows + _REPEATED)
                near &= (column >= -_REPEATED) & (column < n_columns + _REPEATED)
                if (down, right) != (0, 0):
                    units.append(np.flatnonzero(near))
                    shift = right * n_columns, self.pitch * down * n_rows
                    shifts.append(np.tile(shift, (len(units[-1]), 1)))
        return np.concatenate(units), np.concatenate(shifts)

    def _collection(self, units, shifts, values, style):
        from matplotlib.collections import PolyCollection

        centers = self.positions[units] + shifts
        polygons = centers[:, np.newaxis] + self.corners
        if np.ndim(values) == 2:
            style = {k: v for k, v in style.items() if k not in ("cmap", "norm")}
            return PolyCollection(polygons, facecolors=values, **style)
        return PolyCollection(polygons, array=values, **style)

    def _dress(self, ax):
        ax.autoscale_view()
        ax.set_aspect("equal")
        if not ax.yaxis_inverted():
            ax.invert_yaxis()  # the first row is the upper one, as in the arrays
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        if self.toroidal:
            ax.set_xlabel("pale cells repeat those of the opposite edge", size="small")
