# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of images, and the errors, masks and weights beside them."""

import os
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.nddata.bitmask import bitfield_to_boolean_mask

from skesom._common.blocks import row_blocks
from skesom._common.grids import Grid, same_grid
from skesom.cube import ERROR_POWERS, order_axes, read_unit, read_world, to_errors
from skesom.io import _fits_files as files

_NAMES = {"masks": files.MASK_NAMES, "weights": files.WEIGHT_NAMES}
_NAMES["errors"] = set(files.ERROR_KINDS)
_UNCERTAINTY_CLASSES = {  # as astropy.nddata.CCDData writes them
    "StdDevUncertainty": "std",
    "VarianceUncertainty": "var",
    "InverseVariance": "ivar",
}


class Plane(NamedTuple):
    """Errors ("std", "var", "ivar"), "masks" or "weights" of the pixels of an image."""

    label: str
    kind: str
    open: Callable  # context manager of a scalar or an array of one or all bands
    factor: float = 1.0  # to the unit of the image


def find_beside(hdus, image, role, wanted, error_kind):
    """Return the plane in the open file of the image, None if "auto" finds none."""
    path, number = image.place
    name, version = hdus[number].name, hdus[number].ver
    fitting = [n for n, h in enumerate(hdus) if _belongs_to(h, name, version, image)]
    fitting = [n for n in fitting if n != number]
    if wanted == "auto":
        chosen = _choose(hdus, fitting, role)
        if chosen is None:
            return None
    else:
        # If names are repeated, the plane with the version of the image is meant.
        name = wanted.upper() if isinstance(wanted, str) else None
        same = [n for n in fitting if hdus[n].name == name]
        chosen = same[0] if same else files.find_hdu(hdus, wanted, path)
    return _make_plane(hdus, chosen, path, image, role, error_kind)


def find_elsewhere(image, role, wanted, error_kind):
    """Return the plane in another file or in an array."""
    if not isinstance(wanted, str | os.PathLike):
        return _array_plane(image, role, np.asanyarray(wanted), error_kind)
    path, bracket = files.split_path(os.fspath(wanted))
    with files.open_fits(path) as hdus:
        if bracket is not None:
            number = files.find_hdu(hdus, bracket, path)
        else:
            images = [n for n, hdu in enumerate(hdus) if files.is_image(hdu)]
            number = images[0] if len(images) == 1 else _choose(hdus, images, role)
        if number is None:
            raise ValueError(
                f"{path} does not tell which HDU holds the {role} of {image.label}: "
                f"{files.list_hdus(hdus)}. Name it as in image.fits[ERR]."
            )
        label = files.name_hdu(path, number)
        wcs = read_world(hdus[number].header, hdus, label).celestial
        known = wcs is not None and image.grid.wcs is not None
        if known and not same_grid(Grid(wcs, image.grid.shape), image.grid):
            raise ValueError(
                f"{label} lies on other pixels of the sky than {image.label}. Align it."
            )
        return _make_plane(hdus, number, path, image, role, error_kind)


def _belongs_to(hdu, name, version, image):
    """Return whether an HDU may hold a plane of the image with a name and version."""
    fits = files.is_image(hdu) and _plane_axes(hdu.shape, image) is not None
    if not (fits or _is_constant(hdu)):
        return False
    words, own = files.split_name(hdu.name), files.split_name(name)
    return hdu.ver == version if len(words) == 1 else own in (words[1:], words[:-1])


def _is_constant(hdu):
    """Return whether an HDU has one value for all pixels, as in Hubble's files."""
    return hdu.is_image and hdu.shape == () and "PIXVALUE" in hdu.header


def _choose(hdus, candidates, role):
    """Return the best candidate for a role, None without any."""
    named = []
    for number in candidates:
        fitting = [w for w in files.outer_words(hdus[number].name) if w in _NAMES[role]]
        if fitting:
            # Standard deviations come first, because they are used as they are.
            rank = list(ERROR_POWERS).index(files.ERROR_KINDS.get(fitting[0], "std"))
            named.append((rank if role == "errors" else 0, number))
    return min(named, default=(0, None))[1]


def _array_plane(image, role, array, error_kind):
    """Return the plane of an array in memory."""
    if array.shape not in (image.grid.shape, (*image.grid.shape, image.n_bands)):
        rows, columns = image.grid.shape
        raise ValueError(
            f"The array given as {role} of {image.label} has the shape {array.shape}, "
            f"but the image has {rows} x {columns} pixels in {image.n_bands} bands."
        )
    kind = role if role != "errors" else error_kind or "std"
    opener = partial(nullcontext, np.asarray(array))
    return Plane(f"the {role} of {image.label}", kind, opener)


