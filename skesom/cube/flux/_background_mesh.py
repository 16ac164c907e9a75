# SPDX-License-Identifier: BSD-3-Clause
"""Measure the background of frames: of many pixels in passes over strips of rows."""

import threading
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from skesom.cube._by_strips import fixed_strips, scan
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
CLIP = 3  # standard deviations
MOST_CLIPS = 10
CROWDED = 0.3  # standard deviations between mean and median
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


def refuse_empty(name):
    """Refuse a band without data."""
    raise ValueError(
        f"Band {name!r} has no background to subtract: all its pixels are NaN. Leave "
        "it out."
    )


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


def measure_backgrounds(cube, bands, *, box_size, filter_size, threshold):
    """Return the background of each of some bands of a large frame."""
    shape = cube.shape[:2]
    box = min(box_size, *shape)
    surfaces = _measure_surfaces(cube, bands)
    strips = fixed_strips(cube.shape, multiple=box, whole=False)
    margin = GaussianKernel(SMOOTHING).reach
    stage = partial(_sample_above, bands=bands, surfaces=surfaces)
    samples = scan(stage, [cube.data], strips, margin=margin)
    skies = [
        level_and_noise(np.concatenate(part)) for part in zip(*samples, strict=True)
    ]

    def measure(numbers, **options):
        stage = partial(_measure_boxes, bands=bands[numbers], box=box, **options)
        stage.keywords["surfaces"] = [surfaces[n] for n in numbers]
        stage.keywords["skies"] = [skies[n] for n in numbers]
        found = scan(stage, [cube.data], strips, margin=margin + WINGS)
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    levels = measure(np.arange(len(bands)), threshold=threshold, share=0.5)
    # Where there is no place without sources:
    again = np.flatnonzero([not np.isfinite(part).any() for part in levels])
    if len(again):
        every = measure(again, threshold=np.inf, share=0)
        for number, part in zip(again, every, strict=True):
            levels[number] = part
    return {
        band: Background(shape, factors, _filled(part, filter_size), box)
        for band, factors, part in zip(bands, surfaces, levels, strict=True)
    }


def _measure_surfaces(cube, bands):
    """Return the surface that most tiles of each band follow."""
    strips = fixed_strips(cube.shape, multiple=TILE, whole=False)
    levels = scan(partial(_tile_levels, bands=bands), [cube.data], strips)
    surfaces = []
    for band, parts in zip(bands, zip(*levels, strict=True), strict=True):
        medians, places, n_known = zip(*parts, strict=True)
        if not any(n_known):
            refuse_empty(cube.band_names[band])
        known = np.concatenate(medians), np.concatenate(places)
        surfaces.append(fit_surface(*known, cube.shape[:2]))
    return surfaces


def _tile_levels(data, rows, _, bands):
    """Return levels and places of the tiles of bands, and how many values are known."""
    found = []
    for band in bands:
        image = np.array(data[rows, :, band], dtype=np.float64)
        tiles, places = valid_tiles(image, TILE)
        levels = median_and_scatter(tiles)[0]
        found.append((levels, places, np.count_nonzero(~np.isnan(image))))
    return found


def _rest_of(data, band, surface):
    """Return a band without its surface, in all rows of a window."""
    rows = np.arange(data.top, data.top + len(data.values))
    columns = np.arange(data.shape[1])
    image = data.values[:, :, band].astype(np.float64)
    return image - surface_at(surface, rows, columns, data.shape[:2])


def _sample_above(data, rows, _, bands, surfaces):
    """Return what representative rows of the smoothed bands hold."""
    every = np.arange(data.shape[0])[representative_rows(*data.shape[:2])]
    some = every[(every >= rows.start) & (every < rows.stop)] - data.top
    return [
        smooth(_rest_of(data, band, surface), SMOOTHING)[some].astype(np.float32)
        for band, surface in zip(bands, surfaces, strict=True)
    ]


def _measure_boxes(data, rows, _, *, bands, surfaces, skies, threshold, box, share):
    """Return levels of the boxes of bands without sources."""
    inside = slice(rows.start - data.top, rows.stop - data.top)
    found = []
    for band, surface, (level, noise) in zip(bands, surfaces, skies, strict=True):
        rest = _rest_of(data, band, surface)
        sources = smooth(rest, SMOOTHING) - level > threshold * noise
        sources = ndimage.binary_dilation(sources, iterations=WINGS)
        free = np.where(sources, np.nan, rest)[inside]
        found.append(_box_levels(free, box, share))
    return found


def _box_levels(image, box, share):
    """Return the mode of each box, NaN unless more than a share of it is left."""
    fill = [(0, -length % box) for length in image.shape]
    image = np.pad(image, fill, constant_values=np.nan)
    boxes = image.reshape(image.shape[0] // box, box, image.shape[1] // box, box)
    values = np.sort(boxes.swapaxes(1, 2).reshape(-1, box * box), axis=1)
    count = np.isfinite(values).sum(axis=1)
    median, mean, spread = np.full((3, len(values)), np.nan)
    busy = np.flatnonzero(count)
    for number in range(MOST_CLIPS + 1):
        part, n = values[busy], count[busy]
        known = np.arange(box * box) < n[:, np.newaxis]
        each = np.arange(len(busy))
        median[busy] = (part[each, (n - 1) // 2] + part[each, n // 2]) / 2
        mean[busy] = np.sum(part, axis=1, where=known) / n
        away = part - mean[busy, np.newaxis]
        spread[busy] = np.sqrt(np.sum(away**2, axis=1, where=known) / n)
        if number == MOST_CLIPS:
            break
        away = np.abs(part - median[busy, np.newaxis])
        part[~(away <= CLIP * spread[busy, np.newaxis])] = np.nan
        values[busy] = np.sort(part, axis=1)  # NaN goes last
        left = np.isfinite(part).sum(axis=1)
        count[busy] = left
        busy = busy[left < n]
        if not len(busy):
            break
    mode = 2.5 * median - 1.5 * mean
    mode = np.where(np.abs(mean - median) < CROWDED * spread, mode, median)
    mode = np.where(spread == 0, mean, mode)
    mode[count <= share * box * box] = np.nan
    return mode.reshape(boxes.shape[0], boxes.shape[2])


def _filled(levels, filter_size):
    """Return levels of boxes, smoothed by medians, with those that are missing."""
    module = photutils("background")
    options = {"mask": np.isnan(levels), "filter_size": filter_size, "sigma_clip": None}
    mean = module.MeanBackground(sigma_clip=None)
    with ONE_AT_A_TIME:
        filled = np.where(options["mask"], 0, levels)
        found = module.Background2D(filled, 1, bkg_estimator=mean, **options)
        return found.background_mesh
