# SPDX-License-Identifier: BSD-3-Clause
"""Find broken columns and rows of a detector, which stay dark but not empty."""

import numpy as np

from skesom._common.blocks import row_blocks
from skesom.cube.masking._bits import Bits
from skesom.cube.masking._noise import representative_rows, sky_statistics
from skesom.cube.masking._runs import opened

WINDOW = 25
SIDE = 3
SHORTEST = 10
LEAST_DEPTH = 1.5  # in standard deviations of a pixel
SIGNIFICANCE = 5  # in standard deviations of a mean
BRIGHTEST = 5  # in standard deviations of a pixel; what is beyond counts as this
STEPS = 64  # in one standard deviation
HALF = WINDOW // 2
# Blocks are read with the rows around them, so they are larger than elsewhere.
PIXELS_PER_BLOCK = 2**19


def dark_lines(band, masked):
    """Find broken columns and rows: long, narrow, and darker than the sky.

    Notes
    -----
    Fluxes are clipped at five standard deviations from the sky and counted in steps of
    1/64 of one: small whole numbers add up quickly, and exactly.
    """
    lines = Bits.none(band.shape)
    rows = representative_rows(*band.shape)
    level, noise = sky_statistics(np.where(masked.unpack(rows), np.nan, band[rows]))
    searches = [
        _Search(axis, band.shape)
        for axis in range(2)
        if band.shape[axis] >= WINDOW and band.shape[1 - axis] > 2 * SIDE
    ]
    if not noise > 0 or not searches:
        return lines
    for rows in row_blocks(band.shape, PIXELS_PER_BLOCK):
        steps, valid = _in_steps(band, masked, rows, level, noise)
        for search in searches:
            search.look_at(rows, steps, valid)
    for search in searches:
        lines |= opened(search.dark(), SHORTEST, search.axis)
    return lines


def _in_steps(band, masked, rows, level, noise):
    """Return fluxes as whole numbers, and whether they are valid.

    Half a window is added on all sides. What is masked or outside of the frame is 0.
    """
    first, last = rows.start - HALF, rows.stop + HALF
    inside = slice(max(0, first), min(len(band), last))
    shape = (last - first, band.shape[1] + 2 * HALF)
    steps, valid = np.zeros(shape, np.int16), np.zeros(shape, np.uint8)
    place = slice(inside.start - first, inside.stop - first), slice(HALF, -HALF)
    flux = band[inside] - band.dtype.type(level)
    flux *= band.dtype.type(STEPS / noise)
    np.clip(flux, -BRIGHTEST * STEPS, BRIGHTEST * STEPS, out=flux)
    missing = masked.unpack(inside)
    np.copyto(flux, 0, where=missing)
    steps[place] = np.rint(flux, out=flux)
    valid[place] = ~missing
    return steps, valid


class _Search:
    """Windows along one axis, block by block.

    Which means are significant is known only when all have been seen; until then the
    few that may be are kept with their depths.
    """

    def __init__(self, axis, shape):
        self.axis = axis
        self.shape = shape
        self._sampled = np.zeros(shape[0], dtype=bool)
        self._sampled[representative_rows(*shape)] = True
        self._sample, self._places, self._depths = [], [], []

    def look_at(self, rows, steps, valid):
        """Compare the means around the pixels of some rows with sky and sides."""
        # Windows along a row are compared with those of other rows.
        around = SIDE * self.axis
        if self.axis == 0:
            part = np.s_[:, HALF:-HALF]
        else:
            part = np.s_[HALF - around : around - HALF]
        total = _window_sums(steps[part], self.axis)
        count = _window_counts(valid[part], self.axis)
        inside = slice(around, len(total) - around)
        chosen = np.flatnonzero(self._sampled[rows]) + around
        self._sample.append(_means(total[chosen], count[chosen]))
        # Windows that are half empty count nothing.
        faint = total[inside] < count[inside] * np.int16(-LEAST_DEPTH * STEPS)
        faint &= count[inside] > HALF
        if faint.any():
            row, column = np.divmod(np.flatnonzero(faint), self.shape[1])
            position = column if self.axis == 0 else row + rows.start
            depth = self._depth(total, count, (row + around, column), position)
            deep = depth > LEAST_DEPTH
            self._places.append((row[deep] + rows.start) * self.shape[1] + column[deep])
            self._depths.append(depth[deep])

    def dark(self):
        """Return the means that are dark, as Bits."""
        dark = np.zeros(self.shape, dtype=bool)
        if self._places:
            noise = sky_statistics(np.concatenate(self._sample))[1]
            significant = np.concatenate(self._depths) > SIGNIFICANCE * noise
            dark.flat[np.concatenate(self._places)[significant]] = True
        return Bits.pack(dark)

    def _depth(self, total, count, place, position):
        """Return how far means lie below sky and sides, NaN if a side is missing."""
        across = 1 - self.axis
        sides = []
        for step in (-SIDE, SIDE):
            index = list(place)
            index[across] = np.clip(place[across] + step, 0, total.shape[across] - 1)
            sides.append(_means(total[tuple(index)], count[tuple(index)]))
        before, after = sides
        # At a border of the frame the one side counts.
        before = np.where(position < SIDE, after, before)
        after = np.where(position >= self.shape[across] - SIDE, before, after)
        return np.minimum(np.minimum(before, after), 0) - _means(
            total[place], count[place]
        )


def _window_sums(values, axis):
    """Return the sums in all windows along an axis.

    A window of 25 pixels is one of 16, one of 8 and one of 1, and each of these is two
    windows of half its length side by side. So its sum takes six additions of whole
    images, which is much quicker than to slide a window.
    """
    n_windows = values.shape[axis] - WINDOW + 1
    total, covered, size = 0, 0, 1
    while covered < WINDOW:
        if WINDOW & size:
            total = total + _cut(values, covered, covered + n_windows, axis)
            covered += size
        values = _cut(values, 0, -size, axis) + _cut(values, size, None, axis)
        size *= 2
    return total


def _window_counts(valid, axis):
    """Return the number of valid pixels in all windows along an axis."""
    line = valid.max(axis=1 - axis, keepdims=True)
    across = valid.max(axis=axis, keepdims=True)
    if np.array_equal(valid, np.broadcast_to(line & across, valid.shape)):
        # Only the frame cuts windows, and all alike.
        return _window_sums(line, axis) * across
    return _window_sums(valid, axis)


def _cut(array, start, stop, axis):
    """Return a part of an axis."""
    return array[start:stop] if axis == 0 else array[:, start:stop]


def _means(total, count):
    """Return means in standard deviations, NaN for windows that are half empty."""
    mean = np.full(total.shape, np.nan, dtype=np.float32)
    return np.divide(total, count * np.float32(STEPS), out=mean, where=count > HALF)
