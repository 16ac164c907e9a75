# SPDX-License-Identifier: BSD-3-Clause
"""Exposures on the pixels of one grid, each on the part of it that it reaches."""

from typing import NamedTuple

import numpy as np

from skesom._sky.grids import Grid, cut_grid, find_reach, group_by_grid, pixel_size
from skesom.cube.alignment._grid import find_coarsest, find_target, grid_of
from skesom.cube.alignment.stack import stack_cubes
from skesom.cube.convolution.filtering import smooth

LARGEST_MOSAIC = (
    20  # times the pixels of all exposures: beyond that, they lie far apart
)
EDGE = 1e-3  # pixels; a smaller part of one at the border of an image is rounding
FINER = 1.5  # from this ratio of pixel sizes on, pixels are averaged
SIGMA = 2.0  # pixels, over which errors are smoothed for weights and limits


class Exposure(NamedTuple):
    """A cube on its part of the common grid."""

    start: np.ndarray  # first row and column of the part
    data: np.ndarray
    weights: np.ndarray  # inverse variances
    errors: np.ndarray | None


def find_common_grid(cubes):
    """Return the grid of the combined image, and the cube whose pixels it has."""
    grids = [grid_of(cube) for cube in cubes]
    if len(group_by_grid(grids)) == 1:
        return grids[0], cubes[0]
    name = cubes[0].band_names[0]
    if any(grid.wcs is None for grid in grids):
        raise ValueError(
            f"Exposures of {name!r} that lie on several pixel grids need a WCS. Add it "
            "to the headers (in memory by Cube.replace(wcs=...))."
        )
    coarsest = find_coarsest(grids)
    wcs = grids[coarsest].wcs.deepcopy()
    boxes = [_find_box(grid, wcs) for grid in grids]
    start = np.min([low for low, _ in boxes], axis=0)
    stop = np.max([high for _, high in boxes], axis=0)
    n_rows, n_columns = (stop - start).tolist()
    # Not true of NaN either, beyond the horizon of the projection.
    n_pixels = sum(np.prod(grid.shape) for grid in grids)
    if not n_rows * n_columns < LARGEST_MOSAIC * n_pixels:
        raise ValueError(
            f"The exposures of {name!r} lie so far apart that one image of them would "
            f"have {n_rows:.0f} x {n_columns:.0f} pixels. Combine those of one field, "
            "or none (combine=False)."
        )
    if wcs.has_distortion:  # it holds on its own pixels only
        return find_target(cubes, "optimal").grid, cubes[coarsest]
    first_row, first_column = start
    wcs.wcs.crpix -= [first_column, first_row]
    wcs.array_shape = int(n_rows), int(n_columns)
    return Grid(wcs, wcs.array_shape), cubes[coarsest]


def _find_box(grid, wcs):
    """Return the first pixel (row, column) of a WCS in a grid, and the one behind it.

    Both may lie outside of the image that the WCS belongs to.
    """
    low, high = find_reach(grid, wcs)
    start = np.ceil(low - EDGE)[::-1]
    stop = np.floor(high + EDGE)[::-1] + 1
    return start, stop


def place_on_grid(cube, factors, noise, grid, n_jobs):
    """Return a cube on the part of a grid that it reaches, on the scale of all.

    Parameters
    ----------
    cube : Cube
    factors : ndarray of shape (n_bands,)
        To that scale.
    noise : ndarray of shape (n_bands,)
        On that scale; weights are made of it if the cube has no errors.
    grid : Grid
        Of the combined image.
    n_jobs : int or None

    Returns
    -------
    exposure : Exposure
    """
    start = np.zeros(2, dtype=int)
    if grid.wcs is not None:
        box = np.clip(_find_box(grid_of(cube), grid.wcs), 0, grid.shape).astype(int)
        start, stop = box
        first_row, first_column = start.tolist()
        last_row, last_column = stop.tolist()
        part = (slice(first_row, last_row), slice(first_column, last_column))
        method = "interp"
        if pixel_size(grid.wcs) > FINER * pixel_size(cube.wcs):
            method = "exact"
        cube = stack_cubes(
            [cube],
            cut_grid(grid, part),
            is_flux=[False] * cube.shape[2],  # the factors have the area of the pixels
            method=method,
            grid_name="of the mosaic",
            n_jobs=n_jobs,
        )
    factors = factors.astype(cube.dtype)
    data = cube.data * factors
    weights = np.broadcast_to(noise**-2.0, cube.shape)
    if cube.errors is None:
        return Exposure(start, data, weights, None)
    errors = cube.errors * factors
    weights = weights.copy()
    for band in range(cube.shape[2]):
        variance = smooth(errors[:, :, band] ** 2, SIGMA)
        np.divide(1, variance, out=weights[:, :, band], where=variance > 0)
    return Exposure(start, data, weights, errors)


def planes_in_box(exposure, box, band):
    """Return data, weights and errors of a band in a box of the grid.

    Parameters
    ----------
    exposure : Exposure
    box : tuple of slice (rows, columns)
    band : int

    Returns
    -------
    planes : ndarray of shape (3, n_rows, n_columns)
        NaN where the exposure does not reach, and for missing errors.
    """
    start = np.array([side.start for side in box])
    stop = np.array([side.stop for side in box])
    planes = np.full((3, *(stop - start)), np.nan)
    low = np.maximum(start, exposure.start)
    high = np.minimum(stop, exposure.start + exposure.data.shape[:2])
    if np.any(high <= low):  # the exposure lies beside the box
        return planes
    in_box = tuple(map(slice, low - start, high - start))
    rows, columns = map(slice, low - exposure.start, high - exposure.start)
    sources = (exposure.data, exposure.weights, exposure.errors)
    for plane, source in zip(planes, sources, strict=True):
        if source is not None:
            plane[in_box] = source[rows, columns, band]
    return planes
