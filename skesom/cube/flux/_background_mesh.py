# SPDX-License-Identifier: BSD-3-Clause
"""Measure the background of frames: of many pixels in passes over strips of rows."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from skesom.cube._by_strips import WHOLE, fixed_strips
from skesom.cube.convolution._beams import photutils
from skesom.cube.convolution._filtering import GaussianKernel, smooth
from skesom.cube.masking._sky import (
    fit_most,
    median_and_scatter,
    representative_rows,
    valid_tiles,
)

TILE = 16
FEWEST_TILES = 16
SMOOTHING = 2.0  # pixels, of the image in which sources are looked for
WINGS = 5  # pixels around a source that are left out too
SAMPLE = 1024  # rows and columns


def fit_surface(levels, places, shape):
    """Return the factors of the surface that most levels of tiles follow."""
    if len(levels) < FEWEST_TILES:
        return np.zeros(6)
    rows, columns = (
        (index + 0.5) * TILE / length - 0.5
        for index, length in zip(np.nonzero(places), shape, strict=True)
    )
    squares = rows**2, rows * columns, columns**2
    terms = np.stack([np.ones(len(rows)), rows, columns, *squares], -1)
    return fit_most(terms, levels)


def surface_at(factors, rows, columns, shape):
    """Return a surface in some rows and columns of a frame of a shape."""
    rows, columns = (
        (places + 0.5) / n - 0.5
        for places, n in zip((rows, columns), shape, strict=True)
    )
    surface = np.add.outer(
        np.polynomial.Polynomial(factors[[0, 1, 3]])(rows),
        np.polynomial.Polynomial([0, factors[2], factors[5]])(columns),
    )
    return surface + factors[4] * np.outer(rows, columns)


def level_and_noise(above):
    """Return the median of a smoothed image, and the noise below it."""
    level = np.nanmedian(above)
    # Sources only rise, so what lies below is noise.
    below = above[above <= level] - level
    return level, 1.4826 * np.median(-below)


class Background(NamedTuple):
    """The background of a band: a surface, and splines through levels of boxes."""

    shape: tuple  # of the frame
    factors: np.ndarray  # of the surface
    mesh: np.ndarray  # level of each box above the surface
    box: int

    def at(self, rows, columns):
        """Return the background in some rows and columns."""
        weights = ndimage.spline_filter(self.mesh, mode="reflect")
        weights = _spline(weights.T, (columns + 0.5) / self.box - 0.5).T
        found = _spline(weights, (rows + 0.5) / self.box - 0.5)
        np.clip(found, self.mesh.min(), self.mesh.max(), out=found)
        found += surface_at(self.factors, rows, columns, self.shape)
        return found

    def sample(self):
        """Return the background at places that are spread evenly."""
        return self.at(
            *(np.unique(np.linspace(0, n - 1, SAMPLE).round()) for n in self.shape)
        )


def _spline(weights, places):
    """Return rows of a cubic spline from the weights of its mirrored base."""
    first = np.floor(places).astype(int)
    t = (places - first)[:, np.newaxis]
    parts = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (t - t**3 + t**2) + 1, t**3
    found = np.zeros((len(places), weights.shape[1]))
    last = len(weights) - 1
    for step, part in enumerate(parts, start=-1):
        rows = first + step
        rows = np.where(rows < 0, -1 - rows, rows)
        rows = np.where(rows > last, 2 * last + 1 - rows, rows)
        found += part / 6 * weights[np.clip(rows, 0, last)]
    return found


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
    tiles = [_tile_levels(image, rows) for rows in _strips(shape, TILE)]
    places, levels = zip(*tiles, strict=True)
    factors = fit_surface(np.concatenate(levels), np.concatenate(places), shape)
    strips = _strips(shape, box)
    sampled_rows = np.arange(shape[0])[representative_rows(*shape, WHOLE)]
    samples = []
    for rows in strips:
        first, last = np.searchsorted(sampled_rows, [rows.start, rows.stop])
        if first < last:
            _, above, inside = _smoothed_rest(image, factors, rows)
            samples.append(above[inside][sampled_rows[first:last] - rows.start])
    level, noise = level_and_noise(np.concatenate(samples))

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


def _strips(shape, multiple):
    return fixed_strips((*shape, 1), multiple=multiple, whole=False)


def _tile_levels(image, rows):
    tiles, places = valid_tiles(image[rows].astype(np.float64), TILE)
    return places, median_and_scatter(tiles)[0]


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
    options = {"mask": lost, "exclude_percentile": 100, "filter_size": 1}
    # Not in threads: photutils silences warnings, which concerns all of them.
    measure = photutils("background").Background2D
    found = measure(np.where(lost, 0, image), box, **options)
    enough = found.n_pixels_mesh > share * box**2
    return np.where(enough, found.background_mesh, np.nan)


def _filled(levels, filter_size):
    """Return levels of boxes, smoothed by medians, with those that are missing."""
    module = photutils("background")
    options = {"mask": np.isnan(levels), "filter_size": filter_size, "sigma_clip": None}
    mean = module.MeanBackground(sigma_clip=None)
    filled = np.where(options["mask"], 0, levels)
    found = module.Background2D(filled, 1, bkg_estimator=mean, **options)
    return found.background_mesh
