# SPDX-License-Identifier: BSD-3-Clause
"""How the level of the sky changes over a frame: structure, and a plane below it."""

from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std

from skesom._common.noise import DEVIATIONS_BY_MEDIAN, median_and_scatter
from skesom._common.thread_pools import in_threads
from skesom.cube.convolution.filtering import smooth_all
from skesom.cube.masking.sky import FLAT, SMOOTHING, THRESHOLD, sky_statistics
from skesom.cube.masking.sky_tiles import sampled_bands, valid_tiles

# Measured in docs/masking.md, "Backgrounds that slope".
# A plane explains the levels if it leaves no more of their scatter than this: 0-.2 in
# sky that slopes, .4 where structure lies upon the slope, .7 and more elsewhere.
LEFT_BY_PLANE = 0.5
# Two planes are one if they differ by no more of their slope: those of sky that slopes
# differ by up to .15, those of a galaxy at the border by .5 and more.
UNLIKE = 0.3
SIZES = (16, 8)  # pixels, of tiles; the first that gives enough
ENOUGH_TILES = 16  # for a plane


class Levels(NamedTuple):
    """How the level of a band changes over the frame."""

    noise: float  # typical standard deviation inside of a tile
    # Scatter of the levels of tiles in units of that, without what noise does to them
    # and without a plane that explains most of it.
    unevenness: float
    slope: np.ndarray  # what that plane rises by over rows and columns; 0 without one


def measure_slopes(data, lost=None, n_jobs=None):
    """Return the range of a slope of each band in units of its noise, or 0.

    Of the same sample as `measure_sky`.
    """
    bands = sampled_bands(data, lost)
    smoothed = smooth_all(bands, SMOOTHING, n_jobs)
    # Of the darkest parts, which do not depend on a slope across the frame.
    level, noise = np.array(in_threads(sky_statistics, smoothed, n_jobs)).T
    reach = THRESHOLD * noise
    n_above = np.zeros(bands.shape[1:], dtype=np.int16)
    for image, highest in zip(smoothed, level + reach, strict=True):
        n_above += image > highest
    dark = n_above < min(2, len(bands))

    def measure(number):
        levels = measure_levels(np.where(dark, bands[number], np.nan))
        if not (levels.unevenness <= FLAT and levels.slope.any()):
            return 0.0
        whole = measure_levels(bands[number])
        extent = np.abs(whole.slope).sum()
        differs = np.abs(whole.slope - levels.slope).sum() > UNLIKE * extent
        if extent <= reach[number] or differs:
            return 0.0
        return _in_units_of(whole.noise, extent)

    return np.array(in_threads(measure, range(len(bands)), n_jobs))


def measure_levels(band):
    """Compare the levels of the tiles of a band with the noise inside of them."""
    for size in SIZES:
        tiles, places = valid_tiles(band, size)
        if len(tiles) >= ENOUGH_TILES:
            break
    else:
        return Levels(np.nan, np.nan, np.zeros(2))
    medians, scatter = median_and_scatter(tiles)
    flat_medians, slope = _without_plane(medians, places)
    small_tiles, small_places = valid_tiles(band, size // 2)
    small_medians, _ = median_and_scatter(small_tiles)
    flat_small_medians, _ = _without_plane(small_medians, small_places)
    structure = _structure(small_medians, medians)
    left = _structure(flat_small_medians, flat_medians)
    if left > LEFT_BY_PLANE * structure:
        noise = float(np.median(scatter))
        return Levels(noise, _in_units_of(noise, structure), np.zeros(2))
    # A steep plane is not noise inside of the tiles either.
    steps = np.arange(size) / size
    plane = np.add.outer(slope[0] * steps, slope[1] * steps).ravel()
    _, scatter = median_and_scatter(tiles - plane.astype(tiles.dtype))
    noise = float(np.median(scatter))
    return Levels(noise, _in_units_of(noise, left), slope * places.shape)


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
        distances = np.abs(values - terms @ factors)
        longest = 3 * DEVIATIONS_BY_MEDIAN * np.median(distances[used])
        near = used & (distances <= longest)
        if np.array_equal(near, used) or near.sum() < terms.shape[1]:
            return factors
        used = near


def _structure(small, large):
    """Return the scatter of levels that is not noise, of tiles of both sizes."""
    # The variance by noise is a quarter in tiles of twice the side.
    variance = (4 * mad_std(large) ** 2 - mad_std(small) ** 2) / 3
    return float(np.sqrt(max(0, variance)))


def _in_units_of(noise, value):
    """Return a value in units of the noise, which may be 0."""
    if noise > 0:
        return value / noise
    if value > 0:
        return np.inf
    return 0.0
