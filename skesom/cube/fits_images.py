# SPDX-License-Identifier: BSD-3-Clause
"""Images with their axes in the order of FITS, and the cubes that they become."""

from typing import NamedTuple

import numpy as np

from skesom._common.warn import warn_user
from skesom._sky.filters import filter_wavelength, wavelengths_of
from skesom._sky.header_cards import read_band_coordinates, read_bands
from skesom._sky.world_axes import place_image
from skesom.cube._container import Cube

# The part of a wavelength by which a spectral axis and a filter may differ: a narrow
# filter of a galaxy that moves away is named after a line of a shorter wavelength.
_SAME_FILTER = 0.1
# Kinds of errors: standard deviations, variances and inverse variances, with the power
# of the unit of the image that they have.
ERROR_POWERS = {"std": 1, "var": 2, "ivar": -2}


class Uncertainty(NamedTuple):
    """Errors of one of the kinds of `ERROR_POWERS`."""

    values: np.ndarray
    kind: str
    factor: float  # that brings values to the unit of the image to their power


def check_image(array, label, most=9):
    """Return an array; refuse it unless it is an image or a stack of images."""
    is_real = array.dtype.kind in "biuf"
    if not (2 <= array.ndim <= most and is_real and array.size):
        raise ValueError(
            f"{label} is not an image: it must hold real numbers in rows, columns and "
            f"bands, got {array.dtype} of shape {array.shape}."
        )
    return array


def describe_image(shape, world, headers, unit, label, stem=None):
    """Return where an image lies, which axes it has, and what its bands are.

    Parameters
    ----------
    shape : tuple of int
        Of its array, in the order of FITS.
    world : WorldAxes
    headers : list of Header
        Of the image, then of its file.
    unit : Unit or None
    label : str
        What messages call the image.
    stem : str, default=None
        Name of a band that no header names.

    Returns
    -------
    grid : Grid
    axes : tuple of int
        The array axes of rows, columns and, if there are several, bands.
    bands : dict
        Arguments of `Cube` about its bands; names are None where nothing tells them.
    """
    grid, axes, coordinates = place_image(shape, world, label)
    n_bands = shape[axes[2]] if len(axes) == 3 else 1
    bands = read_bands(headers, n_bands, stem, unit)
    if n_bands == 1:
        if coordinates is not None and _is_of_other_filter(coordinates, bands, label):
            coordinates = None
        if coordinates is None:
            coordinates = read_band_coordinates(headers)
    bands["band_coordinates"] = coordinates
    return grid, axes, bands


def _is_of_other_filter(coordinates, bands, label):
    """Return whether the spectral axis of one image contradicts the filter's name.

    Such an axis has one step or none, and may be left over from another image.
    """
    (name,) = bands["band_names"]
    by_axis = wavelengths_of([(coordinates, 1)])[0]
    by_name = filter_wavelength(name)
    is_other = abs(by_axis / by_name - 1) > _SAME_FILTER  # not where one is unknown
    if is_other:
        warn_user(
            f"{label}: its spectral axis says {by_axis:.4g} nm, its filter {name} "
            f"{by_name:.4g} nm. The filter is taken; if the axis is right, name the "
            "band otherwise."
        )
    return is_other


def order_axes(data, axes):
    """Return an array with its axes in some order, without those of length 1."""
    dropped = tuple(axis for axis in range(data.ndim) if axis not in axes)
    shape = [data.shape[axis] for axis in axes]
    return data.transpose(*axes, *dropped).reshape(shape)


def to_errors(values, kind, factor, dtype):
    """Return standard deviations, and where the values are no valid errors.

    Parameters
    ----------
    values : array-like
    kind : {"std", "var", "ivar"}
    factor : float
        To the unit of the image, to the power that belongs to the kind.
    dtype : dtype
        Of the errors.

    Returns
    -------
    errors : ndarray
        NaN where they are not valid, or beyond the range of the type.
    is_bad : ndarray of bool
    """
    # Squares of small fluxes are below the range of single precision.
    values = np.array(values, dtype=np.float64) * factor
    is_bad = ~(values > 0)
    if kind == "std":
        errors = values
    elif kind == "var":
        errors = np.sqrt(values)
    else:
        errors = np.sqrt(1 / values)
    errors = errors.astype(dtype)
    return np.where(is_bad | np.isinf(errors), np.nan, errors), is_bad


def make_cube(
    data,
    world,
    headers,
    unit,
    label,
    *,
    arguments=None,
    mask=None,
    uncertainty=None,
):
    """Return the cube of an array whose axes are in the order of FITS.

    Parameters
    ----------
    data : array-like
    world : WorldAxes
    headers : list of Header
    unit : Unit or None
    label : str
        What messages call the image.
    arguments : dict, default=None
        Arguments of `Cube` that take the place of what the headers say.
    mask : array-like, default=None
        Of the shape of the data, or one that broadcasts to it; not 0 where data are
        masked.
    uncertainty : Uncertainty, default=None
        With values of such a shape.
    """
    shape = check_image(np.asanyarray(data), label).shape
    grid, axes, bands = describe_image(shape, world, headers, unit, label)

    def to_cube_axes(array):
        return np.atleast_3d(order_axes(np.broadcast_to(array, shape), axes))

    bands["band_names"] = [
        name or f"band {number}"
        for number, name in enumerate(bands["band_names"], start=1)
    ]
    all_arguments = {"wcs": grid.wcs} | bands | (arguments or {})
    is_masked = None
    if mask is not None:
        is_masked = np.asarray(mask) != 0
    if uncertainty is not None:
        with np.errstate(all="ignore"):
            errors, is_bad = to_errors(
                uncertainty.values, uncertainty.kind, uncertainty.factor, np.float64
            )
        all_arguments["errors"] = to_cube_axes(errors)
        if uncertainty.kind == "ivar":  # where it is 0, nothing was measured
            is_masked = is_bad if is_masked is None else is_masked | is_bad
    data = to_cube_axes(data)
    if is_masked is not None:
        data = np.ma.array(data, mask=to_cube_axes(is_masked))
    return Cube(data, **all_arguments)
