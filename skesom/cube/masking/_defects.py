# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold numbers but no data: gaps and lines.

Mosaics mark the outside of their chips by zeros or by another constant. Single zeros
prove nothing: rounding and photon counting make them too. So a value must fill an area
that chance would not fill. Broken columns and rows of a detector stay dark but not
empty.
"""

import numpy as np
from scipy import ndimage

from skesom.cube.masking._sky import (
    pixel_noise,
    representative_rows,
    sky_statistics,
)

# Gaps.
SHORTEST_RUN = 10
SMALLEST_BLOCK = 4
ALARM_RATE = 0.01
QUANTIZED = 1024
MOST_PEDESTALS = 8
# Lines.
WINDOW = 25
HALF = WINDOW // 2
SIDE = 3
SHORTEST_LINE = 10
LEAST_DEPTH = 1.5  # in standard deviations of a pixel
SIGNIFICANCE = 5  # in standard deviations of a mean
BRIGHTEST = 5  # in standard deviations of a pixel; what is beyond counts as this
STEPS = 64  # in one standard deviation


def gaps_of_value(band, value):
    """Find the areas that one value fills because there are no data.

    Notes
    -----
    If a pixel has the value by chance with probability f, a square of k x k of them
    is expected ``n_pixels * f**(k * k)`` times, a run of n in a line
    ``n_pixels * f**n`` times. Gaps contain squares or runs of which .01 are expected
    by this count, with a margin, and what is connected to them nearby. f is the share
    of such pixels or that of neighbors that are equal, whichever is larger; gaps
    raise it, so the search is repeated without them until it finds no more.

    An area that its surroundings run into smoothly is no gap but the floor (or the
    ceiling) of a clipped picture.
    """
    candidates = band == value
    gaps = np.zeros(band.shape, dtype=bool)
    if np.count_nonzero(candidates) < SHORTEST_RUN:
        return gaps
    equal = band[:, 1:] == band[:, :-1]
    while True:
        outside = ~gaps
        pairs = outside[:, 1:] & outside[:, :-1]
        share = max(_share(candidates, outside), _share(equal, pairs))
        found = gaps | _solid_parts(candidates, *_sizes_beyond_chance(share, band.size))
        if np.array_equal(found, gaps):
            break
        gaps = found
    return _without_smooth_parts(band, value, gaps) if gaps.any() else gaps


def pedestal_values(band):
    """Return the values, except 0, that fill whole areas of a band."""
    flat = []
    for lines in (band, band.T):
        equal = lines[1:] == lines[:-1]
        # A run of equal neighbors is one shorter than the run of equal pixels.
        starts = _starts(equal, (SMALLEST_BLOCK - 1, 1)) & (lines[:-1] != 0)
        flat.append(lines[:-1][starts])
    values, count = np.unique(np.concatenate(flat), return_counts=True)
    often = np.argsort(-count)[:MOST_PEDESTALS]
    values = values[often[count[often] >= 2 * SMALLEST_BLOCK]]
    return values[:0] if len(values) and _is_quantized(band) else values


def _is_quantized(band):
    """Tell whether a band has few different values."""
    sample = band[representative_rows(*band.shape)]
    for pixels in (sample, band):  # the sample is enough for nearly every image
        if len(np.unique(pixels[np.isfinite(pixels)])) > QUANTIZED:
            return False
    return True


def _share(mask, among):
    """Return the share of True among some pixels, counting one at least."""
    return max(1, np.count_nonzero(mask & among)) / max(1, np.count_nonzero(among))


def _sizes_beyond_chance(share, n_pixels):
    """Return the length of a run and the width of a square that chance never makes."""
    if share == 1:
        return SHORTEST_RUN, SMALLEST_BLOCK
    pixels = np.log(ALARM_RATE / n_pixels) / np.log(share)
    run = max(SHORTEST_RUN, int(np.ceil(2 * pixels)))
    block = max(SMALLEST_BLOCK, int(np.ceil(1.5 * np.sqrt(pixels))))
    return run, block


def _solid_parts(candidates, run, block):
    """Return long runs and full squares with their ragged edges."""
    solid = _opened(candidates, (run, 1)) | _opened(candidates, (1, run))
    solid |= _opened(candidates, (block, block))
    # Among many chance values everything is connected, so edges end somewhere.
    return ndimage.binary_dilation(solid, iterations=block, mask=candidates)


def _opened(mask, shape):
    """Return what full rectangles cover, as `ndimage.binary_opening`, but quickly."""
    mask = _starts(mask, shape)
    for lines, length in zip((mask, mask.T), shape, strict=True):
        for step in _doubled_steps(length):
            lines[step:] |= lines[:-step]
    return mask


def _starts(mask, shape):
    """Return where full rectangles begin, with their first row and column."""
    mask = mask.copy()
    for lines, length in zip((mask, mask.T), shape, strict=True):
        for step in _doubled_steps(length):
            lines[:-step] &= lines[step:]
            lines[-step:] = False
    return mask


def _doubled_steps(length):
    """Return the steps in which a run of one pixel grows to a length."""
    covered = 1
    while covered < length:
        step = min(covered, length - covered)
        yield step
        covered += step


def _without_smooth_parts(band, value, gaps):
    """Drop the parts around which the band comes smoothly close to the value."""
    rows = representative_rows(*band.shape)
    sample = np.where(gaps[rows], np.nan, band[rows])
    others = np.abs(sample - value)[np.isfinite(sample) & (sample != value)]
    if not len(others):
        return gaps
    close = min(np.quantile(others, 0.25), 5 * pixel_noise(sample))
    parts, n_parts = ndimage.label(gaps)
    around = ndimage.binary_dilation(gaps, np.ones((3, 3))) & ~gaps
    # Neighbors that are missing, or have the value themselves, show nothing.
    around &= np.isfinite(band) & (band != value)
    touched = ndimage.maximum_filter(parts, 3)[around]
    index = np.arange(1, n_parts + 1)
    step = ndimage.median(np.abs(band[around] - value), touched, index)
    higher = ndimage.mean(band[around] > value, touched, index)
    one_sided = (higher >= 0.9) | (higher <= 0.1)
    smooth = np.concatenate([[False], one_sided & (step < close)])
    return gaps & ~smooth[parts]


def dark_lines(band, masked):
    """Find broken columns and rows: long, narrow, and darker than the sky.

    Notes
    -----
    Fluxes are clipped at five standard deviations from the sky and counted in steps of
    1/64 of one: small whole numbers add up quickly, and exactly.
    """
    lines = np.zeros(band.shape, dtype=bool)
    rows = representative_rows(*band.shape)
    level, noise = sky_statistics(np.where(masked[rows], np.nan, band[rows]))
    if not noise > 0:
        return lines
    flux = (band - band.dtype.type(level)) * band.dtype.type(STEPS / noise)
    np.clip(flux, -BRIGHTEST * STEPS, BRIGHTEST * STEPS, out=flux)
    flux[masked] = 0
    steps, valid = np.rint(flux, out=flux).astype(np.int16), (~masked).view(np.uint8)
    for axis in range(2):
        if band.shape[axis] >= WINDOW and band.shape[1 - axis] > 2 * SIDE:
            dark = _dark_means(steps, valid, rows, axis)
            lines |= _opened(
                dark, (SHORTEST_LINE, 1) if axis == 0 else (1, SHORTEST_LINE)
            )
    return lines


def _dark_means(steps, valid, rows, axis):
    """Return around which pixels the mean along an axis is below the sky and sides."""
    total, count = _window_sums(steps, axis), _window_sums(valid, axis)
    noise = sky_statistics(_means(total[rows], count[rows]))[1]
    if axis == 1:
        total, count = total.T, count.T
    dark = np.zeros(total.shape, dtype=bool)
    # Windows that are half empty do not count.
    faint = total < count * np.int16(-LEAST_DEPTH * STEPS)
    row, column = np.nonzero(faint & (count > HALF))
    last = total.shape[1] - 1
    before, after = (
        _means(total[row, place], count[row, place])
        for place in (np.maximum(column - SIDE, 0), np.minimum(column + SIDE, last))
    )
    # At a border of the frame only the other side counts.
    before = np.where(column < SIDE, after, before)
    after = np.where(column > last - SIDE, before, after)
    sides = np.minimum(np.minimum(before, after), 0)
    depth = sides - _means(total[row, column], count[row, column])
    dark[row, column] = (depth > LEAST_DEPTH) & (depth > SIGNIFICANCE * noise)
    return dark if axis == 0 else dark.T


def _window_sums(values, axis):
    """Return the sums in windows of 25 pixels, in the type of the values.

    As sums of 1, 8 and 16 pixels, each of two of half its length: six additions of
    whole images are quicker than sliding a window.
    """
    padding = [(0, 0), (0, 0)]
    padding[axis] = (HALF, HALF)
    lines = np.pad(values, padding)
    lines = lines if axis == 0 else lines.T
    n_windows = len(lines) - WINDOW + 1
    total, covered, size = 0, 0, 1
    while covered < WINDOW:
        if WINDOW & size:
            total = total + lines[covered : covered + n_windows]
            covered += size
        lines = lines[:-size] + lines[size:]
        size *= 2
    return total if axis == 0 else total.T


def _means(total, count):
    """Return means in standard deviations, NaN for windows that are half empty."""
    mean = np.full(total.shape, np.nan, dtype=np.float32)
    return np.divide(total, count * np.float32(STEPS), out=mean, where=count > HALF)


def grown(mask, distance):
    """Return a mask with all pixels within a distance of it."""
    if not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask) <= distance
