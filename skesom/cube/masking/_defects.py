# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold numbers but no data: gaps and lines."""

import numpy as np
from scipy import ndimage

from skesom._common.noise import noise_from_neighbors
from skesom._common.strips import around, strips_of
from skesom.cube.masking.sky import (
    TILE,
    representative_rows,
    sky_statistics,
    valid_tiles,
)

# Residues of zeros. Resampling and convolving leave 1e-14 and less of the noise where
# an image has no data; values of a noisy band are so near to 0 once in a million.
RESIDUE = 1e-6
RARER_SIGN = 0.1  # share of the rarer sign among residues
BRIGHT_TILES = 0.95  # quantile of the scatters of tiles; beyond may be hot pixels
# Gaps.
SHORTEST_RUN = 10  # pixels of one value in a line; chance may ask for more
SMALLEST_BLOCK = 4  # side of a square of one value
ALARM_RATE = 0.01  # gaps that chance may make in a whole band
QUANTIZED = 1024  # different values; with fewer, as in pictures, areas may be flat
MOST_PEDESTALS = 8  # values of a band that are looked at, which bounds the time
# Lines.
WINDOW = 25  # pixels along a line that are averaged (docs/masking.md)
HALF = WINDOW // 2
SIDE = 3  # pixels to the lines on either side that it is compared with
SHORTEST_LINE = 10  # windows in a row that are dark
LEAST_DEPTH = 1.5  # in standard deviations of a pixel
SIGNIFICANCE = 5  # in standard deviations of a mean
BRIGHTEST = 5  # in standard deviations of a pixel; what is beyond counts as this
STEPS = 64  # in one standard deviation; sums of windows then fit into 16 bits


