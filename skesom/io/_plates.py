# SPDX-License-Identifier: BSD-3-Clause
"""The place of images of photographic plates, of which the header gives two."""

import numpy as np
from astropy.wcs.utils import pixel_to_pixel

from skesom._common.warn import warn_user
from skesom._sky.world_axes import distance_of
from skesom.cube.alignment._registration import find_shift

_WINDOW = 1024  # pixels in the middle of an image that are compared with others


def choose_places(images):
    """Put images to which a header gives two places where others show the same."""
    certain = [i for i in images if i.plate is None and i.grid.wcs is not None]
    return [i if i.plate is None else _choose_place(i, certain) for i in images]


def _choose_place(image, others):
    """Return an image at the likelier of its places, with a warning."""
    angle, pixels = distance_of(image.grid.wcs, image.plate, image.grid.shape)
    shifts = {
        (_shift(image, wcs, other), other.label, number)
        for number, wcs in enumerate((image.grid.wcs, image.plate))
        for other in others
    }
    shift, label, number = min(shifts, default=(np.inf, "", 0))
    reason = f"which agree with {label}"
    if not shift < pixels / 4:
        number, reason = 0, "as no other image decides"
    sets = "the image (CRVAL1, CRPIX1, ...)", "the plate (AMDX1, PLTRAH, ...)"
    warn_user(
        f"{image.label}: the cards of {sets[0]} and those of {sets[1]} put its middle "
        f"{angle.arcmin:.3g} arcmin apart. Taken: those of {sets[number]}, {reason}. "
        "If they are wrong, delete them, or use Cube.replace(wcs=...).",
    )
    if number == 0:
        return image
    image.plate.array_shape = image.grid.shape
    return image._replace(grid=image.grid._replace(wcs=image.plate))


def _shift(image, wcs, other):
    """Return how many pixels an image at a place is shifted against another."""
    spans = [(max(0, n - _WINDOW) // 2, (n + _WINDOW) // 2) for n in image.grid.shape]
    window = tuple(slice(*span) for span in spans)
    y, x = np.indices(image.grid.shape)[:, *window]
    column, row = np.rint(pixel_to_pixel(wcs, other.grid.wcs, x, y))
    height, width = other.grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    seen = np.full(x.shape, np.nan)
    place = row[inside].astype(int), column[inside].astype(int)
    with image.open() as own, other.open() as pixels:
        seen[inside] = _first_band(pixels)[place]
        found = find_shift(_first_band(own)[window], seen)
    return np.inf if found is None else float(np.hypot(*found))


def _first_band(array):
    """Return the first band of an array, NaN where it is masked."""
    array = array.reshape(*array.shape[:2], -1)[:, :, 0]
    return np.ma.filled(array.astype(np.float64), np.nan)
