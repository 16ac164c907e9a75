# SPDX-License-Identifier: BSD-3-Clause
"""Masks with 64 pixels in a word, to find runs, squares and neighborhoods quickly.

Each row of an image fills whole words, the first pixel in the lowest bit. Outside of
the image all pixels are False.
"""

import numpy as np

from skesom._common.blocks import row_blocks

_WORD = np.dtype("<u8")


class Bits:
    """A mask, packed.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The pixels; bits beyond the last column are 0.
    n_columns : int
        Number of columns of the image.
    """

    def __init__(self, words, n_columns):
        self.words = words
        self.n_columns = n_columns

    @classmethod
    def none(cls, shape):
        """Return a mask without any True."""
        return cls(np.zeros((shape[0], -(-shape[1] // 64)), dtype=_WORD), shape[1])

    @classmethod
    def pack(cls, mask):
        """Pack a mask."""
        bits = cls.none(mask.shape)
        bits.write(slice(None), mask)
        return bits

    @classmethod
    def from_blocks(cls, function, shape):
        """Pack a mask that is made block by block, without ever holding it whole."""
        bits = cls.none(shape)
        for rows in row_blocks(shape):
            bits.write(rows, function(rows))
        return bits

    @property
    def shape(self):
        """Tuple (n_rows, n_columns)."""
        return len(self.words), self.n_columns

    def unpack(self, rows=slice(None)):
        """Return the mask, one pixel in a byte."""
        return np.unpackbits(
            self.words[rows].view(np.uint8),
            axis=1,
            count=self.n_columns,
            bitorder="little",
        ).view(bool)

    def write(self, rows, mask):
        """Replace some rows."""
        packed = np.packbits(mask, axis=1, bitorder="little")
        self.words[rows].view(np.uint8)[:, : packed.shape[1]] = packed

    def count(self):
        """Return the number of True."""
        return int(np.bitwise_count(self.words).sum(dtype=np.int64))

    def any(self):
        """Tell whether there is any True."""
        return bool(self.words.any())

    def __and__(self, other):
        return Bits(self.words & other.words, self.n_columns)

    def __or__(self, other):
        return Bits(self.words | other.words, self.n_columns)

    def without(self, other):
        """Return what is True here, but not in another mask."""
        return Bits(self.words & ~other.words, self.n_columns)

    def __invert__(self):
        return Bits(self._trimmed(~self.words), self.n_columns)

    def __eq__(self, other):
        return np.array_equal(self.words, other.words)

    __hash__ = None

    def moved(self, step, axis):
        """Return the mask moved along an axis, with False moving in."""
        if step == 0:
            return self
        if axis == 0:
            return Bits(_moved(self.words, step), self.n_columns)
        n_words, n_bits = divmod(abs(step), 64)
        toward = 1 if step > 0 else -1
        near = _moved(self.words.T, toward * n_words).T
        if n_bits:
            far = _moved(self.words.T, toward * (n_words + 1)).T
            if step > 0:
                near = (near >> n_bits) | (far << (64 - n_bits))
            else:
                near = (near << n_bits) | (far >> (64 - n_bits))
        return Bits(near if step > 0 else self._trimmed(near), self.n_columns)

    def _trimmed(self, words):
        """Return new words with zeros beyond the last column."""
        if self.n_columns % 64:
            words[:, -1] &= (1 << self.n_columns % 64) - 1
        return words


def _moved(words, step):
    """Return words moved along the first axis, with zeros moving in."""
    if step == 0:
        return words
    moved = np.zeros_like(words)
    if step > 0:
        moved[: max(0, len(words) - step)] = words[step:]
    else:
        moved[-step:] = words[:step]
    return moved
