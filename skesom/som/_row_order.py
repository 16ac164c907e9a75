# SPDX-License-Identifier: BSD-3-Clause
"""Samples in random order: all as often as they weigh, or one window after another."""

import numpy as np

from skesom._common.lazy import ROWS, blocks_of, cut_rows, in_memory, is_lazy, take_rows
from skesom.som.codebook import exponent_for

_ENOUGH_VALUES = 2**20  # of a table, to see how large they are
_WINDOW_ROWS = 2**20  # as docs/larger_than_memory.md says
_WINDOW_VALUES = 2**26  # 512 MB of float64, of tables with many features
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits as even as the golden ratio's
_MOST_REPETITIONS = 16  # in the mean


def some_rows(X):
    """Return rows of a table that show how large its values are."""
    every = max(1, len(X) * X.shape[1] // _ENOUGH_VALUES)
    return take_rows(X, np.arange(0, len(X), every))


class Epochs:
    """Draws the `n_rows` rows that each epoch of online training goes through."""

    def __init__(self, X, sample_weight):
        self._rows = order_by_content(X)  # the order of the table must not matter
        self._ends = None
        if sample_weight is not None:
            self._rows = self._rows[sample_weight[self._rows] > 0]
            weights = sample_weight[self._rows]
            times = repetitions(weights) if np.ptp(weights) > 0 else 1
            if times is None:
                self._ends = np.cumsum(weights)
            else:
                self._rows = np.repeat(self._rows, times)
        self.n_rows = len(self._rows)

    def draw(self, random_state):
        """Return the rows of an epoch, ndarray of shape (n_rows,), dtype intp."""
        order = random_state.permutation(self.n_rows)
        if self._ends is not None:
            # Even steps from a random start: each row as often as it weighs, within 1.
            places = (np.arange(self.n_rows) + random_state.uniform()) / self.n_rows
            drawn = np.searchsorted(self._ends, places * self._ends[-1], side="right")
            order = np.minimum(drawn, self.n_rows - 1)[order]
        return self._rows[order]


def order_by_content(X):
    """Return an order of the rows that depends on their content, and on no unit."""
    largest = [np.fmax.reduce(np.abs(X[b]), axis=None) for b in blocks_of(len(X))]
    exponent = exponent_for(np.array(largest), always=True)
    keys = np.zeros(len(X), dtype=np.uint64)
    bits = np.dtype(f"u{X.dtype.itemsize}")
    for block in blocks_of(len(X)):
        for column in X[block].T:
            values = np.ldexp(column, exponent) + X.dtype.type(0)  # -0 becomes 0
            values[np.isnan(values)] = np.nan  # there are many bit patterns of NaN
            # Multiplied and shifted as in hash functions: all bits move all others.
            keys[block] ^= values.view(bits)
            keys[block] *= _FACTOR
            keys[block] ^= keys[block] >> np.uint64(29)
    return np.argsort(keys, kind="stable")


def repetitions(weights):
    """Return weights as repetitions but for a common factor, None if they are none."""
    if not (weights == np.floor(weights)).all() or weights.max() >= 2**53:
        return None
    times = weights.astype(np.int64)
    times //= np.gcd.reduce(times)
    return times if times.mean() <= _MOST_REPETITIONS else None


class Windows:
    """Windows of a large table, learned one after the other, each in random order.

    A window is the whole table, or so many blocks of its rows from random places that
    they fit into memory. The blocks of a dask array are its chunks.
    """

    def __init__(self, X, n_epochs, generator=None, exponent=0):
        n_rows, n_features = X.shape
        self.exponent = exponent  # of 2, by which a network multiplies the samples
        self._X = X
        self.n_rows = n_epochs * n_rows
        most = max(ROWS, min(_WINDOW_ROWS, _WINDOW_VALUES // n_features))
        one = n_rows <= most
        self._heights = [n_rows]
        if is_lazy(X):
            self._heights = list(X.chunks[0])
        elif not one:
            blocks = cut_rows(n_rows, ROWS)
            self._heights = [rows.stop - rows.start for rows in blocks]
        self._starts = np.cumsum((0, *self._heights))
        # Blocks of each window, and an order, or its seed: orders of many windows would
        # take the memory that windows save.
        self._windows = []
        for _ in range(n_epochs):
            blocks = np.arange(len(self._heights))
            if generator is not None and not one:
                blocks = generator.permutation(blocks)
            for window in self._cut(blocks, most):
                order = None
                if generator is not None and one:
                    order = generator.permutation(np.arange(n_rows, dtype=np.int32))
                elif generator is not None:
                    order = generator.randint(2**31 - 1)
                self._windows.append((window, order))

    def rows(self, *others):
        """Yield the samples of each window in their order, and those of the others."""
        for blocks, order in self._windows:
            ends = [(self._starts[i], self._starts[i + 1]) for i in blocks]
            rows = np.concatenate([np.arange(*end, dtype=np.intp) for end in ends])
            if isinstance(order, int):
                order = np.random.RandomState(order).permutation(len(rows))
            if order is not None:
                rows = rows[order]
            if is_lazy(self._X):
                samples = in_memory(self._X.blocks[blocks])
                yield samples if order is None else samples[order], *others
            else:
                yield self._X[rows], *(t if t is None else t[rows] for t in others)

    def first(self, n_rows):
        """Return the first samples in the order of learning."""
        parts, missing = [], min(n_rows, self.n_rows)
        for (samples,) in self.rows():
            parts.append(samples[:missing])
            missing -= len(parts[-1])
            if missing <= 0:
                break
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _cut(self, blocks, most):
        """Put blocks together to windows of about the same number of rows."""
        ends = np.cumsum([self._heights[block] for block in blocks])
        n_windows = -(-ends[-1] // most)
        cuts = np.searchsorted(ends, ends[-1] * np.arange(1, n_windows) / n_windows)
        windows = np.split(blocks, cuts + 1)
        return [window for window in windows if len(window)]
