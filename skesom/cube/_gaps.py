# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold no data although they hold numbers.

Mosaics mark the outside of their chips by zeros or by another constant, and broken
columns stay dark. Single zeros prove nothing: rounding and photon counting make them
too. So a value must fill an area that chance would not fill.
"""

import numpy as np
from scipy import ndimage

from skesom.cube._noise import pixel_noise, running_mean, sky_statistics

SHORTEST_RUN = 10
SMALLEST_BLOCK = 4
ALARM_RATE = 0.01
QUANTIZED = 1024
MOST_PEDESTALS = 8
LINE_WINDOW = 25
LINE_SIDE = 3


def gaps_of_value(band, value):
    """Find the areas that one value fills because there are no data.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels.
    value : float
        The suspected value, for example 0.

    Returns
    -------
    gaps : ndarray of bool of shape (n_rows, n_columns)
        True in a gap.

    Notes
    -----
    If a pixel has the value by chance with probability f, a square of k x k of them
    is expected ``n_pixels * f**(k * k)`` times, a run of n in a line
    ``n_pixels * f**n`` times. Gaps contain squares or runs of which .01 are expected
    by this count, with a margin, and what is connected to them nearby. f is the share
    of such pixels or that of neighbours that are equal, whichever is larger; gaps
    raise it, so the search is repeated without them until it finds no more.

    An area that its surroundings run into smoothly is no gap but the floor (or the
    ceiling) of a clipped picture.
    """
    candidates = band == value
    gaps = np.zeros_like(candidates)
    if np.count_nonzero(candidates) < SHORTEST_RUN:
        return gaps
    equal = band[:, 1:] == band[:, :-1]
    while True:
        outside = ~gaps
        pairs = outside[:, 1:] & outside[:, :-1]
        share = max(_share(candidates, outside), _share(equal, pairs))
        found = _solid_parts(candidates, *_sizes_beyond_chance(share, gaps.size))
        if np.array_equal(found | gaps, gaps):
            break
        gaps |= found
    return _without_smooth_parts(band, value, gaps) if gaps.any() else gaps


def pedestal_values(band):
    """Return the values, except 0, that fill whole areas of a band.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels.

    Returns
    -------
    values : ndarray of shape (n_values,)
        Candidates for `gaps_of_value`, at most eight. None if the band has at most
        1024 different values, as an 8-bit picture, where flat areas are no wonder.
    """
    flat_rows = _runs(band[:, 1:] == band[:, :-1], SMALLEST_BLOCK - 1, axis=1)
    flat_columns = _runs(band[1:] == band[:-1], SMALLEST_BLOCK - 1, axis=0)
    values, count = np.unique(
        np.concatenate([band[:, 1:][flat_rows], band[1:][flat_columns]]),
        return_counts=True,
    )
    often = np.argsort(-count)[:MOST_PEDESTALS]
    values = values[often[(count[often] >= 2 * SMALLEST_BLOCK) & (values[often] != 0)]]
    if len(values) and len(np.unique(band[np.isfinite(band)])) <= QUANTIZED:
        return values[:0]
    return values


def dark_lines(band):
    """Find broken columns and rows: long, narrow, and darker than the sky.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels.

    Returns
    -------
    dark : ndarray of bool of shape (n_rows, n_columns)
        True where the mean along 25 pixels is significantly below the sky (or, in a
        frame without sky, its darkest parts) and as much below the means three pixels
        to either side. Significant are 1.5 standard deviations of a pixel and 5 of
        such a mean.
    """
    dark = np.zeros(band.shape, dtype=bool)
    level, noise = sky_statistics(band)
    if not noise > 0:
        return dark
    clipped = np.clip(band, level - 5 * noise, level + 5 * noise)
    for axis in range(2):
        if band.shape[axis] < LINE_WINDOW or band.shape[1 - axis] < 2 * LINE_SIDE + 1:
            continue
        mean = running_mean(clipped, LINE_WINDOW, axis)
        depth = max(1.5 * noise, 5 * sky_statistics(mean)[1])
        darker = mean < level - depth
        for side in _neighbours(mean, LINE_SIDE, 1 - axis):
            darker &= mean < side - depth
        dark |= _opened(darker, SHORTEST_RUN, axis)
    return dark


def grown(mask, distance):
    """Return the mask with all pixels within a distance of it.

    Parameters
    ----------
    mask : ndarray of bool of shape (n_rows, n_columns)
        The mask.
    distance : float
        Distance between pixel centres.

    Returns
    -------
    grown : ndarray of bool of shape (n_rows, n_columns)
        True in the mask and around it.
    """
    if distance == 0 or not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask) <= distance


def _neighbours(image, distance, axis):
    """Return the image moved both ways; at its borders the one neighbour counts."""
    index = np.arange(image.shape[axis])
    before, after = index - distance, index + distance
    outside = before < 0, after >= len(index)
    before, after = (
        np.where(outside[0], after, before),
        np.where(outside[1], before, after),
    )
    return [np.take(image, places, axis=axis) for places in (before, after)]


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
    solid = _opened(candidates, run, 0) | _opened(candidates, run, 1)
    squares = _runs(_runs(candidates, block, 0), block, 1)
    solid |= _back(_back(squares, block, 0), block, 1)
    # Among many chance values everything is connected, so edges end somewhere.
    return ndimage.binary_dilation(solid, mask=candidates, iterations=block)


def _opened(mask, length, axis):
    """Return the runs of True of at least a given length along an axis."""
    return _back(_runs(mask, length, axis), length, axis)


def _runs(mask, length, axis):
    """Return the middle pixel of every run of True of a given length along an axis."""
    return ndimage.minimum_filter1d(
        mask.view(np.uint8), length, axis=axis, mode="constant", cval=0
    ).view(bool)


def _back(middles, length, axis):
    """Return the runs that belong to middle pixels."""
    return ndimage.maximum_filter1d(
        middles.view(np.uint8),
        length,
        axis=axis,
        mode="constant",
        cval=0,
        origin=length % 2 - 1,  # the middle of an even run lies right of its centre
    ).view(bool)


def _without_smooth_parts(band, value, gaps):
    """Drop the parts around which the band comes smoothly close to the value."""
    labels, n_parts = ndimage.label(gaps)
    ring = ndimage.grey_dilation(labels, size=(3, 3))
    ring[gaps | ~np.isfinite(band) | (band == value)] = 0
    distance = np.abs(band - value)
    others = distance[np.isfinite(band) & ~gaps & (band != value)]
    if not len(others):
        return gaps
    close = min(
        np.quantile(others, 0.25), 5 * pixel_noise(np.where(gaps, np.nan, band))
    )
    index = np.arange(1, n_parts + 1)
    step = ndimage.median(distance, ring, index)
    higher = ndimage.mean(band > value, ring, index)
    one_sided = (higher >= 0.9) | (higher <= 0.1)
    smooth = np.concatenate([[False], one_sided & (step < close)])
    return gaps & ~smooth[labels]
