# SPDX-License-Identifier: BSD-3-Clause
"""The bands of several cubes as one cube on one grid."""

from typing import NamedTuple

import numpy as np

from skesom._common.lazy_strips import join_strips
from skesom._common.strips import strips_of
from skesom._common.warn import warn_user
from skesom._sky.grids import (
    SAME_SIZE,
    Grid,
    group_by_grid,
    pixel_size,
    portable_grid,
    same_grid,
)
from skesom.cube._container import Cube
from skesom.cube.alignment import _resampling
from skesom.cube.alignment._grid import check_overlap, grid_of
from skesom.cube.bands import join_bands, list_bands, split_bands


class _Source(NamedTuple):
    """Cubes that lie on one grid."""

    cube_numbers: list
    grid: Grid | None  # None if it is the one on which all are stacked


class _Layout(NamedTuple):
    """How bands come together on a grid, apart from their values."""

    grid: Grid
    sources: list[_Source]
    bands_of_cubes: list  # numbers of the bands of each cube
    is_flux: np.ndarray  # of each band
    method: str
    dtype: np.dtype


class _CubeRows(NamedTuple):
    """Some rows of a cube: its data or errors, if any, and its sky mask."""

    values: np.ndarray | None
    sky_mask: np.ndarray | None = None


def stack_cubes(cubes, grid, *, is_flux, method, grid_name=None, n_jobs=None):
    """Return all bands on one grid, as one cube.

    Parameters
    ----------
    cubes : list of Cube
        If one of them is lazy, so is the result.
    grid : Grid
    is_flux : sequence of bool of length n_bands
        Bands whose values grow with the area of the pixels.
    method : {"interp", "adaptive", "exact"}
    grid_name : str, default=None
        What errors call the grid. Bands without a value on it are refused, unless this
        is None or cubes are lazy.
    n_jobs : int, default=None

    Returns
    -------
    cube : Cube
        The only cube itself, if it lies on the grid.
    """
    grids = [grid_of(cube) for cube in cubes]
    if len(cubes) == 1 and same_grid(grids[0], grid):
        return cubes[0]
    is_flux = np.array(is_flux, dtype=bool)
    bands_of_cubes = split_bands(np.arange(len(is_flux)), cubes)
    descriptions = join_bands(cubes)
    sources = []
    for members in group_by_grid(grids):
        source_grid = grids[members[0]]
        if same_grid(source_grid, grid):
            sources.append(_Source(members, None))
            continue
        sources.append(_Source(members, portable_grid(source_grid)))
        # A count of small pixels that stays as it is stands for a larger flux.
        bands_of_source = np.concatenate([bands_of_cubes[number] for number in members])
        kept = bands_of_source[~is_flux[bands_of_source]]
        area_ratio = (pixel_size(grid.wcs) / pixel_size(source_grid.wcs)) ** 2
        descriptions["zero_points"][kept] -= 2.5 * np.log10(area_ratio)
    layout = _Layout(
        grid=portable_grid(grid),
        sources=sources,
        bands_of_cubes=bands_of_cubes,
        is_flux=is_flux,
        method=method,
        dtype=np.result_type(*[cube.dtype for cube in cubes]),
    )
    is_lazy = any(cube.is_lazy for cube in cubes)
    stack = _stack_lazily if is_lazy else _stack_in_memory
    data_rows = [_CubeRows(cube.data, cube.sky_mask) for cube in cubes]
    data, sky_mask, has_values = stack(layout, data_rows, n_jobs)
    if grid_name is not None and not is_lazy:
        check_overlap(cubes, has_values, grid_name)
    errors = None
    if any(cube.errors is not None for cube in cubes):
        error_rows = [_CubeRows(cube.errors) for cube in cubes]
        errors, _, _ = stack(layout, error_rows, n_jobs)
    return Cube(data, wcs=grid.wcs, errors=errors, sky_mask=sky_mask, **descriptions)


def _stack_in_memory(layout, cubes_rows, n_jobs):
    """Return values and sky mask on a grid, and which bands have values."""
    rows = slice(0, layout.grid.shape[0])
    needed_rows, tiles = _cut_needed_rows(layout, cubes_rows, rows)
    return _stack_rows(layout, rows, needed_rows, tiles, n_jobs)


def _stack_lazily(layout, cubes_rows, _):
    """Return lazy values and sky mask on a grid, and None: dask has its own threads."""
    from dask import delayed

    n_rows, n_columns = layout.grid.shape
    n_bands = len(layout.is_flux)
    # Whole rows of tiles, so that values are those of cubes in memory.
    strips = strips_of((n_rows, n_columns, n_bands), multiple=_resampling.TILE)
    shared_layout = delayed(layout, traverse=False)  # once for all tasks
    data_strips = []
    sky_strips = []
    for rows in strips:
        needed_rows, tiles = _cut_needed_rows(layout, cubes_rows, rows)
        task = delayed(_stack_rows)(shared_layout, rows, needed_rows, tiles)
        data_strips.append(task[0])
        sky_strips.append(task[1])
    heights = [rows.stop - rows.start for rows in strips]
    data = join_strips(data_strips, heights, (n_columns, n_bands), layout.dtype)
    sky_mask = None
    if any(cube_rows.sky_mask is not None for cube_rows in cubes_rows):
        sky_mask = join_strips(sky_strips, heights, (n_columns,), bool)
    return data, sky_mask, None


