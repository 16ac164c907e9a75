# SPDX-License-Identifier: BSD-3-Clause
"""The order of bands, which is not that in which files happen to be given."""

import os
import re
from numbers import Integral

import numpy as np
from astropy import units

from skesom.io._filters import filter_wavelength
from skesom.io._gather import check_band_names, describe_all, name_bands

ORDERS = ("given", "wavelength")


def describe_bands(paths, *, hdu=None, band_names=None):
    """Return the names of the bands of some files, and their order of wavelength."""
    images = describe_all(paths, hdu, None)
    order = find_order(images, "wavelength", band_names)
    return name_bands(images, order, band_names), order


def find_order(images, order, band_names=None):
    """Return in which order the bands of images are taken."""
    n_bands = sum(len(image.band_names) for image in images)
    if isinstance(order, str):
        if order not in ORDERS:
            raise ValueError(
                f"order must be 'given', 'wavelength' or the numbers of the bands, got "
                f"{order!r}."
            )
        if order == "given":
            return list(range(n_bands))
        names = check_band_names(images, band_names)
        keys = _keys(images, [None] * n_bands if names is None else names)
        return sorted(range(n_bands), key=keys.__getitem__)
    order = list(order)
    whole = all(isinstance(number, Integral) for number in order)
    if not whole or sorted(order) != list(range(n_bands)):
        raise ValueError(
            f"order must hold the numbers from 0 to {n_bands - 1} of the {n_bands} "
            f"bands, each once, got {order}."
        )
    return [int(number) for number in order]


def _keys(images, names):
    """Return what bands are sorted by: their wavelengths, else their files."""
    keys, names = [], iter(names)
    for image in images:
        known = _wavelengths(image.band_coordinates, len(image.band_names))
        for band, (own, wavelength) in enumerate(
            zip(image.band_names, known, strict=True)
        ):
            for name in (next(names), own):
                if np.isnan(wavelength):
                    wavelength = filter_wavelength(name)
            if np.isnan(wavelength):
                wavelength = np.inf
            keys.append((wavelength, *_place(image), band))
    return keys


def _wavelengths(coordinates, n_bands):
    """Return wavelengths in nm, NaN where they are unknown."""
    if coordinates is None:
        return np.full(n_bands, np.nan)
    try:
        return coordinates.to_value(units.nm, units.spectral())
    except units.UnitConversionError:
        return np.full(n_bands, np.nan)  # velocities


def _place(image):
    """Return by what images of one wavelength are sorted; those in memory stay."""
    if image.place is None:
        return (), "", 0
    path, number = image.place
    return _natural(os.path.basename(path)), path, number


def _natural(name):
    """Return what sorts names with numbers by these: band2 before band10."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in parts if part
    )
