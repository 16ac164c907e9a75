# SPDX-License-Identifier: BSD-3-Clause
"""Noise: standard deviations of normal noise in values that are not noise alone.

Stars, galaxies and cosmic rays would rule a plain standard deviation. What is here does
without them in one of three ways: by medians of distances, which half of the values do
not reach; by differences of neighbors, of which light that changes slowly has none; or
by values below a level, where light, which only adds, does not come.

Functions beside each other differ in what they measure, as their names and docstrings
say. Where the scaled median distance of all values is all that is needed,
``astropy.stats.mad_std`` is called where it is needed.
"""

import numpy as np
from astropy.stats import mad_std

# Half of normal values lie within 0.6745 standard deviations of their middle: the
# quantile of 3/4, and its inverse. Results depend on the digits, so each formula keeps
# the one that it was measured with.
MEDIAN_DISTANCE = 0.6745
DEVIATIONS_BY_MEDIAN = 1.4826
QUARTER = 0.3186  # a quarter of normal values lies within so many deviations
INSIDE = 0.6827  # share of normal noise within one standard deviation
ABOVE_FOUR = 1.25**0.5  # the mean of four neighbors adds a quarter of their variance
FOUR = ((-1, 0), (1, 0), (0, -1), (0, 1))  # neighbors by their sides
ENOUGH_VALUES = 100_000  # whose median is known to .4 % of their scatter
# A scatter that is less than this part of the range of values is that of rounding, as
# of zeros between few photons that were resampled.
ROUNDED = 1e-12


def robust_scatter(values):
    """Return the standard deviation of most values, or of all if most are equal.

    1.4826 times the median of abs(x - median(x)), with which up to half of the values
    may be anything (Hampel, 1974, J. Am. Stat. Assoc. 69, 383). It is 0 where more than
    half have one value, as of counts and clipped pictures; the plain standard deviation
    takes its place.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        All finite.

    Returns
    -------
    scatter : float
        In units of the values; 0 if all are equal, or there are none.
    """
    if not len(values):
        return 0.0
    return float(mad_std(values) or np.std(values))


def median_and_scatter(tiles):
    """Return the median and the standard deviation of most values of each tile.

    As `robust_scatter`, for many tiles at once and without their NaN. What is called
    equal may differ by rounding errors, `ROUNDED` of the range of the tile.

    Parameters
    ----------
    tiles : ndarray of shape (n_tiles, n_pixels)
        Of floats; each tile has a finite value or more.

    Returns
    -------
    median, scatter : ndarray of shape (n_tiles,), dtype float64
    """
    median = row_median(tiles)
    distance = tiles - median[:, np.newaxis].astype(tiles.dtype)
    scatter = DEVIATIONS_BY_MEDIAN * row_median(np.abs(distance, out=distance))
    # Counts and clipped pictures may have more than half of a tile at one value.
    flat = scatter <= ROUNDED * (np.nanmax(tiles, axis=1) - np.nanmin(tiles, axis=1))
    scatter[flat] = np.nanstd(tiles[flat].astype(np.float64), axis=1)
    return median, scatter


