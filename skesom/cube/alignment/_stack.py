# SPDX-License-Identifier: BSD-3-Clause
"""The bands of several cubes as one cube on one grid, resampled by reproject."""

import warnings
from itertools import product
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs.utils import pixel_to_pixel
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from joblib import Parallel, delayed

from skesom._common.blocks import find_valid
from skesom._common.grids import (
    SAME_SIZE,
    Grid,
    cut_grid,
    group_by_grid,
    overlap_box,
    pixel_size,
    same_grid,
)
from skesom.cube._base import all_band_names, list_bands, split_bands
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import check_overlap, grid_of

METHODS = ("interp", "adaptive", "exact")
TILE = 512  # pixels; hide the cost of a call, but stay in the cache
_LATTICE = 17  # points along each side of a tile that are followed to an image
# Pixels so much wider than those of an image are there if half of their area is; in
# smaller ones a masked pixel would be averaged away.
_COARSE = 2


def stack_cubes(cubes, grid, name, fluxes, **options):
    """Return all bands on one grid, as one cube; `fluxes` tells which are fluxes.

    With the name of the grid, bands without a pixel on it are refused.
    """
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
        if name is not None:
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


def _resample(arrays, source, grid, data, bands, *, method, n_jobs, fluxes=()):
    """Fill bands of an array from images on another grid, tile by tile."""
    grow = np.isin(bands, np.flatnonzero(fluxes))  # with the area of the pixels
    ratio = pixel_size(grid.wcs) / pixel_size(source.wcs)
    resample = _Resampler(method, _COARSE <= ratio)

    def fill(box, wcs_in, wcs_out):
        reach = _reach(Grid(wcs_in, source.shape), Grid(wcs_out, grid.shape), box)
        shape = (len(bands), *(part.stop - part.start for part in box))
        tile = np.full(shape, np.nan, data.dtype)
        if reach is not None:
            stack = np.concatenate([np.moveaxis(each[reach], 2, 0) for each in arrays])
            wcs_in, wcs_out = _cut(wcs_in, reach), _cut(wcs_out, box)
            resample(stack.astype(data.dtype, copy=False), wcs_in, wcs_out, tile)
            if grow.any():
                tile[grow] *= _area_ratio(wcs_in, wcs_out, shape[1:])
        data[*box, bands] = np.moveaxis(tile, 0, 2)
        return np.isfinite(tile).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each tile has its own.
    seen = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(box, source.wcs.deepcopy(), grid.wcs.deepcopy())
        for box in _tiles(grid.shape)
    )
    return np.any(seen, axis=0)


def _tiles(shape):
    """Return the slices (rows, columns) of all tiles of a grid."""
    cuts = (
        [slice(start, min(start + TILE, length)) for start in range(0, length, TILE)]
        for length in shape
    )
    return list(product(*cuts))


def _cut(wcs, box):
    """Return the world coordinates of a part of an image, with all distortions."""
    return HighLevelWCSWrapper(SlicedLowLevelWCS(wcs, list(box)))


def _reach(source, grid, box):
    """Return the part of an image that a tile of a grid needs, None without any."""
    edges = (np.linspace(part.start, part.stop, _LATTICE) - 0.5 for part in box)
    rows, columns = np.meshgrid(*edges, indexing="ij")
    place = np.stack(pixel_to_pixel(grid.wcs, source.wcs, columns, rows)[::-1])
    if not np.isfinite(place).all():  # beyond the horizon of the projection
        return slice(0, source.shape[0]), slice(0, source.shape[1])
    # What lies between the points of the lattice, and the reach of all kernels.
    step = max(np.abs(np.diff(place, axis=axis)).max() for axis in (1, 2))
    ratio = max(1, pixel_size(grid.wcs) / pixel_size(source.wcs))
    margin = np.ceil(step + 3 * ratio)
    low = np.maximum(np.floor(place.min(axis=(1, 2))) - margin, 0)
    high = np.minimum(np.ceil(place.max(axis=(1, 2))) + margin + 1, source.shape)
    if np.any(high <= low):
        return None
    return tuple(map(slice, low.astype(int).tolist(), high.astype(int).tolist()))


def _area_ratio(wcs_in, wcs_out, shape):
    """Return how many pixels of an image each pixel of a tile covers."""
    rows, columns = np.indices(np.add(shape, 2)) - 1.0
    x, y = pixel_to_pixel(wcs_out, wcs_in, columns, rows)
    (x_rows, x_columns), (y_rows, y_columns) = np.gradient(x), np.gradient(y)
    return np.abs(x_columns * y_rows - x_rows * y_columns)[1:-1, 1:-1]


class _Resampler(NamedTuple):
    """Resampling of a tile by reproject, without loss beside gaps and borders."""

    method: str
    is_coarse: bool  # pixels that are so large that a gap can be a part of them

    def __call__(self, stack, wcs_in, wcs_out, result):
        """Fill a tile from the images around it, of shape (n_bands, rows, columns)."""
        missing = np.isnan(stack)
        has_gaps = missing.any()
        if self.method == "interp" and not has_gaps:
            self._call(self.method, stack, wcs_in, wcs_out, result)
            return
        if np.array_equal(missing, np.broadcast_to(missing[:1], missing.shape)):
            missing = missing[:1]
        valid = (~missing).astype(stack.dtype)
        share = np.empty((len(valid), *result.shape[1:]), stack.dtype)
        # NaN outside of the image, 0 where the pixel below the center is missing.
        self._call("interp", valid, wcs_in, wcs_out, share, order="nearest-neighbor")
        covered = share > 0
        if has_gaps:
            stack = np.where(missing, 0, stack)
        self._call(self.method, stack, wcs_in, wcs_out, result)
        if has_gaps:
            inside = ~np.isnan(share)
            self._call(self.method, valid, wcs_in, wcs_out, share)
            if self.is_coarse and self.method != "interp":
                covered |= inside & (share >= 0.5)
            with np.errstate(divide="ignore", invalid="ignore"):
                result /= share
        np.copyto(result, np.nan, where=~covered)

    @staticmethod
    def _call(method, images, wcs_in, wcs_out, result, **options):
        """Call a function of reproject."""
        # Importing it takes seconds, and most cubes need no resampling.
        import reproject

        function = getattr(reproject, f"reproject_{method}")
        if method == "adaptive":
            options["boundary_mode"] = "ignore"
        if method != "exact":
            # The check costs as much again; only distortions can fold back.
            wcs = (each.low_level_wcs._wcs for each in (wcs_in, wcs_out))
            options["roundtrip_coords"] = any(each.has_distortion for each in wcs)
        options |= {"output_array": result, "return_footprint": False}
        function((images, wcs_in), wcs_out, shape_out=result.shape, **options)


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
