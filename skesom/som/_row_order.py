# SPDX-License-Identifier: BSD-3-Clause
"""Samples in random order, as often as they weigh, wherever they stand in a table."""

import numpy as np

_ROWS_PER_BLOCK = 65536
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits as even as the golden ratio's
_SHIFT = np.uint64(29)
_MOST_REPETITIONS = 16  # in the mean


class Epochs:
    """Draws the `n_rows` rows that each epoch of online training goes through."""

    def __init__(self, X, sample_weight):
        self._rows = order_by_content(X)  # the order of the table must not matter
        self._ends = None
        if sample_weight is not None and np.ptp(sample_weight) > 0:
            weights = sample_weight[self._rows]
            times = repetitions(weights)
            if times is None:
                self._ends = np.cumsum(weights)
            else:
                self._rows = np.repeat(self._rows, times)
        self.n_rows = len(self._rows)

    def draw(self, random_state):
        """Return the rows of an epoch, ndarray of shape (n_rows,), dtype intp."""
        order = random_state.permutation(self.n_rows)
        if self._ends is not None:
            places = (np.arange(self.n_rows) + random_state.uniform()) / self.n_rows
            drawn = np.searchsorted(self._ends, places * self._ends[-1], side="right")
            order = np.minimum(drawn, self.n_rows - 1)[order]
        return self._rows[order]


def order_by_content(X):
    """Return an order of the rows that depends on their content alone."""
    keys = np.zeros(len(X), dtype=np.uint64)
    bits = np.dtype(f"u{X.dtype.itemsize}")
    for begin in range(0, len(X), _ROWS_PER_BLOCK):
        block = slice(begin, begin + _ROWS_PER_BLOCK)
        for column in X[block].T:
            values = column + X.dtype.type(0)  # -0 becomes 0
            values[np.isnan(values)] = np.nan  # there are many bit patterns of NaN
            keys[block] ^= values.view(bits)
            keys[block] *= _FACTOR
            keys[block] ^= keys[block] >> _SHIFT
    return np.argsort(keys, kind="stable")


def repetitions(weights):
    """Return weights as repetitions but for a common factor, None if they are none."""
    if not (weights == np.floor(weights)).all() or weights.max() >= 2**53:
        return None
    times = weights.astype(np.int64)
    times //= np.gcd.reduce(times)
    return times if times.mean() <= _MOST_REPETITIONS else None
