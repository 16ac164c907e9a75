# SPDX-License-Identifier: BSD-3-Clause
"""What is refused or warned of when bands are brought to one grid."""

import warnings

import numpy as np

from skesom._common.grids import SAME_SIZE, Grid, overlap_box, pixel_size, same_grid
from skesom.cube._container import Cube

CONSERVED = ("surface brightness", "flux")


def check_cubes(cubes):
    """Return the cubes as a list after checking that they can be combined."""
    cubes = [cubes] if isinstance(cubes, Cube) else list(cubes)
    if not cubes:
        raise ValueError("There is nothing to align: the list of cubes is empty.")
    names = [name for cube in cubes for name in cube.band_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"Several bands are named {', '.join(map(repr, repeated))}. Rename them "
            "with Cube.replace(band_names=...)."
        )
    return cubes


def check_places(cubes, grid, band):
    """Refuse cubes that have no place on a grid."""
    names = [name for cube in cubes for name in cube.band_names]
    name = "of the reference" if band is None else f"of band {names[band]!r}"
    for cube in cubes:
        source = Grid(cube.wcs, cube.shape[:2])
        if same_grid(source, grid):
            continue
        if cube.wcs is None or grid.wcs is None:
            raise ValueError(_no_wcs(cube, grid, name))
        if overlap_box(grid, [source]) is None:
            raise ValueError(_no_overlap(cube.band_names, name))
    return name


def check_overlap(cubes, seen, grid_name):
    """Refuse bands that have data, but none on the grid."""
    bands = [(cube, band) for cube in cubes for band in range(cube.shape[2])]
    lost = [
        cube.band_names[band]
        for (cube, band), has_data in zip(bands, seen, strict=True)
        if not has_data and np.isfinite(cube.data[:, :, band]).any()
    ]
    if lost:
        raise ValueError(_no_overlap(lost, grid_name))


def spread_conserve(conserve, cubes):
    """Return what is conserved in each band."""
    n_bands = sum(cube.shape[2] for cube in cubes)
    spread = [conserve] * n_bands if isinstance(conserve, str) else list(conserve)
    wrong = [entry for entry in spread if entry not in CONSERVED]
    if wrong or len(spread) != n_bands:
        raise ValueError(
            f"conserve must be one of {list(CONSERVED)}, or one of them for each of "
            f"the {n_bands} bands, got {conserve!r}."
        )
    return spread


def nothing_left(names, grid_name):
    """Return what to say if there is no pixel in which all bands have data."""
    return (
        f"{_bands(names)} have no pixel in common on the grid {grid_name}, so "
        "that nothing is left after cropping. Leave out what shows another field, or "
        "pass crop=False."
    )


def find_undersampled(cubes, source, grid):
    """Find the bands whose light the pixels of a grid would miss."""
    size = pixel_size(grid.wcs)
    if size <= pixel_size(source.wcs) * (1 + SAME_SIZE):
        return []
    return [
        (name, fwhm)
        for cube in cubes
        for name, fwhm in zip(cube.band_names, cube.fwhm, strict=True)
        if size > fwhm / 2
    ]


def warn_undersampled(undersampled, grid):
    """Say which bands should have been smoothed before."""
    size = pixel_size(grid.wcs)
    listed = ", ".join(f"{name!r} ({fwhm:.3g} arcsec)" for name, fwhm in undersampled)
    warnings.warn(
        f"Pixels of {size:.3g} arcsec are larger than half the FWHM of {listed}, so "
        f"part of the light falls between them. Smooth to {2 * size:.3g} arcsec before "
        "aligning, align to a finer grid, or use the method 'adaptive'.",
        UserWarning,
        stacklevel=4,
    )


def _no_wcs(cube, grid, grid_name):
    """Return what to say if pixels differ and their places are unknown."""
    if cube.wcs is None:
        without, owner = "without a WCS", "its header"
    else:
        without, owner = f"to the grid {grid_name} without a WCS", "that header"
    (rows, columns), (rows_out, columns_out) = cube.shape[:2], grid.shape
    return (
        f"{_bands(cube.band_names)} cannot be aligned {without}: where {rows} x "
        f"{columns} pixels lie on the {rows_out} x {columns_out} {grid_name} is "
        f"unknown. Add the WCS to {owner} (in memory by Cube.replace(wcs=...)), or cut "
        "all images to the same pixels."
    )


def _no_overlap(names, grid_name):
    """Return what to say if bands show another part of the sky."""
    return (
        f"{_bands(names)} and the grid {grid_name} do not overlap on the sky. "
        "Leave out what shows another field, or correct its WCS."
    )


def _bands(names):
    """Return "Band 'a'" or "Bands 'a', 'b'" for a message."""
    plural = "s" if len(names) > 1 else ""
    return f"Band{plural} {', '.join(map(repr, names))}"
