# SPDX-License-Identifier: BSD-3-Clause
"""What the smoothed light of each pixel measures, for the rules of names.

Measures are images of shape (n_rows, n_columns) by their names in the rules. Their
constants are measured in docs/populations.md.
"""

import numpy as np
from scipy import ndimage

from skesom._common.noise import DEVIATIONS_BY_MEDIAN
from skesom._sky.lengths import star_width
from skesom.cube.convolution.filtering import smooth, smooth_all
from skesom.cube.flux.photometry import Photometry
from skesom.maps._cluster_measures import learn_old_stars
from skesom.maps._line_light import (
    LINES,
    complete_continua,
    line_band,
    line_excess,
    line_light,
)
from skesom.maps._surface_brightness import brightness_over_discs, depth_below_sky

_SMOOTHING = 1.0  # pixels, so that a pixel counts with its neighbors
_RING = 2.5  # widths (FWHM), half the side of the square around what may be compact
_PER_SIDE = 5  # pixels along that side, of which the median is taken
_ROUNDED = 1e-6  # part of the largest value of a band that is a rounding error
_SURROUNDINGS = 4.0  # FWHM, deviation of the Gaussian of what is around a pixel
_LANE_STEPS = (1, 2, 4)  # FWHM from the middle of a dust lane to its sides
_LANE_SIGMAS = 3.0  # errors of the depth of a lane
_MAGNITUDE = 1.0857  # of a relative error
_COMPACT_SIGMAS = 8.0  # deviations of the surroundings, exceeded by what is compact
# Of the smoothed noise, which lines and their continuum exceed, and which colors do.
_LINE_SIGMAS = 5.0
_COLOR_SIGMAS = 2.0


def measure_pixels(pieces, places, continua):
    """Return what the smoothed light of each pixel measures.

    Parameters
    ----------
    pieces : ClusterLight
        The light of the pieces of a fine map. They tell which stars of the galaxy are
        old, and stand for pixels in whose colors there is too much noise.
    places : dict of str to ndarray of shape (n_pieces,)
        Measures of the pieces by `measure_places`, which replace the surface brightness
        where that is not known.
    continua : dict of str to sequence of str, "none" or None
        Continuum bands of narrow bands.

    Returns
    -------
    measures : dict of str to ndarray of shape (n_rows, n_columns)
        NaN outside of the pieces.
    """
    labels, cube = pieces.labels, pieces.cube
    inside = labels >= 0
    bands = np.array(np.moveaxis(cube.data, 2, 0), order="C")
    level = np.nan_to_num(pieces.level).astype(bands.dtype)
    bands -= level[:, np.newaxis, np.newaxis]
    bands[:, ~inside] = np.nan
    smoothed = np.stack(smooth_all(list(bands), _SMOOTHING), axis=2)
    # Outside, a Gaussian reaches pixels that were left out.
    smoothed[~inside] = np.nan
    light = cube.replace(data=smoothed, sky_mask=None, errors=None)
    photometry = Photometry(light, continua)
    complete_continua(photometry)
    # Noise of independent pixels, after smoothing.
    noise = pieces.noise / (2 * np.sqrt(np.pi) * _SMOOTHING)

    stars, colors_of_pieces, _ = learn_old_stars(pieces)
    colors = _find_colors(pieces, stars, colors_of_pieces, photometry, noise)
    is_seen = (smoothed > pieces.noise).any(axis=2)
    measures = {
        "above noise": np.where(inside, is_seen, np.nan),
        "young light": stars.young_light(colors),
        "bluer than old": stars.bluer_than_old(colors),
        "reddening": stars.reddening(colors),
        "above discs": brightness_over_discs(photometry),
        "below the sky": depth_below_sky(photometry, pieces.level, noise),
    }
    if np.ndim(measures["above discs"]) == 0:  # surface brightness is not known
        for name in ("brightness", "distance", "depth"):
            measures[name] = _spread_over_pixels(places[name], pieces)
    measures |= _measure_lines(photometry, noise)

    width, _ = star_width(cube)
    numbers = [cube.band_names.index(name) for name in pieces.color_bands]
    red = numbers[1]
    around = smooth(smoothed[:, :, red], _SURROUNDINGS * width)
    with np.errstate(invalid="ignore"):
        is_red_seen = smoothed[:, :, red] > noise[red]
    seen = np.where(is_red_seen, smoothed[:, :, red], np.nan)
    measures["darker than around"] = 2.5 * np.log10(around / seen)
    measures["darker than both sides"] = _depth_of_lanes(seen, width, noise[red])
    compactness = [_compactness(bands[n], width, pieces.noise[n]) for n in numbers]
    measures["compact"] = np.fmax.reduce(compactness)
    return measures


