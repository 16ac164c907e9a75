# SPDX-License-Identifier: BSD-3-Clause
"""The pixels that are cut out of a cube, by an index or by a position on the sky."""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata.utils import NoOverlapError, overlap_slices

from skesom._sky.lengths import in_pixels


def crop_wcs(wcs, rows, columns):
    """Return the WCS of the pixels that two slices with whole bounds pick."""
    cropped = wcs[rows.start : rows.stop, columns.start : columns.stop]
    steps = np.array([columns.step or 1, rows.step or 1])
    if np.all(steps == 1):
        return cropped
    if cropped.has_distortion:  # it holds for each pixel, not for every second one
        return None
    # astropy's own slicing with steps bins pixels instead of picking them, and is
    # wrong for a CD matrix and for rotated axes.
    if cropped.wcs.has_cd():
        cropped.wcs.cd = cropped.wcs.cd * steps
    else:
        cropped.wcs.pc = cropped.wcs.get_pc() * steps
    cropped.wcs.crpix = (cropped.wcs.crpix - 1) / steps + 1
    return cropped


def split_key(key):
    """Return the keys of rows, columns and bands of an index of a cube."""
    keys = list(key) if isinstance(key, tuple) else [key]
    for axis, key_of_axis in enumerate(keys):
        if key_of_axis is Ellipsis:  # stands for all axes that are not named
            n_missing = 3 - (len(keys) - 1)
            keys[axis : axis + 1] = [slice(None)] * n_missing
            break  # NumPy refuses a second one
    n_missing = 3 - len(keys)
    return keys + [slice(None)] * n_missing


def as_slice(key, length):
    """Return the slice with whole bounds that picks the same as a key of one axis.

    None if the key picks places that do not follow each other at equal, positive
    steps; a list of numbers must follow each other without a gap.
    """
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        return slice(start, max(stop, start), step) if step > 0 else None
    places = np.arange(length)[key]
    if len(places) and np.array_equal(places, np.arange(len(places)) + places[0]):
        return slice(int(places[0]), int(places[-1]) + 1)
    return None


def find_cutout(cube, center, size):
    """Return the rows and columns of a cut-out, as `Cube.cutout` describes it."""
    row, column = _find_center(cube, center)
    if not (np.isfinite(row) and np.isfinite(column)):
        raise ValueError(
            f"The center of the cut-out, {center}, lies outside of the image: it is "
            "not a number, or on another side of the sky. Check its coordinates."
        )
    height, width = _size_in_pixels(cube, size)
    try:
        slices_of_cube, _ = overlap_slices(
            cube.shape[:2], (height, width), (row, column), mode="trim"
        )
    except NoOverlapError as error:
        n_rows, n_columns = cube.shape[:2]
        raise ValueError(
            f"The cut-out of {height} x {width} pixels around row {row:.1f}, column "
            f"{column:.1f} lies outside of the image of {n_rows} x {n_columns} pixels. "
            "Check the coordinates of its center."
        ) from error
    return slices_of_cube


def _find_center(cube, center):
    """Return the row and column of the center of a cut-out."""
    if isinstance(center, SkyCoord):
        if cube.wcs is None:
            raise ValueError(
                "The cube has no WCS to find a position on the sky. Give the center as "
                "(row, column), or the cube a WCS with Cube.replace(wcs=...)."
            )
        if not center.isscalar:
            raise ValueError(f"center must be one position, got {center.size}.")
        column, row = cube.wcs.world_to_pixel(center)
        return float(row), float(column)
    if np.shape(center) != (2,):
        raise ValueError(
            f"center must be a SkyCoord or (row, column) in pixels, got {center!r}."
        )
    row, column = center
    return float(row), float(column)


def _size_in_pixels(cube, size):
    """Return the height and width of a cut-out as whole numbers of pixels."""
    # np.ndim raises an error for a tuple of angles.
    if not isinstance(size, tuple | list) and np.ndim(size) == 0:
        lengths = [size, size]
    else:
        lengths = list(size)
    if len(lengths) != 2:
        raise ValueError(f"size must be one length or (height, width), got {size!r}.")
    sides_of_pixel = cube.pixel_scale or (None, None)
    n_pixels = []
    for length, side in zip(lengths, sides_of_pixel, strict=True):
        try:
            n_pixels.append(float(in_pixels(length, side, "size")))
        except TypeError as error:
            raise ValueError(f"size must be lengths, got {size!r}.") from error
    if min(n_pixels) <= 0:
        raise ValueError(f"size must be positive, got {size!r}.")
    height, width = n_pixels
    return max(1, round(height)), max(1, round(width))
