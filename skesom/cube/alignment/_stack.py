# SPDX-License-Identifier: BSD-3-Clause
"""The bands of several cubes as one cube on one grid, resampled by reproject."""

import warnings

import numpy as np
from astropy import units
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from joblib import Parallel, delayed

from skesom._common.blocks import find_valid
from skesom._common.grids import (
    SAME_SIZE,
    cut_grid,
    group_by_grid,
    overlap_box,
    pixel_size,
    same_grid,
)
from skesom.cube._base import all_band_names, list_bands, split_bands
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import check_overlap, grid_of, nothing_left

METHODS = ("interp", "adaptive", "exact")
CONSERVED = ("surface brightness", "flux")
PIXELS_PER_STRIP = 2**18  # hide the cost of a call, but stay in the cache


def find_fluxes(conserve, cubes):
    """Return which bands hold the flux of a pixel instead of surface brightness."""
    n_bands = len(all_band_names(cubes))
    spread = [conserve] * n_bands if isinstance(conserve, str) else list(conserve)
    if len(spread) != n_bands or not set(spread) <= set(CONSERVED):
        raise ValueError(
            f"conserve must be one of {list(CONSERVED)}, or one of them for each of "
            f"the {n_bands} bands, got {conserve!r}."
        )
    return [each == "flux" for each in spread]


def stack_cubes(cubes, grid, name, fluxes, **options):
    """Return all bands on one grid, as one cube."""
    grids = [grid_of(cube) for cube in cubes]
    if len(cubes) == 1 and same_grid(grids[0], grid):
        return cubes[0]
    n_bands = len(fluxes)
    places = split_bands(np.arange(n_bands), cubes)
    dtype = np.result_type(*[cube.dtype for cube in cubes])
    data = np.empty((*grid.shape, n_bands), dtype)
    errors = None
    if any(cube.errors is not None for cube in cubes):
        errors = np.full_like(data, np.nan)
    known_of_bands = join_bands(cubes)
    for members in group_by_grid(grids):
        source = grids[members[0]]
        group = [cubes[member] for member in members]
        bands = [places[member] for member in members]
        seen = _fill([cube.data for cube in group], source, grid, data, bands, options)
        check_overlap(group, seen, name)
        known = [n for n, cube in enumerate(group) if cube.errors is not None]
        if known:
            planes = [group[n].errors for n in known]
            _fill(planes, source, grid, errors, [bands[n] for n in known], options)
        if same_grid(source, grid):
            continue
        ratio = dtype.type((pixel_size(grid.wcs) / pixel_size(source.wcs)) ** 2)
        for band in np.concatenate(bands):
            if fluxes[band]:
                data[:, :, band] *= ratio
                if errors is not None:
                    errors[:, :, band] *= ratio
            else:  # a count of small pixels now stands for the flux of a large one
                known_of_bands["zero_points"][band] -= 2.5 * np.log10(ratio)
    sky = None
    if any(cube.sky_mask is not None for cube in cubes):
        aligned = [data[:, :, place[0] : place[-1] + 1] for place in places]
        sky = _stack_sky(cubes, grids, grid, aligned, options)
    return Cube(data, wcs=grid.wcs, errors=errors, sky_mask=sky, **known_of_bands)


def join_bands(cubes):
    """Return the descriptions of the bands of several cubes, as arguments of `Cube`."""
    coordinates = [cube.band_coordinates for cube in cubes]
    return {
        "band_names": all_band_names(cubes),
        "band_units": [unit for cube in cubes for unit in cube.band_units],
        "fwhm": np.concatenate([cube.fwhm for cube in cubes]),
        "zero_points": np.concatenate([cube.zero_points for cube in cubes]),
        "band_coordinates": join_coordinates(coordinates, [c.shape[2] for c in cubes]),
    }


def join_coordinates(coordinates, n_bands):
    """Return the spectral coordinates of several images, None if they have none."""
    known = [quantity for quantity in coordinates if quantity is not None]
    if not known:
        return None
    unit = known[0].unit
    try:
        values = [
            np.full(length, np.nan)
            if quantity is None
            else quantity.to_value(unit, units.spectral())
            for quantity, length in zip(coordinates, n_bands, strict=True)
        ]
    except units.UnitConversionError:
        kinds = ", ".join(dict.fromkeys(str(quantity.unit) for quantity in known))
        warnings.warn(
            "The spectral coordinates of the bands are left out, because those of some "
            f"images are velocities and others are not ({kinds}).",
            stacklevel=2,
        )
        return None
    return np.concatenate(values) * unit