def _cut_needed_rows(layout, cubes_rows, rows):
    """Return the rows of cubes that rows of the grid need, and tiles of each source."""
    needed_rows = list(cubes_rows)
    tiles = []
    for source in layout.sources:
        tiles_of_source = []
        source_rows = rows
        if source.grid is not None:
            tiles_of_source, source_rows = _resampling.find_tiles(
                source.grid, layout.grid, rows
            )
        tiles.append(tiles_of_source)
        for number in source.cube_numbers:
            values, sky_mask = cubes_rows[number]
            needed_rows[number] = _CubeRows(
                None if values is None else values[source_rows],
                None if sky_mask is None else sky_mask[source_rows],
            )
    return needed_rows, tiles


def _stack_rows(layout, rows, cubes_rows, tiles, n_jobs=None):
    """Return values and sky mask in rows of a grid, and which bands have values.

    `cubes_rows` and `tiles` are those that `_cut_needed_rows` returns for these rows.
    """
    shape = (rows.stop - rows.start, layout.grid.shape[1], len(layout.is_flux))
    values = np.empty(shape, layout.dtype)
    images = [cube_rows.values for cube_rows in cubes_rows]
    if any(image is None for image in images):  # some cubes have no errors
        values.fill(np.nan)
    has_values = _fill_bands(
        values, images, layout.bands_of_cubes, layout.is_flux, layout, tiles, n_jobs
    )
    sky_mask = None
    if any(cube_rows.sky_mask is not None for cube_rows in cubes_rows):
        sky_mask = _stack_sky(cubes_rows, values, layout, tiles, n_jobs)
    return values, sky_mask, has_values


def _fill_bands(out, images, bands_of_images, is_flux, layout, tiles, n_jobs):
    """Fill an array with images of several grids; return which bands have values.

    Parameters
    ----------
    out : ndarray of shape (n_rows, n_columns, n_bands)
        On the grid of the layout.
    images : list of (ndarray of shape (n_rows, n_columns, n_bands) or None)
        One for each cube, on its own grid; None is left out.
    bands_of_images : list of sequence of int
        The bands of `out` that the bands of each image fill.
    is_flux : ndarray of bool of shape (n_bands,)
        Bands of `out` that grow with the area of the pixels.
    layout : _Layout
    tiles : list of (list of Tile)
        Of each source of the layout.
    n_jobs : int or None

    Returns
    -------
    has_values : ndarray of bool of shape (n_bands,)
    """
    has_values = np.ones(out.shape[2], dtype=bool)
    for source, tiles_of_source in zip(layout.sources, tiles, strict=True):
        members = []
        for number in source.cube_numbers:
            if images[number] is not None:
                members.append(number)
        if source.grid is None:
            for number in members:
                bands = bands_of_images[number]
                out[:, :, bands[0] : bands[-1] + 1] = images[number]
        elif members:
            bands_of_source = np.concatenate(
                [bands_of_images[number] for number in members]
            )
            has_values[bands_of_source] = _resampling.resample(
                [images[number] for number in members],
                source.grid,
                layout.grid,
                tiles_of_source,
                method=layout.method,
                is_flux=is_flux[bands_of_source],
                out=out,
                bands=bands_of_source,
                n_jobs=n_jobs,
            )
    return has_values


def _stack_sky(cubes_rows, values, layout, tiles, n_jobs):
    """Return the pixels that lack no data but those of sky that was set aside.

    `values` are the data of all bands on the grid.
    """
    n_rows, n_columns, _ = values.shape
    is_sky = np.zeros((n_rows, n_columns), dtype=bool)
    is_missing = np.zeros((n_rows, n_columns), dtype=bool)
    no_flux = np.zeros(1, dtype=bool)
    for number, cube_rows in enumerate(cubes_rows):
        is_sky_of_cube = np.zeros((n_rows, n_columns), dtype=bool)
        if cube_rows.sky_mask is not None:
            # The mask of one cube is brought to the grid as an image of 0 and 1. The
            # other cubes have no image then.
            images = [None] * len(cubes_rows)
            images[number] = cube_rows.sky_mask[:, :, np.newaxis].astype(np.float32)
            share = np.zeros((n_rows, n_columns, 1), dtype=np.float32)
            only_band = [[0]] * len(cubes_rows)
            _fill_bands(share, images, only_band, no_flux, layout, tiles, n_jobs)
            is_sky_of_cube = share[:, :, 0] > 0
        bands = layout.bands_of_cubes[number]
        lacks_data = np.isnan(values[:, :, bands]).any(axis=2)
        is_sky |= lacks_data & is_sky_of_cube
        is_missing |= lacks_data & ~is_sky_of_cube
    return is_sky & ~is_missing


def warn_of_undersampled(cubes, grid):
    """Warn of bands whose light falls between the pixels of a coarser grid."""
    if grid.wcs is None:
        return
    size = pixel_size(grid.wcs)
    undersampled = []
    for band in list_bands(cubes):
        if not size > band.fwhm / 2:  # also if the FWHM is unknown
            continue
        if size > pixel_size(band.cube.wcs) * (1 + SAME_SIZE):
            undersampled.append(f"{band.name!r} ({band.fwhm:.3g} arcsec)")
    if undersampled:
        warn_user(
            f"Pixels of {size:.3g} arcsec are larger than half the FWHM of "
            f"{', '.join(undersampled)}, so part of the light falls between them. "
            f"Smooth to {2 * size:.3g} arcsec before aligning, align to a finer grid, "
            "or use resample='adaptive'."
        )
