# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights of an image: which HDU, file or array holds them."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from astropy import units

from skesom._common.fits_files import HDUsInMemory, open_fits
from skesom._common.lazy import is_lazy
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom._sky.grids import Grid, same_grid
from skesom._sky.header_cards import read_unit
from skesom._sky.world_axes import read_world
from skesom.cube.fits_images import ERROR_POWERS
from skesom.io import fits_files as files
from skesom.io._pixels import open_array, opener_of

_NAMES_OF_ROLES = {
    "errors": set(files.ERROR_KINDS),
    "masks": files.MASK_NAMES,
    "weights": files.WEIGHT_NAMES,
}
_PARTS_OF_VARIANCE = {"POISSON", "RNOISE", "FLAT"}  # in files of JWST
_BAD_PLANES = ("BAD", "CR", "NO_DATA", "SAT", "UNMASKEDNAN")  # of the LSST pipelines
_UNCERTAINTY_CLASSES = {  # as astropy.nddata.CCDData writes them
    "StdDevUncertainty": "std",
    "VarianceUncertainty": "var",
    "InverseVariance": "ivar",
}
_CLASSES_OF_ERRORS = {"RMSE": "std", "MSE": "var", "INVMSE": "ivar"}
_CARDS_OF_PLANES = {"errors": "ERRDATA", "masks": "QUALDATA"}
_NAMES_OF_IMAGES = ("", "PRIMARY", "COMPRESSED_IMAGE")  # which tell nothing


class Plane(NamedTuple):
    """Errors ("std", "var", "ivar"), "masks" or "weights" of the pixels of an image."""

    label: str
    kind: str
    open: Callable  # context manager of a scalar or an array of one or all bands
    factor: float = 1.0  # to the unit of the image
    file: str | None = None
    harmless: int = 0  # flags of pixels that can be used


def find_beside(hdus, image, role, extension, error_kind):
    """Return the plane in the file of the image or, if "auto", one of like name.

    Parameters
    ----------
    hdus : HDUList
        Of the file of the image.
    image : Image
    role : {"errors", "masks", "weights"}
    extension : "auto", "inside", int, str or tuple
        Where to look, as `read_cube` takes it.
    error_kind : {"std", "var", "ivar"} or None

    Returns
    -------
    plane : Plane or None
    """
    path, _ = image.place
    if extension in ("auto", "inside"):
        number = number_beside(hdus, image, role)
        if number is not None:
            return _make_plane(hdus, number, path, image, role, error_kind)
        # Of several images in a file, it is not clear whose another file is.
        is_single = len(files.find_images(hdus, "all", path)) == 1
        in_memory = isinstance(path, HDUsInMemory)
        if extension == "auto" and is_single and not in_memory:
            return _find_in_folder(image, role, error_kind)
        return None
    # If names are repeated, the plane with the version of the image is meant.
    numbers = []
    if isinstance(extension, str):
        for number in _fitting(hdus, image):
            if hdus[number].name == extension.upper():
                numbers.append(number)
    if numbers:
        number = numbers[0]
    else:
        number = files.find_hdu(hdus, extension, path)
    return _make_plane(hdus, number, path, image, role, error_kind)


def number_beside(hdus, image, role):
    """Return the number of the HDU that holds a plane of an image, None without one.

    Cards name it in files of ESO, and the names of the HDUs do in others.
    """
    fitting = _fitting(hdus, image)
    header = hdus[image.place[1]].header
    card = _CARDS_OF_PLANES.get(role)
    if card is not None and card in header:
        name = str(header[card]).strip().upper()
        named = [number for number in fitting if hdus[number].name == name]
        if named:
            return named[0]
    return _choose(hdus, fitting, role)


def _fitting(hdus, image):
    """Return the numbers of the HDUs that may hold a plane of an image."""
    _, number_of_image = image.place
    image_hdu = hdus[number_of_image]
    numbers = []
    for number, hdu in enumerate(hdus):
        is_other = number != number_of_image
        if is_other and _belongs_to(hdu, image_hdu.name, image_hdu.ver, image):
            numbers.append(number)
    return numbers