def _spread_over_pixels(values, pieces):
    """Return in each pixel the value of its piece, NaN outside of the pieces."""
    # Labels below 0 take the last place.
    value_of_label = np.full(int(pieces.labels.max()) + 2, np.nan)
    value_of_label[pieces.ids] = values
    return value_of_label[np.maximum(pieces.labels, -1)]


def _find_colors(pieces, stars, colors_of_pieces, photometry, noise):
    """Return the colors of pixels; those of their pieces where noise hides them."""
    names = photometry.cube.band_names
    colors = stars.colors(photometry)
    for number, pair in enumerate(stars.pairs):
        is_hidden = np.zeros(pieces.labels.shape, dtype=bool)
        for name in pair:
            least = _COLOR_SIGMAS * noise[names.index(name)]
            is_hidden |= ~(photometry.cube[name] > least)
        color_of_piece = _spread_over_pixels(colors_of_pieces[number], pieces)
        colors[number][is_hidden] = color_of_piece[is_hidden]
    return colors


def _measure_lines(photometry, noise):
    """Return the light of lines, 0 where the noise of a pixel could make it."""
    names = photometry.cube.band_names
    measures = line_light(photometry)
    for measure in measures.keys() & LINES.keys():
        line = line_band(photometry, LINES[measure])
        # The share of the light that is above the continuum.
        share = 1 - 10 ** (-0.4 * line_excess(photometry, line))
        with np.errstate(invalid="ignore"):
            least = _LINE_SIGMAS * noise[names.index(line)]
            is_seen = photometry.cube[line] * share > least
            for name in photometry.continua[line]:
                least = _LINE_SIGMAS * noise[names.index(name)]
                is_seen &= photometry.cube[name] > least
        measures[measure] = np.where(is_seen, measures[measure], 0.0)
    return measures


def _depth_of_lanes(light, width, noise):
    """Return by how many magnitudes light is fainter than on both sides of it.

    The sides lie opposite to each other, along the rows, the columns or a diagonal; of
    the fainter ones, the brightest counts. So the slope of a disc is not a lane. 0
    where noise could make the difference.
    """
    n_rows, n_columns = light.shape
    brightest = np.full(light.shape, np.nan)
    for step in _LANE_STEPS:
        reach = max(1, round(step * width))
        diagonal = max(1, round(step * width / np.sqrt(2)))
        padded = np.pad(light, reach, constant_values=np.nan)
        for rows, columns in (
            (reach, 0),
            (0, reach),
            (diagonal, diagonal),
            (diagonal, -diagonal),
        ):
            row, column = reach - rows, reach - columns
            before = padded[row : row + n_rows, column : column + n_columns]
            row, column = reach + rows, reach + columns
            after = padded[row : row + n_rows, column : column + n_columns]
            brightest = np.fmax(brightest, np.minimum(before, after))
    depth = 2.5 * np.log10(brightest / light)
    error = _MAGNITUDE * np.hypot(noise / light, noise / brightest)
    with np.errstate(invalid="ignore"):
        return np.where(depth > _LANE_SIGMAS * error, depth, 0.0)


def _compactness(plane, width, noise):
    """Return how many times light is as bright as the median of what is around it.

    0 where light is within the scatter of what is around, and where that is not above
    the noise of a pixel: its median may be that of pixels without data.
    """
    side = 2 * round(_RING * width) + 1
    values = np.nan_to_num(plane)
    # Of few photons, most pixels are rounding errors, and so is their noise.
    least = max(noise, _ROUNDED * np.abs(values).max())
    around = _local_median(values, side)
    excess = values - around
    scatter = DEVIATIONS_BY_MEDIAN * _local_median(np.abs(excess), side)
    is_compact = (excess > _COMPACT_SIGMAS * scatter) & (around > least)
    return np.where(is_compact, values / np.where(is_compact, around, 1), 0)


def _local_median(image, side):
    """Return the median of a square around each pixel, of every few rows and columns.

    All pixels would take twenty times as long, and medians differ little.
    """
    step = max(1, side // _PER_SIDE)
    n_pixels = side // step | 1  # an odd number of them along the side
    coarse = ndimage.median_filter(image[::step, ::step], n_pixels)
    medians = np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)
    return medians[: image.shape[0], : image.shape[1]]
