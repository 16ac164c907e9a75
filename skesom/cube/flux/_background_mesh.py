# SPDX-License-Identifier: BSD-3-Clause
"""Measure the background of frames: of many pixels in passes over strips of rows."""

import threading
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from skesom.cube._by_strips import fixed_strips
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
# photutils silences warnings, which concerns all threads.
ONE_AT_A_TIME = threading.Lock()


def fit_background(image):
    """Return the surface of second order that most tiles of an image follow."""
    tiles, places = valid_tiles(image, TILE)
    if len(tiles) < FEWEST_TILES:
        return np.zeros(image.shape)
    factors = fit_surface(median_and_scatter(tiles)[0], places, image.shape)
    return surface_at(factors, *map(np.arange, image.shape), image.shape)


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


def find_sources(image, threshold):
    """Find what stands out from a background that is flat but for boxes."""
    above = smooth(image, SMOOTHING)
    level, noise = level_and_noise(above)
    above -= level
    sources = above > threshold * noise
    return ndimage.binary_dilation(sources, iterations=WINGS)


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
    """Return the background of a band of a large frame, strip by strip."""
    shape, box = image.shape, min(box_size, *image.shape)
    tiles = [_tile_levels(image, rows) for rows in _strips(shape, TILE)]
    places, levels = zip(*tiles, strict=True)
    factors = fit_surface(np.concatenate(levels), np.concatenate(places), shape)
    strips = _strips(shape, box)
    sampled_rows = np.arange(shape[0])[representative_rows(*shape)]
    samples = []
    for rows in strips:
        first, last = np.searchsorted(sampled_rows, [rows.start, rows.stop])
        if first < last:
            _, above, inside = _smoothed_rest(image, factors, rows)
            samples.append(above[inside][sampled_rows[first:last] - rows.start])
    sky = level_and_noise(np.concatenate(samples).astype(np.float32))

    def levels_of_boxes(threshold, share):
        parts = []
        for rows in strips:
            rest, above, inside = _smoothed_rest(image, factors, rows)
            sources = above - sky[0] > threshold * sky[1]
            sources = ndimage.binary_dilation(sources, iterations=WINGS)
            free = np.where(sources, np.nan, rest)[inside]
            parts.append(_box_levels(free, box, share))
        return np.concatenate(parts)

    levels = levels_of_boxes(threshold, 0.5)
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
    with ONE_AT_A_TIME:
        module = photutils("background")
        found = module.Background2D(np.where(lost, 0, image), box, **options)
        return np.where(
            found.n_pixels_mesh > share * box**2, found.background_mesh, np.nan
        )


def _filled(levels, filter_size):
    """Return levels of boxes, smoothed by medians, with those that are missing."""
    module = photutils("background")
    options = {"mask": np.isnan(levels), "filter_size": filter_size, "sigma_clip": None}
    mean = module.MeanBackground(sigma_clip=None)
    with ONE_AT_A_TIME:
        filled = np.where(options["mask"], 0, levels)
        found = module.Background2D(filled, 1, bkg_estimator=mean, **options)
        return found.background_mesh
