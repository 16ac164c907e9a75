# SPDX-License-Identifier: BSD-3-Clause
"""The arrays of a cube, checked: data with bands last, errors and the mask of sky."""

import numpy as np

from skesom._common.lazy import in_memory, is_lazy
from skesom._common.lazy_strips import in_strips
from skesom._common.masked import filled
from skesom._common.warn import warn_user

# Two axes that are so much longer than the first one, and of similar length, look like
# an image with its bands first. Spectra of 10 x 20 and of 4 x 4 pixels do not.
_MUCH_LONGER = 8
_SIMILAR = 4


def as_native_float(data):
    """Return data as float32 or float64 in native byte order, as a copy if needed."""
    if is_lazy(data):
        meta = as_native_float(data._meta)  # an array of the type, without values
        if meta is data._meta:
            return data
        return data.map_blocks(as_native_float, dtype=meta.dtype, meta=meta)
    data = np.asarray(filled(data))
    if data.dtype.kind not in "biuf":
        raise ValueError(f"A cube holds real numbers, got an array of {data.dtype}.")
    # All integers of 16 bits are exact in single precision.
    longest_in_float32 = 4 if data.dtype.kind == "f" else 2
    if data.dtype.itemsize <= longest_in_float32:
        return np.asarray(data, dtype=np.float32)
    return np.asarray(data, dtype=np.float64)


def check_data(data):
    """Return the data of a cube as floats, after checking that they have three axes."""
    data = as_native_float(data)
    if data.ndim != 3:
        raise ValueError(
            "A cube has three axes (rows, columns, bands), got an array with "
            f"{data.ndim} axes of shape {data.shape}. One image is a cube of one band: "
            "image[:, :, np.newaxis]."
        )
    return data


def as_errors(errors, data):
    """Return errors in the type and the strips of the data; the shapes must fit."""
    if errors is None:
        return None
    errors = as_native_float(errors)
    if errors.shape != data.shape:
        raise ValueError(
            f"errors must have the shape of the data {data.shape}, got {errors.shape}."
        )
    return _match_strips(errors.astype(data.dtype, copy=False), data)


def as_sky_mask(sky_mask, data):
    """Return the mask of sky, in the strips of lazy data; its pixels must fit them."""
    if sky_mask is None:
        return None
    if not is_lazy(sky_mask):
        sky_mask = np.asarray(filled(sky_mask, False))
    if sky_mask.dtype != bool or sky_mask.shape != data.shape[:2]:
        raise ValueError(
            f"sky_mask must be of bool and have the pixels of the data "
            f"{data.shape[:2]}, got {sky_mask.dtype} of shape {sky_mask.shape}."
        )
    return _match_strips(sky_mask, data)


def _match_strips(values, data):
    """Return values in the strips of lazy data, in memory if the data are."""
    if is_lazy(data):
        return in_strips(values, data.chunks)
    return in_memory(values)


def check_bands_last(shape, band_names, wcs):
    """Refuse data whose bands come first for sure; warn of a shape that looks so.

    Names of bands and a WCS of the image tell it. Without both, few rows beside many
    columns and bands may also be a slit, or a strip of a cube of spectra.
    """
    n_first, n_second, n_last = shape
    remedy = "np.moveaxis(array, 0, -1) puts the bands last"
    if band_names is not None:
        if len(band_names) == n_first != n_last:
            raise ValueError(
                f"A cube has the axes (rows, columns, bands), but of shape {shape} the "
                f"first axis has the length of the {len(band_names)} band names: "
                f"{remedy}."
            )
        return
    if wcs is not None:
        size = wcs.array_shape
        if size is not None and size == shape[1:] != shape[:2]:
            raise ValueError(
                f"A cube has the axes (rows, columns, bands), but of shape {shape} the "
                f"last two axes are the {size[0]} x {size[1]} pixels of the WCS: "
                f"{remedy}."
            )
        return
    shorter, longer = sorted((n_second, n_last))
    is_much_longer = shorter >= _MUCH_LONGER * n_first
    is_similar = longer <= _SIMILAR * shorter
    if n_first > 1 and is_much_longer and is_similar:
        warn_user(
            f"A cube has the axes (rows, columns, bands), and shape {shape} means "
            f"{n_first} rows and {n_last} bands. If it has {n_first} bands, as arrays "
            f"of astropy have them, {remedy}."
        )
