# SPDX-License-Identifier: BSD-3-Clause
"""Measure the background of frames: of many pixels in passes over strips of rows."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.interpolate import BSpline

from skesom._common.extras import import_photutils
from skesom._common.noise import median_and_scatter, noise_below_level
from skesom._common.strips import WHOLE, strips_of
from skesom.cube.convolution.filtering import GaussianKernel, smooth
from skesom.cube.masking.sky import (
    fit_most,
    representative_rows,
    valid_tiles,
)

TILE = 16  # pixels, as of the sky
FEWEST_TILES = 16  # for six factors of a surface of second degree
SMOOTHING = 2.0  # pixels, of the image in which sources are looked for
WINGS = 5  # pixels around a source that are left out too
SAMPLE = 1024  # rows and columns


def fit_surface(levels, places, shape):
    """Return the factors of the surface that most levels of tiles follow."""
    if len(levels) < FEWEST_TILES:
        return np.zeros(6)
    rows, columns = _in_frame(np.nonzero(places), shape, TILE)
    squares = rows**2, rows * columns, columns**2
    terms = np.stack([np.ones(len(rows)), rows, columns, *squares], -1)
    return fit_most(terms, levels)


def surface_at(factors, rows, columns, shape):
    """Return a surface in some rows and columns of a frame of a shape."""
    rows, columns = _in_frame((rows, columns), shape)
    surface = np.add.outer(
        np.polynomial.Polynomial(factors[[0, 1, 3]])(rows),
        np.polynomial.Polynomial([0, factors[2], factors[5]])(columns),
    )
    return surface + factors[4] * np.outer(rows, columns)


def _in_frame(places, shape, step=1):
    """Return rows and columns, or those of tiles, from -0.5 to 0.5 across a frame."""
    pairs = zip(places, shape, strict=True)
    return [(place + 0.5) * step / length - 0.5 for place, length in pairs]


class Background(NamedTuple):
    """The background of a band: a surface, and splines through levels of boxes."""

    shape: tuple  # of the frame
    factors: np.ndarray  # of the surface
    mesh: np.ndarray  # level of each box above the surface
    box: int

    def at(self, rows, columns):
        """Return the background in some rows and columns."""
        found = ndimage.spline_filter(self.mesh, mode="reflect")
        for axis, places in ((1, columns), (0, rows)):
            found = _spline(found, (places + 0.5) / self.box - 0.5, axis)
        np.clip(found, self.mesh.min(), self.mesh.max(), out=found)
        found += surface_at(self.factors, rows, columns, self.shape)
        return found

    def sample(self):
        """Return the background at places that are spread evenly."""
        return self.at(
            *(np.unique(np.linspace(0, n - 1, SAMPLE).round()) for n in self.shape)
        )


def _spline(weights, places, axis):
    """Return values along an axis of a cubic spline from its weights, mirrored."""
    width = [(2, 2) if each == axis else (0, 0) for each in (0, 1)]
    weights = np.pad(weights, width, mode="symmetric")
    knots = np.arange(weights.shape[axis] + 4) - 4
    return BSpline(knots, weights, 3, axis=axis)(places)


def subtract_backgrounds(data, backgrounds, rows):
    """Return some rows of a cube without the backgrounds of its bands."""
    data = data.copy()
    rows, columns = np.arange(rows.start, rows.stop), np.arange(data.shape[1])
    for band, background in backgrounds.items():
        data[:, :, band] = data[:, :, band] - background.at(rows, columns)
    return data


def measure_background(image, box_size, filter_size, threshold):
    """Return the background of a band, worked through strip by strip."""
    shape, box = image.shape, min(box_size, *image.shape)
    places, levels = [], []
    for rows in strips_of(shape, "search", multiple=TILE):
        tiles, valid = valid_tiles(image[rows].astype(np.float64), TILE)
        places.append(valid)
        levels.append(median_and_scatter(tiles)[0])
    factors = fit_surface(np.concatenate(levels), np.concatenate(places), shape)
    strips = strips_of(shape, "search", multiple=box)
    sampled_rows = np.arange(shape[0])[representative_rows(*shape, WHOLE)]
    samples = []
    for rows in strips:
        first, last = np.searchsorted(sampled_rows, [rows.start, rows.stop])
        if first < last:
            _, above, inside = _smoothed_rest(image, factors, rows)
            samples.append(above[inside][sampled_rows[first:last] - rows.start])
    above = np.concatenate(samples)
    level = np.nanmedian(above)
    noise = noise_below_level(above, level)

    def levels_of_boxes(least, share):
        parts = []
        for rows in strips:
            rest, above, inside = _smoothed_rest(image, factors, rows)
            sources = above - level > least
            sources = ndimage.binary_dilation(sources, iterations=WINGS)
            free = np.where(sources, np.nan, rest)[inside]
            parts.append(_box_levels(free, box, share))
        return np.concatenate(parts)

    levels = levels_of_boxes(threshold * noise, 0.5)
    if np.isnan(levels).all():  # there is no place without sources
        levels = levels_of_boxes(np.inf, 0)
    return Background(shape, factors, _filled(levels, filter_size), box)


def _smoothed_rest(image, factors, rows):
    """Return rows and some around them without the surface, the same smoothed."""
    reach = WINGS + GaussianKernel(SMOOTHING).reach
    around = slice(max(0, rows.start - reach), min(len(image), rows.stop + reach))
    places = np.arange(around.start, around.stop), np.arange(image.shape[1])
    rest = image[around].astype(np.float64)
    rest -= surface_at(factors, *places, image.shape)
    inside = slice(rows.start - around.start, rows.stop - around.start)
    return rest, smooth(rest, SMOOTHING), inside


def _box_levels(image, box, share):
    """Return the level of each box, NaN unless more than a share of it is left."""
    lost = np.isnan(image)
    if lost.all():
        return np.full([-(-length // box) for length in image.shape], np.nan)
    # Not in threads: photutils silences warnings, which concerns all of them.
    measure = import_photutils("background").Background2D
    image = np.where(lost, 0, image)
    found = measure(image, box, mask=lost, exclude_percentile=100, filter_size=1)
    enough = found.n_pixels_mesh > share * box**2
    return np.where(enough, found.background_mesh, np.nan)


def _filled(levels, filter_size):
    """Return levels of boxes, smoothed by medians, with those that are missing."""
    module, missing = import_photutils("background"), np.isnan(levels)
    return module.Background2D(
        np.where(missing, 0, levels),
        1,
        mask=missing,
        filter_size=filter_size,
        sigma_clip=None,
        bkg_estimator=module.MeanBackground(sigma_clip=None),
    ).background_mesh
