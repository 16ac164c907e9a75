# SPDX-License-Identifier: BSD-3-Clause
"""The bands of several cubes as one cube on one grid, resampled by reproject."""

import warnings
from itertools import product

import numpy as np
from astropy import units
from astropy.wcs.utils import pixel_to_pixel
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
from skesom.cube._base import list_bands, split_bands
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import check_overlap, grid_of

METHODS = ("interp", "adaptive", "exact")
TILE = 512  # pixels; hide the cost of a call, but stay in the cache
_LATTICE = 17  # points along each side of a tile that are followed to an image
# Pixels so much wider than those of an image are there if half of their area is; in
# smaller ones a masked pixel would be averaged away.
_COARSE = 2


def stack_cubes(cubes, grid, name, fluxes, **options):
    """Return all bands on one grid, as one cube; `fluxes` tells which are fluxes."""
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
    whole = options | {"fluxes": fluxes}
    for members in group_by_grid(grids):
        source = grids[members[0]]
        group = [cubes[member] for member in members]
        bands = [places[member] for member in members]
        seen = _fill([cube.data for cube in group], source, grid, data, bands, whole)
        if name is not None:  # bands without a pixel on the grid are refused
            check_overlap(group, seen, name)
        known = [n for n, cube in enumerate(group) if cube.errors is not None]
        if known:
            planes = [group[n].errors for n in known]
            _fill(planes, source, grid, errors, [bands[n] for n in known], whole)
        if same_grid(source, grid):
            continue
        # A count of small pixels that stays as it is stands for a larger flux.
        kept = [band for band in np.concatenate(bands) if not fluxes[band]]
        ratio = (pixel_size(grid.wcs) / pixel_size(source.wcs)) ** 2
        known_of_bands["zero_points"][kept] -= 2.5 * np.log10(ratio)
    sky = None
    if any(cube.sky_mask is not None for cube in cubes):
        aligned = [data[:, :, place[0] : place[-1] + 1] for place in places]
        sky = _stack_sky(cubes, grids, grid, aligned, options)
    return Cube(data, wcs=grid.wcs, errors=errors, sky_mask=sky, **known_of_bands)


def join_bands(parts):
    """Return the descriptions of bands of cubes or images, as arguments of `Cube`."""
    names = "band_names", "band_units", "fwhm", "zero_points", "diffraction_fwhm"
    known = {
        name: np.concatenate([np.asarray(getattr(part, name)) for part in parts])
        for name in names
    }
    coordinates = [part.band_coordinates for part in parts]
    n_bands = [len(part.fwhm) for part in parts]
    return known | {"band_coordinates": _join_coordinates(coordinates, n_bands)}


def _join_coordinates(coordinates, n_bands):
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
        lacking = np.isnan(data).any(axis=2)
        own = (own[:, :, 0] > 0) & lacking
        sky |= own
        missing |= lacking & ~own
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


def _resample(arrays, source, grid, data, bands, *, method, n_jobs, fluxes=()):
    """Fill bands of an array from images on another grid, tile by tile."""
    grow = np.isin(bands, np.flatnonzero(fluxes))  # with the area of the pixels
    ratio = pixel_size(grid.wcs) / pixel_size(source.wcs)
    by_share = method != "interp" and ratio >= _COARSE

    def fill(box, wcs_in, wcs_out):
        reach = _reach(wcs_in, source.shape, wcs_out, box, 3 * max(1, ratio))
        # Slices of this kind keep all distortions.
        wcs = [
            HighLevelWCSWrapper(SlicedLowLevelWCS(*pair))
            for pair in ((wcs_in, reach), (wcs_out, box))
        ]
        stack = np.concatenate([np.moveaxis(each[reach], 2, 0) for each in arrays])
        tile = _resample_tile(
            stack.astype(data.dtype, copy=False), *wcs, box, method, by_share
        )
        if grow.any():
            tile[grow] *= _area_ratio(*wcs, tile.shape[1:])
        data[*box, bands] = np.moveaxis(tile, 0, 2)
        return np.isfinite(tile).any(axis=(1, 2))

    starts = (range(0, length, TILE) for length in grid.shape)
    # A WCS is not safe to share between threads, so that each tile has its own.
    seen = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(
            tuple(
                slice(start, min(start + TILE, length))
                for start, length in zip(corner, grid.shape, strict=True)
            ),
            source.wcs.deepcopy(),
            grid.wcs.deepcopy(),
        )
        for corner in product(*starts)
    )
    return np.any(seen, axis=0)


