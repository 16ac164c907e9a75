# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights that lie beside an image: find them."""

import os
from contextlib import nullcontext
from functools import partial

import numpy as np
from astropy import units

from skesom._common.grids import Grid, same_grid
from skesom.io._fits import (
    ERROR_KINDS,
    MASK_NAMES,
    WEIGHT_NAMES,
    find_hdu,
    is_image,
    list_hdus,
    name_hdu,
    open_fits,
    split_name,
    split_path,
)
from skesom.io._headers import read_unit
from skesom.io._images import Plane, open_pixels
from skesom.io._wcs import read_wcs

_NAMES = {"errors": set(ERROR_KINDS), "masks": MASK_NAMES, "weights": WEIGHT_NAMES}
_UNCERTAINTY_CLASSES = {  # how astropy.nddata.CCDData writes what it has
    "StdDevUncertainty": "std",
    "VarianceUncertainty": "var",
    "InverseVariance": "ivar",
}
_POWERS = {"std": 1, "var": 2, "ivar": -2}


def find_planes(images, role, wanted, error_kind=None):
    """Return the images with the planes that go with each of them."""
    if wanted is None:
        return images
    if isinstance(wanted, os.PathLike | np.ndarray):
        wanted = [wanted]
    if not isinstance(wanted, list):
        found = [_find_beside(image, role, wanted, error_kind) for image in images]
    elif len(wanted) != len(images):
        raise ValueError(
            f"{role} has {len(wanted)} entries for {len(images)} images. Give one for "
            "each image, None where there is none."
        )
    else:
        found = [
            _find_elsewhere(image, role, one, error_kind)
            for image, one in zip(images, wanted, strict=True)
        ]
    return [
        image if plane is None else image._replace(planes=(*image.planes, plane))
        for image, plane in zip(images, found, strict=True)
    ]


def _find_beside(image, role, wanted, error_kind):
    """Return the plane in the file of the image, None if "auto" finds none."""
    if image.place is None:
        if wanted == "auto":
            return None
        raise ValueError(
            f"{image.label} is no file, so that it has no HDU {wanted!r} for {role}. "
            f"Give {role} as a list of arrays, one for each image."
        )
    path, number = image.place
    with open_fits(path) as hdus:
        name, version = hdus[number].name, hdus[number].ver
        fitting = [
            n
            for n, hdu in enumerate(hdus)
            if n != number and _goes_with(hdu, name, version, image)
        ]
        if wanted == "auto":
            chosen = _choose(hdus, fitting, role)
        elif isinstance(wanted, str):
            # The plane of the same version is meant, if names are repeated.
            same = [n for n in fitting if hdus[n].name == wanted.upper()]
            chosen = same[0] if same else find_hdu(hdus, wanted, path)
        else:
            chosen = find_hdu(hdus, wanted, path)
        if chosen is None:
            return None
        return _make_plane(hdus, chosen, path, image, role, error_kind)


def _goes_with(hdu, name, version, image):
    """Tell whether an HDU may hold a plane of the image with a name and version."""
    if not (is_image(hdu) or _is_constant(hdu)):
        return False
    if is_image(hdu) and _plane_axes(hdu.shape, image) is None:
        return False
    words, own = split_name(hdu.name), split_name(name)
    return hdu.ver == version if len(words) == 1 else own in (words[1:], words[:-1])


def _is_constant(hdu):
    """Tell whether an HDU stands for an image of one value, as Hubble's may."""
    return hdu.is_image and hdu.shape == () and "PIXVALUE" in hdu.header


def _choose(hdus, candidates, role):
    """Return the candidate that is best for a role, None without any."""
    named = []
    for number in candidates:
        words = split_name(hdus[number].name)
        word = next((w for w in words[:1] + words[-1:] if w in _NAMES[role]), None)
        if word is not None:
            # Standard deviations are used as they are.
            rank = list(_POWERS).index(ERROR_KINDS.get(word, "std"))
            named.append((rank if role == "errors" else 0, number))
    return min(named, default=(0, None))[1]


