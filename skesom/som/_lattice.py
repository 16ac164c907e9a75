# SPDX-License-Identifier: BSD-3-Clause
"""Where the units of a classical map stand, who is next to whom, and how far.

A rectangular lattice has its units at (row, column). In a hexagonal lattice odd rows
are shifted by half a column and rows are sqrt(3)/2 apart, so that each unit inside has
six neighbours at distance 1.
"""

import numpy as np
from scipy import sparse

_NEIGHBOUR_DISTANCE = 1.01  # just above the distance of neighbours


class Lattice:
    """The lattice of a map.

    Parameters
    ----------
    shape : tuple (n_rows, n_columns)
        Units by rows and columns, numbered row by row.
    topology : {"hexagonal", "rectangular"}
        See the module.

    Attributes
    ----------
    positions : ndarray of shape (n_units, 2)
        x (along the columns) and y (along the rows) of each unit.
    """

    def __init__(self, shape, topology):
        self.shape = shape
        n_rows, n_columns = shape
        self.row_pitch = np.sqrt(3) / 2 if topology == "hexagonal" else 1.0
        rows = np.arange(n_rows)
        self.shift = 0.5 * (rows % 2) if topology == "hexagonal" else np.zeros(n_rows)
        x = np.arange(n_columns) + self.shift[:, None]
        y = np.broadcast_to(rows[:, None] * self.row_pitch, shape)
        self.positions = np.column_stack([x.ravel(), y.ravel()])

    def connections(self):
        """Return which units are neighbours, csr_array of shape (n_units, n_units)."""
        n_rows, n_columns = self.shape
        units = np.arange(n_rows * n_columns).reshape(self.shape)
        x, y = (self.positions[:, axis].reshape(self.shape) for axis in (0, 1))
        ends = []
        for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
            here = (
                slice(0, n_rows - down),
                slice(max(0, -right), n_columns - max(0, right)),
            )
            there = (
                slice(down, n_rows),
                slice(max(0, right), n_columns + min(0, right)),
            )
            distance = np.hypot(x[here] - x[there], y[here] - y[there])
            near = distance < _NEIGHBOUR_DISTANCE
            ends.append(np.stack([units[here][near], units[there][near]]))
        first, second = np.concatenate(ends, axis=1)
        matrix = sparse.csr_array(
            (
                np.ones(2 * len(first)),
                (np.concatenate([first, second]), np.concatenate([second, first])),
            ),
            shape=(units.size, units.size),
        )
        matrix.sort_indices()
        return matrix

    def smooth(self, values, sigma):
        """Add up values over the lattice, weighted by a gaussian of the distance.

        The gaussian of a distance is the product of one along the rows and one along
        the columns, so no matrix of units by units is needed. In a hexagonal lattice
        the product holds between even and odd rows separately.

        Parameters
        ----------
        values : ndarray of shape (n_units, n_values), dtype float64
            Sums over the samples of each unit.
        sigma : float
            Standard deviation of the gaussian, in lattice distances.

        Returns
        -------
        smoothed : ndarray of shape (n_units, n_values), dtype float64
            For each unit i the sum over j of exp(-r_ij^2 / (2 sigma^2)) values_j.
        """
        n_rows, n_columns = self.shape
        grid = values.reshape(n_rows, n_columns, -1)
        smoothed = np.zeros_like(grid)
        columns = np.arange(n_columns)
        rows = np.arange(n_rows)
        along_rows = gaussian(self.row_pitch * (rows[:, None] - rows), sigma)
        for shift in np.unique(self.shift):
            for other in np.unique(self.shift):
                to = np.flatnonzero(self.shift == shift)
                of = np.flatnonzero(self.shift == other)
                across = gaussian(columns[:, None] - columns + shift - other, sigma)
                partial = np.matmul(across, grid[of])
                smoothed[to] += np.tensordot(along_rows[np.ix_(to, of)], partial, 1)
        return smoothed.reshape(values.shape)


def gaussian(distance, sigma):
    """Return exp(-distance^2 / (2 sigma^2))."""
    return np.exp(-0.5 * (distance / sigma) ** 2)