def _reach(wcs_in, shape, wcs_out, box, margin):
    """Return the part of an image that a tile of a grid needs."""
    edges = (np.linspace(part.start, part.stop, _LATTICE) - 0.5 for part in box)
    rows, columns = np.meshgrid(*edges, indexing="ij")
    place = np.stack(pixel_to_pixel(wcs_out, wcs_in, columns, rows)[::-1])
    if not np.isfinite(place).all():  # beyond the horizon of the projection
        return tuple(slice(0, length) for length in shape)
    # Beside the reach of kernels: what lies between the points of the lattice.
    margin += max(np.abs(np.diff(place, axis=axis)).max() for axis in (1, 2))
    ends = place.min(axis=(1, 2)) - margin, place.max(axis=(1, 2)) + margin + 1
    low, high = (np.clip(end, 0, np.array(shape) - 1).astype(int) for end in ends)
    return tuple(map(slice, low.tolist(), (high + 1).tolist()))


def _area_ratio(wcs_in, wcs_out, shape):
    """Return how many pixels of an image each pixel of a tile covers."""
    rows, columns = np.indices(np.add(shape, 2)) - 1.0
    x, y = map(np.gradient, pixel_to_pixel(wcs_out, wcs_in, columns, rows))
    return np.abs(x[1] * y[0] - x[0] * y[1])[1:-1, 1:-1]


def _resample_tile(stack, wcs_in, wcs_out, box, method, by_share):
    """Return images of shape (n_bands, rows, columns) on the pixels of a tile."""
    # Weights are shared out among what is there. A pixel is there if its center lies on
    # a pixel with data; `by_share`, also if half of what it covers has data.
    import reproject  # takes seconds, and most cubes need no resampling

    # The check costs as much again; only distortions can fold back on the image.
    distorted = any(
        each.low_level_wcs._wcs.has_distortion for each in (wcs_in, wcs_out)
    )
    options = {"boundary_mode": "ignore"} if method == "adaptive" else {}

    def resample(images, method, **options):
        output = np.empty((len(images), *(p.stop - p.start for p in box)), stack.dtype)
        options |= {"output_array": output, "return_footprint": False}
        if method != "exact":
            options["roundtrip_coords"] = distorted
        function = getattr(reproject, f"reproject_{method}")
        function((images, wcs_in), wcs_out, shape_out=output.shape, **options)
        return output

    missing = np.isnan(stack)
    if method == "interp" and not missing.any():
        return resample(stack, method)
    if np.array_equal(missing, np.broadcast_to(missing[:1], missing.shape)):
        missing = missing[:1]
    valid = (~missing).astype(stack.dtype)
    # NaN outside of the image, 0 where the pixel below the center is missing.
    below = resample(valid, "interp", order="nearest-neighbor")
    covered = below > 0
    result = resample(np.where(missing, 0, stack), method, **options)
    if missing.any():
        share = resample(valid, method, **options)
        if by_share:
            covered |= (share >= 0.5) & ~np.isnan(below)
        with np.errstate(divide="ignore", invalid="ignore"):
            result /= share
    return np.where(covered, result, stack.dtype.type(np.nan))


def crop_grid(cubes, grid, min_bands):
    """Cut a grid to the rectangle that enough bands can reach, None without any."""
    count = np.zeros(grid.shape, dtype=np.uint16)
    for cube in cubes:
        box = overlap_box(grid, [grid_of(cube)])
        if box is not None:
            count[box] += cube.shape[2]
    n_bands = sum(cube.shape[2] for cube in cubes)
    box = _box_around(count >= (min_bands or n_bands))
    return None if box is None else cut_grid(grid, box)


def _box_around(mask):
    """Return slices of the rows and columns around the pixels of a mask, or None."""
    seen = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    if not len(seen[0]):
        return None
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in seen)


def crop_cube(cube, min_bands):
    """Cut a cube to the pixels with data in enough bands, None without any."""
    box = _box_around(find_valid(cube.data, min_bands))
    if box is None or box == tuple(slice(0, length) for length in cube.shape[:2]):
        return cube if box else None
    cut = cube[box]
    errors = None if cut.errors is None else np.ascontiguousarray(cut.errors)
    return cut.replace(data=np.ascontiguousarray(cut.data), errors=errors)