def _find_elsewhere(image, role, wanted, error_kind):
    """Return the plane that a path or an array is."""
    if wanted is None:
        return None
    if not isinstance(wanted, str | os.PathLike):
        return _array_plane(image, role, np.asanyarray(wanted), error_kind)
    path, bracket = split_path(os.fspath(wanted))
    with open_fits(path) as hdus:
        if bracket is not None:
            number = find_hdu(hdus, bracket, path)
        else:
            images = [n for n, hdu in enumerate(hdus) if is_image(hdu)]
            number = images[0] if len(images) == 1 else _choose(hdus, images, role)
        if number is None:
            raise ValueError(
                f"{path} does not tell which HDU holds the {role} of {image.label}: "
                f"{list_hdus(hdus)}. Name it as in image.fits[ERR]."
            )
        label = name_hdu(path, number)
        world = read_wcs(hdus[number].header, hdus, label)
        grid = Grid(world.celestial, image.grid.shape)
        known = grid.wcs is not None and image.grid.wcs is not None
        if known and not same_grid(grid, image.grid):
            raise ValueError(
                f"{label} lies on other pixels of the sky than {image.label}. Align it "
                "before, or correct its WCS."
            )
        return _make_plane(hdus, number, path, image, role, error_kind)


def _array_plane(image, role, array, error_kind):
    """Return the plane that an array in memory is."""
    if array.shape not in (image.grid.shape, (*image.grid.shape, len(image.fwhm))):
        raise ValueError(
            f"The array given as {role} of {image.label} has the shape {array.shape}, "
            f"but the image has {image.grid.shape[0]} x {image.grid.shape[1]} pixels "
            f"in {len(image.fwhm)} bands."
        )
    kind = {"masks": "flags", "weights": "weight"}.get(role) or error_kind or "std"
    return Plane(
        f"the {role} of {image.label}", kind, partial(nullcontext, np.asarray(array))
    )


def _make_plane(hdus, number, path, image, role, error_kind):
    """Return the plane that an HDU holds after checking that it fits the image."""
    hdu = hdus[number]
    label = name_hdu(path, number) + (f" ({hdu.name})" if hdu.name else "")
    kind = {"masks": "flags", "weights": "weight"}.get(role)
    kind = kind or error_kind or _error_kind(hdu, label)
    factor = _unit_factor(hdu, image, kind, label) if role == "errors" else 1.0
    if _is_constant(hdu):
        value = np.asarray(hdu.header["PIXVALUE"])
        return Plane(label, kind, partial(nullcontext, value), factor)
    axes = _plane_axes(hdu.shape, image)
    if axes is None:
        shape = " x ".join(map(str, hdu.shape[::-1]))
        wanted = " x ".join(map(str, image.grid.shape[::-1]))
        raise ValueError(
            f"{label} has {shape} pixels, but the image {image.label} has {wanted}. "
            f"Give {role} of the same pixels."
        )
    # Flags need all their bits, which scaling to floats may lose.
    options = {"uint": True} if role == "masks" else {}
    return Plane(
        label, kind, partial(open_pixels, path, number, axes, **options), factor
    )


def _plane_axes(shape, image):
    """Return the axes of rows, columns and bands of a plane, None if it fits not."""
    if image.place is not None and shape == image.shape:
        return image.axes
    *leading, row, column = range(len(shape))
    if (shape[row], shape[column]) != image.grid.shape:
        return None
    leading = [axis for axis in leading if shape[axis] > 1]
    if [shape[axis] for axis in leading] not in ([], [len(image.fwhm)]):
        return None
    return (row, column, *leading)


def _error_kind(hdu, label):
    """Return what the values of an HDU of errors are, by what it says of itself."""
    written = hdu.header.get("UTYPE")
    if written in _UNCERTAINTY_CLASSES:
        return _UNCERTAINTY_CLASSES[written]
    words = split_name(hdu.name)
    for word in words[:1] + words[-1:]:
        if word in ERROR_KINDS:
            return ERROR_KINDS[word]
        if word in WEIGHT_NAMES | MASK_NAMES:
            raise ValueError(
                f"{label} does not say how its values become errors. Give "
                "error_kind='ivar' if they are inverse variances, 'var' or 'std'."
            )
    return "std"


def _unit_factor(hdu, image, kind, label):
    """Return the factor that brings a plane's values to the unit of the image."""
    unit, wanted = read_unit([hdu.header]), image.band_units[0]
    if unit is None or wanted is None:
        return 1.0
    try:
        return unit.to(wanted ** _POWERS[kind])
    except units.UnitConversionError as error:
        if unit == wanted:
            return 1.0  # variances are often labeled with the unit of the image
        raise ValueError(
            f"{label} is in {unit}, but the image {image.label} in {wanted}. Correct "
            "BUNIT, or name another HDU."
        ) from error
