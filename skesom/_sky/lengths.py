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


def read_length(length, name):
    """Return a length as a Quantity: an angle, in pixels, or without a unit.

    Parameters
    ----------
    length : float, Quantity or str
        One length, or an array of them.
    name : str
        Of the length, for errors.

    Returns
    -------
    length : Quantity

    Raises
    ------
    ValueError
        If it is no length.
    """
    try:
        quantity = units.Quantity(length)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a length in arcsec, an angle or in pixels (as 3pix), got "
            f"{length!r}."
        ) from error
    is_known = (
        quantity.unit == units.dimensionless_unscaled
        or quantity.unit.is_equivalent(units.pixel)
        or quantity.unit.is_equivalent(units.arcsec)
    )
    if not is_known:
        raise ValueError(f"{name} must be an angle or in pixels, got {length}.")
    return quantity


def to_pixels(length, side, name, advice="Give it in pixels (3pix)."):
    """Return a length as a number of pixels.

    Parameters
    ----------
    length : Quantity
        What `read_length` returns.
    side : float, ndarray or None
        Side of a pixel in arcsec, None if it is unknown.
    name : str
        Of the length, for errors.
    advice : str
        What to do if an angle has no size in pixels, for errors.

    Returns
    -------
    length : float or ndarray

    Raises
    ------
    ValueError
        If it is an angle and the pixels have no size.
    """
    if length.unit == units.dimensionless_unscaled:
        return length.value if side is None else length.value / side
    if length.unit.is_equivalent(units.pixel):
        return length.to_value(units.pixel)
    if side is None:
        raise ValueError(
            f"{name} is an angle, but nothing tells how large pixels are: there is no "
            f"WCS. {advice}"
        )
    return length.to_value(units.arcsec) / side


def to_arcsec(length, side, name):
    """Return a length as a number of arcsec; see `to_pixels`.

    Raises
    ------
    ValueError
        If it is in pixels, and these have no size.
    """
    if length.unit == units.dimensionless_unscaled:
        return length.value
    if not length.unit.is_equivalent(units.pixel):
        return length.to_value(units.arcsec)
    if side is None:
        raise ValueError(
            f"{name} is in pixels, but nothing tells how large they are: there is no "
            "WCS. Give it in arcsec, or pass pixel_scale in arcsec per pixel."
        )
    return length.to_value(units.pixel) * side


def in_pixels(length, side, name):
    """Return a length from 0 as a number of pixels.

    Parameters
    ----------
    length : float, Quantity or str
        One length, or an array of them.
    side : float, ndarray or None
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
    quantity = read_length(length, name)
    if not (np.isfinite(quantity.value) & (quantity.value >= 0)).all():
        raise ValueError(f"{name} must be finite and not negative, got {length}.")
    return to_pixels(quantity, side, name)


def width_in_pixels(width, side, name):
    """Return a length above 0 as a number of pixels; see `in_pixels`.

    Raises
    ------
    ValueError
        If it is 0, or as of `in_pixels`.
    """
    pixels = in_pixels(width, side, name)
    if not np.all(pixels > 0):
        raise ValueError(f"{name} must be a positive width, got {width}.")
    return pixels


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
