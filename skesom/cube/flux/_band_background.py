# SPDX-License-Identifier: BSD-3-Clause
"""The background of a band: a surface, and levels of boxes above it.

It is measured in strips of rows, so that a large band needs little memory besides.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.interpolate import BSpline

from skesom._common.extras import import_photutils
from skesom._common.noise import median_and_scatter, noise_below_level
from skesom._common.strips import WHOLE, strips_of
from skesom.cube.convolution.filtering import GaussianKernel, smooth
from skesom.cube.masking.sky_slopes import fit_most
from skesom.cube.masking.sky_tiles import representative_rows, valid_tiles

TILE = 16  # pixels, as of the sky
LEAST_TILES = 16  # for the six coefficients of a surface of second order
SMOOTHING = 2.0  # pixels, of the image in which sources are looked for
WINGS = 5  # pixels around a source that are left out too
LEAST_FREE = 0.5  # of the pixels of a box, else its level is that of its neighbors
SAMPLE = 1024  # rows and columns


class Surface(NamedTuple):
    """A polynomial of second order, of positions from -0.5 to 0.5 across a frame."""

    frame_shape: tuple
    coefficients: np.ndarray  # of 1, y, x, y^2, y x and x^2 (y along the rows)

    def at(self, rows, columns):
        """Return the surface in the pixels of some rows and columns."""
        n_rows, n_columns = self.frame_shape
        y = _across_frame(rows, n_rows)
        x = _across_frame(columns, n_columns)
        constant, of_y, of_x, of_yy, of_yx, of_xx = self.coefficients
        along_rows = np.polynomial.Polynomial([constant, of_y, of_yy])(y)
        along_columns = np.polynomial.Polynomial([0, of_x, of_xx])(x)
        return np.add.outer(along_rows, along_columns) + of_yx * np.outer(y, x)


def _across_frame(pixels, length):
    """Return positions from -0.5 to 0.5 of the middles of pixels along an axis."""
    return (pixels + 0.5) / length - 0.5


class BandBackground(NamedTuple):
    """The background of a band: a surface, and a spline through levels of boxes."""

    surface: Surface
    mesh: np.ndarray  # level of each box above the surface
    box_size: int  # side of a box in pixels

    def at(self, rows, columns):
        """Return the background in the pixels of some rows and columns."""
        # As BkgZoomInterpolator of photutils, but of any rows: cubic splines, mirrored
        # at the borders, that stay in the range of the levels.
        levels = ndimage.spline_filter(self.mesh, mode="reflect")
        levels = _evaluate_spline(levels, (columns + 0.5) / self.box_size - 0.5, axis=1)
        levels = _evaluate_spline(levels, (rows + 0.5) / self.box_size - 0.5, axis=0)
        np.clip(levels, self.mesh.min(), self.mesh.max(), out=levels)
        levels += self.surface.at(rows, columns)
        return levels

    def sample(self):
        """Return the background in rows and columns at equal steps, the outer too."""
        n_rows, n_columns = self.surface.frame_shape
        return self.at(
            np.unique(np.linspace(0, n_rows - 1, SAMPLE).round()),
            np.unique(np.linspace(0, n_columns - 1, SAMPLE).round()),
        )


def _evaluate_spline(coefficients, positions, axis):
    """Return a cubic spline at positions along an axis, mirrored at its ends."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (2, 2)
    coefficients = np.pad(coefficients, padding, mode="symmetric")
    knots = np.arange(coefficients.shape[axis] + 4) - 4
    return BSpline(knots, coefficients, 3, axis=axis)(positions)


def subtract_backgrounds(data, backgrounds, rows):
    """Return some rows of a cube without the backgrounds of its bands.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        The rows.
    backgrounds : dict of int to BandBackground
        Background by the number of the band; other bands stay as they are.
    rows : slice
        The rows, as numbers in the frame.
    """
    data = data.copy()
    row_numbers = np.arange(rows.start, rows.stop)
    column_numbers = np.arange(data.shape[1])
    for band, background in backgrounds.items():
        levels = background.at(row_numbers, column_numbers)
        data[:, :, band] = data[:, :, band] - levels
    return data


