# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights that lie beside an image: use them."""

import numpy as np
from astropy.nddata.bitmask import bitfield_to_boolean_mask

_PIXELS_PER_STRIP = 2**18


def fill_errors(plane, errors, data):
    """Fill in the standard deviations of an image."""
    with plane.open() as array, np.errstate(all="ignore"):
        for part in _parts(errors.shape):
            # Squares of small fluxes lie below the range of single precision.
            values = np.array(_pick(array, part), dtype=np.float64)
            values *= plane.factor
            unknown = ~(values > 0)
            if plane.kind == "ivar":
                values = 1 / values
                np.copyto(data[part], np.nan, where=unknown)
            if plane.kind != "std":
                values = np.sqrt(values)
            errors[part] = values
            unknown |= np.isinf(errors[part])
            np.copyto(errors[part], np.nan, where=unknown)


def apply_mask(plane, data, ignore_flags=0):
    """Make those pixels of an image NaN that flags or weights rule out."""
    with plane.open() as array:
        for part in _parts(data.shape):
            values = np.asarray(_pick(array, part))
            if plane.kind == "weight":
                bad = ~(values > 0)
            else:
                bad = _find_flagged(values, ignore_flags, plane.label)
            np.copyto(data[part], np.nan, where=bad)


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


def _parts(shape):
    """Return the places of strips of single bands, small enough for the cache."""
    rows, columns, bands = shape
    height = max(1, _PIXELS_PER_STRIP // columns)
    starts = range(0, rows, height)
    return [np.s_[i : i + height, :, band] for band in range(bands) for i in starts]


def _pick(array, part):
    """Return a part of what may be the same for all bands or pixels."""
    return array[part[: array.ndim]] if array.ndim else array
