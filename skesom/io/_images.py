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
from skesom.cube.convert import as_cube, find_converter
from skesom.cube.fits_images import check_image, describe_image
from skesom.io._pixels import open_array, opener_of
from skesom.io._planes import Plane, find_beside, number_beside
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
    """Return the images of a file, with the planes beside each of them.

    Parameters
    ----------
    path : str or os.PathLike
        Of the file; may name the HDU, as ``"image.fits[SCI,1]"``.
    hdu : int, str, tuple, list of them, "all" or None
        HDUs to read if the path names none.
    beside : dict of str to str, int or tuple, or None
        Where planes are looked for in the file, by "errors", "masks" and "weights".
    error_kind : {"std", "var", "ivar"} or None

    Returns
    -------
    images : list of Image
    """
    file, bracket = split_path(os.fspath(path))
    if bracket is not None:
        hdu = bracket
    beside = beside or {}
    images = []
    with open_fits(file, keep=True) as hdus:
        numbers = find_images(hdus, hdu, file)
        is_chosen = bracket is not None or len(numbers) > 1
        for number in numbers:
            image = _describe_hdu(hdus, number, file, is_chosen)
            planes = []
            for role, extension in beside.items():
                plane = find_beside(hdus, image, role, extension, error_kind)
                if plane is not None:
                    planes.append(plane)
            image = image._replace(planes=tuple(planes))
            if "errors" not in beside:
                image = image._replace(unused_errors=_name_of_errors(hdus, image))
            images.append(image)
    return images


def _name_of_errors(hdus, image):
    """Return the HDU of errors beside an image, as file[number] (NAME), or None."""
    number = number_beside(hdus, image, "errors")
    if number is None:
        return None
    return f"{name_hdu(image.place[0], number)} ({hdus[number].name})"


def _describe_hdu(hdus, number, file, is_chosen):
    """Return the image of an HDU; a chosen one may be named by its extension."""
    hdu = hdus[number]
    label = name_hdu(file, number)
    headers = [hdu.header]
    if number != 0:
        headers.append(hdus[0].header)
    world = read_world(hdu.header, hdus, label)
    in_memory = isinstance(file, HDUsInMemory)
    path = file if in_memory else os.path.realpath(file)
    stem = None
    if is_chosen and hdu.name not in _COMMON_NAMES:
        stem = hdu.name
    elif not in_memory or hdus.filename():
        stem = FITS_SUFFIX.sub("", os.path.basename(file))
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
    setup = []
    for card in ("TELESCOP", "INSTRUME"):
        values = [header[card] for header in headers if card in header]
        setup.append(str(values[0]).strip().upper() if values else "")
    return tuple(setup)


def describe_array(array, label, beside=None, error_kind=None):
    """Return an image in memory, with its own errors and mask."""
    for role, extension in (beside or {}).items():
        if extension not in ("auto", "inside"):
            raise ValueError(
                f"{label} is no file: it has no HDU {extension!r} for {role}. Give "
                "arrays."
            )
    is_cube = isinstance(array, Cube)
    if is_cube or find_converter(array) is not None:
        cube = as_cube(array, label, error_kind)
        pixels = cube.data
    else:  # kept as it is, because a Cube of integers is a copy
        pixels = array if is_lazy(array) else np.asarray(filled(array))
        check_image(pixels, label, most=3)
        cube = Cube(np.broadcast_to(np.float32(0), np.atleast_3d(pixels).shape))
    band_names = list(cube.band_names)
    if not is_cube:  # names that say nothing are those of no one
        for band, name in enumerate(band_names):
            if name == f"band {band + 1}":
                band_names[band] = None
    planes = []
    if cube.errors is not None:
        opener = partial(open_array, cube.errors)
        planes.append(Plane(f"the errors of {label}", "std", opener))
    return Image(
        label=label,
        open=partial(open_array, pixels),
        grid=Grid(cube.wcs, cube.shape[:2]),
        band_names=band_names,
        band_units=list(cube.band_units),
        fwhm=cube.fwhm,
        zero_points=cube.zero_points,
        diffraction_fwhm=cube.diffraction_fwhm,
        band_coordinates=cube.band_coordinates,
        shape=pixels.shape,
        planes=tuple(planes),
        known={"sky_mask": cube.sky_mask, "pixel_scale": cube._pixel_scale},
    )
