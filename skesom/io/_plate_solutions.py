# SPDX-License-Identifier: BSD-3-Clause
"""Images with two positions on the sky: which one agrees with the other images.

Images of the Digitized Sky Survey have a plate solution beside the usual WCS. Programs
that cut or rotate them change one of the two only.
"""

import numpy as np
from astropy.wcs.utils import pixel_to_pixel

from skesom._common.warn import warn_user
from skesom._sky.world_axes import distance_of
from skesom.cube.alignment.correlation import find_shift

_WINDOW = 1024  # pixels in the middle of an image that are compared with others
_WCS_CARDS = "the image (CRVAL1, CRPIX1, ...)"
_PLATE_CARDS = "the plate (AMDX1, PLTRAH, ...)"


def choose_positions(images):
    """Put images with two positions where the other images show the same sky."""
    references = [
        image for image in images if image.plate is None and image.grid.wcs is not None
    ]
    positioned = []
    for image in images:
        if image.plate is not None:
            image = _choose_position(image, references)
        positioned.append(image)
    return positioned


def _choose_position(image, references):
    """Return an image at the likelier of its positions, with a warning.

    At the right position, a reference shows the same stars without a shift. A shift by
    a quarter of the distance of both positions, or more, tells nothing; the image then
    stays where its usual cards put it.
    """
    separation, separation_in_pixels = distance_of(
        image.grid.wcs, image.plate, image.grid.shape
    )
    candidates = []
    for reference in references:
        for wcs, cards in ((image.grid.wcs, _WCS_CARDS), (image.plate, _PLATE_CARDS)):
            shift = _measure_shift(image, wcs, reference)
            candidates.append((shift, reference.label, cards))
    shift, label, cards = min(candidates, default=(np.inf, "", _WCS_CARDS))
    if shift < separation_in_pixels / 4:
        reason = f"which agree with {label}"
    else:
        cards = _WCS_CARDS
        reason = "as no other image decides"
    warn_user(
        f"{image.label}: the cards of {_WCS_CARDS} and those of {_PLATE_CARDS} put its "
        f"middle {separation.arcmin:.3g} arcmin apart. Taken: those of {cards}, "
        f"{reason}. If they are wrong, delete them, or use Cube.replace(wcs=...)."
    )
    if cards == _WCS_CARDS:
        return image
    image.plate.array_shape = image.grid.shape
    return image._replace(grid=image.grid._replace(wcs=image.plate))


def _measure_shift(image, wcs, reference):
    """Return how many pixels an image with some WCS is shifted against another.

    It is infinite where they do not overlap, or have too little in common to tell.
    """
    spans = [
        slice(max(0, length - _WINDOW) // 2, (length + _WINDOW) // 2)
        for length in image.grid.shape
    ]
    window = tuple(spans)
    y, x = np.indices(image.grid.shape)[:, *window]
    column, row = np.rint(pixel_to_pixel(wcs, reference.grid.wcs, x, y))
    height, width = reference.grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    pixels_there = (row[inside].astype(int), column[inside].astype(int))
    # The reference, nearest neighbors on the pixels of the window.
    expected = np.full(x.shape, np.nan)
    with image.open() as values, reference.open() as reference_values:
        expected[inside] = _first_band(reference_values)[pixels_there]
        shift = find_shift(_first_band(values)[window], expected)
    if shift is None:
        return np.inf
    return float(np.hypot(*shift))


def _first_band(values):
    """Return the first band of an array of pixels, NaN where it is masked."""
    band = values.reshape(*values.shape[:2], -1)[:, :, 0]
    return np.ma.filled(band.astype(np.float64), np.nan)
