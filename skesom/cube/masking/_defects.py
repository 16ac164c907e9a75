# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold numbers but no data: gaps and lines."""

import numpy as np
from scipy import ndimage

from skesom._common.noise import noise_from_neighbors
from skesom._common.strips import around, strips_of
from skesom.cube.masking.sky import sky_statistics
from skesom.cube.masking.sky_tiles import TILE, representative_rows, valid_tiles

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
        run, block = _sizes_beyond_chance(share, band.size)
        wider_gaps = _solid_parts(candidates, run, block) | gaps
        if np.array_equal(wider_gaps, gaps):
            break
        gaps = wider_gaps
    del candidates, equal, wider_gaps  # they are as large as the band
    if not gaps.any():
        return gaps
    return _without_smooth_parts(band, value, limit, gaps)


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
    count = count[values != 0]
    values = values[values != 0]
    often = np.argsort(-count)[:MOST_PEDESTALS]
    values = values[often[count[often] >= 2 * SMALLEST_BLOCK]]
    if len(values) and _is_quantized(band):
        return values[:0]
    return values


def _is_quantized(band):
    """Return whether a band has few different values."""
    sample = band[representative_rows(*band.shape)]
    for pixels in (sample, band):  # the sample is enough for nearly every image
        if len(np.unique(pixels[np.isfinite(pixels)])) > QUANTIZED:
            return False
    return True


def _share_outside(gaps, candidates, equal):
    """Return the larger share of True outside of gaps, counting one at least."""
    n_pixels = 0
    n_candidates = 0
    n_pairs = 0
    n_equal = 0
    for rows in strips_of(gaps.shape, "block"):
        is_outside = ~gaps[rows]
        n_pixels += np.count_nonzero(is_outside)
        n_candidates += np.count_nonzero(candidates[rows] & is_outside)
        pair_is_outside = is_outside[:, 1:] & is_outside[:, :-1]
        n_pairs += np.count_nonzero(pair_is_outside)
        n_equal += np.count_nonzero(equal[rows] & pair_is_outside)
    return max(
        max(1, n_candidates) / max(1, n_pixels), max(1, n_equal) / max(1, n_pairs)
    )


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
        solid_near = _solid_in_rows(candidates[near], run, block)
        solid[rows] = solid_near[rows.start - near.start :][: rows.stop - rows.start]
    return solid


def _solid_in_rows(candidates, run, block):
    """Return long runs and full squares of some rows with their ragged edges."""
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
        share_above = ndimage.mean(band > value, parts, index)
        share_below = ndimage.mean(band < value, parts, index)
        is_smooth &= np.minimum(share_above, share_below) < RARER_SIGN
    smooth = np.concatenate([[False], is_smooth])
    for rows in strips_of(gaps.shape, "block"):  # indices take eight bytes
        gaps[rows] &= ~smooth[parts[rows]]
    return gaps


def _surroundings(band, value, parts, limit=0.0):
    """Return the numbers of the parts that other pixels touch, and their flux."""
    numbers = []
    flux = []
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
    n_rows, n_columns = band.shape
    axes = []
    if n_rows >= WINDOW and n_columns > 2 * SIDE:
        axes.append(0)
    if n_columns >= WINDOW and n_rows > 2 * SIDE:
        axes.append(1)
    if not noise > 0 or not axes:
        return lines
    in_sample = np.zeros(n_rows, dtype=bool)
    in_sample[sampled] = True
    means = {axis: [] for axis in axes}
    pixels = {axis: [] for axis in axes}
    depths = {axis: [] for axis in axes}
    for rows in strips_of(band.shape, "wide block"):
        steps, valid = _in_steps(band, masked, rows, level, noise)
        rows_in_sample = np.flatnonzero(in_sample[rows])
        for axis in axes:
            sampled_means, dark_pixels, dark_depths = _dark_means(
                steps, valid, rows, rows_in_sample, n_rows, axis
            )
            means[axis].append(sampled_means)
            pixels[axis].append(dark_pixels)
            depths[axis].append(dark_depths)
    for axis in axes:
        _, noise_of_means = sky_statistics(np.concatenate(means[axis]))
        is_significant = np.concatenate(depths[axis]) > SIGNIFICANCE * noise_of_means
        if is_significant.any():
            dark = np.zeros(band.shape, dtype=bool)
            dark.flat[np.concatenate(pixels[axis])[is_significant]] = True
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
    beyond_frame = (HALF - rows.start + inside.start, HALF + rows.stop - inside.stop)
    padding = (beyond_frame, (HALF, HALF))
    steps = np.rint(flux, out=flux).astype(np.int16)
    return np.pad(steps, padding), np.pad((~missing).view(np.uint8), padding)


def _dark_means(steps, valid, rows, rows_in_sample, n_rows, axis):
    """Return means of windows in sampled rows; pixels and depths of dark windows.

    Windows reach along an axis; pixels are their middles, as indices of the flat band.
    """
    margin = HALF - SIDE
    if axis == 0:
        with_sides = np.s_[:, margin:-margin]
        inside = np.s_[:, SIDE:-SIDE]
    else:
        with_sides = np.s_[margin:-margin]
        inside = np.s_[SIDE:-SIDE]
    total = _window_sums(steps[with_sides], axis)
    count = _window_sums(valid[with_sides], axis)
    faint = total[inside] < count[inside] * np.int16(-LEAST_DEPTH * STEPS)
    faint &= count[inside] > HALF  # windows that are half empty do not count
    row, column = np.divmod(np.flatnonzero(faint), faint.shape[1])
    n_columns = faint.shape[1]

    def means_at(n_sides):
        # The windows with their sides begin one side before the faint ones.
        if axis == 0:
            windows = (row, column + n_sides * SIDE)
        else:
            windows = (row + n_sides * SIDE, column)
        return _means(total[windows], count[windows])

    before = means_at(0)
    middle = means_at(1)
    after = means_at(2)
    # At a border of the frame only the other side counts; the outside is NaN.
    if axis == 0:
        across = column
        last = n_columns - 1
    else:
        across = row + rows.start
        last = n_rows - 1
    before = np.where(across < SIDE, after, before)
    after = np.where(across > last - SIDE, before, after)
    depth = np.minimum(np.minimum(before, after), 0) - middle
    is_deep = depth > LEAST_DEPTH
    pixels = (row + rows.start) * n_columns + column
    sample = _means(total[inside][rows_in_sample], count[inside][rows_in_sample])
    return sample, pixels[is_deep], depth[is_deep]


def _window_sums(values, axis):
    """Return the sums in windows of 25 pixels, by six additions of whole images."""
    n_windows = values.shape[axis] - WINDOW + 1
    total = 0
    covered = 0  # pixels of the window that are in the total
    size = 1  # pixels that each value is the sum of
    while covered < WINDOW:
        if WINDOW & size:
            total = total + _crop(values, covered, covered + n_windows, axis)
            covered += size
        values = _crop(values, 0, -size, axis) + _crop(values, size, None, axis)
        size *= 2
    return total


def _crop(image, start, stop, axis):
    """Return a part of an image along an axis."""
    if axis == 0:
        return image[start:stop]
    return image[:, start:stop]


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
