# SPDX-License-Identifier: BSD-3-Clause
"""Find the pixel grid that bands are brought to."""

import numbers

import numpy as np
from astropy import units
from astropy.io.fits import Header
from astropy.wcs import WCS

from skesom._common.grids import SAME_SIZE, Grid, group_by_grid, pixel_size
from skesom.cube._container import Cube


def find_reference(cubes, reference):
    """Return the grid to resample to."""
    grids = [Grid(cube.wcs, cube.shape[:2]) for cube in cubes]
    owners = [
        grid for grid, cube in zip(grids, cubes, strict=True) for _ in cube.band_names
    ]
    if not isinstance(reference, str | numbers.Integral):
        return _as_grid(reference), None
    if isinstance(reference, str) and reference == "optimal":
        return _optimal_grid(grids), None
    names = [name for cube in cubes for name in cube.band_names]
    band = _find_band(owners, names, reference)
    return owners[band], band


def _find_band(owners, names, reference):
    """Return the number of the band whose grid is meant."""
    if isinstance(reference, numbers.Integral):
        if not 0 <= reference < len(names):
            raise ValueError(
                f"There is no band number {reference} to align to: the {len(names)} "
                "bands are counted from 0."
            )
        return int(reference)
    if reference == "first":
        return 0
    if reference == "coarsest":
        if len(group_by_grid(owners)) == 1:  # also without a WCS
            return 0
        sizes = np.array(
            [0 if grid.wcs is None else pixel_size(grid.wcs) for grid in owners]
        )
        return int(np.argmax(sizes >= sizes.max() * (1 - SAME_SIZE)))
    if reference not in names:
        raise ValueError(
            f"There is no band {reference!r} to align to, only {names}; "
            "'coarsest', 'optimal' and 'first' are understood too."
        )
    return names.index(reference)


def _optimal_grid(grids):
    """Return a grid of the coarsest pixels, north up, that holds all images."""
    from reproject.mosaicking import find_optimal_celestial_wcs

    if any(grid.wcs is None for grid in grids):
        raise ValueError(
            "The optimal grid cannot be found for bands without a WCS. Give their cube "
            "one with Cube.replace(wcs=...)."
        )
    grids = [grids[group[0]] for group in group_by_grid(grids)]
    size = max(pixel_size(grid.wcs) for grid in grids)
    wcs, shape = find_optimal_celestial_wcs(
        [(grid.shape, grid.wcs) for grid in grids], resolution=size * units.arcsec
    )
    return Grid(wcs, tuple(int(length) for length in shape))


def _as_grid(reference):
    """Return the grid that a WCS, a FITS header or a cube describes."""
    if isinstance(reference, Cube):
        wcs, shape = reference.wcs, reference.shape[:2]
    else:
        if isinstance(reference, Header):
            reference = WCS(reference)
        if not isinstance(reference, WCS):
            raise ValueError(
                "The grid to align to is 'coarsest', 'optimal', 'first', a band, a "
                f"WCS, a FITS header or a Cube, got {type(reference).__name__}."
            )
        wcs = reference.celestial if reference.has_celestial else None
        shape = None if wcs is None else wcs.array_shape
    if wcs is None:
        raise ValueError("The grid to align to has no celestial WCS.")
    if shape is None:
        raise ValueError(
            "The WCS to align to does not say how many pixels the image has: set its "
            "array_shape to (n_rows, n_columns)."
        )
    return Grid(wcs, tuple(int(length) for length in shape))
