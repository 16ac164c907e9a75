# SPDX-License-Identifier: BSD-3-Clause
"""Places of the units of a classical map, their neighbors and distances."""

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from skesom.som._online import multiply_by_differences
from skesom.som._vectors import exp
from skesom.som.work_blocks import work_blocks

NEIGHBORHOODS = ("gaussian", "cut_gaussian", "bubble", "epanechnikov", "mexican_hat")


class Lattice:
    """The lattice of a map, whose units are numbered row by row."""

    def __init__(self, shape, topology="hexagonal", toroidal=False):
        n_rows, n_columns = shape
        self.shape = (n_rows, n_columns)
        self.hexagonal = topology == "hexagonal"
        self.toroidal = toroidal
        if toroidal and self.hexagonal and n_rows % 2 and n_rows > 1:
            raise ValueError(
                "A toroidal hexagonal lattice needs an even number of rows. Got "
                f"shape={self.shape}: take {n_rows + 1} rows."
            )
        rows = np.arange(n_rows)
        columns = np.arange(1 - n_columns, n_columns)
        shifts = np.array([[-0.5], [0.0], [0.5]]) * self.hexagonal
        squared_pitch = 0.75 if self.hexagonal else 1.0
        # By the difference of two rows; by their shifts and the difference of columns.
        self.squared_along = squared_pitch * self._shortest(rows, n_rows) ** 2
        self.squared_across = self._shortest(columns + shifts, n_columns) ** 2
        x = np.arange(n_columns) + 0.5 * self.hexagonal * (rows[:, None] % 2)
        pitch = np.sqrt(squared_pitch)
        y = np.broadcast_to(rows[:, None] * pitch, self.shape)
        self.positions = np.column_stack([x.ravel(), y.ravel()])
        self._period = (n_columns, n_rows * pitch) if toroidal else None

    def _shortest(self, difference, period):
        """Return the way between two places, around the torus if that is shorter."""
        difference = np.abs(difference).astype(np.float64)
        if not self.toroidal:
            return difference
        difference %= period
        return np.minimum(difference, period - difference)

    def connections(self):
        """Return which units are neighbors, csr_array of shape (n_units, n_units)."""
        tree = KDTree(self.positions, boxsize=self._period)
        # Neighbors are at a distance of 1, others from 1.4 on.
        pairs = tree.query_pairs(1.1, output_type="ndarray")
        ends = np.concatenate([pairs, pairs[:, ::-1]]).T
        shape = 2 * self.positions.shape[:1]
        matrix = sparse.csr_array((np.ones(ends.shape[1]), ends), shape=shape)
        matrix.sum_duplicates()  # which sorts: no pair comes twice
        return matrix

    def smooth(self, values, sigma, neighborhood=None):
        """Add up values over the lattice, weighted by the neighborhood."""
        neighborhood = neighborhood or Neighborhood("gaussian")
        grid = values.reshape(*self.shape, -1).transpose(1, 0, 2)
        grid = np.ascontiguousarray(grid)  # columns first: one product takes all rows
        if neighborhood.separable:
            smoothed = self._smooth_columns_then_rows(grid, neighborhood, sigma)
        else:
            smoothed = self._smooth_by_rows_apart(grid, neighborhood, sigma)
            smoothed = smoothed.transpose(1, 0, 2)
        return smoothed.reshape(values.shape)

    def _smooth_columns_then_rows(self, grid, neighborhood, sigma):
        """Smooth by a product of weights of the columns and weights of the rows."""
        # Rows that are shifted alike share the differences of their columns: so a
        # hexagonal lattice is two kinds of rows, and a matrix of differences for each.
        n_columns, n_rows, n_values = grid.shape
        across = neighborhood(self.squared_across, sigma)
        squared_along = np.concatenate([self.squared_along[:0:-1], self.squared_along])
        along = neighborhood(squared_along, sigma)
        smoothed, spread = np.empty((2, n_rows, n_columns, n_values))
        for target in self._kinds_of_rows():
            for source in self._kinds_of_rows():
                table = across[1 + target.start - source.start]
                part = self._product(table, grid[:, source])
                spread[source] = part.transpose(1, 0, 2)
            smoothed[target] = self._product(along, spread, np.arange(n_rows)[target])
        return smoothed

    def _smooth_by_rows_apart(self, grid, neighborhood, sigma):
        """Smooth by the weights of the columns for each difference of rows."""
        n_rows = self.shape[0]
        kinds = self._kinds_of_rows()
        reach = neighborhood.squared_reach(sigma)
        smoothed = np.zeros_like(grid)
        for apart in range(n_rows // 2 + 1 if self.toroidal else n_rows):
            if self.squared_along[apart] > reach:
                break
            for source in kinds:
                shift = 1 + (source.start + apart) % len(kinds) - source.start
                squared = self.squared_across[shift] + self.squared_along[apart]
                part = self._product(neighborhood(squared, sigma), grid[:, source])
                for target, rows in self._rows_apart(source, apart):
                    smoothed[:, target] += part[:, rows]
        return smoothed

    def _kinds_of_rows(self):
        """Return slices of the rows that are shifted alike."""
        n_kinds = 2 if self.hexagonal and self.shape[0] > 1 else 1
        return [slice(start, self.shape[0], n_kinds) for start in range(n_kinds)]

    def _rows_apart(self, source, apart):
        """Yield the rows so many rows after and before others, and which others."""
        n_rows = self.shape[0]
        start, step = source.start, source.step
        n_sources = len(range(start, n_rows, step))
        offsets = {apart, -apart}
        if self.toroidal:
            offsets |= {apart - n_rows, n_rows - apart}
        for first_row in sorted(start + offset for offset in offsets):
            begin = max(0, -(first_row // step))
            end = min(n_sources, -((first_row - n_rows) // step))
            if begin < end:
                target = first_row + begin * step, first_row + end * step
                yield slice(*target, step), slice(begin, end)

    def _product(self, table, values, wanted=None):
        """Multiply by the matrix whose entry (i, j) is that of the difference i - j."""
        n = len(values)
        wanted = np.arange(n) if wanted is None else wanted
        flat = np.ascontiguousarray(values).reshape(n, -1)
        product = np.zeros((len(wanted), flat.shape[1]))
        for rows in work_blocks(len(wanted), flat.size):
            multiply_by_differences(table, flat, wanted[rows], product[rows])
        return product.reshape(len(wanted), *values.shape[1:])


class Neighborhood:
    """Weight h of a unit at the distance r from the winner, for a width sigma.

    The formulas are in `CSOM`. The first three are those of Vesanto et al. (2000), "SOM
    Toolbox for Matlab 5", the fourth of Epanechnikov (1969), doi:10.1137/1114019.
    """

    def __init__(self, name, diameter=None):
        self.name = name
        self.diameter = diameter

    @property
    def separable(self):
        """Whether h is a product of functions of the rows and of the columns."""
        return self.name == "gaussian" and self.diameter is None

    @property
    def ends_at_sigma(self):
        """Whether the weight is 0 beyond sigma."""
        return self.name in ("cut_gaussian", "bubble", "epanechnikov")

    @property
    def code(self):
        """Number of the neighborhood in the kernel of online training."""
        return NEIGHBORHOODS.index(self.name)

    def squared_reach(self, sigma):
        """Return the squared distance up to which a weight may differ from 0."""
        reach = np.full_like(sigma, np.inf, dtype=np.float64)
        if self.ends_at_sigma:
            reach = np.minimum(reach, sigma)
        if self.diameter is not None:
            reach = np.minimum(reach, self.diameter / 2)
        return reach**2 * (1 + 1e-9)  # a unit right on the rim of a window is inside

    @np.errstate(over="ignore")  # of widths that are beyond all distances
    def __call__(self, squared, sigma):
        """Return the weights at squared distances on the lattice."""
        inside = squared <= self.squared_reach(sigma)
        scaled = squared / np.square(sigma)
        if self.name == "bubble":
            weights = np.ones_like(scaled)
        elif self.name == "epanechnikov":
            weights = np.maximum(1 - scaled, 0)
        else:
            weights = exp(-0.5 * scaled)
            if self.name == "mexican_hat":
                weights *= 1 - 0.5 * scaled
        return np.where(inside, weights, 0)
