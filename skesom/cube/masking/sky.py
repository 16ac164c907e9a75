# SPDX-License-Identifier: BSD-3-Clause
"""Level and noise of the sky, how much of a frame is sky, and how flat that is."""

from functools import partial
from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std
from scipy import stats

from skesom._common.lazy import in_memory
from skesom._common.noise import (
    DEVIATIONS_BY_MEDIAN,
    clipped_statistics,
    median_and_scatter,
    noise_from_neighbors,
    robust_scatter,
    row_median,
)
from skesom._common.strip_calls import map_strips
from skesom._common.thread_pools import in_threads
from skesom.cube.convolution.filtering import smooth, smooth_all

TILE = 16  # pixels; smaller ones where a frame has few of them
FEWEST_TILES = 8  # from which the darkest are taken
ENOUGH_PIXELS = 2_000_000  # of a frame, in strips spread over it
# In units of the noise of a pixel, levels of sky are within so much of their middle:
# they scatter by 0-.36, others by .58-1.1.
FLAT = 0.5
MANY_LEVELS = 201  # of which one may be that of the sky
THRESHOLD = 3.0  # times the noise, from where pixels are no sky
SMOOTHING = 1.0  # pixels, of the image in which they are looked for
ROUNDS = 3  # of finding the level by the noise, and the noise at that level
# A plane explains the levels if it leaves no more of their scatter than this: 0-.2 in
# sky that slopes, .4 where structure lies upon the slope, .7 and more elsewhere.
LEFT_BY_PLANE = 0.5
# Two planes are one if they differ by no more of their slope: those of sky that slopes
# differ by up to .15, those of a galaxy at the border by .5 and more.
UNLIKE = 0.3
# Pairs of tile sizes in pixels; the first that gives enough of the larger tiles.
SIZES = (8, 16), (4, 8)
ENOUGH_TILES = 16  # for a peak among their levels, and for a plane


class Sky(NamedTuple):
    """The sky that `measure_sky` finds in a cube."""

    level: np.ndarray  # of each band
    noise: np.ndarray  # standard deviation per pixel of each band
    smoothed: np.ndarray  # level and noise of each smoothed band
    # Sums of squares of 1, 2, ... bands above which a pixel stands out.
    cuts: np.ndarray
    # That there is sky: 1, or less where hardly more tiles have the level of sky than
    # levels beside it.
    certainty: float
    tile: int  # side of the tiles in which levels were measured


def measure_sky(
    data, lost=None, *, threshold=THRESHOLD, smoothing=SMOOTHING, n_jobs=None
):
    """Measure the sky in a sample of the rows of a cube, of which some are lost.

    `lost` has bands first.
    """
    bands = _sampled_bands(data, lost)
    smoothed = smooth_all(bands, smoothing, n_jobs)
    near, certainty, tile = _find_flat_parts(bands, smoothed, n_jobs)

    def statistics(band):
        """Return level and noise, of the darkest parts as far as there is no sky."""
        darkest = np.array(sky_statistics(band))
        found = np.array(clipped_statistics(band[near]))
        return darkest + certainty * np.nan_to_num(found - darkest)

    level, noise = np.array(in_threads(statistics, bands, n_jobs)).T
    estimates = np.array(in_threads(statistics, smoothed, n_jobs))
    # Few counts have a median absolute deviation of nearly 0, even where smoothed.
    impulse = np.zeros((2 * TILE + 1, 2 * TILE + 1))
    impulse[TILE, TILE] = 1
    least = noise * np.sqrt(np.sum(smooth(impulse, smoothing) ** 2))
    estimates[:, 1] = np.fmax(estimates[:, 1], least)
    pairs = zip(smoothed, estimates, strict=True)
    excess = (significance(image[near], *estimate) for image, estimate in pairs)
    below = sum(np.fmin(each, 0) ** 2 for each in excess)
    cuts = _chance_cuts(below, threshold, len(bands))
    return Sky(level, noise, estimates, cuts, certainty, tile)


def _sampled_bands(data, lost):
    """Return the representative rows of each band, NaN where they are lost."""
    bands = np.array(np.moveaxis(sampled(data), 2, 0), order="C")
    if lost is not None:
        np.copyto(bands, np.nan, where=lost)
    return bands


def significance(image, level, noise):
    """Return by how many deviations of the noise an image is above a level."""
    # Where there is no noise, rounding is no signal.
    rounding = 16 * np.finfo(image.dtype).eps * abs(level)
    image = image.astype(np.float64)
    return (image - level) / max(noise, rounding, np.finfo(np.float32).tiny)


def _chance_cuts(sums, threshold, n_bands):
    """Return the sums of bands that chance exceeds as seldom as so many deviations."""
    # As a gamma distribution of their mean and variance (Satterthwaite, 1946), since
    # the noise of bands may be correlated.
    mean, variance = 0.5 * n_bands, 1.25 * n_bands  # of normal values, if independent
    if np.size(sums):
        mean, variance = max(mean, np.mean(sums)), max(variance, np.var(sums))
    shapes = mean**2 / variance * np.arange(1, n_bands + 1) / n_bands
    chance = stats.norm.sf(threshold)
    return stats.gamma.isf(chance, shapes, scale=variance / mean)