def find_elsewhere(image, role, file_or_array, error_kind):
    """Return the plane in another file or in an array."""
    if not isinstance(file_or_array, str | os.PathLike):
        array = file_or_array
        if not is_lazy(array):
            array = np.asanyarray(array)
        return _array_plane(image, role, array, error_kind)
    path, bracket = files.split_path(os.fspath(file_or_array))
    with open_fits(path, keep=True) as hdus:
        if bracket is not None:
            number = files.find_hdu(hdus, bracket, path)
        else:
            numbers = [n for n, hdu in enumerate(hdus) if files.is_image(hdu)]
            if len(numbers) == 1:
                number = numbers[0]
            else:
                number = _choose(hdus, numbers, role)
        if number is None:
            raise ValueError(
                f"{path} does not tell which HDU holds the {role} of {image.label}: "
                f"{files.list_hdus(hdus)}. Name it as in image.fits[ERR]."
            )
        label = files.name_hdu(path, number)
        wcs = read_world(hdus[number].header, hdus, label).celestial
        are_on_sky = wcs is not None and image.grid.wcs is not None
        if are_on_sky and not same_grid(Grid(wcs, image.grid.shape), image.grid):
            raise ValueError(
                f"{label} lies on other pixels of the sky than {image.label}. Align it."
            )
        return _make_plane(hdus, number, path, image, role, error_kind)


def _find_in_folder(image, role, error_kind):
    """Return the plane in a file named as that of the image but for its kind."""
    path, _ = files.split_path(image.label)
    words, companion_words = files.split_file_name(path)
    if companion_words:
        return None  # the file is not named as an image is
    folder = os.path.dirname(path)
    ranked = []
    for name in sorted(os.listdir(folder or ".")):
        if not files.FITS_SUFFIX.search(name):
            continue
        words_of_file, companion_words = files.split_file_name(name)
        if words_of_file != words:
            continue
        kinds = [word for word in companion_words if word in _NAMES_OF_ROLES[role]]
        if kinds:
            ranked.append((_rank(kinds[0], role), os.path.join(folder, name)))
    if not ranked:
        return None
    best_rank = min(ranked)[0]
    best = sorted(path for rank, path in ranked if rank == best_rank)
    if len(best) > 1:
        raise ValueError(
            f"Several files may hold the {role} of {image.label}: {', '.join(best)}. "
            f"Name the {role} of each image."
        )
    try:
        return find_elsewhere(image, role, best[0], error_kind)
    except (OSError, ValueError) as error:
        warn_user(f"{best[0]} is not used: {error}")
        return None


def _belongs_to(hdu, name, version, image):
    """Return whether an HDU may hold a plane of the image with a name and version."""
    fits = files.is_image(hdu) and _plane_axes(hdu.shape, image) is not None
    if not (fits or _is_constant(hdu)):
        return False
    words = files.split_name(hdu.name)
    if len(words) == 1:  # as ERR, of the image of the same version
        return hdu.ver == version
    # As SCI_ERR or ERR_SCI of the image SCI.
    return files.split_name(name) in (words[1:], words[:-1])


def _is_constant(hdu):
    """Return whether an HDU has one value for all pixels, as in Hubble's files."""
    return hdu.is_image and hdu.shape == () and "PIXVALUE" in hdu.header


def _choose(hdus, candidates, role):
    """Return the best candidate for a role, None without any."""
    ranked = []
    for number in candidates:
        words = files.outer_words(hdus[number].name)
        kinds = [word for word in words if word in _NAMES_OF_ROLES[role]]
        if kinds and _PARTS_OF_VARIANCE.isdisjoint(words):
            ranked.append((_rank(kinds[0], role), number))
    if not ranked:
        return None
    _, number = min(ranked)
    return number


def _rank(word, role):
    """Return the place of a plane of some name among those of a role."""
    if role != "errors":
        return 0
    # Standard deviations come first, because they are used as they are. STD is how far
    # exposures differ, in mosaics of Spitzer and WISE, and not the error of their mean.
    if word in ("STD", "STDDEV"):
        return len(ERROR_POWERS)
    return list(ERROR_POWERS).index(files.ERROR_KINDS[word])


def _array_plane(image, role, array, error_kind):
    """Return the plane of an array in memory."""
    if array.shape not in (image.grid.shape, (*image.grid.shape, image.n_bands)):
        rows, columns = image.grid.shape
        raise ValueError(
            f"The array given as {role} of {image.label} has the shape {array.shape}, "
            f"but the image has {rows} x {columns} pixels in {image.n_bands} bands."
        )
    kind = role
    if role == "errors":
        kind = error_kind or "std"
    if not is_lazy(array):
        hidden = np.nan
        if role == "masks" and array.dtype.kind in "biu":
            hidden = ~array.dtype.type(0)  # all bits
        array = np.asarray(filled(array, hidden))
    opener = partial(open_array, array)
    return Plane(f"the {role} of {image.label}", kind, opener)