def residue_limit(band):
    """Return up to what size values of a band are rounding errors of 0.

    That is a millionth of the noise. It is measured in tiles, without those that hold
    nothing but such residues themselves, be they most of the band; it is 0 if there
    are no tiles to measure it in.
    """
    sample = band[representative_rows(*band.shape)]
    for size in (TILE, TILE // 2, TILE // 4):
        tiles, _ = valid_tiles(sample, size)
        if len(tiles):
            break
    else:
        return 0.0
    # Of few photon counts most values of a tile are 0, so that no median tells.
    # In double precision: fill values such as 1e30 have no square in single precision.
    scatter = np.nanstd(tiles.astype(np.float64), axis=1)
    scatter = scatter[(scatter > 0) & np.isfinite(scatter)]
    if not len(scatter):
        return 0.0
    scatter = scatter[scatter > RESIDUE * np.quantile(scatter, BRIGHT_TILES)]
    return RESIDUE * float(np.quantile(scatter, 0.25))


def near_value(band, value, limit=0.0):
    """Return where a band has a value, or one that differs by no more than a limit."""
    if limit == 0:
        return band == value
    near = np.empty(band.shape, dtype=bool)
    for rows in strips_of(band.shape, "block"):
        near[rows] = np.abs(band[rows] - band.dtype.type(value)) <= limit
    return near


def gaps_of_value(band, value, limit=0.0):
    """Find the areas that one value fills because there are no data.

    Values that differ from it by no more than a limit count as that value.
    """
    # They hold squares or runs too large for chance. Its probability is the share of
    # such pixels, or equal neighbors, outside of the gaps: the search is repeated.
    candidates = near_value(band, value, limit)
    gaps = np.zeros(band.shape, dtype=bool)
    if np.count_nonzero(candidates) < SHORTEST_RUN:
        return gaps
    equal = band[:, 1:] == band[:, :-1]
    while True:
        share = _share_outside(gaps, candidates, equal)
        found = _solid_parts(candidates, *_sizes_beyond_chance(share, band.size))
        found |= gaps
        if np.array_equal(found, gaps):
            break
        gaps = found
    del candidates, equal, found  # they are as large as the band
    return _without_smooth_parts(band, value, limit, gaps) if gaps.any() else gaps


def pedestal_values(band):
    """Return the values, except 0, that fill whole areas of a band."""
    margin = SMALLEST_BLOCK - 1
    flat = []
    for rows in strips_of(band.shape, "block"):
        image = np.array(band[rows.start : rows.stop + margin], order="C")
        for lines in (image, image[: rows.stop - rows.start].T):
            equal = lines[1:] == lines[:-1]
            # A run of equal neighbors is one shorter than the run of equal pixels.
            starts = _starts(equal, (margin, 1))
            flat.append(lines[:-1][starts])
    values, count = np.unique(np.concatenate(flat), return_counts=True)
    values, count = values[values != 0], count[values != 0]
    often = np.argsort(-count)[:MOST_PEDESTALS]
    values = values[often[count[often] >= 2 * SMALLEST_BLOCK]]
    return values[:0] if len(values) and _is_quantized(band) else values


def _is_quantized(band):
    """Return whether a band has few different values."""
    sample = band[representative_rows(*band.shape)]
    return all(  # the sample is enough for nearly every image
        len(np.unique(pixels[np.isfinite(pixels)])) <= QUANTIZED
        for pixels in (sample, band)
    )


def _share_outside(gaps, candidates, equal):
    """Return the larger share of True outside of gaps, counting one at least."""
    counts = np.zeros((2, 2), dtype=np.int64)
    for rows in strips_of(gaps.shape, "block"):
        outside = ~gaps[rows]
        pairs = outside[:, 1:] & outside[:, :-1]
        parts = (candidates[rows], outside), (equal[rows], pairs)
        counts += [[np.sum(mask & among), np.sum(among)] for mask, among in parts]
    return float(max(found / among for found, among in np.maximum(1, counts)))


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
    margin = max(run, block) - 1 + block  # so far away are pixels that matter
    for rows in strips_of(solid.shape, "wide block", least=2 * margin):
        near = around(rows, margin)
        part = _solid_part(candidates[near], run, block)
        solid[rows] = part[rows.start - near.start :][: rows.stop - rows.start]
    return solid


def _solid_part(candidates, run, block):
    """Return the same of some rows."""
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
    """Return full rectangles of a mask, as `ndimage.binary_opening`, but quickly."""
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


def _without_smooth_parts(band, value, limit, gaps):
    """Drop the parts around which the band comes smoothly close to the value."""
    rows = representative_rows(*band.shape)
    sample = np.where(gaps[rows], np.nan, band[rows])
    others = np.abs(sample - value)
    others = others[others > limit]  # no NaN is
    if not len(others):
        return gaps
    close = min(np.quantile(others, 0.25), 5 * noise_from_neighbors(sample))
    parts, n_parts = ndimage.label(gaps)
    touched, flux = _surroundings(band, value, parts, limit)
    index = np.arange(1, n_parts + 1)
    step = ndimage.median(np.abs(flux - value), touched, index)
    with np.errstate(invalid="ignore"):  # of parts that touch nothing but NaN
        higher = ndimage.mean(flux > value, touched, index)
    one_sided = (higher >= 0.9) | (higher <= 0.1)
    is_smooth = one_sided & (step < close)
    if limit > 0:
        # What runs into black stays on its side of it. Rounding errors have both signs,
        # and a convolution makes smooth borders of any data.
        signs = band > value, band < value
        rarer = np.minimum(*(ndimage.mean(sign, parts, index) for sign in signs))
        is_smooth &= rarer < RARER_SIGN
    smooth = np.concatenate([[False], is_smooth])
    for rows in strips_of(gaps.shape, "block"):  # indices take eight bytes
        gaps[rows] &= ~smooth[parts[rows]]
    return gaps


def _surroundings(band, value, parts, limit=0.0):
    """Return the numbers of the parts that other pixels touch, and their flux."""
    numbers, flux = [], []
    for rows in strips_of(band.shape, "wide block"):
        inside = around(rows, 1)
        if not parts[inside].any():
            continue
        here = slice(rows.start - inside.start, rows.stop - inside.start)
        near = ndimage.maximum_filter(parts[inside], 3)[here]
        # Neighbors that are missing, or have the value themselves, show nothing.
        beside = (near > 0) & (parts[rows] == 0)
        beside &= np.isfinite(band[rows]) & ~near_value(band[rows], value, limit)
        numbers.append(near[beside])
        flux.append(band[rows][beside])
    return np.concatenate(numbers), np.concatenate(flux)


def dark_lines(band, masked):
    """Find broken columns and rows: long, narrow, and darker than the sky."""
    lines = np.zeros(band.shape, dtype=bool)
    sampled = representative_rows(*band.shape)
    level, noise = sky_statistics(np.where(masked[sampled], np.nan, band[sampled]))
    axes = [
        axis
        for axis in range(2)
        if band.shape[axis] >= WINDOW and band.shape[1 - axis] > 2 * SIDE
    ]
    if not noise > 0 or not axes:
        return lines
    in_sample = np.zeros(len(band), dtype=bool)
    in_sample[sampled] = True
    found = []
    for rows in strips_of(band.shape, "wide block"):
        steps, valid = _in_steps(band, masked, rows, level, noise)
        chosen = np.flatnonzero(in_sample[rows])
        block = steps, valid, rows, chosen, len(band)
        found.append([_dark_means(*block, axis) for axis in axes])
    for axis, blocks in zip(axes, zip(*found, strict=True), strict=True):
        means, places, depths = map(np.concatenate, zip(*blocks, strict=True))
        places = places[depths > SIGNIFICANCE * sky_statistics(means)[1]]
        if len(places):
            dark = np.zeros(band.shape, dtype=bool)
            dark.flat[places] = True
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
    away = (0, SIDE, 2 * SIDE)
    places = [(row + step * axis, column + step * (1 - axis)) for step in away]
    before, middle, after = (_means(total[place], count[place]) for place in places)
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
    wider = mask.copy()
    for rows in strips_of(mask.shape, "wide block", least=2 * reach):
        inside = around(rows, reach)
        if mask[inside].any():
            near = ndimage.distance_transform_edt(~mask[inside]) <= distance
            wider[rows] = near[rows.start - inside.start :][: rows.stop - rows.start]
    return wider
