# SPDX-License-Identifier: BSD-3-Clause
"""Know all images of a cube together: their grids, names and widths."""

import os
import warnings
from collections.abc import Iterable

import numpy as np
from astropy import units
from astropy.nddata import NDData

from skesom._common.grids import group_by_grid
from skesom.cube._container import Cube
from skesom.io._arrays import describe_array
from skesom.io._headers import make_unique
from skesom.io._images import describe_images


def describe_all(paths, hdu, error_kind):
    """Return what is known of each image, of files and in memory."""
    if not isinstance(paths, list | tuple):
        # An array is one image; other sequences hold paths.
        single = isinstance(paths, str | os.PathLike | Cube | NDData)
        if single or hasattr(paths, "__array__"):
            paths = [paths]
        elif isinstance(paths, Iterable):
            paths = list(paths)
        else:
            raise TypeError(
                "paths must be a file, an image in memory, or a list of these, got "
                f"{paths!r}."
            )
    images = []
    for number, path in enumerate(paths, 1):
        if isinstance(path, str | os.PathLike):
            images += describe_images(path, hdu)
        else:
            label = f"array {number}" if len(paths) > 1 else "the array"
            images.append(describe_array(path, label, error_kind))
    _check_distinct(images)
    return images


def _check_distinct(images):
    """Refuse an empty list and an image that is given twice."""
    if not images:
        raise ValueError("There is nothing to read: the list of paths is empty.")
    seen = set()
    for image in images:
        if image.place is None:
            continue
        if image.place in seen:
            raise ValueError(
                f"{image.label} is given twice. Leave one out, or name another HDU of "
                "the file in brackets."
            )
        seen.add(image.place)


def complete_grids(images, join):
    """Return the grid of each image; to join those without a WCS, they must fit."""
    grids = [image.grid for image in images]
    without = [image.label for image in images if image.grid.wcs is None]
    if not without:
        return grids
    first_of = {}
    for image in images:
        first_of.setdefault(image.grid.shape, image.label)
    if len(first_of) > 1:
        if not join:
            return grids
        shapes = ", ".join(
            f"{label} has {rows} x {columns}"
            for (rows, columns), label in first_of.items()
        )
        raise ValueError(
            f"Images of different shapes need a WCS to be aligned, and {without[0]} "
            f"has none: {shapes} rows x columns. Cut the images to the same pixels, or "
            "add the WCS to their headers."
        )
    known = [image for image in images if image.grid.wcs is not None]
    if not known:
        return grids
    if len(group_by_grid([image.grid for image in known])) > 1:
        if not join:
            return grids
        raise ValueError(
            f"{without[0]} has no WCS, and the other images lie on different grids, so "
            "that its place on the sky is unknown. Add the WCS to its header."
        )
    warnings.warn(
        f"{', '.join(without)} without a WCS: taken to lie on the pixels of "
        f"{known[0].label}, which has the same shape.",
        UserWarning,
        stacklevel=3,
    )
    return [known[0].grid] * len(images)


def name_bands(images, order, band_names):
    """Return one unique name for each band of all images, as these are given."""
    names = check_band_names(images, band_names)
    if names is not None:
        return names
    found = [name for image in images for name in image.band_names]
    if len(images) > 1 and len(set(found)) == 1:
        stems = [image.stem for image in images]
        if None not in stems and len(set(stems)) == len(found):
            return stems
    found = [name or f"band {number}" for number, name in enumerate(found, 1)]
    unique = make_unique([found[band] for band in order])
    return [name for _, name in sorted(zip(order, unique, strict=True))]


def check_band_names(images, band_names):
    """Return the names that the user gives to all bands, None if there are none."""
    if band_names is None:
        return None
    found = [name for image in images for name in image.band_names]
    found = [name or f"band {number}" for number, name in enumerate(found, 1)]
    names = [band_names] if isinstance(band_names, str) else list(map(str, band_names))
    if len(names) != len(found):
        raise ValueError(
            f"band_names has {len(names)} entries, but the files hold {len(found)} "
            f"bands ({', '.join(found)})."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"band_names must be unique, got {names}.")
    return names


def spread_fwhm(images, fwhm):
    """Return the FWHM of each band in arcsec, NaN where unknown."""
    found = np.concatenate([image.fwhm for image in images])
    if fwhm is None:
        return found
    if isinstance(fwhm, units.Quantity):
        fwhm = fwhm.to_value(units.arcsec)
    fwhm = np.asarray(fwhm, dtype=np.float64)
    if fwhm.ndim > 0 and fwhm.shape != found.shape:
        raise ValueError(
            f"fwhm has {fwhm.size} entries, but the files hold {found.size} bands. "
            "Give one for each band, NaN where it is unknown."
        )
    if np.any(fwhm <= 0) or np.any(np.isinf(fwhm)):
        raise ValueError(f"fwhm must be positive, got {fwhm.tolist()}.")
    return np.broadcast_to(fwhm, found.shape).copy()