def _stack_sky(cubes, grids, grid, aligned, options):
    """Return the pixels that lack no data but those of sky that was set aside."""
    sky, missing = np.zeros((2, *grid.shape), dtype=bool)
    for cube, source, data in zip(cubes, grids, aligned, strict=True):
        own = np.zeros((*grid.shape, 1), dtype=np.float32)
        if cube.sky_mask is not None:
            plane = cube.sky_mask[:, :, np.newaxis].astype(np.float32)
            _fill([plane], source, grid, own, [np.arange(1)], options)
        own = own[:, :, 0] > 0  # as NaN of one pixel makes the sum NaN
        sky |= own
        missing |= np.isnan(data).any(axis=2) & ~own
    return sky & ~missing


def warn_of_undersampled(cubes, grid):
    """Warn of bands whose light falls between the pixels of a coarser grid."""
    if grid.wcs is None:
        return
    size = pixel_size(grid.wcs)
    listed = ", ".join(
        f"{band.name!r} ({band.fwhm:.3g} arcsec)"
        for band in list_bands(cubes)
        if size > band.fwhm / 2 and size > pixel_size(band.cube.wcs) * (1 + SAME_SIZE)
    )
    if listed:
        warnings.warn(
            f"Pixels of {size:.3g} arcsec are larger than half the FWHM of {listed}, "
            f"so part of the light falls between them. Smooth to {2 * size:.3g} arcsec "
            "before aligning, align to a finer grid, or use resample='adaptive'.",
            UserWarning,
            stacklevel=4,
        )


def _fill(arrays, source, grid, result, bands, options):
    """Copy or resample images of one grid to their bands; return which had data."""
    if not same_grid(source, grid):
        return _resample(arrays, source, grid, result, np.concatenate(bands), **options)
    for array, places in zip(arrays, bands, strict=True):
        result[:, :, places[0] : places[-1] + 1] = array
    return np.ones(sum(map(len, bands)), dtype=bool)


def _resample(arrays, source, grid, data, bands, *, method, n_jobs):
    """Fill bands of an array from images on another grid, strip by strip."""
    # Importing reproject takes seconds, and most cubes need no resampling.
    import reproject

    function = getattr(reproject, f"reproject_{method}")
    # The check costs as much again; only distortions can fold back on the image.
    distorted = source.wcs.has_distortion or grid.wcs.has_distortion
    options = {} if method == "exact" else {"roundtrip_coords": distorted}
    stack = [np.moveaxis(array, 2, 0) for array in arrays]
    stack = stack[0] if len(stack) == 1 else np.concatenate(stack)
    rows, columns = grid.shape
    # The exact method visits every input pixel in each call.
    height = rows if method == "exact" else max(1, PIXELS_PER_STRIP // columns)

    def fill(start, wcs_in, wcs_out):
        stop = min(start + height, rows)
        part = HighLevelWCSWrapper(
            SlicedLowLevelWCS(wcs_out, [slice(start, stop), slice(0, columns)])
        )
        shape = len(stack), stop - start, columns
        strip = np.empty(shape, stack.dtype)
        output = {"output_array": strip, "return_footprint": False}
        function((stack, wcs_in), part, shape_out=shape, **output, **options)
        data[start:stop, :, bands] = np.moveaxis(strip, 0, 2)
        return np.isfinite(strip).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each strip has its own.
    seen = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(start, source.wcs.deepcopy(), grid.wcs.deepcopy())
        for start in range(0, rows, height)
    )
    return np.any(seen, axis=0)


def crop_grid(cubes, grid, grid_name):
    """Cut a grid to the part that all cubes can reach."""
    grids = [grid_of(cube) for cube in cubes]
    if all(same_grid(source, grid) for source in grids):
        return grid
    box = overlap_box(grid, grids)
    if box is None:
        raise ValueError(nothing_left(all_band_names(cubes), grid_name))
    return cut_grid(grid, box)


def crop_cube(cube, grid_name):
    """Cut a cube to the rectangle around the pixels with data in all bands."""
    valid = find_valid(cube.data)
    if not valid.any():
        raise ValueError(nothing_left(cube.band_names, grid_name))
    seen = (np.flatnonzero(valid.any(axis=axis)) for axis in (1, 0))
    box = tuple(slice(int(places[0]), int(places[-1]) + 1) for places in seen)
    if box == tuple(slice(0, length) for length in valid.shape):
        return cube
    cut = cube[box]
    errors = None if cut.errors is None else np.ascontiguousarray(cut.errors)
    return cut.replace(data=np.ascontiguousarray(cut.data), errors=errors)
