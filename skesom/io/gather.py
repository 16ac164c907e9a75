# SPDX-License-Identifier: BSD-3-Clause
"""All images of a cube, with the grids, names, widths and order of their bands.

Headers are read once: whoever asks for names, order, sizes, companions or pixels of
files asks the `CubePlan` that they become.
"""

import os
import re
from collections.abc import Iterable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits

from skesom._common.fits_files import HDUsInMemory
from skesom._common.lazy import is_lazy
from skesom._common.warn import warn_user
from skesom._sky.filters import wavelengths_of
from skesom._sky.grids import group_by_grid
from skesom._sky.header_cards import is_hdu
from skesom.cube import Cube
from skesom.cube.bands import all_band_names, with_bands
from skesom.cube.convert import find_converter
from skesom.cube.fits_images import ERROR_POWERS
from skesom.io._band_names import check_names, name_bands
from skesom.io._exposures import merge_exposures
from skesom.io._images import Image, describe_array, describe_file
from skesom.io._planes import find_elsewhere
from skesom.io._plate_solutions import choose_positions
from skesom.io._zarr import is_zarr, read_zarr


class CubePlan(NamedTuple):
    """Images and planes beside them, known by their headers; pixels come later."""

    images: list[Image]  # exposures that are combined are one image
    order: list[int]  # numbers of the bands in the order of the cube
    is_sorted: bool  # whether cubes are cut so that all their bands are in that order
    planes: list[tuple]  # role and plane of all files, one by one

    @property
    def band_names(self):
        """Names of all bands, as the files are given."""
        return all_band_names(self.images)

    def with_band_names(self, band_names):
        """Return the same with other names of the bands."""
        images = [
            image._replace(band_names=names)
            for image, names in with_bands(self.images, band_names)
        ]
        return self._replace(images=images)


def gather_images(
    paths,
    hdu,
    planes,
    error_kind=None,
    *,
    band_names=None,
    fwhm=None,
    order="given",
    combine=False,
):
    """Return the plan of all images; `planes` are read beside them, by role.

    The roles are "errors", "masks" and "weights". Their values, and the other
    parameters, are those of `skesom.io.read_cube`.
    """
    if error_kind not in (None, "std", "var", "ivar"):
        raise ValueError(
            f"error_kind must be 'std', 'var', 'ivar' or None, got {error_kind!r}."
        )
    planes_in_files = {}  # to be looked for, in or beside the file of each image
    planes_of_images = {}  # lists of files or arrays, one for each image
    for role, value in planes.items():
        if value is None:
            continue
        if isinstance(value, list):
            planes_of_images[role] = value
        elif isinstance(value, os.PathLike | np.ndarray) or is_lazy(value):
            planes_of_images[role] = [value]
        else:
            planes_in_files[role] = value
    images = _describe_images(paths, hdu, planes_in_files, error_kind)
    _refuse_repeated(images)
    for role, values in planes_of_images.items():
        images = _add_planes(images, role, values, error_kind)
    # Those of exposures too, which become one image below.
    planes_by_role = []
    for image in images:
        for plane in image.planes:
            role = "errors" if plane.kind in ERROR_POWERS else plane.kind
            planes_by_role.append((role, plane))

    images = choose_positions(images)
    images = [
        image._replace(fwhm=widths)
        for image, widths in with_bands(images, _find_fwhm(images, fwhm))
    ]
    images, band_names = merge_exposures(images, combine, band_names)
    if band_names is None:
        names = name_bands(images)
    else:
        names = check_names(images, band_names)
    plan = CubePlan(
        images=images,
        order=_find_order(images, order, names),
        is_sorted=not (isinstance(order, str) and order == "given"),
        planes=planes_by_role,
    )
    if planes_in_files.get("errors") in ("auto", "inside"):
        _warn_of_no_errors(images)
    return plan.with_band_names(names)


def _describe_images(paths, hdu, planes, error_kind):
    """Return the images of all files and in memory, by their headers.

    `planes` are looked for in the files, by role.
    """
    sources = _list_sources(paths)
    images = []
    for number, source in enumerate(sources, 1):
        label = f"array {number}" if len(sources) > 1 else "the array"
        if is_hdu(source):
            source = _in_memory(fits.HDUList([source]), label)
        elif isinstance(source, fits.HDUList):
            source = _in_memory(source, label)
        if is_zarr(source):
            label = str(source)
            source = read_zarr(source)
        if isinstance(source, str | os.PathLike):
            images += describe_file(source, hdu, planes, error_kind)
        else:
            images.append(describe_array(source, label, planes, error_kind))
    if not images:
        raise ValueError("There is nothing to read: the list of paths is empty.")
    return images


def _in_memory(hdus, label):
    """Return what stands for the path of a list of HDUs."""
    path = HDUsInMemory(hdus.filename() or label)
    path.hdus = hdus
    return path