def _make_plane(hdus, number, path, image, role, error_kind):
    """Return the plane of an HDU, which must fit the image."""
    hdu = hdus[number]
    label = files.name_hdu(path, number)
    if hdu.name not in _NAMES_OF_IMAGES:
        label = f"{label} ({hdu.name})"
    kind = role
    factor = 1.0
    if role == "errors":
        kind = error_kind or _error_kind(hdu, image, label, path)
        factor = _unit_factor(hdu, image, kind, label)
    if _is_constant(hdu):
        value = np.asarray(hdu.header["PIXVALUE"])
        return Plane(label, kind, partial(open_array, value), factor, path)
    axes = _plane_axes(hdu.shape, image)
    if axes is None:
        shape = " x ".join(map(str, hdu.shape[::-1]))
        shape_of_image = " x ".join(map(str, image.grid.shape[::-1]))
        raise ValueError(
            f"{label} has {shape} pixels, but the image {image.label} has "
            f"{shape_of_image}."
        )
    # Scaling to floats may lose bits of flags.
    opener = opener_of(path, number, axes, uint=role == "masks")
    harmless = 0
    if role == "masks":
        harmless = _harmless_flags(hdus, hdu.header)
    return Plane(label, kind, opener, factor, str(path), harmless)


def _harmless_flags(hdus, header):
    """Return the flags that do not rule a pixel out, by the origin of a file."""
    if hdus[0].header.get("TELESCOP") == "JWST":
        return ~1  # all but DO_NOT_USE
    bad_flags = 0
    has_bits = False
    for name in _BAD_PLANES:
        bit = header.get(f"MP_{name}")
        if isinstance(bit, int):
            has_bits = True
            if 0 <= bit < 63:
                bad_flags |= 1 << bit
    return ~bad_flags if has_bits else 0


def _plane_axes(shape, image):
    """Return the axes of rows, columns and bands of a plane, None if none fit."""
    if image.place is not None and shape == image.shape:
        return image.axes
    *leading, row, column = range(len(shape))
    if (shape[row], shape[column]) != image.grid.shape:
        return None
    leading = [axis for axis in leading if shape[axis] > 1]
    if [shape[axis] for axis in leading] not in ([], [image.n_bands]):
        return None
    return (row, column, *leading)


def _error_kind(hdu, image, label, path):
    """Return the kind of errors by the cards, unit or name of an HDU, or of a file."""
    uncertainty_class = hdu.header.get("UTYPE")
    if uncertainty_class in _UNCERTAINTY_CLASSES:
        return _UNCERTAINTY_CLASSES[uncertainty_class]
    class_of_errors = str(hdu.header.get("HDUCLAS3", "")).strip().upper()
    if class_of_errors in _CLASSES_OF_ERRORS:
        return _CLASSES_OF_ERRORS[class_of_errors]
    kind = _kind_of_unit(hdu, image)
    if kind is not None:
        return kind
    _, companion_words = files.split_file_name(path)
    for word in [*files.outer_words(hdu.name), *companion_words]:
        if word in files.ERROR_KINDS:
            return files.ERROR_KINDS[word]
        if word in files.WEIGHT_NAMES | files.MASK_NAMES:
            raise ValueError(
                f"{label} does not show the kind of its errors. Give error_kind="
                "'ivar' (inverse variances), 'var' or 'std'."
            )
    return "std"


def _kind_of_unit(hdu, image):
    """Return the kind of errors in the squared unit of an image or its inverse.

    None of other units: variances are often labeled with the unit of the image.
    """
    unit = read_unit([hdu.header])
    unit_of_image = image.band_units[0]
    if unit is None or unit_of_image is None:
        return None
    for kind in ("var", "ivar"):
        unit_of_kind = unit_of_image ** ERROR_POWERS[kind]
        if unit.is_equivalent(unit_of_kind) and not unit.is_equivalent(unit_of_image):
            return kind
    return None


def _unit_factor(hdu, image, kind, label):
    """Return the factor from the values of a plane to the unit of the image."""
    unit = read_unit([hdu.header])
    unit_of_image = image.band_units[0]
    if unit is None or unit_of_image is None:
        return 1.0
    try:
        return unit.to(unit_of_image ** ERROR_POWERS[kind])
    except units.UnitConversionError as error:
        if unit == unit_of_image:
            return 1.0  # variances are often labeled with the unit of the image
        raise ValueError(
            f"{label} is in {unit}, but the image {image.label} in {unit_of_image}."
        ) from error
