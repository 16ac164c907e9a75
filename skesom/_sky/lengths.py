# SPDX-License-Identifier: BSD-3-Clause
"""Lengths on the sky and in pixels: what a bare number is, and how wide a star is.

A number without a unit is in arcsec if the pixels have a size on the sky, else in
pixels. A Quantity, or a text such as "300pix", says otherwise.
"""

import numpy as np
from astropy import units

# Where it is unknown: Hubble's cameras have 2 pixels, surveys from the ground 3 to 4.
# On three synthetic galaxies of 1.9, with 3 instead of 2, a vote of neighbors has an
# adjusted Rand index lower by .008, and features of surroundings classify .03 better.
UNKNOWN_FWHM = 3.0  # pixels


def side_of_pixel(pixel_scale):
    """Return the side of a square pixel of the same area, None if that is unknown."""
    return None if pixel_scale is None else float(np.sqrt(np.prod(pixel_scale)))


def in_pixels(length, sides, name):
    """Return a length as a number of pixels.

    Parameters
    ----------
    length : float, Quantity or str
        One length, or an array of them.
    sides : float or None
        Side of a pixel in arcsec, None if it is unknown.
    name : str
        Of the length, for errors.

    Returns
    -------
    length : float or ndarray

    Raises
    ------
    ValueError
        If it is no length, negative, not finite, or an angle and the pixels have no
        size.
    """
    try:
        quantity = units.Quantity(length)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a length in arcsec, an angle or in pixels (as 3pix), got "
            f"{length!r}."
        ) from error
    if not (np.isfinite(quantity.value) & (quantity.value >= 0)).all():
        raise ValueError(f"{name} must be finite and not negative, got {length}.")
    if quantity.unit == units.dimensionless_unscaled:
        return quantity.value if sides is None else quantity.value / sides
    if quantity.unit.is_equivalent(units.pixel):
        return quantity.to_value(units.pixel)
    if not quantity.unit.is_equivalent(units.arcsec):
        raise ValueError(f"{name} must be an angle or in pixels, got {length}.")
    if sides is None:
        raise ValueError(
            f"{name} is an angle, but nothing tells how large pixels are: there is no "
            f"WCS. Give {name} in pixels: 3 * astropy.units.pixel."
        )
    return quantity.to_value(units.arcsec) / sides


def is_angle(length, side):
    """Return whether a length is one on the sky, of pixels of that side."""
    unit = units.Quantity(length).unit
    if unit == units.dimensionless_unscaled:
        return side is not None
    return not unit.is_equivalent(units.pixel)


def widest_fwhm(fwhm):
    """Return the FWHM of the widest band in arcsec, None if that of none is known."""
    known = np.asarray(fwhm)[np.isfinite(fwhm)]
    return float(known.max()) if len(known) else None


def star_width(cube):
    """Return the FWHM of a star in pixels in the widest band, and if it is known."""
    fwhm, side = widest_fwhm(cube.fwhm), side_of_pixel(cube.pixel_scale)
    if fwhm is None or side is None:
        return UNKNOWN_FWHM, False
    return fwhm / side, True
