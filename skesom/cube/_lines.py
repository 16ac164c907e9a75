# SPDX-License-Identifier: BSD-3-Clause
"""Find broken columns and rows of a detector, which stay dark but not empty."""

import numpy as np

from skesom.cube._bits import Bits
from skesom.cube._blocks import row_blocks
from skesom.cube._noise import representative_rows, sky_statistics
from skesom.cube._runs import opened

WINDOW = 25
SIDE = 3
SHORTEST = 10
LEAST_DEPTH = 1.5  # in standard deviations of a pixel
SIGNIFICANCE = 5  # in standard deviations of a mean
BRIGHTEST = 5  # in standard deviations of a pixel; what is beyond counts as this
STEPS = 64  # in one standard deviation


def dark_lines(band, masked):
    """Find broken columns and rows: long, narrow, and darker than the sky.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image.
    masked : Bits
        Pixels to leave out; all NaN are among them.

    Returns
    -------
    dark : Bits
        True where the mean along 25 pixels is significantly below the sky (or, in a
        frame without sky, its darkest parts) and as much below the means three pixels
        to either side. Significant are 1.5 standard deviations of a pixel and 5 of
        such a mean.

    Notes
    -----
    Fluxes are clipped at five standard deviations from the sky and counted in steps of
    1/64 of one: small whole numbers add up quickly, and exactly.
    """
    dark = Bits.none(band.shape)
    rows = representative_rows(*band.shape)
    level, noise = sky_statistics(np.where(masked.unpack(rows), np.nan, band[rows]))
    if not noise > 0 or max(band.shape) < WINDOW:
        return dark
    steps, valid = _in_steps(band, masked, level, noise)
    for axis in range(2):
        if band.shape[axis] < WINDOW or band.shape[1 - axis] < 2 * SIDE + 1:
            continue
        dark |= opened(_darker(steps, valid, axis), SHORTEST, axis)
    return dark


def _in_steps(band, masked, level, noise):
    """Return fluxes above the sky as whole numbers, 0 where there are none."""
    steps = np.empty(band.shape, dtype=np.int16)
    valid = np.empty(band.shape, dtype=np.uint8)
    for rows in row_blocks(band.shape):
        flux = (band[rows] - band.dtype.type(level)) * band.dtype.type(STEPS / noise)
        np.clip(flux, -BRIGHTEST * STEPS, BRIGHTEST * STEPS, out=flux)
        missing = masked.unpack(rows)
        np.copyto(flux, 0, where=missing)
        np.rint(flux, out=flux)
        steps[rows] = flux
        np.logical_not(missing, out=valid[rows].view(bool))
    return steps, valid


def _darker(steps, valid, axis):
    """Return where the means along an axis are dark against sky and sides."""
    n_rows, n_columns = steps.shape
    sampled = np.zeros(n_rows, dtype=bool)
    sampled[representative_rows(n_rows, n_columns)] = True
    # Means along a row are compared with those of other rows, beyond the block.
    beyond = SIDE * axis
    sample, places, depths = [], [], []
    for rows in row_blocks(steps.shape):
        first, last = max(0, rows.start - beyond), min(n_rows, rows.stop + beyond)
        total = _window_sums(steps, slice(first, last), axis)
        count = _window_counts(valid, slice(first, last), axis)
        inside = slice(rows.start - first, rows.stop - first)
        chosen = np.flatnonzero(sampled[rows]) + inside.start
        sample.append(_means(total[chosen], count[chosen]))
        # Windows that are half empty count nothing.
        faint = total < count * np.int16(-LEAST_DEPTH * STEPS)
        faint &= count > WINDOW // 2
        faint = faint[inside]
        if faint.any():
            row, column = np.divmod(np.flatnonzero(faint), n_columns)
            depth = _depth(total, count, (row + inside.start, column), 1 - axis)
            deep = depth > LEAST_DEPTH
            places.append((row[deep] + rows.start) * n_columns + column[deep])
            depths.append(depth[deep])
    darker = np.zeros(steps.shape, dtype=bool)
    if places:
        least = SIGNIFICANCE * sky_statistics(np.concatenate(sample))[1]
        darker.flat[np.concatenate(places)[np.concatenate(depths) > least]] = True
    return Bits.pack(darker)


def _window_sums(values, rows, axis):
    """Return the sums in windows around the pixels of some rows.

    A window of 25 pixels is one of 16, one of 8 and one of 1, and each of these is two
    windows of half its length side by side. So its sum takes six additions of whole
    images, which is much quicker than to slide a window.
    """
    half = WINDOW // 2
    first, last = rows.start - half * (1 - axis), rows.stop + half * (1 - axis)
    inside = slice(max(0, first), min(len(values), last))
    outside = ((inside.start - first, last - inside.stop), (half * axis, half * axis))
    if axis == 1 or np.any(outside):
        values = np.pad(values[inside], outside)
    else:
        values = values[inside]
    n_windows = values.shape[axis] - WINDOW + 1
    total, covered, size = 0, 0, 1
    while covered < WINDOW:
        if WINDOW & size:
            total = total + _cut(values, covered, covered + n_windows, axis)
            covered += size
        values = _cut(values, 0, -size, axis) + _cut(values, size, None, axis)
        size *= 2
    return total


def _window_counts(valid, rows, axis):
    """Return the number of valid pixels in windows around the pixels of some rows."""
    half = WINDOW // 2 * (1 - axis)
    n_rows, n_columns = valid.shape
    if not valid[max(0, rows.start - half) : rows.stop + half].all():
        return _window_sums(valid, rows, axis)
    # Only the frame cuts windows, and all alike.
    line = np.ones((n_rows, 1) if axis == 0 else (1, n_columns), dtype=np.uint8)
    count = _window_sums(line, rows if axis == 0 else slice(0, 1), axis)
    return np.broadcast_to(count, (rows.stop - rows.start, n_columns))


def _cut(array, start, stop, axis):
    """Return a part of an axis."""
    return array[start:stop] if axis == 0 else array[:, start:stop]


def _means(total, count):
    """Return means in standard deviations, NaN for windows that are half empty."""
    full_enough = count > WINDOW // 2
    mean = np.full(total.shape, np.nan, dtype=np.float32)
    return np.divide(total, count * np.float32(STEPS), out=mean, where=full_enough)


def _depth(total, count, places, axis):
    """Return how far means lie below sky and sides, NaN if a side is missing.

    At a border of the image the one side counts.
    """
    sides = []
    for step in (-SIDE, SIDE):
        index = list(places)
        index[axis] = places[axis] + step
        outside = (index[axis] < 0) | (index[axis] >= total.shape[axis])
        index[axis] = np.where(outside, places[axis] - step, index[axis])
        sides.append(_means(total[tuple(index)], count[tuple(index)]))
    return np.minimum(np.minimum(*sides), 0) - _means(total[places], count[places])
