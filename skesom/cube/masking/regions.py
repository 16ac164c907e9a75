# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of regions on the sky or in the image, and of ready masks."""

import numpy as np

from skesom._common.masked import filled

# Attributes that tell where a region lies; each kind has some of them.
_COORDINATES = ("center", "vertices", "start", "end")
_MOST_WORK = 1e8  # corners times pixels, which regions compares in about a second


def is_region(value):
    """Tell whether a value is a region as the regions package makes them."""
    return hasattr(value, "to_mask") or hasattr(value, "to_pixel")


def pixels_of_regions(regions, cube, parameter, must_overlap):
    """Find the pixels whose centers lie in at least one region."""
    inside = np.zeros(cube.shape[:2], dtype=bool)
    taken_out = np.zeros(cube.shape[:2], dtype=bool)
    touches = False
    for region in _as_list(regions):
        if is_region(region):
            box, in_box = _pixels_of_region(region, cube, parameter)
            is_excluded = region.meta.get("include") in (False, 0, "-")
        else:
            box = ...
            in_box = _check_mask(region, cube, parameter)
            is_excluded = False
        touches |= in_box.size > 0
        if is_excluded:
            taken_out[box] |= in_box
        else:
            inside[box] |= in_box
    if must_overlap and not touches:
        raise ValueError(
            f"None of the regions of {parameter} touches the image of {cube.shape[0]} "
            f"x {cube.shape[1]} pixels. Compare their coordinates with the image."
        )
    return inside & ~taken_out


def _as_list(regions):
    """Return single regions and masks as a list of one."""
    if is_region(regions):
        return [regions]
    if isinstance(regions, list | tuple) or not hasattr(regions, "__array__"):
        if all(is_region(entry) or np.ndim(entry) == 2 for entry in regions):
            return list(regions)
    return [regions]


def _pixels_of_region(region, cube, parameter):
    """Find the pixels of a region, in a box around it."""
    if hasattr(region, "to_pixel") and cube.wcs is None:
        raise ValueError(
            f"{parameter} holds a {type(region).__name__}, but the cube has no WCS "
            "to find it in the image. Give the region in pixels, or the cube a WCS "
            "with Cube.replace(wcs=...)."
        )
    return pixels_in_box(in_pixels(region, cube.wcs), cube.shape[:2])


def in_pixels(region, wcs):
    """Return a region in pixels, None if it is beyond the horizon of a projection."""
    if not _is_in_projection(region, wcs):  # which regions refuses from 0.13 on
        return None
    if hasattr(region, "to_pixel"):
        return region.to_pixel(wcs)
    return region


def pixels_in_box(region, shape):
    """Find the pixels with centers in a region of `in_pixels`, in a box around it."""
    from regions import PixCoord, PointPixelRegion, RegionMeta

    box = None
    if region is not None:
        box = region.bounding_box.get_overlap_slices(shape)[0]
    if box is None:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), dtype=bool)
    rows, columns = np.mgrid[box]
    if isinstance(region, PointPixelRegion) or rows.size == 0:
        return box, np.ones(rows.shape, dtype=bool)
    corners = getattr(region, "vertices", None)
    if corners is not None and corners.x.size * rows.size > _MOST_WORK:
        return box, _fill(corners, rows[:, 0], columns[0])
    # Before version 0.12 an excluded region contains what is outside of it.
    shape_alone = region.copy(meta=RegionMeta())
    inside = shape_alone.contains(PixCoord(columns.ravel(), rows.ravel()))
    return box, inside.reshape(rows.shape)


def _fill(corners, rows, columns):
    """Find the pixels in a polygon of many corners row by row, as `contains` does."""
    x = corners.x
    y = corners.y
    x_next = np.roll(x, -1)
    y_next = np.roll(y, -1)
    inside = np.empty((len(rows), len(columns)), dtype=bool)
    for index, row in enumerate(rows):
        ends = np.flatnonzero((y > row) != (y_next > row))
        slopes = (x_next[ends] - x[ends]) / (y_next[ends] - y[ends])
        crossed = np.sort(x[ends] + (row - y[ends]) * slopes)
        # A pixel is inside if an odd number of sides is to the right of it.
        inside[index] = (len(ends) - np.searchsorted(crossed, columns, "right")) % 2
    return inside


def _is_in_projection(region, wcs):
    """Tell whether all coordinates of a region have pixels, perhaps outside."""
    first = getattr(region, "region1", None)
    second = getattr(region, "region2", None)
    if first is not None and second is not None:  # a region made of two others
        return _is_in_projection(first, wcs) and _is_in_projection(second, wcs)
    for name in _COORDINATES:
        coordinates = getattr(region, name, None)
        if coordinates is None:
            continue
        if hasattr(region, "to_pixel"):
            pixels = wcs.world_to_pixel(coordinates)
        else:
            pixels = (coordinates.x, coordinates.y)
        if not np.isfinite(pixels).all():
            return False
    return True


def _check_mask(mask, cube, parameter):
    """Return a mask of the whole image as booleans."""
    mask = np.asarray(filled(mask, parameter == "exclude"))
    if mask.dtype.kind not in "biu":
        raise ValueError(
            f"{parameter} must be a mask of True and False, regions, or a list of "
            f"these, got an array of {mask.dtype}."
        )
    if mask.shape != cube.shape[:2]:
        raise ValueError(
            f"{parameter} has shape {mask.shape}, but the cube has {cube.shape[0]} x "
            f"{cube.shape[1]} pixels."
        )
    return mask.astype(bool)
