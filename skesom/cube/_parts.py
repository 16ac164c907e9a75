# SPDX-License-Identifier: BSD-3-Clause
"""What a cube is made of, in the form in which it holds it."""

import numpy as np
from astropy import units


def as_native_float(data):
    """Return data as float32 or float64 in native byte order, copying if it must."""
    if isinstance(data, np.ma.MaskedArray):
        wanted = np.promote_types(data.dtype, np.float32)
        return as_native_float(data.astype(wanted).filled(np.nan))
    data = np.asarray(data)
    if data.dtype.kind not in "biuf":
        raise ValueError(f"A cube holds real numbers, got an array of {data.dtype}.")
    if data.dtype.kind == "f":
        wanted = np.float32 if data.dtype.itemsize <= 4 else np.float64
    else:
        wanted = np.float32 if data.dtype.itemsize <= 2 else np.float64
    return np.asarray(data, dtype=wanted)


def check_errors(errors, data):
    """Return errors in the type of the data after comparing their shapes."""
    if errors is None:
        return None
    errors = as_native_float(errors)
    if errors.shape != data.shape:
        raise ValueError(
            f"errors must have the shape of the data {data.shape}, got {errors.shape}."
        )
    return errors.astype(data.dtype, copy=False)


def check_coordinates(coordinates):
    """Return spectral coordinates as a plain Quantity."""
    if coordinates is None:
        return None
    if not isinstance(coordinates, units.Quantity):
        raise ValueError(
            "band_coordinates needs a unit: give an astropy Quantity, got "
            f"{type(coordinates).__name__}."
        )
    return units.Quantity(coordinates, dtype=np.float64)


def check_sky_mask(sky_mask, data):
    """Return the mask of sky after comparing its pixels with those of the data."""
    if sky_mask is None:
        return None
    sky_mask = np.asarray(sky_mask)
    if sky_mask.dtype != bool or sky_mask.shape != data.shape[:2]:
        raise ValueError(
            f"sky_mask must be of bool and have the pixels of the data "
            f"{data.shape[:2]}, got {sky_mask.dtype} of shape {sky_mask.shape}."
        )
    return sky_mask
