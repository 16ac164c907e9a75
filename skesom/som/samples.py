# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table with their errors and weights, in memory or lazy."""

from functools import partial

import numpy as np

from skesom._common.lazy import add_up, in_memory, is_lazy, map_rows, take_rows


class Samples:
    """Rows that go through a map together with what is known of them.

    Parameters
    ----------
    X : ndarray or dask array of shape (n_samples, n_features)
    errors : array of the same shape, or None
        Measurement errors of the values.
    weights : array of shape (n_samples,), or None
        How often each sample counts; once by default.
    """

    __slots__ = ("X", "errors", "weights")

    def __init__(self, X, errors=None, weights=None):
        self.X = X
        self.errors = errors
        self.weights = weights

    def __len__(self):
        return len(self.X)

    def __getitem__(self, rows):
        """Return some rows, in memory; of lazy ones in ascending order."""
        return Samples(*(t if t is None else take_rows(t, rows) for t in self._tables))

    @property
    def _tables(self):
        return self.X, self.errors, self.weights

    @property
    def is_lazy(self):
        """Whether the rows are a dask array."""
        return is_lazy(self.X)

    @property
    def dtype(self):
        """Type of the values."""
        return self.X.dtype

    @property
    def n_features(self):
        """Number of columns."""
        return self.X.shape[1]

    def copy(self):
        """Return a copy of what is in memory, which a caller may fill anew."""
        return Samples(
            *(t.copy() if type(t) is np.ndarray else t for t in self._tables)
        )

    def in_memory(self):
        """Return the same in memory."""
        return Samples(*map(in_memory, self._tables))

    def add_up(self, function, *others, out=None):
        """Add up what a function returns for blocks of the samples, see `add_up`.

        The function takes a block of samples, and one of each of the others.
        """
        of_block = partial(_of_samples, function)
        return add_up(of_block, *self._tables, *others, out=out)

    def map_rows(self, function, *, dtype, columns=None):
        """Apply a function of samples block by block, lazily to lazy ones."""
        of_block = partial(_of_samples, function)
        return map_rows(of_block, *self._tables, dtype=dtype, columns=columns)


def _of_samples(function, X, errors, weights, *others):
    return function(Samples(X, errors, weights), *others)
