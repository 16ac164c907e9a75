# SPDX-License-Identifier: BSD-3-Clause
"""Facts of filters: wavelength, width, the line of a narrow one, its continuum."""

import re
from typing import NamedTuple

import numpy as np

from skesom._sky.filters import (
    TABLE,
    filter_wavelength,
    named_line,
    names_an_ion,
    wavelengths_of,
)

HYDROGEN, SULFUR, OXYGEN = "H alpha + [N II]", "[S II]", "[O III]"
HYDROGEN_BETA = "H beta"
_LINES = {name: k[6:] for k, v in TABLE.items() if k[:6] == "holds " for name in v}
# F658N on WFC3 lets only the line of nitrogen through.
_WFC3_NITROGEN = 2.8, "[N II]"
_FARTHEST = 2.0  # ratio of the wavelengths of a line and of a continuum that tells


class Filter(NamedTuple):
    """A filter; wavelength and width in nm, NaN where unknown."""

    wavelength: float
    width: float
    line: str | None  # that a narrow filter holds
    is_narrow: bool


def describe_filter(name):
    """Return the facts of a filter by the name of its band."""
    wavelength = filter_wavelength(name)
    words = [word for word in re.split(r"[^A-Za-z0-9]+", str(name)) if word]
    for word in map(str.upper, words):
        if word == "F658N" and {"wfc3", "uvis"} & {word.lower() for word in words}:
            return Filter(wavelength, *_WFC3_NITROGEN, True)
        if word in TABLE["width"]:
            return Filter(wavelength, TABLE["width"][word], _LINES.get(word), True)
    line = _LINES.get(named_line(name))
    is_narrow = line is not None or names_an_ion(name)
    is_narrow |= any(re.fullmatch(r"FQ?\d{3}N", word.upper()) for word in words)
    return Filter(wavelength, np.nan, line, is_narrow)


def band_wavelengths(cube):
    """Return the wavelengths of bands in nm: known ones, else those of filters."""
    part = cube.band_coordinates, cube.shape[2]
    return wavelengths_of([part], cube.band_names)


def find_continua(cube, continua=None):
    """Return the one or two continuum bands of each narrow band by their names.

    `continua` is None for those of the filter table: the nearest broad bands on both
    sides. A dict overrides single narrow bands, "none" switches all off.
    """
    given = check_continua(continua, cube.band_names)
    return {} if continua == "none" else _continua_of_table(cube) | given


def check_continua(continua, names):
    """Return a dict of the continua that are given, which must be of these bands."""
    if continua is None or continua == "none":
        return {}
    if not isinstance(continua, dict):
        raise ValueError(f"continua must be a dict, None or 'none', got {continua!r}.")
    given = {}
    for line, bands in continua.items():
        given[line] = (bands,) if isinstance(bands, str) else tuple(bands)
        _check_continuum(line, given[line], names)
    return given


def _check_continuum(line, bands, names):
    """Refuse unknown bands, and a line as its own continuum."""
    for band in (line, *bands):
        if band not in names:
            raise ValueError(
                f"The continuum of {line} names band {band!r}, but the bands are "
                f"{', '.join(names)}."
            )
    if line in bands:
        raise ValueError(f"{line} cannot be its own continuum: give other bands.")
    if not 1 <= len(bands) <= 2 or len(set(bands)) < len(bands):
        raise ValueError(
            f"The continuum of {line} must be one band or two, got {', '.join(bands)}."
        )


def _continua_of_table(cube):
    """Return the nearest broad bands on both sides of each band of a line."""
    places = band_wavelengths(cube)
    filters = [describe_filter(name) for name in cube.band_names]
    is_broad = np.isfinite(places) & [not each.is_narrow for each in filters]
    names, found = np.array(cube.band_names), {}
    for place, name, each in zip(places, cube.band_names, filters, strict=True):
        if each.line is None or not np.isfinite(place):
            continue
        ratio = places / place
        sides = []
        for side in (is_broad & (ratio <= 1), is_broad & (ratio > 1)):
            distance = np.where(side, np.abs(np.log(ratio)), np.inf)
            if distance.min() <= np.log(_FARTHEST):
                sides.append(str(names[distance.argmin()]))
        if sides:
            found[name] = tuple(sides)
    return found
