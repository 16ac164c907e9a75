# SPDX-License-Identifier: BSD-3-Clause
"""Parts of a cube: by an index of three axes, or by a place on the sky."""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata.utils import NoOverlapError, overlap_slices

from skesom._sky.lengths import in_pixels


def cut_wcs(wcs, rows, columns):
    """Return the WCS of the pixels that two plain slices pick."""
    cut = wcs[rows.start : rows.stop, columns.start : columns.stop]
    steps = np.array([columns.step or 1, rows.step or 1])
    if np.all(steps == 1):
        return cut
    if cut.has_distortion:
        return None
    # astropy's own slicing with steps bins pixels instead of picking them, and is
    # wrong for a CD matrix and for rotated axes.
    if cut.wcs.has_cd():
        cut.wcs.cd = cut.wcs.cd * steps
    else:
        cut.wcs.pc = cut.wcs.get_pc() * steps
    cut.wcs.crpix = (cut.wcs.crpix - 1) / steps + 1
    return cut


def full_key(key):
    """Return the row, column and band parts of an index."""
    parts = list(key) if isinstance(key, tuple) else [key]
    places = [place for place, part in enumerate(parts) if part is Ellipsis]
    for place in places:
        parts[place : place + 1] = [slice(None)] * (4 - len(parts))
    return parts + [slice(None)] * (3 - len(parts))


def as_slice(key, length):
    """Return the plain slice that picks the same places as an index of one axis."""
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        return slice(start, max(stop, start), step) if step > 0 else None
    picked = np.arange(length)[key]
    if len(picked) and np.array_equal(picked, np.arange(len(picked)) + picked[0]):
        return slice(int(picked[0]), int(picked[-1]) + 1)
    return None


def find_cutout(cube, center, size):
    """Return the rows and columns of a cut-out, as `Cube.cutout` describes it."""
    position = _position(cube, center)
    if not np.all(np.isfinite(position)):
        raise ValueError(
            f"The center of the cut-out, {center}, lies outside of the image: it is no "
            "number, or on another side of the sky. Check its coordinates."
        )
    lengths = _lengths(cube, size)
    try:
        return overlap_slices(cube.shape[:2], lengths, position, mode="trim")[0]
    except NoOverlapError as error:
        rows, columns = cube.shape[:2]
        raise ValueError(
            f"The cut-out of {lengths[0]} x {lengths[1]} pixels around row "
            f"{position[0]:.1f}, column {position[1]:.1f} lies outside of the image of "
            f"{rows} x {columns} pixels. Check the coordinates of its center."
        ) from error


def _position(cube, center):
    """Return the row and column of the center."""
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
    return float(center[0]), float(center[1])


def _lengths(cube, size):
    """Return height and width in pixels."""
    # np.ndim raises an error for a tuple of angles.
    is_one = not isinstance(size, tuple | list) and np.ndim(size) == 0
    lengths = [size, size] if is_one else list(size)
    if len(lengths) != 2:
        raise ValueError(f"size must be one length or (height, width), got {size!r}.")
    sides = cube.pixel_scale or (None, None)
    try:
        pixels = [
            float(in_pixels(length, side, "size"))
            for length, side in zip(lengths, sides, strict=True)
        ]
    except TypeError as error:
        raise ValueError(f"size must be lengths, got {size!r}.") from error
    if not all(length > 0 for length in pixels):
        raise ValueError(f"size must be positive, got {size!r}.")
    return tuple(max(1, round(length)) for length in pixels)
