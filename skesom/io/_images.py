# SPDX-License-Identifier: BSD-3-Clause
"""Know an image by its header, and read its pixels, bands last."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units

from skesom._common.grids import Grid
from skesom.io._fits import (
    file_stem,
    find_images,
    name_hdu,
    open_fits,
    split_path,
)
from skesom.io._headers import (
    read_band_coordinates,
    read_band_names,
    read_fwhm,
    read_unit,
)
from skesom.io._plates import warn_of_plate
from skesom.io._units import read_zero_points
from skesom.io._wcs import band_coordinates, find_axes, make_grid, read_wcs


class Plane(NamedTuple):
    """Errors, flags or weights that go with an image.

    Parameters
    ----------
    label : str
        What to call it in messages.
    kind : {"std", "var", "ivar", "flags", "weight"}
        What its values are.
    open : callable
        Context manager whose value is the array of shape (n_rows, n_columns) or
        (n_rows, n_columns, n_bands), or a scalar.
    factor : float, default=1.0
        What values are multiplied by to come to the unit of the image.
    """

    label: str
    kind: str
    open: Callable
    factor: float = 1.0


class Image(NamedTuple):
    """One image of one or more bands, known by its header.

    Parameters
    ----------
    label : str
        What to call it in messages, see `name_hdu` of files.
    open : callable
        Context manager whose value is the array of shape (n_rows, n_columns) or
        (n_rows, n_columns, n_bands).
    grid : Grid
        Shape and celestial WCS.
    band_names : list of str or None
        Names of the bands, None where nothing names one.
    unit : list of astropy.units.UnitBase or None
        Unit of each band.
    fwhm : ndarray of shape (n_bands,)
        Full width at half maximum in arcsec, NaN where unknown.
    zero_points : ndarray of shape (n_bands,)
        AB magnitude of a value of 1, NaN where unknown.
    band_coordinates : Quantity of shape (n_bands,) or None
        Where the bands lie on the spectral axis.
    place : tuple (path, HDU number) or None
        Where the image is, None if in memory.
    shape : tuple of int
        Shape of the array as it is stored.
    axes : tuple of int
        Axes of that array that run along rows, columns and, if there is one, bands.
    planes : tuple of Plane
        What goes with the image.
    stem : str or None
        Name of the file, or of the extension if several are read.
    """

    label: str
    open: Callable
    grid: Grid
    band_names: list
    band_units: list
    fwhm: np.ndarray
    zero_points: np.ndarray
    band_coordinates: units.Quantity | None = None
    place: tuple | None = None
    shape: tuple = ()
    axes: tuple = ()
    planes: tuple = ()
    stem: str | None = None


def describe_images(path, hdu=None):
    """Read what the headers say of one or more images of a file."""
    file, bracket = split_path(os.fspath(path))
    with open_fits(file) as hdus:
        numbers = find_images(hdus, hdu if bracket is None else bracket, file)
        chosen = bracket is not None or len(numbers) > 1
        images = [_describe_hdu(hdus, number, file, chosen) for number in numbers]
        headers = [hdus[number].header for number in numbers]
    for image, header in zip(images, headers, strict=True):
        warn_of_plate(header, image.grid.wcs, image.label)
    return images


def _describe_hdu(hdus, number, file, chosen):
    """Return the image of an HDU; a chosen one may be named by its extension."""
    hdu, label = hdus[number], name_hdu(file, number)
    headers = [hdu.header] if number == 0 else [hdu.header, hdus[0].header]
    world = read_wcs(hdu.header, hdus, label)
    axes = find_axes(hdu.shape, world, label)
    n_bands = hdu.shape[axes[2]] if len(axes) == 3 else 1
    coordinates = band_coordinates(world, hdu.shape, axes)
    if coordinates is None and n_bands == 1:
        coordinates = read_band_coordinates(headers)
    unit = read_unit(headers)
    stem = hdu.name if chosen and _is_telling(hdu.name) else file_stem(file)
    return Image(
        label=label,
        open=partial(open_pixels, file, number, axes),
        grid=make_grid(hdu.shape, world, axes),
        band_names=read_band_names(headers, n_bands, stem),
        band_units=[unit] * n_bands,
        fwhm=np.full(n_bands, read_fwhm(headers)),
        band_coordinates=coordinates,
        zero_points=read_zero_points(headers, n_bands, unit),
        place=(os.path.realpath(file), number),
        shape=hdu.shape,
        axes=axes,
        stem=stem,
    )


def _is_telling(name):
    """Tell whether the name of an extension can name a band."""
    return name not in ("", "PRIMARY", "SCI", "IMAGE", "DATA", "COMPRESSED_IMAGE")


@contextmanager
def open_pixels(file, number, axes, **options):
    """Open the array of an HDU with its axes in the order rows, columns, bands."""
    with open_fits(file, **options) as hdus:
        zero_is_blank = hdus[number].header.get("BLANK") == 0
        data = hdus[number].data
        if zero_is_blank and data.dtype.kind == "f":
            # astropy passes over a BLANK of zero.
            with open_fits(file, do_not_scale_image_data=True) as stored:
                data[stored[number].data == 0] = np.nan
        dropped = tuple(axis for axis in range(data.ndim) if axis not in axes)
        yield data.transpose(*axes, *dropped).reshape(
            *(data.shape[axis] for axis in axes)
        )


def copy_pixels(image, out):
    """Copy the pixels of an image."""
    with image.open() as array, np.errstate(over="raise"):
        try:
            # Band by band is quicker than letting NumPy transpose as it copies.
            for band in range(out.shape[2]):
                _copy_band(array if array.ndim == 2 else array[:, :, band], out, band)
        except FloatingPointError as error:
            raise ValueError(
                f"{image.label} holds values beyond the range of {out.dtype}. Read it "
                "with dtype=np.float64."
            ) from error


def _copy_band(values, out, band):
    """Copy one band; what is masked becomes NaN."""
    out[:, :, band] = np.ma.getdata(values)
    if np.ma.is_masked(values):
        out[:, :, band][np.ma.getmaskarray(values)] = np.nan