def _find_flat_parts(bands, smoothed, n_jobs):
    """Return pixels of tiles at the level of sky, how sure it is, and their size."""
    pairs = list(zip(bands, smoothed, strict=True))
    for size in (TILE, TILE // 2, TILE // 4):
        measure = partial(_levels_of_tiles, size=size)
        grids = in_threads(measure, pairs, n_jobs)
        level, scatter = np.moveaxis(grids, 1, 0)
        used = np.isfinite(level).any(axis=0)
        if np.count_nonzero(used) >= ENOUGH_TILES:
            break
    pixels = np.zeros(bands[0].shape, dtype=bool)
    if not used.any():
        return pixels, 0.0, size
    known = np.isfinite(level).any(axis=(1, 2))
    level, scatter = level[known][:, used], scatter[known][:, used]
    level -= np.nanmin(level, axis=1, keepdims=True)
    dark = level <= np.nanquantile(level, 0.25, axis=1, keepdims=True)
    noise = np.nanmedian(np.where(dark, scatter, np.nan), axis=1)
    for _ in range(ROUNDS):
        noise = np.fmax(noise, np.finfo(np.float32).tiny)
        heights = np.nanmean(level / noise[:, np.newaxis], axis=0)
        center, certainty = _find_peak(heights)
        near = np.abs(heights - center) <= FLAT
        known = np.isfinite(scatter[:, near]).any(axis=1)
        noise[known] = np.nanmedian(scatter[known][:, near], axis=1)
    used[used] = near
    places = np.kron(used, np.ones((size, size), dtype=bool))
    pixels[: len(places), : places.shape[1]] = places
    pixels &= np.any([np.isfinite(band) for band in bands], axis=0)
    return pixels, certainty, size


def _levels_of_tiles(pair, size):
    """Return level and noise of the tiles of a band, NaN without data."""
    band, smoothed = pair
    # Smoothed, as medians of counts are whole numbers.
    tiles, places = valid_tiles(smoothed, size)
    grid = np.full((2, *places.shape), np.nan)
    grid[0, places] = row_median(tiles)
    grid[1, places] = median_and_scatter(valid_tiles(band, size)[0])[1]
    return grid


def _find_peak(heights):
    """Return the level that more tiles have than levels beside it, and how surely."""
    centers = np.quantile(heights, np.linspace(0, 1, MANY_LEVELS))
    steps = (heights - centers[:, np.newaxis]) / FLAT
    # From 1 at the center to -1 below it and above it, where a part as wide is counted.
    weights = np.clip(2 - 2 * np.abs(steps), np.clip(2 * steps - 6, -1, 0), 1)
    core, surplus = np.fmax(weights, 0).sum(axis=1), weights.sum(axis=1)
    errors = surplus / np.sqrt(np.sum(weights**2, axis=1))
    # The darkest that is certain, and the top of its peak.
    first = np.argmax(np.fmin(errors, 2))
    near = centers <= centers[first] + 2 * FLAT
    best = first + np.argmax(errors[first:][near[first:]])
    certainty = np.clip(2 * surplus[best] / core[best], 0, 1)
    return centers[best], float(certainty * np.clip(errors[best] - 1, 0, 1))


def sky_statistics(band):
    """Return the level and the noise of the darkest parts of one band."""
    band = band[representative_rows(*band.shape)]
    for size in (TILE, TILE // 2, TILE // 4):
        tiles = valid_tiles(band, size)[0]
        if len(tiles) >= FEWEST_TILES:
            break
    else:
        return _sparse_statistics(band)
    median, scatter = median_and_scatter(tiles)
    bounds = np.quantile(median, [0.125, 0.25])
    spread = np.median(scatter[median <= bounds[1]])
    return clipped_statistics(tiles[np.abs(median - bounds[0]) <= spread])


def representative_rows(n_rows, n_columns, most=None):
    """Return indices of evenly spread strips of rows, two million pixels at most."""
    n_strips = max(1, n_rows // TILE)
    wanted = max(1, (most or ENOUGH_PIXELS) // (TILE * n_columns))
    if n_strips <= wanted:
        return slice(None)
    strips = np.linspace(0, n_strips - 1, wanted).round().astype(int)
    return (strips[:, np.newaxis] * TILE + np.arange(TILE)).ravel()


def sampled(data, most=None):
    """Return the representative rows of a frame, computed if it is lazy."""
    return in_memory(data[representative_rows(*data.shape[:2], most)])


def write_nan(cube, find_lost, sky_mask, copy, n_jobs):
    """Return a cube, NaN where a function of some rows finds True (bands first)."""

    def write(data, rows):
        data = data.copy()
        np.copyto(np.moveaxis(data, 2, 0), np.nan, where=find_lost(rows))
        return data

    in_place = not (copy or cube.is_lazy) and cube.data.flags.writeable
    data = map_strips(write, cube.data, n_jobs=n_jobs, in_place=in_place)
    return cube.replace(data=data, errors=cube.errors, sky_mask=sky_mask)


def _sparse_statistics(band):
    """Return level and noise where there are no tiles to take them from."""
    pixels = band[np.isfinite(band)].astype(np.float64)
    if not len(pixels):
        return np.nan, np.nan
    noise = noise_from_neighbors(band) or robust_scatter(pixels)
    return float(np.quantile(pixels, 0.125)), noise


def valid_tiles(band, size):
    """Return the square tiles of which at least half is valid, and their places."""
    rows, columns = (length // size for length in band.shape)
    tiles = band[: rows * size, : columns * size].reshape(rows, size, columns, size)
    tiles = tiles.swapaxes(1, 2).reshape(rows, columns, size * size)
    places = 2 * np.isfinite(tiles).sum(axis=2) >= size * size
    return tiles[places], places


class Levels(NamedTuple):
    """How the level of a band changes over the frame."""

    noise: float  # typical standard deviation inside of a tile
    # Scatter of the levels of tiles in units of that, without what noise does to them
    # and without a plane that explains most of it.
    unevenness: float
    slope: np.ndarray  # what that plane rises by over rows and columns; 0 without one


def measure_levels(band):
    """Compare the levels of the tiles of a band with the noise inside of them."""
    for sizes in SIZES:
        tiles, places = valid_tiles(band, sizes[1])
        if len(tiles) >= ENOUGH_TILES:
            break
    else:
        return Levels(np.nan, np.nan, np.zeros(2))
    medians, scatter = median_and_scatter(tiles)
    rest, slope = _without_plane(medians, places)
    small, small_places = valid_tiles(band, sizes[0])
    small, _ = median_and_scatter(small)
    whole = _structure(small, medians)
    left = _structure(_without_plane(small, small_places)[0], rest)
    if left > LEFT_BY_PLANE * whole:
        noise = float(np.median(scatter))
        return Levels(noise, _ratio(whole, noise), np.zeros(2))
    # A steep plane is no noise inside of the tiles either.
    steps = np.arange(sizes[1]) / sizes[1]
    inside = np.add.outer(slope[0] * steps, slope[1] * steps).ravel()
    noise = float(np.median(median_and_scatter(tiles - inside.astype(tiles.dtype))[1]))
    return Levels(noise, _ratio(left, noise), slope * places.shape)


def measure_slopes(data, lost=None, n_jobs=None):
    """Return the range of a slope of each band in units of its noise, or 0.

    Of the same sample as `measure_sky`.
    """
    bands = _sampled_bands(data, lost)
    smoothed = smooth_all(bands, SMOOTHING, n_jobs)
    # Of the darkest parts, which do not depend on a slope across the frame.
    level, noise = np.array(in_threads(sky_statistics, smoothed, n_jobs)).T
    reach = THRESHOLD * noise
    pairs = zip(smoothed, level + reach, strict=True)
    signals = np.sum([image > top for image, top in pairs], axis=0, dtype=np.int16)
    dark = signals < min(2, len(bands))

    def measure(number):
        levels = measure_levels(np.where(dark, bands[number], np.nan))
        if not (levels.unevenness <= FLAT and levels.slope.any()):
            return 0.0
        whole = measure_levels(bands[number])
        extent = np.abs(whole.slope).sum()
        differs = np.abs(whole.slope - levels.slope).sum() > UNLIKE * extent
        steep = extent > reach[number] and not differs
        return _ratio(extent, whole.noise) if steep else 0.0

    return np.array(in_threads(measure, range(len(bands)), n_jobs))


def _without_plane(levels, places):
    """Subtract the plane that most tiles follow from their levels."""
    terms = np.column_stack([np.ones(len(levels)), *np.nonzero(places)])
    factors = fit_most(terms, levels)
    return levels - terms @ factors, factors[1:]


def fit_most(terms, values):
    """Fit a sum of terms by least squares to most values, whatever the others are."""
    used = np.ones(len(values), dtype=bool)
    while True:
        factors = np.linalg.lstsq(terms[used], values[used])[0]
        rest = np.abs(values - terms @ factors)
        near = used & (rest <= 3 * DEVIATIONS_BY_MEDIAN * np.median(rest[used]))
        if np.array_equal(near, used) or near.sum() < terms.shape[1]:
            return factors
        used = near


def _structure(small, large):
    """Return the scatter of levels that is not noise."""
    # The variance by noise is a quarter in tiles of twice the side.
    variance = (4 * mad_std(large) ** 2 - mad_std(small) ** 2) / 3
    return float(np.sqrt(max(0, variance)))


def _ratio(value, noise):
    """Return a value in units of the noise, which may be 0."""
    if noise > 0:
        return value / noise
    return np.inf if value > 0 else 0.0
