# SPDX-License-Identifier: BSD-3-Clause
"""Images brought to the pixels of another grid by reproject, tile by tile."""

from typing import NamedTuple

import numpy as np
from astropy.wcs.utils import pixel_to_pixel
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from skesom._common.lazy import cut_rows
from skesom._common.thread_pools import in_threads
from skesom._sky.grids import pixel_size

METHODS = ("interp", "adaptive", "exact")
TILE = 512  # pixels; hide the cost of a call, but stay in the cache
_LATTICE = 17  # points along each side of a tile that are followed to an image
_KERNEL_REACH = 3  # pixels, of the larger ones of both grids
# Pixels so much wider than those of an image are there if half of their area is; in
# smaller ones a masked pixel would be averaged away.
_COARSE = 2


class Tile(NamedTuple):
    """A tile of a grid and the part of an image that it needs, as (rows, columns).

    Slices count rows on the whole grid and image. Beside each of them is the same
    part with rows counted from the first one at hand, as lazy images come in strips.
    """

    box: tuple
    box_at_hand: tuple
    reach: tuple
    reach_at_hand: tuple


def find_tiles(source, grid, rows):
    """Return the tiles of rows of a grid, and the rows of an image that they need.

    Parameters
    ----------
    source : Grid
        The grid of the image.
    grid : Grid
        The grid to bring it to.
    rows : slice
        Of that grid; whole rows of tiles.

    Returns
    -------
    tiles : list of Tile
    rows_needed : slice
    """
    boxes = []
    reaches = []
    for first_row in range(rows.start, rows.stop, TILE):
        rows_of_tiles = slice(first_row, min(first_row + TILE, rows.stop))
        boxes_beside = [
            (rows_of_tiles, columns) for columns in cut_rows(grid.shape[1], TILE)
        ]
        boxes += boxes_beside
        reaches += _find_reaches(source, grid, boxes_beside)
    first = min(reach_rows.start for reach_rows, _ in reaches)
    last = max(reach_rows.stop for reach_rows, _ in reaches)
    tiles = [
        Tile(
            box=box,
            box_at_hand=_count_from(box, rows.start),
            reach=reach,
            reach_at_hand=_count_from(reach, first),
        )
        for box, reach in zip(boxes, reaches, strict=True)
    ]
    return tiles, slice(first, last)


def _count_from(box, first_row):
    """Return slices whose rows are counted from another one."""
    rows, columns = box
    return slice(rows.start - first_row, rows.stop - first_row), columns


def _find_reaches(source, grid, boxes):
    """Return the part of an image that each tile of a row of tiles needs."""
    row_points = []
    column_points = []
    for rows, columns in boxes:
        row_points.append(np.linspace(rows.start, rows.stop, _LATTICE) - 0.5)
        column_points.append(np.linspace(columns.start, columns.stop, _LATTICE) - 0.5)
    rows, columns = np.broadcast_arrays(
        np.array(row_points)[:, :, np.newaxis],
        np.array(column_points)[:, np.newaxis, :],
    )
    columns_there, rows_there = pixel_to_pixel(grid.wcs, source.wcs, columns, rows)
    ratio = pixel_size(grid.wcs) / pixel_size(source.wcs)
    last_pixel = np.array(source.shape) - 1
    reaches = []
    for lattice in np.stack([rows_there, columns_there], axis=1):
        if not np.isfinite(lattice).all():  # beyond the horizon of the projection
            reaches.append(tuple(slice(0, length) for length in source.shape))
            continue
        # Beside the reach of kernels: what lies between the points of the lattice.
        step = max(np.abs(np.diff(lattice, axis=axis)).max() for axis in (1, 2))
        margin = _KERNEL_REACH * max(1, ratio) + step
        low = lattice.min(axis=(1, 2)) - margin
        high = lattice.max(axis=(1, 2)) + margin + 1
        first = np.clip(low, 0, last_pixel).astype(int).tolist()
        last = np.clip(high, 0, last_pixel).astype(int).tolist()
        reaches.append(
            tuple(slice(start, end + 1) for start, end in zip(first, last, strict=True))
        )
    return reaches


