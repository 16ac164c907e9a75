# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold numbers but no data: gaps and lines."""

import numpy as np
from scipy import ndimage

from skesom._common.blocks import row_blocks
from skesom.cube.masking._sky import (
    pixel_noise,
    representative_rows,
    sampled,
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
PIXELS_PER_BLOCK = 2**19  # more than elsewhere: the rows around are read too


def gaps_of_value(band, value):
    """Find the areas that one value fills because there are no data."""
    candidates = band == value
    gaps = solid_gaps(candidates, band[:, 1:] == band[:, :-1])
    if not gaps.any():
        return gaps
    blocks = row_blocks(band.shape, PIXELS_PER_BLOCK)
    beside = [pixels_beside(band, value, gaps, rows) for rows in blocks]
    return without_smooth_parts(sampled(band), value, gaps, beside)


def solid_gaps(candidates, equal):
    """Find squares or runs of pixels that are too large for chance."""
    # Its probability is the share of such pixels, or equal neighbors, outside of the
    # gaps: the search is repeated.
    gaps = np.zeros(candidates.shape, dtype=bool)
    if np.count_nonzero(candidates) < SHORTEST_RUN:
        return gaps
    while True:
        share = _share_outside(gaps, candidates, equal)
        found = _solid_parts(candidates, *_sizes_beyond_chance(share, gaps.size))
        found |= gaps
        if np.array_equal(found, gaps):
            return gaps
        gaps = found


def pedestal_values(band):
    """Return the values, except 0, that fill whole areas of a band."""
    flat = [flat_values(band, rows) for rows in row_blocks(band.shape)]
    values = frequent_values(flat)
    return values[:0] if len(values) and _is_quantized(band) else values


def flat_values(band, rows):
    """Return the values of which long runs begin in some rows, and how many do."""
    margin = SMALLEST_BLOCK - 1
    flat = []
    image = np.array(band[rows.start : rows.stop + margin], order="C")
    for lines in (image, image[: rows.stop - rows.start].T):
        equal = lines[1:] == lines[:-1]
        # A run of equal neighbors is one shorter than the run of equal pixels.
        starts = _starts(equal, (margin, 1))
        flat.append(lines[:-1][starts])
    return np.unique(np.concatenate(flat), return_counts=True)


def frequent_values(flat):
    """Return the values, except 0, that are flat often, from those of some blocks."""
    values, counts = map(np.concatenate, zip(*flat, strict=True))
    values, place = np.unique(values, return_inverse=True)
    count = np.bincount(place, counts, len(values)).astype(int)
    values, count = values[values != 0], count[values != 0]
    often = np.argsort(-count)[:MOST_PEDESTALS]
    return values[often[count[often] >= 2 * SMALLEST_BLOCK]]


def _is_quantized(band):
    """Return whether a band has few different values."""
    # The sample is enough for nearly every image.
    return all(few_values(pixels) is not None for pixels in (sampled(band), band))


def few_values(pixels):
    """Return the different values, None if there are many."""
    values = np.unique(pixels[np.isfinite(pixels)])
    return values if len(values) <= QUANTIZED else None


def _share_outside(gaps, candidates, equal):
    """Return the larger share of True outside of gaps, counting one at least."""
    counts = np.zeros((2, 2), dtype=np.int64)
    for rows in row_blocks(gaps.shape):
        outside = ~gaps[rows]
        pairs = outside[:, 1:] & outside[:, :-1]
        for count, mask, among in zip(
            counts, (candidates[rows], equal[rows]), (outside, pairs), strict=True
        ):
            count += np.count_nonzero(mask & among), np.count_nonzero(among)
    shares = np.maximum(1, counts[:, 0]) / np.maximum(1, counts[:, 1])
    return float(shares.max())


def _sizes_beyond_chance(share, n_pixels):
    """Return the length of a run and the width of a square that chance never makes."""
    if share == 1:
        return SHORTEST_RUN, SMALLEST_BLOCK
    # So many have the value by chance ``n_pixels * share**n`` times.
    pixels = np.log(ALARM_RATE / n_pixels) / np.log(share)
    run = max(SHORTEST_RUN, int(np.ceil(2 * pixels)))
    block = max(SMALLEST_BLOCK, int(np.ceil(1.5 * np.sqrt(pixels))))
    return run, block


def _solid_parts(candidates, run, block):
    """Return long runs and full squares with their ragged edges."""
    solid = np.zeros_like(candidates)
    # So far away are pixels on which others depend.
    margin = max(run, block) - 1 + block
    height = max(PIXELS_PER_BLOCK // candidates.shape[1], 2 * margin, 1)
    for top in range(0, len(solid), height):
        inside = slice(max(0, top - margin), top + height + margin)
        if candidates[inside].any():
            part = _solid_part(candidates[inside], run, block)
            solid[top : top + height] = part[top - inside.start :][:height]
    return solid


def _solid_part(candidates, run, block):
    """Return long runs and full squares of some rows."""
    solid = _opened(candidates, (run, 1)) | _opened(candidates, (1, run))
    solid |= _opened(candidates, (block, block))
    # Among many chance values everything is connected, so edges end somewhere.
    for _ in range(block):
        wider = solid.copy()
        for lines, near in ((wider, solid), (wider.T, solid.T)):
            lines[1:] |= near[:-1]
            lines[:-1] |= near[1:]
        wider &= candidates
        if np.array_equal(wider, solid):
            break
        solid = wider
    return solid


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


def without_smooth_parts(sample, value, gaps, beside):
    """Drop the parts around which the band comes smoothly close to the value."""
    known = np.where(sampled(gaps), np.nan, sample)
    others = np.abs(known - value)[np.isfinite(known) & (known != value)]
    if not len(others):
        return gaps
    close = min(np.quantile(others, 0.25), 5 * pixel_noise(known))
    parts, n_parts = ndimage.label(gaps)
    places, flux = map(np.concatenate, zip(*beside, strict=True))
    touched = _largest_around(parts, places)
    index = np.arange(1, n_parts + 1)
    step = ndimage.median(np.abs(flux - value), touched, index)
    higher = ndimage.mean(flux > value, touched, index)
    one_sided = (higher >= 0.9) | (higher <= 0.1)
    smooth = np.concatenate([[False], one_sided & (step < close)])
    for rows in row_blocks(gaps.shape):
        gaps[rows] &= ~smooth[parts[rows]]
    return gaps


def pixels_beside(band, value, gaps, rows):
    """Return the places and fluxes of the pixels in some rows that touch a gap."""
    inside = slice(max(0, rows.start - 1), rows.stop + 1)
    near, flux = gaps[inside], band[rows]
    around = np.zeros(flux.shape, dtype=bool)
    if near.any():
        near = ndimage.binary_dilation(near, np.ones((3, 3)))[
            rows.start - inside.start :
        ]
        # Neighbors that are missing, or have the value themselves, show nothing.
        around = near[: len(flux)] & ~gaps[rows] & np.isfinite(flux) & (flux != value)
    return np.flatnonzero(around) + rows.start * band.shape[1], flux[around]


def _largest_around(image, places):
    """Return the largest of the nine values around places of an image."""
    last = np.array(image.shape)[:, np.newaxis] - 1
    places = np.array(np.divmod(places, image.shape[1]))
    steps = np.array(list(np.ndindex(3, 3)))[:, :, np.newaxis] - 1
    return np.maximum.reduce(
        [image[tuple(np.clip(places + step, 0, last))] for step in steps]
    )


def dark_lines(band, masked):
    """Find broken columns and rows: long, narrow, and darker than the sky."""
    sky = sky_statistics(np.where(sampled(masked), np.nan, sampled(band)))
    if not sky[1] > 0:
        return np.zeros(band.shape, dtype=bool)
    blocks = row_blocks(band.shape, PIXELS_PER_BLOCK)
    found = [dark_windows(band, masked, rows, *sky) for rows in blocks]
    return lines_of_rows(dark_places(found), slice(0, len(band)), band.shape[1])


def dark_windows(band, masked, rows, level, noise):
    """Return means of windows in sampled rows; places and depths of dark ones."""
    axes = [
        axis
        for axis in range(2)
        if band.shape[axis] >= WINDOW and band.shape[1 - axis] > 2 * SIDE
    ]
    in_sample = np.zeros(band.shape[0], dtype=bool)
    in_sample[representative_rows(*band.shape)] = True
    chosen = np.flatnonzero(in_sample[rows])
    steps, valid = _in_steps(band, masked, rows, level, noise)
    block = steps, valid, rows, chosen, band.shape[0]
    return {axis: _dark_means(*block, axis) for axis in axes}


def dark_places(found):
    """Return the places of dark windows along each axis, from those of all blocks."""
    places_of = {}
    for axis in found[0]:
        blocks = [block[axis] for block in found]
        means, places, depths = map(np.concatenate, zip(*blocks, strict=True))
        places_of[axis] = places[depths > SIGNIFICANCE * sky_statistics(means)[1]]
    return places_of


def lines_of_rows(places_of, rows, n_columns):
    """Return the lines that dark windows make in some rows."""
    lines = np.zeros((rows.stop - rows.start, n_columns), dtype=bool)
    for axis, places in places_of.items():
        first, last = np.searchsorted(
            places, [rows.start * n_columns, rows.stop * n_columns]
        )
        if first < last:
            dark = np.zeros(lines.shape, dtype=bool)
            dark.flat[places[first:last] - rows.start * n_columns] = True
            shape = (SHORTEST_LINE, 1) if axis == 0 else (1, SHORTEST_LINE)
            lines |= _opened(dark, shape)
    return lines


def _in_steps(band, masked, rows, level, noise):
    """Return fluxes as whole numbers, which add up quickly, and which are valid."""
    # With half a window on all sides; what is masked or outside of the frame is 0.
    inside = slice(max(0, rows.start - HALF), min(len(band), rows.stop + HALF))
    flux = band[inside] - band.dtype.type(level)
    flux *= band.dtype.type(STEPS / noise)
    np.clip(flux, -BRIGHTEST * STEPS, BRIGHTEST * STEPS, out=flux)
    missing = masked[inside]
    flux[missing] = 0
    outside = HALF - rows.start + inside.start, HALF + rows.stop - inside.stop
    padding = outside, (HALF, HALF)
    steps = np.rint(flux, out=flux).astype(np.int16)
    return np.pad(steps, padding), np.pad((~missing).view(np.uint8), padding)


def _dark_means(steps, valid, rows, chosen, n_rows, axis):
    """Return means of windows in the chosen rows; places and depths of dark ones."""
    margin = HALF - SIDE
    part = np.s_[margin:-margin] if axis else np.s_[:, margin:-margin]
    total, count = _window_sums(steps[part], axis), _window_sums(valid[part], axis)
    inside = np.s_[SIDE:-SIDE] if axis else np.s_[:, SIDE:-SIDE]
    faint = total[inside] < count[inside] * np.int16(-LEAST_DEPTH * STEPS)
    faint &= count[inside] > HALF  # windows that are half empty do not count
    row, column = np.divmod(np.flatnonzero(faint), faint.shape[1])
    before, middle, after = (
        _means(total[place], count[place])
        for place in (
            (row + step * axis, column + step * (1 - axis))
            for step in (0, SIDE, 2 * SIDE)
        )
    )
    # At a border of the frame only the other side counts; the outside is NaN.
    across = row + rows.start if axis else column
    last = (n_rows if axis else faint.shape[1]) - 1
    before = np.where(across < SIDE, after, before)
    after = np.where(across > last - SIDE, before, after)
    depth = np.minimum(np.minimum(before, after), 0) - middle
    deep = depth > LEAST_DEPTH
    places = (row + rows.start) * faint.shape[1] + column
    sample = _means(total[inside][chosen], count[inside][chosen])
    return sample, places[deep], depth[deep]


def _window_sums(values, axis):
    """Return the sums in windows of 25 pixels, by six additions of whole images."""
    n_windows = values.shape[axis] - WINDOW + 1
    total, covered, size = 0, 0, 1
    while covered < WINDOW:
        if WINDOW & size:
            total = total + _cut(values, covered, covered + n_windows, axis)
            covered += size
        values = _cut(values, 0, -size, axis) + _cut(values, size, None, axis)
        size *= 2
    return total


def _cut(image, start, stop, axis):
    """Return a part of an image along an axis."""
    return image[:, start:stop] if axis else image[start:stop]


def _means(total, count):
    """Return means in standard deviations, NaN for windows that are half empty."""
    mean = np.full(total.shape, np.nan, dtype=np.float32)
    return np.divide(total, count * np.float32(STEPS), out=mean, where=count > HALF)


def grown(mask, distance):
    """Return a mask with all pixels within a distance of it."""
    reach = int(distance)
    height = max(PIXELS_PER_BLOCK // mask.shape[1], 2 * reach, 1)
    wider = mask.copy()
    for top in range(0, len(mask), height):
        inside = slice(max(0, top - reach), top + height + reach)
        if mask[inside].any():
            near = ndimage.distance_transform_edt(~mask[inside]) <= distance
            wider[top : top + height] = near[top - inside.start :][:height]
    return wider