def row_median(values):
    """Return the median of the finite values of each row (at least one) as float64."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    middle = ordered[rows, (count - 1) // 2].astype(np.float64)
    return (middle + ordered[rows, count // 2]) / 2


def clipped_statistics(pixels):
    """Return the median and the standard deviation of pixels without outliers.

    What lies further from the median than 3 times 1.4826 times the median of
    abs(x - median(x)) is left out, until nothing is: sources, which lie on one side,
    shift a median. Bertin & Arnouts (1996, A&AS 117, 393) clip so by plain deviations.

    Parameters
    ----------
    pixels : ndarray
        Of any shape. NaN do not count.

    Returns
    -------
    level, noise : float
        NaN without a finite pixel. If most pixels have one value, noise is the plain
        standard deviation of those that are left.
    """
    # Sorted before they become double, which takes half the time.
    pixels = np.sort(_thinned(pixels[np.isfinite(pixels)])).astype(np.float64)
    if not len(pixels):
        return np.nan, np.nan
    while True:
        level = float(pixels[(len(pixels) - 1) // 2] + pixels[len(pixels) // 2]) / 2
        noise = float(DEVIATIONS_BY_MEDIAN * _median_distance(pixels, level))
        if noise <= ROUNDED * (pixels[-1] - pixels[0]):
            # Counts: clipping would leave nothing but the commonest value.
            return level, float(np.std(pixels))
        first = np.searchsorted(pixels, level - 3 * noise)
        last = np.searchsorted(pixels, level + 3 * noise, side="right")
        if last - first == len(pixels):
            return level, noise
        pixels = pixels[first:last]


def _median_distance(ordered, level):
    """Return the median distance of ordered values from a level, without a sort."""
    # Those that are nearest follow each other: the last one of so many is farthest.
    n_values = len(ordered)
    middle = {(n_values + 1) // 2, n_values // 2 + 1}
    farthest = [
        np.maximum(level - ordered[: n_values - n + 1], ordered[n - 1 :] - level).min()
        for n in middle
    ]
    return np.mean(farthest)


def _thinned(values):
    """Return enough of the values."""
    # An odd step, so that no pattern of even period is sampled.
    return values[:: len(values) // ENOUGH_VALUES | 1]


def noise_below_level(values, level):
    """Return the standard deviation that values have on the lower side of a level.

    1.4826 median(level - x) of all x <= level. Normal noise is as wide on one side of
    its middle as on both, and sources only rise.

    Parameters
    ----------
    values : ndarray
        NaN do not count.
    level : float
        The middle of the noise, such as the median of the background.

    Returns
    -------
    noise : float
    """
    below = values[values <= level] - level
    return DEVIATIONS_BY_MEDIAN * np.median(-below)


def noise_of_negative_values(values):
    """Return the standard deviation that negative values tell, 0 without any.

    median(-x) / 0.6745 of all x < 0: as `noise_below_level`, of values from which the
    background is subtracted. Zeros, which are no measurements there, do not count.

    Parameters
    ----------
    values : ndarray
        NaN do not count.

    Returns
    -------
    noise : float
    """
    below = values[values < 0]
    return np.median(-below) / MEDIAN_DISTANCE if len(below) else 0.0


def noise_from_neighbors(band):
    """Return the noise per pixel from the differences of neighbors.

    `robust_scatter` of x[i+1] - x[i] along rows and columns, over the root of 2: the
    variances of two pixels add in their difference, and light that changes little from
    pixel to pixel cancels (von Neumann et al., 1941, Ann. Math. Stat. 12, 153, with
    mean squares). Noise that neighbors share is not seen.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        Pairs with a NaN do not count.

    Returns
    -------
    noise : float
        0 without a pair.
    """
    steps = np.concatenate([np.diff(band, axis=axis).ravel() for axis in range(2)])
    steps = _thinned(steps[np.isfinite(steps)])
    return robust_scatter(steps.astype(np.float64)) / 2**0.5


def noise_from_changes(image):
    """Return the noise per pixel where neighbors along rows differ at all.

    The median of abs(x[i+1] - x[i]) over 0.6745 and sqrt(2), of differences that are
    not 0. Unlike `noise_from_neighbors` it is the noise of the part with data where
    more than half of a picture is constant, counts a steep slope as noise, and is not 0
    where anything changes.

    Parameters
    ----------
    image : ndarray of shape (n_rows, n_columns)
        Pairs with a NaN do not count.

    Returns
    -------
    noise : float
        0 if no neighbors differ.
    """
    change = np.abs(np.diff(image.astype(np.float64), axis=1))
    change = change[change > 0]  # constant parts have none
    if not len(change):
        return 0.0
    return float(np.median(change)) / MEDIAN_DISTANCE / np.sqrt(2)


def variance_from_neighbors(image, unit):
    """Return half the mean square of differences of neighbors along rows.

    mean((x[i+1] - x[i])**2) / 2, in squares of a unit (von Neumann et al., 1941, Ann.
    Math. Stat. 12, 153). It is not robust, as each event must count: of few photons
    most differences are 0, and it is this variance that equals their mean count.

    Parameters
    ----------
    image : ndarray of shape (n_rows, n_columns)
        Pairs with a NaN do not count.
    unit : float
        By which differences are divided, such as the value of one count.

    Returns
    -------
    variance : float
        NaN without a pair.
    """
    differences = np.diff(image.astype(np.float64), axis=1) / unit
    differences = differences[np.isfinite(differences)]
    return np.mean(differences**2) / 2 if len(differences) else np.nan


def variance_of_differences(differences):
    """Return the variance of one of two values, of which differences are given.

    Half the square of 1.4826 times the median of abs(d - median(d)), column by column:
    `noise_from_neighbors` squared, of any pairs and several quantities. It is 0 where
    most differences are equal, and no other deviation takes its place.

    Parameters
    ----------
    differences : ndarray of shape (n_pairs, n_quantities)
        All finite.

    Returns
    -------
    variances : ndarray of shape (n_quantities,)
    """
    return mad_std(differences, axis=0) ** 2 / 2


def above_four(image):
    """Return how far pixels lie above the mean of their four neighbors by their sides.

    Where some of the four are missing, the larger of the valid ones, or the lower mean
    of the two opposite pairs if that is larger, stands for the mean, so that a border
    of a gap does not stand out. NaN if both pairs lack a pixel.

    Parameters
    ----------
    image : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    above : ndarray of shape (n_rows - 2, n_columns - 2)
        Without the outermost pixels, in the type of the image.
    """
    middle = image[1:-1, 1:-1]
    mean = image[:-2, 1:-1] + image[2:, 1:-1]
    mean += image[1:-1, :-2]
    mean += image[1:-1, 2:]
    mean *= image.dtype.type(0.25)
    rows, columns = np.nonzero(np.isnan(mean) & ~np.isnan(middle))
    sides = [image[rows + 1 + down, columns + 1 + right] for down, right in FOUR]
    pair = np.fmin(sides[0] + sides[1], sides[2] + sides[3]) / 2
    mean[rows, columns] = np.where(np.isnan(pair), pair, np.fmax.reduce([pair, *sides]))
    return np.subtract(middle, mean, out=mean)


def scatter_above_four(deviations):
    """Return the scatter of pixels about the mean of their four neighbors.

    The distance within which 68.27 % of the deviations lie. It is `ABOVE_FOUR` of the
    noise of a pixel, as the mean of four adds a quarter of its variance; differences of
    that kind have no part of a slope, and little of what is curved (Immerkaer, 1996,
    Comput. Vis. Image Underst. 64, 300). Not the median distance, as many a deviation
    of counts is 0: it takes more than two thirds of such values to make this 0. Then it
    is the root mean square of those that are not 0.

    Parameters
    ----------
    deviations : ndarray of shape (..., n_tiles, n_pixels)
        Absolute values. NaN do not count.

    Returns
    -------
    scatter : ndarray of shape (..., n_tiles), dtype float64
        At least that of one count; NaN where less than a quarter is known.
    """
    ordered = np.sort(deviations, axis=-1)  # NaN goes last
    n_pixels = ordered.shape[-1]
    count = np.isfinite(ordered).sum(axis=-1)
    place = np.minimum((INSIDE * count).astype(int), n_pixels - 1)
    scatter = np.take_along_axis(ordered, place[..., np.newaxis], axis=-1)[..., 0]
    scatter = scatter.astype(np.float64)
    # Counts and clipped pictures may have most pixels at one value.
    flat = scatter == 0
    if flat.any():
        total = np.nansum(np.square(ordered[flat], dtype=np.float64), axis=-1)
        scatter[flat] = np.sqrt(total / np.maximum(1, (ordered[flat] > 0).sum(axis=-1)))
    # Counts are noisy by one step at least; the mean of four makes quarters of it.
    first = np.minimum((ordered == 0).sum(axis=-1), n_pixels - 1)
    step = 4 * np.take_along_axis(ordered, first[..., np.newaxis], axis=-1)[..., 0]
    scatter = np.fmax(scatter, step * ABOVE_FOUR)
    scatter[4 * count < n_pixels] = np.nan
    return scatter


def noise_from_quarter_above_four(deviations):
    """Return the noise per pixel from the least quarter of deviations of each row.

    The quartile of the distances of pixels from the mean of their four neighbors, over
    0.3186 `ABOVE_FOUR`. In a window around a source three quarters of the pixels may
    belong to it or to its sides; `scatter_above_four` bears less than a third.

    Parameters
    ----------
    deviations : ndarray of shape (n_windows, n_pixels)
        Absolute values. NaN do not count.

    Returns
    -------
    noise : ndarray of shape (n_windows,)
    """
    ordered = np.sort(deviations, axis=1)  # NaN goes last
    quarter = np.isfinite(ordered).sum(axis=1) // 4
    return ordered[np.arange(len(ordered)), quarter] / (QUARTER * ABOVE_FOUR)