def _make_plane(hdus, number, path, image, role, error_kind):
    """Return the plane of an HDU, which must fit the image."""
    hdu = hdus[number]
    label = files.name_hdu(path, number) + (f" ({hdu.name})" if hdu.name else "")
    kind, factor = role, 1.0
    if role == "errors":
        kind = error_kind or _error_kind(hdu, label)
        factor = _unit_factor(hdu, image, kind, label)
    if _is_constant(hdu):
        value = np.asarray(hdu.header["PIXVALUE"])
        return Plane(label, kind, partial(nullcontext, value), factor)
    axes = _plane_axes(hdu.shape, image)
    if axes is None:
        shape = " x ".join(map(str, hdu.shape[::-1]))
        wanted = " x ".join(map(str, image.grid.shape[::-1]))
        raise ValueError(
            f"{label} has {shape} pixels, but the image {image.label} has {wanted}."
        )
    # Scaling to floats may lose bits of flags.
    options = {"uint": True} if role == "masks" else {}
    opener = partial(open_pixels, path, number, axes, **options)
    return Plane(label, kind, opener, factor)


def _plane_axes(shape, image):
    """Return the axes of rows, columns and bands of a plane, None if none fit."""
    if image.place is not None and shape == image.shape:
        return image.axes
    *leading, row, column = range(len(shape))
    if (shape[row], shape[column]) != image.grid.shape:
        return None
    leading = [axis for axis in leading if shape[axis] > 1]
    fits = [shape[axis] for axis in leading] in ([], [image.n_bands])
    return (row, column, *leading) if fits else None


def _error_kind(hdu, label):
    """Return the kind of errors by the UTYPE or the name of an HDU."""
    written = hdu.header.get("UTYPE")
    if written in _UNCERTAINTY_CLASSES:
        return _UNCERTAINTY_CLASSES[written]
    for word in files.outer_words(hdu.name):
        if word in files.ERROR_KINDS:
            return files.ERROR_KINDS[word]
        if word in files.WEIGHT_NAMES | files.MASK_NAMES:
            raise ValueError(
                f"{label} does not show the kind of its errors. Give error_kind="
                "'ivar' (inverse variances), 'var' or 'std'."
            )
    return "std"


def _unit_factor(hdu, image, kind, label):
    """Return the factor from the values of a plane to the unit of the image."""
    unit, wanted = read_unit([hdu.header]), image.band_units[0]
    if unit is None or wanted is None:
        return 1.0
    try:
        return unit.to(wanted ** ERROR_POWERS[kind])
    except units.UnitConversionError as error:
        if unit == wanted:
            return 1.0  # variances are often labeled with the unit of the image
        raise ValueError(
            f"{label} is in {unit}, but the image {image.label} in {wanted}."
        ) from error


@contextmanager
def open_pixels(file, number, axes, **options):
    """Open the array of an HDU with its axes in the order rows, columns, bands."""
    with files.open_fits(file, **options) as hdus:
        zero_is_blank = hdus[number].header.get("BLANK") == 0
        data = hdus[number].data
        in_memory = isinstance(file, files.HDUsInMemory)
        if zero_is_blank and data.dtype.kind == "f" and not in_memory:
            # astropy ignores a BLANK of zero.
            with files.open_fits(file, do_not_scale_image_data=True) as stored:
                data[stored[number].data == 0] = np.nan
        yield order_axes(data, axes)


def copy_pixels(image, data, places):
    """Copy the bands of an image to their places in the data; masked becomes NaN."""
    with image.open() as array, np.errstate(over="raise"):
        try:
            # Band by band is faster than one copy that transposes.
            for band, place in enumerate(places):
                values = array if array.ndim == 2 else array[:, :, band]
                data[:, :, place] = np.ma.getdata(values)
                if np.ma.is_masked(values):
                    data[:, :, place][np.ma.getmaskarray(values)] = np.nan
        except FloatingPointError as error:
            raise ValueError(
                f"{image.label} holds values beyond {data.dtype}. Use dtype=np.float64."
            ) from error


def apply_plane(plane, data, errors, places, ignore_flags):
    """Fill in the errors of an image, or mask the pixels that a plane rules out."""
    with plane.open() as array, np.errstate(all="ignore"):
        for band, place in enumerate(places):
            for rows in row_blocks(data.shape[:2]):
                index = (rows, slice(None), band)[: array.ndim]
                values = array[index] if array.ndim else array
                if plane.kind == "masks":
                    bad = _find_flagged(values, ignore_flags, plane.label)
                elif plane.kind == "weights":
                    bad = ~(values > 0)
                else:
                    one = plane.kind, plane.factor, errors.dtype
                    sigma, bad = to_errors(values, *one)
                    errors[rows, :, place] = sigma
                if plane.kind in ("masks", "weights", "ivar"):
                    np.copyto(data[rows, :, place], np.nan, where=bad)


def _find_flagged(values, ignore_flags, label):
    """Return which pixels have other flags than the ignored ones."""
    values = np.asarray(values)
    if ignore_flags == 0 or values.dtype == bool:
        return values != 0
    if values.dtype.kind not in "iu":
        raise ValueError(
            f"{label} holds {values.dtype} numbers, which have no flags to ignore."
        )
    return bitfield_to_boolean_mask(values, ignore_flags=ignore_flags)
