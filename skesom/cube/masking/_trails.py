# SPDX-License-Identifier: BSD-3-Clause
"""Find the trails of satellites: straight ridges that one band alone shows."""

from itertools import chain, pairwise

import numpy as np
from scipy import ndimage

from skesom._common.blocks import in_threads
from skesom.cube.masking._sky import TILE, masked_image, representative_rows

BIN = 2
SMOOTHING = 3  # binned pixels
SIDE = 5  # binned pixels from a ridge to what it must stand out from
SIGNIFICANCE = 4  # in standard deviations of the difference
SUPPORT = 3  # the same, in another band
MARGIN = SIDE + SMOOTHING  # binned pixels
PART = 256  # side of the parts that are searched, in binned pixels
QUARTER = 0.3186  # a quarter of normal values lies within so many deviations
FULL = 0.6  # share of a line that must be ridge
SHORTEST = 0.5  # of the side of a part
NEAR = 2.5  # binned pixels
MOST = 8  # trails in a part
WIDEST = 16  # pixels on either side
FAINTEST = 1  # in standard deviations of a pixel
PROTECTED = 10  # times the trail: so bright are the cores of stars that it crosses
PIXELS_PER_BLOCK = 2**19  # more than elsewhere: the rows around are read too
ACROSS = ((0, SIDE), (SIDE, 0), (SIDE - 1, SIDE - 1), (SIDE - 1, 1 - SIDE))


def find_trails(data, taken, noise, n_jobs=None):
    """Return pairs of a place (band, rows, columns) and which pixels a trail covers."""
    if not may_show_trails(data.shape):
        return []
    rows = representative_rows(*data.shape[:2])

    def excess(band):
        image = masked_image(data, taken, band, rows)
        return excess_noise(image, noise[:, :, band])

    bands = range(data.shape[2])
    spread = noise * in_threads(excess, bands, n_jobs)
    trails = [
        trails_of_part(data, taken, part, noise, spread, n_jobs)
        for part in parts_of_rows(data.shape[0])
    ]
    return list(chain.from_iterable(trails))


def may_show_trails(shape):
    """Tell whether a cube is large enough, and has bands to compare."""
    return shape[2] > 1 and min(shape[:2]) // BIN >= 4 * SIDE