def resample(images, source, grid, tiles, *, method, is_flux, out, bands, n_jobs):
    """Fill bands of an array with images of one grid, on the pixels of another one.

    Parameters
    ----------
    images : list of ndarray of shape (n_rows, n_columns, n_bands)
        The rows that the tiles need.
    source, grid : Grid
        Of the images and of the array.
    tiles : list of Tile
    method : {"interp", "adaptive", "exact"}
    is_flux : ndarray of bool of shape (n_bands of all images,)
        Bands that grow with the area of the pixels.
    out : ndarray of shape (n_rows, n_columns, n_bands)
    bands : ndarray of int of shape (n_bands of all images,)
        The bands of `out` to fill.
    n_jobs : int or None

    Returns
    -------
    has_values : ndarray of bool of shape (n_bands of all images,)
        Bands with a value in a tile.
    """
    is_coarse = pixel_size(grid.wcs) >= _COARSE * pixel_size(source.wcs)
    by_share = is_coarse and method != "interp"

    def fill_tile(task):
        tile, source_wcs, grid_wcs = task
        # Slices of this kind keep all distortions.
        wcs_in = HighLevelWCSWrapper(SlicedLowLevelWCS(source_wcs, tile.reach))
        wcs_out = HighLevelWCSWrapper(SlicedLowLevelWCS(grid_wcs, tile.box))
        planes = [np.moveaxis(image[tile.reach_at_hand], 2, 0) for image in images]
        stack = np.concatenate(planes).astype(out.dtype, copy=False)
        shape = tuple(side.stop - side.start for side in tile.box)
        resampled = _resample_tile(stack, wcs_in, wcs_out, shape, method, by_share)
        if is_flux.any():
            resampled[is_flux] *= _area_ratio(wcs_in, wcs_out, shape)
        out[*tile.box_at_hand, bands] = np.moveaxis(resampled, 0, 2)
        return np.isfinite(resampled).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each tile has its own.
    tasks = [(tile, source.wcs.deepcopy(), grid.wcs.deepcopy()) for tile in tiles]
    return np.any(in_threads(fill_tile, tasks, n_jobs), axis=0)


def _area_ratio(wcs_in, wcs_out, shape):
    """Return how many pixels of an image each pixel of a tile covers.

    That is the Jacobian determinant of the pixel coordinates there by those here, from
    differences between the neighbors of each pixel.
    """
    n_rows, n_columns = shape
    rows, columns = np.indices((n_rows + 2, n_columns + 2)) - 1.0
    columns_there, rows_there = pixel_to_pixel(wcs_out, wcs_in, columns, rows)
    columns_by_row, columns_by_column = np.gradient(columns_there)
    rows_by_row, rows_by_column = np.gradient(rows_there)
    determinant = columns_by_column * rows_by_row - columns_by_row * rows_by_column
    return np.abs(determinant)[1:-1, 1:-1]


def _resample_tile(stack, wcs_in, wcs_out, shape, method, by_share):
    """Return images of shape (n_bands, n_rows, n_columns) on the pixels of a tile.

    Weights are shared out among what is there. A pixel is there if its center lies on
    a pixel with data; `by_share`, also if half of what it covers has data.
    """
    is_missing = np.isnan(stack)
    if method == "interp" and not is_missing.any():
        return _reproject(stack, wcs_in, wcs_out, shape, method)
    if np.array_equal(is_missing, np.broadcast_to(is_missing[:1], is_missing.shape)):
        is_missing = is_missing[:1]  # all bands have the same gaps
    valid = (~is_missing).astype(stack.dtype)
    # NaN outside of the image, 0 where the pixel below the center is missing.
    nearest = _reproject(valid, wcs_in, wcs_out, shape, "nearest")
    is_there = nearest > 0
    filled = np.where(is_missing, 0, stack)
    resampled = _reproject(filled, wcs_in, wcs_out, shape, method)
    if is_missing.any():
        share = _reproject(valid, wcs_in, wcs_out, shape, method)
        if by_share:
            is_there |= (share >= 0.5) & ~np.isnan(nearest)
        with np.errstate(divide="ignore", invalid="ignore"):
            resampled /= share
    return np.where(is_there, resampled, stack.dtype.type(np.nan))


def _reproject(images, wcs_in, wcs_out, shape, method):
    """Return images on another grid by a function of reproject, NaN beside them.

    `method` is one of `METHODS`, or "nearest".
    """
    import reproject  # takes seconds, and most cubes need no resampling

    resampled = np.empty((len(images), *shape), images.dtype)
    if method == "exact":
        reproject.reproject_exact(
            (images, wcs_in),
            wcs_out,
            shape_out=resampled.shape,
            output_array=resampled,
            return_footprint=False,
        )
        return resampled
    # The check of round trips costs as much again; only distortions can fold back on
    # the image.
    is_distorted = any(
        wcs.low_level_wcs._wcs.has_distortion for wcs in (wcs_in, wcs_out)
    )
    if method == "adaptive":
        reproject.reproject_adaptive(
            (images, wcs_in),
            wcs_out,
            shape_out=resampled.shape,
            output_array=resampled,
            return_footprint=False,
            roundtrip_coords=is_distorted,
            boundary_mode="ignore",
        )
        return resampled
    reproject.reproject_interp(
        (images, wcs_in),
        wcs_out,
        shape_out=resampled.shape,
        output_array=resampled,
        return_footprint=False,
        roundtrip_coords=is_distorted,
        order="nearest-neighbor" if method == "nearest" else "bilinear",
    )
    return resampled
