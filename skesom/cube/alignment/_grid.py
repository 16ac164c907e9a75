# SPDX-License-Identifier: BSD-3-Clause
"""The pixel grid that bands are aligned to, and the checks that cubes reach it."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io.fits import Header
from astropy.wcs import WCS

from skesom._sky.grids import (
    SAME_SIZE,
    Grid,
    group_by_grid,
    overlap_box,
    pixel_size,
    same_grid,
)
from skesom.cube._container import Cube
from skesom.cube.bands import all_band_names, list_bands


class Target(NamedTuple):
    """The grid that cubes are aligned to."""

    grid: Grid
    band: int | None  # the number of the band whose grid it is, if it is that of one
    name: str  # what errors call the grid, after "the grid"


def grid_of(cube):
    """Return the pixel grid of a cube."""
    return Grid(cube.wcs, cube.shape[:2])


def find_target(cubes, align_to):
    """Return the grid to align to, as `CubeAligner` takes it.

    Parameters
    ----------
    cubes : list of Cube
    align_to : int, str, WCS, Header or Cube

    Returns
    -------
    target : Target
    """
    band = None
    name = "of the reference"
    if not isinstance(align_to, str | Integral):
        grid = _as_grid(align_to)
    elif align_to == "optimal":
        grid = _optimal_grid([grid_of(cube) for cube in cubes])
    else:
        band_names = all_band_names(cubes)
        grids = [grid_of(band.cube) for band in list_bands(cubes)]
        band = _number_of_band(grids, band_names, align_to)
        grid = grids[band]
        name = f"of band {band_names[band]!r}"
    _check_reach(cubes, grid, name)
    return Target(grid, band, name)


def _number_of_band(grids, names, align_to):
    """Return the number of the band whose grid is meant."""
    if isinstance(align_to, Integral):
        if not 0 <= align_to < len(names):
            raise ValueError(
                f"There is no band number {align_to} to align to: the {len(names)} "
                "bands are counted from 0."
            )
        return int(align_to)
    if align_to == "first":
        return 0
    if align_to == "coarsest":
        return find_coarsest(grids)
    if align_to not in names:
        raise ValueError(
            f"There is no band {align_to!r} to align to, only {names}; "
            "'coarsest', 'optimal' and 'first' are understood too."
        )
    return names.index(align_to)


def find_coarsest(grids):
    """Return the number of the first grid with the largest pixels."""
    if len(group_by_grid(grids)) == 1:  # also without a WCS
        return 0
    sizes = np.zeros(len(grids))
    for number, grid in enumerate(grids):
        if grid.wcs is not None:
            sizes[number] = pixel_size(grid.wcs)
    # The first of those that are equal but for rounding.
    return int(np.argmax(sizes >= sizes.max() * (1 - SAME_SIZE)))


def _optimal_grid(grids):
    """Return a grid of the coarsest pixels, north up, that holds all images."""
    from reproject.mosaicking import find_optimal_celestial_wcs

    if any(grid.wcs is None for grid in grids):
        raise ValueError(
            "Bands without a WCS have no optimal grid: use Cube.replace(wcs=...)."
        )
    # Images of one grid count once: the search looks at each that it gets.
    grids = [grids[members[0]] for members in group_by_grid(grids)]
    size = max(pixel_size(grid.wcs) for grid in grids)
    wcs, (n_rows, n_columns) = find_optimal_celestial_wcs(
        [(grid.shape, grid.wcs) for grid in grids], resolution=size * units.arcsec
    )
    return Grid(wcs, (int(n_rows), int(n_columns)))


def _as_grid(align_to):
    """Return the grid that a WCS, a FITS header or a cube describes."""
    if isinstance(align_to, Cube):
        if align_to.wcs is None:
            raise ValueError("The grid to align to has no celestial WCS.")
        return grid_of(align_to)
    wcs = WCS(align_to) if isinstance(align_to, Header) else align_to
    if not wcs.has_celestial:
        raise ValueError("The grid to align to has no celestial WCS.")
    wcs = wcs.celestial
    if wcs.array_shape is None:
        raise ValueError(
            "The WCS to align to does not say how many pixels the image has: set its "
            "array_shape to (n_rows, n_columns)."
        )
    n_rows, n_columns = wcs.array_shape
    return Grid(wcs, (int(n_rows), int(n_columns)))


def _check_reach(cubes, grid, grid_name):
    """Check that it is known where each cube lies, and that it reaches the grid."""
    for cube in cubes:
        source = grid_of(cube)
        if same_grid(source, grid):
            continue
        if cube.wcs is None or grid.wcs is None:
            # The sentence is about what has no WCS: the bands, or the grid.
            target = ""
            if cube.wcs is not None:
                target = f" to the grid {grid_name}"
            n_rows, n_columns = source.shape
            n_grid_rows, n_grid_columns = grid.shape
            raise ValueError(
                f"{_list_bands(cube.band_names)} cannot be aligned{target} without a "
                f"WCS: where {n_rows} x {n_columns} pixels lie on the {n_grid_rows} x "
                f"{n_grid_columns} {grid_name} is unknown. Add the WCS to its header "
                "(in memory by Cube.replace(wcs=...)), or cut all images to the same "
                "pixels."
            )
        if overlap_box(grid, [source]) is None:
            raise _no_overlap_error(cube.band_names, grid_name)


def check_overlap(cubes, has_values, grid_name):
    """Check that bands with data have values on the grid.

    Parameters
    ----------
    cubes : list of Cube
    has_values : sequence of bool of length n_bands
        Whether a band of all cubes has a value on the grid.
    grid_name : str
    """
    lost_names = []
    for band, is_on_grid in zip(list_bands(cubes), has_values, strict=True):
        if not is_on_grid and np.isfinite(band.image).any():
            lost_names.append(band.name)
    if lost_names:
        raise _no_overlap_error(lost_names, grid_name)


def refuse_to_crop(names, grid_name):
    """Raise the error for bands without a common pixel."""
    raise ValueError(
        f"{_list_bands(names)} have no pixel in common on the grid {grid_name}, so "
        "that nothing is left after cropping. Leave out what shows another field, or "
        "pass crop=False."
    )


def _no_overlap_error(names, grid_name):
    """Return the error for bands of another part of the sky."""
    return ValueError(
        f"{_list_bands(names)} and the grid {grid_name} do not overlap on the sky. "
        "Leave out what shows another field, or correct its WCS."
    )


def _list_bands(names):
    """Return "Band 'a'" or "Bands 'a', 'b'" for a message."""
    word = "Band" if len(names) == 1 else "Bands"
    return f"{word} {', '.join(map(repr, names))}"
