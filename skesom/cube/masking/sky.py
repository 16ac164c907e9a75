# SPDX-License-Identifier: BSD-3-Clause
"""Level and noise of the sky in a cube, and whether there is any."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import stats

from skesom._common.noise import (
    clipped_statistics,
    median_and_scatter,
    noise_from_neighbors,
    robust_scatter,
    row_median,
)
from skesom._common.thread_pools import in_threads
from skesom.cube.convolution.filtering import smooth, smooth_all
from skesom.cube.masking.sky_tiles import (
    TILE,
    TILE_SIZES,
    representative_rows,
    sampled_bands,
    valid_tiles,
)

FEWEST_TILES = 8  # from which the darkest are taken
ENOUGH_TILES = 16  # for a peak among their levels
# In units of the noise of a pixel, levels of sky are within so much of their middle:
# they scatter by 0-.36, others by .58-1.1 (docs/masking.md, "Sky").
FLAT = 0.5
MANY_LEVELS = 201  # of which one may be that of the sky
THRESHOLD = 3.0  # times the noise, above which pixels are not sky
SMOOTHING = 1.0  # pixels, of the image in which they are looked for
ROUNDS = 3  # of finding the level by the noise, and the noise at that level


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
    bands = sampled_bands(data, lost)
    smoothed = smooth_all(bands, smoothing, n_jobs)
    is_sky, certainty, tile = _find_flat_parts(bands, smoothed, n_jobs)

    def statistics(band):
        """Return level and noise, of the darkest parts as far as there is no sky."""
        of_darkest = np.array(sky_statistics(band))
        of_sky = np.array(clipped_statistics(band[is_sky]))
        return of_darkest + certainty * np.nan_to_num(of_sky - of_darkest)

    level, noise = np.array(in_threads(statistics, bands, n_jobs)).T
    of_smoothed = np.array(in_threads(statistics, smoothed, n_jobs))
    # Few counts have a median absolute deviation of nearly 0, even where smoothed.
    impulse = np.zeros((2 * TILE + 1, 2 * TILE + 1))
    impulse[TILE, TILE] = 1
    least_noise = noise * np.sqrt(np.sum(smooth(impulse, smoothing) ** 2))
    of_smoothed[:, 1] = np.fmax(of_smoothed[:, 1], least_noise)
    # What chance does is known below the level, where no source adds light.
    below = np.zeros(np.count_nonzero(is_sky))
    for image, (smoothed_level, smoothed_noise) in zip(
        smoothed, of_smoothed, strict=True
    ):
        excess = significance(image[is_sky], smoothed_level, smoothed_noise)
        below = below + np.fmin(excess, 0) ** 2
    cuts = _chance_cuts(below, threshold, len(bands))
    return Sky(level, noise, of_smoothed, cuts, certainty, tile)


def significance(image, level, noise):
    """Return by how many deviations of the noise an image is above a level."""
    # Where there is no noise, rounding is no signal.
    rounding = 16 * np.finfo(image.dtype).eps * abs(level)
    image = image.astype(np.float64)
    return (image - level) / max(noise, rounding, np.finfo(np.float32).tiny)


def _chance_cuts(sums, threshold, n_bands):
    """Return the sums of bands that chance exceeds as seldom as so many deviations."""
    # As a gamma distribution of their mean and variance (Satterthwaite, 1946), since
    # the noise of bands may be correlated. They are at least those of bands whose noise
    # is normal and independent.
    mean = 0.5 * n_bands
    variance = 1.25 * n_bands
    if np.size(sums):
        mean = max(mean, np.mean(sums))
        variance = max(variance, np.var(sums))
    shapes = mean**2 / variance * np.arange(1, n_bands + 1) / n_bands
    chance = stats.norm.sf(threshold)
    return stats.gamma.isf(chance, shapes, scale=variance / mean)


def _find_flat_parts(bands, smoothed, n_jobs):
    """Return pixels of tiles at the level of sky, how sure it is, and their size."""
    pairs = list(zip(bands, smoothed, strict=True))
    for size in TILE_SIZES:
        measure = partial(_levels_of_tiles, size=size)
        grids = in_threads(measure, pairs, n_jobs)
        levels, scatters = np.moveaxis(grids, 1, 0)
        used = np.isfinite(levels).any(axis=0)
        if np.count_nonzero(used) >= ENOUGH_TILES:
            break
    is_flat = np.zeros(bands[0].shape, dtype=bool)
    if not used.any():
        return is_flat, 0.0, size
    has_tiles = np.isfinite(levels).any(axis=(1, 2))
    at_level, certainty = _tiles_at_level(
        levels[has_tiles][:, used], scatters[has_tiles][:, used]
    )
    used[used] = at_level
    flat_tiles = np.kron(used, np.ones((size, size), dtype=bool))
    is_flat[: flat_tiles.shape[0], : flat_tiles.shape[1]] = flat_tiles
    is_flat &= np.any([np.isfinite(band) for band in bands], axis=0)
    return is_flat, certainty, size


def _levels_of_tiles(pair, size):
    """Return level and noise of the tiles of a band, NaN without data."""
    band, smoothed = pair
    # Smoothed, as medians of counts are whole numbers.
    smoothed_tiles, places = valid_tiles(smoothed, size)
    tiles, _ = valid_tiles(band, size)
    _, scatter = median_and_scatter(tiles)
    grid = np.full((2, *places.shape), np.nan)
    grid[0, places] = row_median(smoothed_tiles)
    grid[1, places] = scatter
    return grid


def _tiles_at_level(levels, scatters):
    """Return which tiles have the level of the sky, and how sure it is.

    Parameters
    ----------
    levels, scatters : ndarray of shape (n_bands, n_tiles)
        Medians of tiles, and the noise inside of them; NaN without data.
    """
    levels = levels - np.nanmin(levels, axis=1, keepdims=True)
    dark = levels <= np.nanquantile(levels, 0.25, axis=1, keepdims=True)
    noise = np.nanmedian(np.where(dark, scatters, np.nan), axis=1)
    for _ in range(ROUNDS):
        noise = np.fmax(noise, np.finfo(np.float32).tiny)
        heights = np.nanmean(levels / noise[:, np.newaxis], axis=0)
        center, certainty = _find_peak(heights)
        at_level = np.abs(heights - center) <= FLAT
        has_scatter = np.isfinite(scatters[:, at_level]).any(axis=1)
        noise[has_scatter] = np.nanmedian(scatters[has_scatter][:, at_level], axis=1)
    return at_level, certainty


def _find_peak(heights):
    """Return the level that more tiles have than levels beside it, and how surely."""
    centers = np.quantile(heights, np.linspace(0, 1, MANY_LEVELS))
    steps = (heights - centers[:, np.newaxis]) / FLAT
    # From 1 at the center to -1 below it and above it, where a part as wide is counted.
    weights = np.clip(2 - 2 * np.abs(steps), np.clip(2 * steps - 6, -1, 0), 1)
    core = np.fmax(weights, 0).sum(axis=1)
    surplus = weights.sum(axis=1)
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
    for size in TILE_SIZES:
        tiles, _ = valid_tiles(band, size)
        if len(tiles) >= FEWEST_TILES:
            break
    else:
        return _statistics_without_tiles(band)
    medians, scatters = median_and_scatter(tiles)
    level, highest = np.quantile(medians, [0.125, 0.25])
    typical_scatter = np.median(scatters[medians <= highest])
    return clipped_statistics(tiles[np.abs(medians - level) <= typical_scatter])


def _statistics_without_tiles(band):
    """Return level and noise where there are no tiles to take them from."""
    pixels = band[np.isfinite(band)].astype(np.float64)
    if not len(pixels):
        return np.nan, np.nan
    noise = noise_from_neighbors(band) or robust_scatter(pixels)
    return float(np.quantile(pixels, 0.125)), noise
