# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights that lie beside an image: use them."""

import numpy as np
from astropy.nddata.bitmask import bitfield_to_boolean_mask


def fill_errors(plane, errors, data):
    """Fill in the standard deviations of an image.

    Parameters
    ----------
    plane : Plane
        What is known of them.
    errors : ndarray of shape (n_rows, n_columns, n_bands)
        Filled; NaN where a value cannot be an error (zero, negative).
    data : ndarray of shape (n_rows, n_columns, n_bands)
        The image. Where an inverse variance is zero nothing was measured, so that
        the image becomes NaN.
    """
    with plane.open() as array, np.errstate(invalid="ignore", divide="ignore"):
        for band in range(errors.shape[2]):
            # Squares of small fluxes lie below the range of single precision.
            values = np.array(_pick_band(array, band), dtype=np.float64)
            values *= plane.factor
            unknown = ~(values > 0)
            if plane.kind == "ivar":
                values **= -0.5
                data[:, :, band][np.broadcast_to(unknown, data.shape[:2])] = np.nan
            elif plane.kind == "var":
                values **= 0.5
            values[unknown] = np.nan
            errors[:, :, band] = values


def apply_mask(plane, data, ignore_flags=0):
    """Make those pixels of an image NaN that flags or weights rule out.

    Parameters
    ----------
    plane : Plane
        The flags or weights.
    data : ndarray of shape (n_rows, n_columns, n_bands)
        The image.
    ignore_flags : int, str or list of int, default=0
        Flags that do not rule a pixel out, see `skesom.io.read_cube`.
    """
    with plane.open() as array:
        for band in range(data.shape[2]):
            values = np.asarray(_pick_band(array, band))
            if plane.kind == "weight":
                bad = ~(values > 0)
            else:
                bad = _find_flagged(values, ignore_flags, plane.label)
            data[:, :, band][np.broadcast_to(bad, data.shape[:2])] = np.nan


def _find_flagged(values, ignore_flags, label):
    """Tell which pixels are flagged by more than what is ignored."""
    if ignore_flags == 0 or values.dtype == bool:
        return values != 0
    if values.dtype.kind not in "iu":
        raise ValueError(
            f"{label} holds {values.dtype} numbers, which have no flags to ignore. "
            "Leave out ignore_flags."
        )
    return bitfield_to_boolean_mask(values, ignore_flags=ignore_flags)


def _pick_band(array, band):
    """Return one band of what may be the same for all."""
    return array[:, :, band] if array.ndim == 3 else array
