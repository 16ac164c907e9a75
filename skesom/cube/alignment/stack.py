# SPDX-License-Identifier: BSD-3-Clause
"""The bands of several cubes as one cube on one grid, resampled by reproject."""

from itertools import product
from typing import NamedTuple

import numpy as np
from astropy.wcs.utils import pixel_to_pixel
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from skesom._common.lazy import computed, cut_rows
from skesom._common.lazy_strips import join_strips
from skesom._common.strips import strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.warn import warn_user
from skesom._sky.grids import (
    SAME_SIZE,
    Grid,
    cut_grid,
    group_by_grid,
    overlap_box,
    pixel_size,
    portable_grid,
    same_grid,
)
from skesom.cube._container import Cube
from skesom.cube.alignment._grid import check_overlap, grid_of
from skesom.cube.bands import join_bands, list_bands, split_bands
from skesom.cube.valid_pixels import find_valid

METHODS = ("interp", "adaptive", "exact")
TILE = 512  # pixels; hide the cost of a call, but stay in the cache
_LATTICE = 17  # points along each side of a tile that are followed to an image
# Pixels so much wider than those of an image are there if half of their area is; in
# smaller ones a masked pixel would be averaged away.
_COARSE = 2


class _Plan(NamedTuple):
    """How bands come together on a grid, apart from their values."""

    grid: Grid
    groups: list  # numbers of the cubes on one grid, and that grid, None if it is equal
    places: list  # numbers of the bands of each cube
    fluxes: list  # whether a band holds flux
    method: str
    dtype: np.dtype


class _Part(NamedTuple):
    """Rows of the planes of a cube: its data or errors, if any, and its sky mask."""

    values: np.ndarray | None
    sky_mask: np.ndarray | None = None


class _Tile(NamedTuple):
    """Slices (rows, columns) of a tile."""

    box: tuple  # of the grid
    there: tuple  # of the rows of the grid that are filled
    reach: tuple  # of the image that it needs
    own: tuple  # of the rows of the image that are given


def stack_cubes(cubes, grid, name, fluxes, method, n_jobs=None):
    """Return all bands on one grid, as one cube; `fluxes` tells which are fluxes."""
    grids = [grid_of(cube) for cube in cubes]
    if len(cubes) == 1 and same_grid(grids[0], grid):
        return cubes[0]
    places = split_bands(np.arange(len(fluxes)), cubes)
    dtype = np.result_type(*[cube.dtype for cube in cubes])
    known_of_bands = join_bands(cubes)
    groups = []
    for members in group_by_grid(grids):
        source = grids[members[0]]
        if same_grid(source, grid):
            groups.append((members, None))
            continue
        groups.append((members, portable_grid(source)))
        # A count of small pixels that stays as it is stands for a larger flux.
        bands = np.concatenate([places[member] for member in members])
        kept = [band for band in bands if not fluxes[band]]
        ratio = (pixel_size(grid.wcs) / pixel_size(source.wcs)) ** 2
        known_of_bands["zero_points"][kept] -= 2.5 * np.log10(ratio)
    plan = _Plan(portable_grid(grid), groups, places, fluxes, method, dtype)
    is_lazy = any(cube.is_lazy for cube in cubes)
    stack = _stack_lazily if is_lazy else _stack_at_once
    parts = [_Part(cube.data, cube.sky_mask) for cube in cubes]
    data, sky, seen = stack(plan, parts, n_jobs)
    if not (name is None or is_lazy):  # bands without a pixel on the grid are refused
        check_overlap(cubes, seen, name)
    errors = None
    if any(cube.errors is not None for cube in cubes):
        errors, *_ = stack(plan, [_Part(cube.errors) for cube in cubes], n_jobs)
    return Cube(data, wcs=grid.wcs, errors=errors, sky_mask=sky, **known_of_bands)


def _stack_at_once(plan, parts, n_jobs):
    """Return the planes on a grid, and which bands have values."""
    rows = slice(0, plan.grid.shape[0])
    return _stack_rows(plan, rows, *_cut(plan, parts, rows), n_jobs)