def measure_background(image, box_size, filter_size, threshold):
    """Return the background of a band without its sources.

    Parameters
    ----------
    image : ndarray of shape (n_rows, n_columns)
        The band; NaN does not count.
    box_size : int
        Side in pixels of the boxes in which levels are measured.
    filter_size : int
        Side in boxes of the median filter of the levels.
    threshold : float
        Sources exceed the median of the smoothed image by so many times its noise.

    Returns
    -------
    background : BandBackground
    """
    box_size = min(box_size, *image.shape)
    strips = strips_of(image.shape, "search", multiple=box_size)
    surface = _fit_surface(image)
    median, noise = _smoothed_median_and_noise(image, surface, strips)

    def measure_free_boxes(least_height, least_share):
        levels = []
        for rows in strips:
            residual, smoothed, inner = _subtract_surface(image, surface, rows)
            is_source = smoothed - median > least_height
            is_source = ndimage.binary_dilation(is_source, iterations=WINGS)
            free = np.where(is_source, np.nan, residual)[inner]
            levels.append(_measure_boxes(free, box_size, least_share))
        return np.concatenate(levels)

    levels = measure_free_boxes(threshold * noise, LEAST_FREE)
    if np.isnan(levels).all():  # sources are everywhere
        levels = measure_free_boxes(np.inf, 0)
    return BandBackground(surface, _filter_levels(levels, filter_size), box_size)


def _fit_surface(image):
    """Return the surface that the levels of most tiles of an image follow."""
    positions = []
    levels = []
    for rows in strips_of(image.shape, "search", multiple=TILE):
        tiles, is_valid = valid_tiles(image[rows].astype(np.float64), TILE)
        positions.append(is_valid)
        levels.append(median_and_scatter(tiles)[0])
    levels = np.concatenate(levels)
    if len(levels) < LEAST_TILES:
        return Surface(image.shape, np.zeros(6))
    tile_rows, tile_columns = np.nonzero(np.concatenate(positions))
    n_rows, n_columns = image.shape
    y = (tile_rows + 0.5) * TILE / n_rows - 0.5
    x = (tile_columns + 0.5) * TILE / n_columns - 0.5
    terms = np.stack([np.ones(len(y)), y, x, y**2, y * x, x**2], axis=-1)
    return Surface(image.shape, fit_most(terms, levels))


def _smoothed_median_and_noise(image, surface, strips):
    """Return median and noise of a smoothed image above a surface, of some rows."""
    sampled_rows = np.arange(len(image))[representative_rows(*image.shape, WHOLE)]
    samples = []
    for rows in strips:
        first, last = np.searchsorted(sampled_rows, [rows.start, rows.stop])
        if first < last:
            _, smoothed, inner = _subtract_surface(image, surface, rows)
            samples.append(smoothed[inner][sampled_rows[first:last] - rows.start])
    sample = np.concatenate(samples)
    median = np.nanmedian(sample)
    return median, noise_below_level(sample, median)


def _subtract_surface(image, surface, rows):
    """Subtract a surface from some rows of an image.

    Returns
    -------
    residual : ndarray of shape (n_near_rows, n_columns)
        The rows without the surface, and those around that smoothing and the wings of
        sources depend on.
    smoothed : ndarray of shape (n_near_rows, n_columns)
        The same under a Gaussian.
    inner : slice
        Where the rows themselves are in both.
    """
    reach = WINGS + GaussianKernel(SMOOTHING).reach
    near = slice(max(0, rows.start - reach), min(len(image), rows.stop + reach))
    residual = image[near].astype(np.float64)
    residual -= surface.at(np.arange(near.start, near.stop), np.arange(image.shape[1]))
    inner = slice(rows.start - near.start, rows.stop - near.start)
    return residual, smooth(residual, SMOOTHING), inner


def _measure_boxes(image, box_size, least_share):
    """Return the level of each box, NaN unless more than a share of it is left."""
    is_masked = np.isnan(image)
    if is_masked.all():
        return np.full([-(-length // box_size) for length in image.shape], np.nan)
    # Not in threads: photutils silences warnings, which concerns all of them.
    background = import_photutils("background").Background2D(
        np.where(is_masked, 0, image),
        box_size,
        mask=is_masked,
        exclude_percentile=100,
        filter_size=1,
    )
    is_measured = background.n_pixels_mesh > least_share * box_size**2
    return np.where(is_measured, background.background_mesh, np.nan)


def _filter_levels(levels, filter_size):
    """Return levels of boxes smoothed by medians; those that are NaN are interpolated.

    The levels are given to photutils as an image with boxes of one pixel.
    """
    module = import_photutils("background")
    is_missing = np.isnan(levels)
    background = module.Background2D(
        np.where(is_missing, 0, levels),
        box_size=1,
        mask=is_missing,
        filter_size=filter_size,
        sigma_clip=None,
        bkg_estimator=module.MeanBackground(sigma_clip=None),
    )
    return background.background_mesh
