# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of regions on the sky or in the image, and of ready masks."""

import numpy as np

from skesom._common.masked import filled

# Where a region says its place; each kind has some of them.
_PLACES = ("center", "vertices", "start", "end")
_MOST_WORK = 1e8  # corners times pixels, which regions compares in about a second


def is_region(value):
    """Tell whether a value is a region as the regions package makes them."""
    return hasattr(value, "to_mask") or hasattr(value, "to_pixel")


def pixels_of_regions(regions, cube, parameter, must_overlap):
    """Find the pixels whose centers lie in at least one region."""
    inside, taken_out = np.zeros((2, *cube.shape[:2]), dtype=bool)
    touched = False
    for region in _as_list(regions):
        is_drawn = is_region(region)
        find = _pixels_of_region if is_drawn else _check_mask
        box, found = find(region, cube, parameter)
        touched |= found.size > 0
        is_out = is_drawn and region.meta.get("include") in (False, 0, "-")
        pixels = taken_out if is_out else inside
        pixels[box] |= found
    if must_overlap and not touched:
        raise ValueError(
            f"None of the regions of {parameter} touches the image of {cube.shape[0]} "
            f"x {cube.shape[1]} pixels. Compare their coordinates with the image."
        )
    return inside & ~taken_out


def _as_list(regions):
    """Return single regions and masks as a list of one."""
    if is_region(regions):
        return [regions]
    several = isinstance(regions, list | tuple) or not hasattr(regions, "__array__")
    if several and all(is_region(part) or np.ndim(part) == 2 for part in regions):
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
    if not _has_place(region, wcs):  # which regions refuses from version 0.13 on
        return None
    return region.to_pixel(wcs) if hasattr(region, "to_pixel") else region


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
    x, y = corners.x, corners.y
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    inside = np.empty((len(rows), len(columns)), dtype=bool)
    for place, row in enumerate(rows):
        ends = np.flatnonzero((y > row) != (y_next > row))
        slopes = (x_next[ends] - x[ends]) / (y_next[ends] - y[ends])
        crossed = np.sort(x[ends] + (row - y[ends]) * slopes)
        # A pixel is inside if an odd number of sides is to the right of it.
        inside[place] = (len(ends) - np.searchsorted(crossed, columns, "right")) % 2
    return inside


def _has_place(region, wcs):
    """Tell whether a region on the sky or in the image has a place among the pixels."""
    parts = [getattr(region, name, None) for name in ("region1", "region2")]
    if None not in parts:  # a region made of two others
        return all(_has_place(part, wcs) for part in parts)
    places = [getattr(region, name, None) for name in _PLACES]
    places = [place for place in places if place is not None]
    if hasattr(region, "to_pixel"):
        places = [wcs.world_to_pixel(place) for place in places]
    else:
        places = [(place.x, place.y) for place in places]
    return all(np.isfinite(place).all() for place in places)


def _check_mask(mask, cube, parameter):
    """Return the whole image, and a mask as booleans after comparing it with that."""
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
    return ..., mask.astype(bool)
