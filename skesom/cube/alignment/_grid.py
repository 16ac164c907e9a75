# SPDX-License-Identifier: BSD-3-Clause
"""The pixel grid that bands are aligned to, and the checks that cubes reach it."""

import numbers

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


def grid_of(cube):
    """Return the pixel grid of a cube."""
    return Grid(cube.wcs, cube.shape[:2])


def find_grid(cubes, align_to):
    """Return the grid to align to, the number of its band or None, and its name."""
    band, name = None, "of the reference"
    if not isinstance(align_to, str | numbers.Integral):
        grid = _as_grid(align_to)
    elif align_to == "optimal":
        grid = _optimal_grid([grid_of(cube) for cube in cubes])
    else:
        grids = [grid_of(cube) for cube in cubes for _ in cube.band_names]
        names = all_band_names(cubes)
        band = _find_band(grids, names, align_to)
        grid, name = grids[band], f"of band {names[band]!r}"
    _check_places(cubes, grid, name)
    return grid, band, name


def _find_band(grids, names, align_to):
    """Return the number of the band whose grid is meant."""
    if isinstance(align_to, numbers.Integral):
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
    sizes = [0 if grid.wcs is None else pixel_size(grid.wcs) for grid in grids]
    # The first of those that are equal but for rounding.
    return int(np.argmax(np.array(sizes) >= max(sizes) * (1 - SAME_SIZE)))


def _optimal_grid(grids):
    """Return a grid of the coarsest pixels, north up, that holds all images."""
    from reproject.mosaicking import find_optimal_celestial_wcs

    if any(grid.wcs is None for grid in grids):
        raise ValueError(
            "Bands without a WCS have no optimal grid: use Cube.replace(wcs=...)."
        )
    # Images of one grid count once: the search looks at each that it gets.
    grids = [grids[group[0]] for group in group_by_grid(grids)]
    size = max(pixel_size(grid.wcs) for grid in grids)
    wcs, shape = find_optimal_celestial_wcs(
        [(grid.shape, grid.wcs) for grid in grids], resolution=size * units.arcsec
    )
    return Grid(wcs, tuple(int(length) for length in shape))


def _as_grid(align_to):
    """Return the grid that a WCS, a FITS header or a cube describes."""
    if isinstance(align_to, Cube):
        wcs, shape = align_to.wcs, align_to.shape[:2]
    else:
        wcs = WCS(align_to) if isinstance(align_to, Header) else align_to
        wcs = wcs.celestial if wcs.has_celestial else None
        shape = None if wcs is None else wcs.array_shape
    if wcs is None:
        raise ValueError("The grid to align to has no celestial WCS.")
    if shape is None:
        raise ValueError(
            "The WCS to align to does not say how many pixels the image has: set its "
            "array_shape to (n_rows, n_columns)."
        )
    return Grid(wcs, tuple(int(length) for length in shape))


def _check_places(cubes, grid, grid_name):
    """Check that each cube has a place on the grid."""
    for cube in cubes:
        source = grid_of(cube)
        if same_grid(source, grid):
            continue
        if cube.wcs is None or grid.wcs is None:
            to = "" if cube.wcs is None else f" to the grid {grid_name}"
            pixels, pixels_out = (
                " x ".join(map(str, shape)) for shape in (source.shape, grid.shape)
            )
            raise ValueError(
                f"{_bands(cube.band_names)} cannot be aligned{to} without a WCS: where "
                f"{pixels} pixels lie on the {pixels_out} {grid_name} is unknown. Add "
                "the WCS to its header (in memory by Cube.replace(wcs=...)), or cut "
                "all images to the same pixels."
            )
        if overlap_box(grid, [source]) is None:
            raise ValueError(_no_overlap(cube.band_names, grid_name))


def check_overlap(cubes, seen, grid_name):
    """Check that bands with data have data on the grid."""
    pairs = zip(list_bands(cubes), seen, strict=True)
    unseen = [band for band, has_data in pairs if not has_data]
    lost = [band.name for band in unseen if np.isfinite(band.image).any()]
    if lost:
        raise ValueError(_no_overlap(lost, grid_name))


def refuse_to_crop(names, grid_name):
    """Raise the error for bands without a common pixel."""
    raise ValueError(
        f"{_bands(names)} have no pixel in common on the grid {grid_name}, so "
        "that nothing is left after cropping. Leave out what shows another field, or "
        "pass crop=False."
    )


def _no_overlap(names, grid_name):
    """Return the message for bands of another part of the sky."""
    return (
        f"{_bands(names)} and the grid {grid_name} do not overlap on the sky. "
        "Leave out what shows another field, or correct its WCS."
    )


def _bands(names):
    """Return "Band 'a'" or "Bands 'a', 'b'" for a message."""
    plural = "s" if len(names) > 1 else ""
    return f"Band{plural} {', '.join(map(repr, names))}"