def _list_sources(paths):
    """Return paths and images in memory as a list."""
    # An array is one image; other iterables hold paths.
    if isinstance(paths, str | os.PathLike | Cube) or hasattr(paths, "__array__"):
        return [paths]
    if find_converter(paths) is not None:
        return [paths]
    if isinstance(paths, list | tuple):
        return paths
    if isinstance(paths, Iterable):
        return list(paths)
    raise TypeError(
        f"paths must be a file, an image in memory, or a list of these, got {paths!r}."
    )


def _refuse_repeated(images):
    """Refuse to read one HDU of a file twice."""
    seen = set()
    for image in images:
        if image.place is None:  # in memory
            continue
        if image.place in seen:
            raise ValueError(f"{image.label} is given twice. Leave one out.")
        seen.add(image.place)


def _add_planes(images, role, planes, error_kind):
    """Return the images with the files or arrays that are given for each of them."""
    if len(planes) == 1 and role == "masks":
        planes = planes * len(images)
    if len(planes) != len(images):
        raise ValueError(
            f"{role} has {len(planes)} entries for {len(images)} images. Give one for "
            "each image, None where there is none."
        )
    with_planes = []
    for image, file_or_array in zip(images, planes, strict=True):
        if file_or_array is not None:
            plane = find_elsewhere(image, role, file_or_array, error_kind)
            image = image._replace(planes=(*image.planes, plane))
        with_planes.append(image)
    return with_planes


def _warn_of_no_errors(images):
    """Name the files beside whose images no errors were found."""
    labels = [
        image.label
        for image in images
        if image.place is not None and not image.has_errors
    ]
    if labels:
        warn_user(
            f"No errors were found for {', '.join(labels)}. Name their files; inverse "
            "variances in weights need error_kind='ivar'."
        )


def complete_grids(images):
    """Return the images; those without a WCS get the only grid of the others."""
    with_wcs = [image for image in images if image.grid.wcs is not None]
    without_wcs = [image for image in images if image.grid.wcs is None]
    n_shapes = len({image.grid.shape for image in images})
    n_grids = len(group_by_grid([image.grid for image in with_wcs]))
    if not without_wcs or n_shapes != 1 or n_grids != 1:
        return images
    labels = ", ".join(image.label for image in without_wcs)
    warn_user(
        f"{labels} without a WCS: taken to lie on the pixels of {with_wcs[0].label}, "
        "which has the same shape."
    )
    return [image._replace(grid=with_wcs[0].grid) for image in images]


def _find_fwhm(images, fwhm):
    """Return the FWHM of each band in arcsec, NaN where unknown.

    That of the user, if there is one, is for all bands or has an entry for each.
    """
    fwhm_in_headers = np.concatenate([image.fwhm for image in images])
    if fwhm is None:
        return fwhm_in_headers
    if isinstance(fwhm, units.Quantity):
        fwhm = fwhm.to_value("arcsec")
    fwhm = np.asarray(fwhm, dtype=np.float64)
    if fwhm.ndim > 0 and fwhm.shape != fwhm_in_headers.shape:
        raise ValueError(
            f"fwhm has {fwhm.size} entries, but the files hold {fwhm_in_headers.size} "
            "bands."
        )
    if np.any(fwhm <= 0) or np.any(np.isinf(fwhm)):
        raise ValueError(f"fwhm must be positive, got {fwhm.tolist()}.")
    return np.broadcast_to(fwhm, fwhm_in_headers.shape).copy()


def _find_order(images, order, names):
    """Return the numbers of the bands in the order of the cube."""
    n_bands = sum(image.n_bands for image in images)
    if isinstance(order, str):
        if order == "given":
            return list(range(n_bands))
        if order == "wavelength":
            keys = _sort_keys(images, names)
            return sorted(range(n_bands), key=keys.__getitem__)
        raise ValueError(
            "order must be 'given', 'wavelength' or the numbers of the bands, got "
            f"{order!r}."
        )
    order = list(order)
    are_whole = all(isinstance(number, Integral) for number in order)
    if not are_whole or sorted(order) != list(range(n_bands)):
        raise ValueError(
            f"order must hold the numbers from 0 to {n_bands - 1} of the {n_bands} "
            f"bands, each once, got {order}."
        )
    return [int(number) for number in order]


def _sort_keys(images, names):
    """Return the keys that sort bands: wavelength, then file."""
    coordinates = [(image.band_coordinates, image.n_bands) for image in images]
    wavelengths = wavelengths_of(coordinates, names, all_band_names(images))
    wavelengths[np.isnan(wavelengths)] = np.inf
    keys = []
    for image, wavelengths_of_image in with_bands(images, wavelengths.tolist()):
        if image.place is None:
            file_key = ((), "", 0)  # images in memory stay as they are given
        else:
            path, hdu_number = image.place
            file_key = (_natural_key(os.path.basename(path)), path, hdu_number)
        for band, wavelength in enumerate(wavelengths_of_image):
            keys.append((wavelength, *file_key, band))
    return keys


def _natural_key(name):
    """Return a sort key of a name by its numbers: band2 comes before band10."""
    key = []
    for chunk in re.split(r"(\d+)", name.lower()):
        if chunk.isdigit():
            key.append((int(chunk), ""))
        elif chunk:
            key.append((-1, chunk))
    return tuple(key)
