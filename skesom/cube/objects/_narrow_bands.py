# SPDX-License-Identifier: BSD-3-Clause
"""What filters are: wavelength, width, the line of a narrow one, and its continuum."""

import re
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from astropy import units

from skesom.cube.objects._filters import (
    filter_wavelength,
    filter_wavelengths,
    named_line,
)

HYDROGEN, SULFUR, OXYGEN = "H alpha + [N II]", "[S II]", "[O III]"
HYDROGEN_BETA = "H beta"
# Hubble's and Webb's narrow filters: the line, and the width in nm (WFC3 Instrument
# Handbook, table 6.2 and 7.2; ACS, table 5.1; WFPC2, table 3.1; JWST documentation).
_NARROW = {
    **{"F280N": ("Mg II", 4.3), "F343N": ("[Ne V]", 25.0), "F373N": ("[O II]", 5.0)},
    **{"F375N": ("[O II]", 4.3), "F395N": ("Ca II", 8.5), "F437N": ("[O III]", 2.5)},
    **{"F469N": ("He II", 5.0), "F487N": ("H beta", 6.0), "F502N": ("[O III]", 6.5)},
    **{"F588N": ("He I", 4.9), "F631N": ("[O I]", 5.8), "F645N": (None, 8.4)},
    **{"F656N": ("H alpha", 1.8), "F657N": (HYDROGEN, 12.1), "F658N": (HYDROGEN, 8.8)},
    **{"F660N": ("[N II]", 3.6), "F665N": (HYDROGEN, 13.1), "F673N": ("[S II]", 11.8)},
    **{"F680N": (HYDROGEN, 37.1), "F953N": ("[S III]", 9.7)},
    **{"FQ387N": ("[Ne III]", 3.4), "FQ436N": ("H gamma", 4.3)},
    **{"FQ492N": ("H beta", 11.4), "FQ508N": ("[O III]", 13.1)},
    **{"FQ575N": ("[N II]", 1.8), "FQ672N": ("[S II]", 1.9), "FQ674N": ("[S II]", 1.8)},
    **{"F126N": ("[Fe II]", 15.2), "F128N": ("Pa beta", 15.9), "F130N": (None, 15.6)},
    **{"F132N": ("Pa beta", 16.1), "F164N": ("[Fe II]", 20.9), "F167N": (None, 21.0)},
    **{"F187N": ("Pa alpha", 24.0), "F190N": (None, 17.5), "F212N": ("H2", 27.0)},
    **{"F323N": ("H2", 38.0), "F405N": ("Br alpha", 46.0), "F466N": ("CO", 54.0)},
    "F470N": ("H2", 51.0),
}
# The filter of this name on WFC3 lets only the line of nitrogen through.
_WFC3_NITROGEN = "F658N", ("[N II]", 2.8)
_OF_WORD = {
    **{"ha": HYDROGEN, "halpha": HYDROGEN, "hb": "H beta", "hbeta": "H beta"},
    **{"hgamma": "H gamma", "lya": "Ly alpha", "lyalpha": "Ly alpha"},
    **{"heii": "He II", "oii": "[O II]", "oiii": "[O III]", "oi": "[O I]"},
    **{"nii": "[N II]", "sii": "[S II]", "siii": "[S III]", "feii": "[Fe II]"},
    **{"pabeta": "Pa beta", "paalpha": "Pa alpha"},
    **{"brgamma": "Br gamma", "bralpha": "Br alpha"},
}
_FARTHEST = 2.0  # ratio of the wavelengths of a line and of a continuum that tells


class Filter(NamedTuple):
    """A filter; wavelength and width in nm, NaN where unknown."""

    wavelength: float
    width: float
    line: str | None  # that a narrow filter holds
    is_narrow: bool


def describe_filter(name):
    """Return what is known of a filter by the name of its band."""
    wavelength = filter_wavelength(name)
    words = [word for word in re.split(r"[^A-Za-z0-9]+", str(name)) if word]
    known = dict(_NARROW)
    if {"wfc3", "uvis"} & {word.lower() for word in words}:
        known.update([_WFC3_NITROGEN])
    for word in map(str.upper, words):
        if word in known:
            line, width = known[word]
            return Filter(wavelength, width, line, True)
    line = _OF_WORD.get(named_line(name))
    is_narrow = line is not None
    is_narrow |= any(re.fullmatch(r"FQ?\d{3}N", word.upper()) for word in words)
    return Filter(wavelength, np.nan, line, is_narrow)


def band_wavelengths(cube):
    """Return the wavelengths of bands in nm: known ones, else those of filters."""
    known = in_nanometers(cube.band_coordinates, cube.shape[2])
    named = filter_wavelengths(cube.band_names)
    return np.where(np.isfinite(known), known, named)


def in_nanometers(coordinates, n_bands):
    """Return spectral coordinates as wavelengths, NaN where unknown."""
    with suppress(units.UnitConversionError):  # velocities
        if coordinates is not None:
            return coordinates.to_value(units.nm, units.spectral())
    return np.full(n_bands, np.nan)


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
