# SPDX-License-Identifier: BSD-3-Clause
"""Where an image lies on the sky and on the spectral axis, from its header."""

import re
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs import WCS, WCSSUB_SPECTRAL

from skesom._common.grids import Grid

# Cards of SIP and of distortions by lookup tables.
_DISTORTION = re.compile(
    r"[AB]P?_(ORDER|DMAX|\d+_\d+)|(CPDIS|CPERR|D2IMDIS|D2IMERR|DP|D2IM)\d.*"
)
# Cards of axes beyond the second.
_OTHER_AXES = re.compile(
    r"(NAXIS|CTYPE|CUNIT|CRVAL|CDELT|CRPIX|CROTA|CNAME|CRDER|CSYER)[3-9]"
    r"|(PC|CD)([3-9]_\d|\d_[3-9])|(PV|PS)[3-9]_\d+"
)


class WorldAxes(NamedTuple):
    """The world coordinates of an image, taken apart.

    Parameters
    ----------
    celestial : astropy.wcs.WCS or None
        Of the two axes on the sky, None without them.
    sky : tuple of int or None
        The FITS axes (from 0) of longitude and latitude.
    spectral : astropy.wcs.WCS or None
        Of the spectral axis, None without one.
    spectral_axis : int or None
        The FITS axis (from 0) of frequency, wavelength or velocity.
    spectral_unit : astropy.units.UnitBase or None
        Unit in which the header counts along it.
    """

    celestial: WCS | None = None
    sky: tuple | None = None
    spectral: WCS | None = None
    spectral_axis: int | None = None
    spectral_unit: units.UnitBase | None = None


def read_wcs(header, hdus, label):
    """Return the `WorldAxes` of an image."""
    try:
        n_axes = max(header.get("NAXIS", 0), header.get("WCSAXES", 0))
        if n_axes <= 2 or not any(map(_DISTORTION.fullmatch, header)):
            return split_wcs(_all_axes(header, hdus), header)
        # astropy reads distortions only where they are defined: on two axes.
        world = split_wcs(_all_axes(_without_distortion(header), hdus), header)
        if world.celestial is None:
            return world
        if set(world.sky) != {0, 1}:
            raise ValueError("distortion is defined along the first two axes alone")
        return world._replace(celestial=WCS(_without_axes(header), hdus))
    except (ValueError, KeyError, MemoryError) as error:
        # A missing lookup table is a KeyError; WCSLIB calls bad cards out of memory.
        reason = str(error).strip().splitlines()[-1].rstrip(".")
        raise ValueError(
            f"{label}: the WCS in the header is not valid ({reason}). Correct its "
            "cards, or delete CTYPE1 and CTYPE2 to read the image without a WCS."
        ) from error


def _all_axes(header, hdus):
    """Return the WCS of a header, also of axes that the image does not have."""
    wcs = WCS(header, hdus)
    wcs.pixel_shape = None  # it has no lengths for these, and none can be cut out
    return wcs


def split_wcs(wcs, header=None):
    """Return the celestial and the spectral part of a WCS of all axes."""
    world = WorldAxes()
    if wcs.has_celestial:
        world = world._replace(celestial=wcs.celestial, sky=(wcs.wcs.lng, wcs.wcs.lat))
    axis = wcs.wcs.spec
    if axis < 0:
        return world
    unit = units.Unit(str(wcs.wcs.cunit[axis]))
    written = "" if header is None else header.get(f"CUNIT{axis + 1}", "")
    try:
        written = units.Unit(str(written).strip())
    except ValueError:
        written = unit
    return world._replace(
        spectral=wcs.sub([WCSSUB_SPECTRAL]),
        spectral_axis=axis,
        spectral_unit=written if written.is_equivalent(unit) else unit,
    )


def make_grid(shape, world, axes):
    """Return the pixels of an image and where they lie on the sky."""
    shape = shape[axes[0]], shape[axes[1]]
    if world.celestial is not None:
        world.celestial.array_shape = shape
    return Grid(world.celestial, shape)


def find_axes(shape, world, label):
    """Return the array axes of rows, columns and bands; the others have length 1."""
    n_axes = len(shape)
    row, column = n_axes - 2, n_axes - 1
    if world.sky is not None:
        # World axis i of FITS lies along array axis n_axes - 1 - i.
        row, column = sorted(n_axes - 1 - axis for axis in world.sky)
    if row < 0:
        raise ValueError(
            f"{label}: the WCS puts the sky on axes that the image of {n_axes} axes "
            "does not have. Correct its CTYPE cards."
        )
    others = [a for a in range(n_axes) if a not in (row, column) and shape[a] > 1]
    if len(others) > 1:
        lengths = " x ".join(str(length) for length in shape[::-1])
        raise ValueError(
            f"{label} has {n_axes} axes ({lengths}), but a cube has two on the sky and "
            "one of bands. Give the part that is wanted as an array, bands last."
        )
    return (row, column, *others)


def band_coordinates(world, shape, axes):
    """Return the place of each band on the spectral axis, None if it has none."""
    if world.spectral is None:
        return None
    # An image may have a spectral coordinate without an array axis along it.
    axis = len(shape) - 1 - world.spectral_axis
    n_bands = shape[axes[2]] if len(axes) == 3 else 1
    length = shape[axis] if axis >= 0 else 1
    if length != 1 and axis not in axes[2:]:
        return None  # it runs along rows or columns, as in the picture of a spectrum
    if length == 1 and n_bands > 1:
        return None
    si = units.Unit(str(world.spectral.wcs.cunit[0]))
    values = world.spectral.pixel_to_world_values(np.arange(n_bands))
    return units.Quantity(np.asarray(values), si).to(world.spectral_unit)


def _without_distortion(header):
    """Return a copy of a header without the cards of distortions."""
    header = header.copy()
    for card in list(header):
        if _DISTORTION.fullmatch(card):
            header.remove(card, ignore_missing=True, remove_all=True)
        elif re.fullmatch(r"CTYPE\d", card):
            header[card] = str(header[card]).removesuffix("-SIP")
    return header


def _without_axes(header):
    """Return a copy of a header without the cards of axes beyond the second."""
    header = header.copy()
    for card in filter(_OTHER_AXES.fullmatch, list(header)):
        header.remove(card, ignore_missing=True)
    for card in {"NAXIS", "WCSAXES"} & set(header):
        header[card] = 2
    return header