def _stack_lazily(plan, parts, n_jobs):
    """Return lazy planes on a grid, in strips of whole rows of tiles."""
    from dask import delayed

    whole = *plan.grid.shape, len(plan.fluxes)
    strips = strips_of(whole, multiple=TILE)
    shared = delayed(plan, traverse=False)  # once for all tasks
    stack = delayed(_stack_rows)
    tasks = [stack(shared, rows, *_cut(plan, parts, rows)) for rows in strips]
    heights = [rows.stop - rows.start for rows in strips]
    sky = None
    if any(part.sky_mask is not None for part in parts):
        sky = join_strips([t[1] for t in tasks], heights, whole[1:2], bool)
    data = join_strips([t[0] for t in tasks], heights, whole[1:], plan.dtype)
    return data, sky, None


def _cut(plan, parts, rows):
    """Return the rows of cubes that rows of the grid need, and the tiles by group."""
    parts, tiles = list(parts), []
    for members, source in plan.groups:
        found, needed = [], rows
        if source is not None:
            found, needed = _find_tiles(source, plan.grid, rows)
        tiles.append(found)
        for n in members:
            cut = (None if plane is None else plane[needed] for plane in parts[n])
            parts[n] = _Part(*cut)
    return parts, tiles


def _find_tiles(source, grid, rows):
    """Return the tiles of rows of a grid, and the rows of an image that they need."""
    boxes, reaches = [], []
    columns = cut_rows(grid.shape[1], TILE)
    for top in range(rows.start, rows.stop, TILE):
        part = slice(top, min(top + TILE, rows.stop))
        beside = list(product([part], columns))
        boxes += beside
        reaches += _find_reaches(source, grid, beside)
    low, high = min(r[0].start for r in reaches), max(r[0].stop for r in reaches)
    tiles = [
        _Tile(box, _lowered(box, rows.start), reach, _lowered(reach, low))
        for box, reach in zip(boxes, reaches, strict=True)
    ]
    return tiles, slice(low, high)


def _lowered(box, first):
    """Return slices whose rows are counted from another one."""
    rows, columns = box
    return slice(rows.start - first, rows.stop - first), columns


def _stack_rows(plan, rows, parts, tiles, n_jobs=None):
    """Return values and sky in rows of the grid, and which bands have values."""
    shape = rows.stop - rows.start, plan.grid.shape[1]

    def fill(result, planes, places, fluxes=()):
        seen = np.ones(result.shape[2], dtype=bool)
        for (members, source), own in zip(plan.groups, tiles, strict=True):
            known = [n for n in members if planes[n] is not None]
            if source is None:
                for n in known:
                    result[:, :, places[n][0] : places[n][-1] + 1] = planes[n]
            elif known:
                bands = np.concatenate([places[n] for n in known])
                grow = np.isin(bands, np.flatnonzero(fluxes))
                arrays = [planes[n] for n in known]
                seen[bands] = _resample(
                    arrays, source, plan, own, result, bands, grow, n_jobs
                )
        return seen

    planes = [part.values for part in parts]
    result = np.empty((*shape, len(plan.fluxes)), plan.dtype)
    if any(plane is None for plane in planes):
        result.fill(np.nan)
    seen, sky = fill(result, planes, plan.places, plan.fluxes), None
    if any(part.sky_mask is not None for part in parts):
        aligned = [result[:, :, place[0] : place[-1] + 1] for place in plan.places]
        sky = _stack_sky(parts, aligned, fill)
    return result, sky, seen


def _stack_sky(parts, aligned, fill):
    """Return the pixels that lack no data but those of sky that was set aside."""
    sky, missing = np.zeros((2, *aligned[0].shape[:2]), dtype=bool)
    for number, (part, data) in enumerate(zip(parts, aligned, strict=True)):
        own = np.zeros((*data.shape[:2], 1), dtype=np.float32)
        if part.sky_mask is not None:
            planes = [None] * len(parts)
            planes[number] = part.sky_mask[:, :, np.newaxis].astype(np.float32)
            fill(own, planes, [[0]] * len(parts))
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
        warn_user(
            f"Pixels of {size:.3g} arcsec are larger than half the FWHM of {listed}, "
            f"so part of the light falls between them. Smooth to {2 * size:.3g} arcsec "
            "before aligning, align to a finer grid, or use resample='adaptive'."
        )