def parts_of_rows(n_rows):
    """Cut the rows into those of the parts that are searched."""
    cuts = BIN * _cuts(n_rows // BIN)
    return [slice(*pair) for pair in pairwise(cuts.tolist())]


def _cuts(length):
    return np.linspace(0, length, max(1, round(length / PART)) + 1).astype(int)


def trails_of_part(data, taken, rows, noise, spread, n_jobs=None):
    """Return the trails in rows of parts, with the noise of pixels, alone and many."""
    bands = range(data.shape[2])
    binned = slice(rows.start // BIN, rows.stop // BIN)

    def height(band):
        return _ridge_height(data, taken, band, spread[:, :, band], binned)

    heights = in_threads(height, bands, n_jobs)
    shown = sum((part >= SUPPORT).astype(np.uint16) for part in heights)

    def search(band):
        others = shown - (heights[band] >= SUPPORT)
        trails = (
            _pixels_of_trail(data, taken, band, line, noise[:, :, band])
            for line in _lines(heights[band] >= SIGNIFICANCE, others == 0, binned.start)
        )
        return [trail for trail in trails if trail is not None]

    return list(chain.from_iterable(in_threads(search, bands, n_jobs)))


def _ridge_height(data, taken, band, spread, rows):
    """Return how far binned pixels stand out from two sides, in whole deviations."""
    n_rows, n_columns = data.shape[0] // BIN, data.shape[1] // BIN
    top, bottom = max(0, rows.start - MARGIN), min(n_rows, rows.stop + MARGIN)
    image = masked_image(data, taken, band, np.s_[top * BIN : bottom * BIN])
    binned = _smooth(_binned(image, n_columns))
    height = _above_sides(binned)[rows.start - top : rows.stop - top]
    down, across = (np.arange(n) * BIN // TILE for n in (n_rows, n_columns))
    deviation = (spread * np.sqrt(2) / (BIN * SMOOTHING))[down[rows]][:, across]
    known = np.isfinite(height) & (deviation > 0)
    height = np.divide(height, deviation, out=np.zeros_like(height), where=known)
    return np.clip(height, 0, 100).astype(np.int8)


def excess_noise(image, noise):
    """Return how much noisier smoothed pixels are than independent ones, at least 1."""
    image = image[: len(image) // BIN * BIN]
    smoothed = _smooth(_binned(image, image.shape[1] // BIN))
    sides = (smoothed[:, : -2 * SIDE] + smoothed[:, 2 * SIDE :]) / 2
    steps = np.abs(smoothed[:, SIDE:-SIDE] - sides)
    steps = steps[np.isfinite(steps)]
    expected = np.median(noise) * np.sqrt(1.5) / (BIN * SMOOTHING)
    if not len(steps) or not expected > 0:
        return 1.0
    return max(1.0, float(np.quantile(steps, 0.25)) / (QUARTER * expected))


def _binned(image, n_columns):
    """Return the means of 2 x 2 pixels, NaN if none is valid."""
    image = image[:, : n_columns * BIN]
    pixels = image.reshape(len(image) // BIN, BIN, n_columns, BIN)
    parts = [pixels[:, i, :, j] for i in range(BIN) for j in range(BIN)]
    total = sum(np.nan_to_num(part, nan=0) for part in parts)
    count = sum((~np.isnan(part)).astype(image.dtype) for part in parts)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _smooth(image):
    """Return the means of 3 x 3 pixels around each valid one."""
    missing = np.isnan(image)
    if not missing.any():
        return _mean_of_nine(image)
    total = _mean_of_nine(np.where(missing, 0, image))
    count = _mean_of_nine((~missing).astype(image.dtype))
    return np.divide(total, count, out=np.full_like(total, np.nan), where=~missing)


def _mean_of_nine(image):
    """Return the means of 3 x 3 pixels."""
    # Not by the running sums of `uniform_filter`, which depend on where rows begin.
    for axis in range(2):
        image = ndimage.correlate1d(image, np.full(SMOOTHING, 1 / SMOOTHING), axis)
    return image


def _above_sides(image):
    """Return how far pixels lie above both sides, in the direction that is best."""
    padded = np.pad(image, SIDE, mode="edge")

    def moved(down, right):
        rows, columns = image.shape
        return padded[SIDE + down :, SIDE + right :][:rows, :columns]

    sides = [np.fmax(moved(*step), moved(-step[0], -step[1])) for step in ACROSS]
    return image - np.fmin.reduce(sides)


def _lines(ridges, countable, top):
    """Yield lines nearly full of ridges: part in binned pixels, point, direction."""
    for left, right in pairwise(_cuts(ridges.shape[1]).tolist()):
        alone, counted = (image[:, left:right] for image in (ridges, countable))
        part = np.s_[top : top + len(ridges), left:right]
        for point, direction in _lines_of_part(alone & counted, counted):
            yield part, point + (top, left), direction


def _lines_of_part(ridges, countable):
    """Find lines in one part, the strongest first."""
    least = SHORTEST * max(ridges.shape)
    middle = (np.array(ridges.shape) - 1) / 2
    reach = int(np.hypot(*middle)) + 1
    angles = np.linspace(0, np.pi, int(np.pi * reach), endpoint=False)
    steps = np.array([np.cos(angles), np.sin(angles)])  # across the lines
    points = np.argwhere(ridges)
    lines, refused = [], set()
    votes = None
    while len(points) >= FULL * least and len(lines) + len(refused) < MOST:
        if votes is None:
            votes = _votes(points - middle, steps, reach)
        number = int(np.argmax(votes))
        if votes.flat[number] < FULL * least:
            break
        angle, distance = np.divmod(number, votes.shape[1])
        across, distance = steps[:, angle], distance - reach
        line = _fitted(points, middle + distance * across, across)
        near = _distances(points, *line) <= NEAR
        if _is_full(ridges, countable, *line, least):
            lines.append(line)
            points, votes = points[~near], None
        else:
            refused.add(number)
            around = np.s_[max(0, angle - 2) : angle + 3]
            place = distance + reach
            votes[around, max(0, place - 2) : place + 3] = 0
    return lines


def _votes(points, steps, reach):
    """Return the number of points on each line, by angle and distance."""
    n_angles, n_distances = steps.shape[1], 2 * reach + 1
    place = np.rint(points.astype(np.float32) @ steps.astype(np.float32))
    place = place.astype(np.int32) + reach
    place += np.arange(n_angles, dtype=np.int32) * n_distances
    votes = np.bincount(place.ravel(), minlength=n_angles * n_distances)
    return votes.reshape(n_angles, n_distances)


def _fitted(points, point, across):
    """Return point and direction of the line through the points near a line."""
    direction = np.array([-across[1], across[0]])
    for _ in range(2):
        near = points[_distances(points, point, direction) <= NEAR]
        if len(near) < 2:
            break
        point = near.mean(axis=0)
        direction = np.linalg.svd(near - point, full_matrices=False)[2][0]
    return point, direction


def _distances(points, point, direction):
    """Return the distances of points from a line."""
    offset = points - point
    return np.abs(offset[:, 0] * direction[1] - offset[:, 1] * direction[0])


def _is_full(ridges, countable, point, direction, least):
    """Tell whether a line is long enough and ridge nearly everywhere, at both ends."""
    steps = np.arange(-sum(ridges.shape), sum(ridges.shape) + 1)[:, np.newaxis]
    places = np.rint(point + steps * direction).astype(int)
    inside = np.all((places >= 0) & (places < ridges.shape), axis=1)
    places = tuple(places[inside].T)
    full = ridges[places][countable[places]]
    # Ridges are found a pixel to either side, so halves cannot be full by chance.
    halves = np.array_split(full, 2)
    return len(full) >= least and all(half.mean() >= FULL for half in halves)


def _pixels_of_trail(data, taken, band, line, noise):
    """Return a place and which of its pixels a trail covers, or None."""
    part, point, direction = line
    rows, columns = (
        slice(side.start * BIN, min(side.stop * BIN + BIN, length))
        for side, length in zip(part, data.shape, strict=False)
    )
    point = point * BIN + (BIN - 1) / 2
    offset = np.arange(rows.start, rows.stop)[:, np.newaxis] - point[0]
    across = offset * direction[1]
    across = across - (np.arange(columns.start, columns.stop) - point[1]) * direction[0]
    near = np.abs(across) < WIDEST + 0.5
    place = np.rint(across[near]).astype(int) + WIDEST
    flux = masked_image(data, taken, band, rows)[:, columns][near]
    profile = np.array([_median(flux[place == step]) for step in range(2 * WIDEST + 1)])
    sides = WIDEST // 4
    background = _median(np.concatenate([profile[:sides], profile[-sides:]]))
    profile -= background
    tiles = tuple(slice(s.start // TILE, s.stop // TILE + 1) for s in (rows, columns))
    bright = profile > FAINTEST * np.median(noise[tiles])
    parts, _ = ndimage.label(bright)
    inner = np.where(np.isnan(profile), -np.inf, profile)[WIDEST - 3 : WIDEST + 4]
    peak = WIDEST - 3 + int(np.argmax(inner))
    if not parts[peak]:
        return None
    covered = np.zeros(near.shape, dtype=bool)
    bright = flux - background > PROTECTED * profile[place]
    covered[near] = (parts == parts[peak])[place] & ~bright
    return (band, rows, columns), covered


def _median(values):
    """Return the median of the finite values, NaN if there are none."""
    values = values[np.isfinite(values)]
    return np.median(values) if len(values) else np.nan
