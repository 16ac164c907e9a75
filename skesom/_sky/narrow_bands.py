# SPDX-License-Identifier: BSD-3-Clause
"""Facts of filters: wavelength, width, the line of a narrow one, its continuum."""

import re
from typing import NamedTuple

import numpy as np

from skesom._sky.filter_table import FILTER_LINES, FILTER_WIDTHS
from skesom._sky.filters import filter_wavelength, wavelengths_of
from skesom._sky.spectral_lines import named_line, names_an_ion

HYDROGEN = "H alpha + [N II]"
HYDROGEN_BETA = "H beta"
OXYGEN = "[O III]"
SULFUR = "[S II]"
# WFC3 Instrument Handbook, table 6.2. F658N of ACS is wider and holds H alpha too.
_WFC3_F658N_WIDTH = 2.8  # nm
_WFC3_F658N_LINE = "[N II]"
# Of the larger wavelength to the smaller: a continuum farther from its line does not
# tell how bright it is there.
_LARGEST_RATIO = 2.0


class Filter(NamedTuple):
    """A filter; wavelength and width in nm, NaN where unknown."""

    wavelength: float
    width: float
    line: str | None  # that a narrow filter holds
    is_narrow: bool


def describe_filter(name):
    """Return the facts of a filter by the name of its band."""
    wavelength = filter_wavelength(name)
    words = [word.upper() for word in re.split(r"[^A-Za-z0-9]+", str(name)) if word]
    for word in words:
        if word == "F658N" and not {"WFC3", "UVIS"}.isdisjoint(words):
            return Filter(
                wavelength=wavelength,
                width=_WFC3_F658N_WIDTH,
                line=_WFC3_F658N_LINE,
                is_narrow=True,
            )
        if word in FILTER_WIDTHS:
            return Filter(
                wavelength=wavelength,
                width=FILTER_WIDTHS[word],
                line=FILTER_LINES.get(word),
                is_narrow=True,
            )
    line = FILTER_LINES.get(named_line(name))
    has_number = any(re.fullmatch(r"FQ?\d{3}N", word) for word in words)
    return Filter(
        wavelength=wavelength,
        width=np.nan,
        line=line,
        is_narrow=line is not None or names_an_ion(name) or has_number,
    )


def band_wavelengths(cube):
    """Return the wavelengths of a cube's bands in nm, NaN where unknown.

    By their spectral coordinates, else by the filters that their names tell.
    """
    coordinates = [(cube.band_coordinates, cube.shape[2])]
    return wavelengths_of(coordinates, cube.band_names)


def find_continua(cube, continua=None):
    """Return the one or two continuum bands of each band that holds a line.

    Parameters
    ----------
    cube : Cube
    continua : dict of str to str or sequence of str, "none" or None, default=None
        Continuum bands that a user gives for single lines. The other lines get the
        nearest broad bands on both sides; with "none" no line gets any.

    Returns
    -------
    continua : dict of str to tuple of str
        Names of the continuum bands by the name of the line's band.
    """
    chosen = check_continua(continua, cube.band_names)
    if continua == "none":
        return {}
    return _nearest_continua(cube) | chosen


def check_continua(continua, names):
    """Return the continua that a user gives as tuples, which must be of these bands."""
    if continua is None or continua == "none":
        return {}
    if not isinstance(continua, dict):
        raise ValueError(f"continua must be a dict, None or 'none', got {continua!r}.")
    checked = {}
    for line, bands in continua.items():
        checked[line] = (bands,) if isinstance(bands, str) else tuple(bands)
        _check_continuum(line, checked[line], names)
    return checked


def _check_continuum(line, bands, names):
    """Refuse unknown bands, a line as its own continuum, none and more than two."""
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


def _nearest_continua(cube):
    """Return the nearest broad bands on both sides of each band that holds a line."""
    wavelengths = band_wavelengths(cube)
    filters = [describe_filter(name) for name in cube.band_names]
    is_narrow = np.array([each.is_narrow for each in filters])
    is_broad = np.isfinite(wavelengths) & ~is_narrow
    continua = {}
    for band, name in enumerate(cube.band_names):
        if filters[band].line is None or not np.isfinite(wavelengths[band]):
            continue
        ratio = wavelengths / wavelengths[band]
        nearest = []
        for is_on_side in (ratio <= 1, ratio > 1):
            distance = np.abs(np.log(ratio))
            distance[~(is_broad & is_on_side)] = np.inf
            if distance.min() <= np.log(_LARGEST_RATIO):
                nearest.append(cube.band_names[distance.argmin()])
        if nearest:
            continua[name] = tuple(nearest)
    return continua