def _resample(arrays, source, plan, tiles, result, bands, grow, n_jobs):
    """Fill bands of an array from images on another grid, tile by tile."""
    # `grow` tells which bands grow with the area of the pixels.
    coarse = pixel_size(plan.grid.wcs) >= _COARSE * pixel_size(source.wcs)
    by_share = plan.method != "interp" and coarse

    def fill(tile, wcs_in, wcs_out):
        # Slices of this kind keep all distortions.
        parts = (wcs_in, tile.reach), (wcs_out, tile.box)
        wcs = [HighLevelWCSWrapper(SlicedLowLevelWCS(*part)) for part in parts]
        stack = np.concatenate([np.moveaxis(each[tile.own], 2, 0) for each in arrays])
        stack = stack.astype(result.dtype, copy=False)
        images = _resample_tile(stack, *wcs, tile.box, plan.method, by_share)
        if grow.any():
            images[grow] *= _area_ratio(*wcs, images.shape[1:])
        result[*tile.there, bands] = np.moveaxis(images, 0, 2)
        return np.isfinite(images).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each tile has its own.
    tasks = [(t, source.wcs.deepcopy(), plan.grid.wcs.deepcopy()) for t in tiles]
    seen = in_threads(lambda task: fill(*task), tasks, n_jobs)
    return np.any(seen, axis=0)


def _find_reaches(source, grid, boxes):
    """Return the part of an image that each of some tiles in a row needs."""
    edges = [[np.linspace(p.start, p.stop, _LATTICE) for p in box] for box in boxes]
    rows, columns = np.swapaxes(edges, 0, 1) - 0.5
    lattice = np.broadcast_arrays(columns[:, np.newaxis], rows[:, :, np.newaxis])
    places = np.stack(pixel_to_pixel(grid.wcs, source.wcs, *lattice)[::-1], axis=1)
    # Beside the reach of kernels: what lies between the points of the lattice.
    least = 3 * max(1, pixel_size(grid.wcs) / pixel_size(source.wcs))
    last = np.array(source.shape) - 1
    reaches = []
    for place in places:
        if not np.isfinite(place).all():  # beyond the horizon of the projection
            reaches.append(tuple(slice(0, length) for length in source.shape))
            continue
        margin = least + max(np.abs(np.diff(place, axis=axis)).max() for axis in (1, 2))
        ends = place.min(axis=(1, 2)) - margin, place.max(axis=(1, 2)) + margin + 1
        low, high = (np.clip(end, 0, last).astype(int) for end in ends)
        reaches.append(tuple(map(slice, low.tolist(), (high + 1).tolist())))
    return reaches


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
    boxes = [overlap_box(grid, [grid_of(cube)]) for cube in cubes]
    pairs = zip(boxes, cubes, strict=True)
    known = [(box, cube.shape[2]) for box, cube in pairs if box]
    # Counted between the edges of the boxes, as the grid may be larger than memory.
    ends = [[(box[axis].start, box[axis].stop) for box, _ in known] for axis in (0, 1)]
    edges = list(map(np.unique, ends))
    count = np.zeros([max(0, len(each) - 1) for each in edges], dtype=int)
    for box, n_bands in known:
        places = zip(edges, box, strict=True)
        part = [np.searchsorted(each, (p.start, p.stop)) for each, p in places]
        count[tuple(slice(*pair) for pair in part)] += n_bands
    n_bands = sum(cube.shape[2] for cube in cubes)
    cells = _box_around(count >= (min_bands or n_bands))
    if cells is None:
        return None
    cells = zip(edges, cells, strict=True)
    box = tuple(slice(int(e[part.start]), int(e[part.stop])) for e, part in cells)
    return cut_grid(grid, box)


def _box_around(mask):
    """Return slices of the rows and columns around the pixels of a mask, or None."""
    seen = list(map(np.flatnonzero, computed(mask.any(axis=1), mask.any(axis=0))))
    if not len(seen[0]):
        return None
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in seen)


def crop_cube(cube, min_bands):
    """Cut a cube to the pixels with data in enough bands, None without any."""
    box = _box_around(find_valid(cube.data, min_bands))
    if box is None or box == tuple(slice(0, length) for length in cube.shape[:2]):
        return cube if box else None
    cut = cube[box]
    if cut.is_lazy:
        return cut
    errors = None if cut.errors is None else np.ascontiguousarray(cut.errors)
    return cut.replace(data=np.ascontiguousarray(cut.data), errors=errors)
