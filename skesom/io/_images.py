# SPDX-License-Identifier: BSD-3-Clause
"""One image of a file or in memory: its grid, its bands, errors and masks."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs import WCS

from skesom._common.fits_files import HDUsInMemory, open_fits
from skesom._common.lazy import is_lazy
from skesom._common.masked import filled
from skesom._sky.grids import Grid
from skesom._sky.header_cards import read_bands, read_unit
from skesom._sky.world_axes import read_world
from skesom.cube import Cube
from skesom.cube.convert import as_cube, check_image, describe_image, find_converter
from skesom.io._planes import (
    Plane,
    find_beside,
    number_beside,
    open_array,
    opener_of,
)
from skesom.io.fits_files import FITS_SUFFIX, find_images, name_hdu, split_path

# Names of extensions that do not name a band.
_COMMON_NAMES = ("", "PRIMARY", "SCI", "IMAGE", "DATA", "COMPRESSED_IMAGE")


class Image(NamedTuple):
    """One image, with a list for each property of its bands; pixels are read later."""

    label: str  # in messages
    open: Callable  # context manager of the array of rows, columns and perhaps bands
    grid: Grid
    band_names: list  # None where nothing names a band
    band_units: list
    fwhm: np.ndarray  # in arcsec, NaN where unknown
    zero_points: np.ndarray  # AB magnitude of a value of 1, NaN where unknown
    diffraction_fwhm: np.ndarray  # in arcsec, NaN where unknown
    band_coordinates: units.Quantity | None = None
    place: tuple | None = None  # path and HDU number, None in memory
    shape: tuple = ()  # of the array in the file
    axes: tuple = ()  # of that array along rows, columns and, if there is one, bands
    planes: tuple = ()
    stem: str | None = None  # name of the file, or of one of several extensions
    plate: WCS | None = None  # where else the image may lie
    setup: tuple | None = None  # telescope, instrument; None if no card has the filter
    exposures: tuple = ()  # images to be combined to this one
    known: dict = {}  # other parts of a cube in memory
    unused_errors: str | None = None  # the HDU of errors in the file, if not asked for

    @property
    def n_bands(self):
        """Return the number of bands."""
        return len(self.band_units)

    @property
    def has_errors(self):
        """Return whether one of the planes gives the errors."""
        return any(plane.kind not in ("masks", "weights") for plane in self.planes)


def describe_file(path, hdu=None, beside=None, error_kind=None):
    """Return the images of a file, with the planes beside each of them."""
    file, bracket = split_path(os.fspath(path))
    images, roles = [], (beside or {}).items()
    with open_fits(file, keep=True) as hdus:
        numbers = find_images(hdus, hdu if bracket is None else bracket, file)
        chosen = bracket is not None or len(numbers) > 1
        for number in numbers:
            image = _describe_hdu(hdus, number, file, chosen)
            planes = (find_beside(hdus, image, *role, error_kind) for role in roles)
            image = image._replace(planes=tuple(filter(None, planes)))
            if "errors" not in dict(roles):
                image = image._replace(unused_errors=_name_of_errors(hdus, image))
            images.append(image)
    return images


def _name_of_errors(hdus, image):
    """Return the HDU of errors beside an image, as file[number] (NAME), or None."""
    number = number_beside(hdus, image, "errors")
    if number is None:
        return None
    return f"{name_hdu(image.place[0], number)} ({hdus[number].name})"


def _describe_hdu(hdus, number, file, chosen):
    """Return the image of an HDU; a chosen one may be named by its extension."""
    hdu, label = hdus[number], name_hdu(file, number)
    headers = [hdu.header] if number == 0 else [hdu.header, hdus[0].header]
    world = read_world(hdu.header, hdus, label)
    is_named = not isinstance(file, HDUsInMemory) or hdus.filename()
    stem = FITS_SUFFIX.sub("", os.path.basename(file)) if is_named else None
    stem = hdu.name if chosen and hdu.name not in _COMMON_NAMES else stem
    path = file if isinstance(file, HDUsInMemory) else os.path.realpath(file)
    unit = read_unit(headers)
    grid, axes, bands = describe_image(hdu.shape, world, headers, unit, label, stem)
    return Image(
        label=label,
        open=opener_of(file, number, axes),
        grid=grid,
        **bands,
        place=(path, number),
        shape=hdu.shape,
        axes=axes,
        stem=stem,
        plate=world.plate,
        setup=_read_setup(headers, len(bands["band_names"])),
    )


def _read_setup(headers, n_bands):
    """Return telescope and instrument if cards name the bands, else None."""
    if None in read_bands(headers, n_bands, None, None)["band_names"]:
        return None
    cards = ("TELESCOP", "INSTRUME")
    found = [[h[card] for h in headers if card in h] for card in cards]
    return tuple(str(values[0]).strip().upper() if values else "" for values in found)


def describe_array(array, label, beside=None, error_kind=None):
    """Return an image in memory, with its own errors and mask."""
    for role, wanted in (beside or {}).items():
        if wanted not in ("auto", "inside"):
            raise ValueError(
                f"{label} is no file, with no HDU {wanted!r} for {role}. Give arrays."
            )
    is_cube = isinstance(array, Cube)
    if is_cube or find_converter(array) is not None:
        cube = as_cube(array, label, error_kind)
        pixels = cube.data
    else:  # kept as it is, because a Cube of integers is a copy
        pixels = array if is_lazy(array) else np.asarray(filled(array))
        check_image(pixels, label, most=3)
        cube = Cube(np.broadcast_to(np.float32(0), np.atleast_3d(pixels).shape))
    names = enumerate(cube.band_names, 1)
    errors = Plane(f"the errors of {label}", "std", partial(open_array, cube.errors))
    return Image(
        label=label,
        open=partial(open_array, pixels),
        grid=Grid(cube.wcs, cube.shape[:2]),
        band_names=[n if is_cube or n != f"band {i}" else None for i, n in names],
        band_units=list(cube.band_units),
        fwhm=cube.fwhm,
        zero_points=cube.zero_points,
        diffraction_fwhm=cube.diffraction_fwhm,
        band_coordinates=cube.band_coordinates,
        shape=pixels.shape,
        planes=() if cube.errors is None else (errors,),
        known={"sky_mask": cube.sky_mask, "pixel_scale": cube._pixel_scale},
    )
