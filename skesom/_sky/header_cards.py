# SPDX-License-Identifier: BSD-3-Clause
"""Names, units, widths and wavelengths of bands, in FITS header cards."""

import math
import re
import unicodedata
from contextlib import suppress

import numpy as np
from astropy import units
from astropy.io import fits

from skesom._sky.card_values import (
    first_card,
    is_number,
    is_positive,
    setup_and_band_words,
    setup_words,
)
from skesom._sky.filter_table import (
    CHANNELS,
    MIRRORS,
    UNIT_SPELLINGS,
    WAVELENGTH_UNITS,
)
from skesom._sky.filters import filter_wavelength, wavelengths_of
from skesom._sky.units import parse_unit, unit_of, write_unit
from skesom._sky.zero_points import read_zero_points

# In the order of trust.
_BAND_CARDS = (
    "PUPIL",  # narrow filters of JWST are in the pupil wheel
    "FILTER",
    "FILTNAM1",
    "FILTNAM2",
    "FILTER1",  # may be the position of a wheel (WFPC2): numbers do not count
    "FILTER2",
    "FILTNAME",
    "FILTERS",
    "BAND",
    "CHNLNUM",
    "FPA.FILTERID",  # of Pan-STARRS
    "FPA.FILTER",
    "ESO INS FILT1 NAME",
)
# These name a band in some archives only: SPIRE and UVIT, PACS, the sky surveys.
_OTHER_CARDS = ("DETECTOR", "CAMERA", "SURVEY")
_PAN_STARRS = re.compile(r"([grizyw])\.0+")  # g.00000
_NO_FILTER = re.compile(
    r"(clear|open|none|n/a|blank|empty|grism|mask|gdhs|wlp|unknown)|-*$", re.IGNORECASE
)
_ARCSEC_OF_RADIAN = units.rad.to(units.arcsec)
# The FWHM of the Airy disc, in units of wavelength / diameter.
_AIRY_FWHM = 1.03


def is_hdu(X):
    """Return whether an object is an HDU."""
    return hasattr(X, "is_image") and isinstance(getattr(X, "header", 0), fits.Header)


def read_bands(headers, n_bands, stem, unit):
    """Return names, units, FWHM and zero points of the bands of an image."""
    names = _read_names(headers, n_bands, stem)
    return {
        "band_names": names,
        "diffraction_fwhm": _diffraction_fwhm(headers, names),
        "band_units": [unit] * n_bands,
        "fwhm": np.full(n_bands, _read_fwhm(headers)),
        "zero_points": read_zero_points(headers, names, unit),
    }


def _read_names(headers, n_bands, stem):
    """Return the name of each band, made from the stem if no card has one."""
    if n_bands == 1:
        return [_read_name_of_only_band(headers) or stem]
    for card, first in (("FILTER", 1), ("BAND", 1), ("BAND", 0)):
        cards = [f"{card}{number}" for number in range(first, first + n_bands)]
        names = [_filter_name(headers, card) for card in cards]
        if all(names):
            return names
    if not stem:
        return [stem] * n_bands
    return [f"{stem} {number}" for number in range(1, n_bands + 1)]


def _read_name_of_only_band(headers):
    """Return the first name in a card whose wavelength is known, else the first."""
    names = [_filter_name(headers, card) for card in _BAND_CARDS]
    for name in names:
        if _name_with_setup(headers, name) is not None:
            return name
    for card in _OTHER_CARDS:
        name = _filter_name(headers, card)
        if name and len(name) > 1:
            full_name = _name_with_setup(headers, name)
            if full_name is not None:
                return full_name
    for name in names:
        if name:
            return name
    return None


def _filter_name(headers, card):
    """Return the filter in a card, None if it holds none."""
    value = first_card(headers, card)
    if type(value) is int and card in ("BAND", "CHNLNUM"):
        return _name_of_channel(headers, value)
    if not isinstance(value, str):
        return None
    name = value.strip()
    if _NO_FILTER.match(name) and np.isnan(filter_wavelength(name)):
        return None  # but not CLEAR1L;F814W
    numbered = _PAN_STARRS.fullmatch(name)
    if numbered is not None:
        return numbered[1]
    words = name.split()
    # g DECam SDSS c0001 4720.0 1520.0: the fewest first words that name a filter.
    for n_words in range(1, len(words) - 1):
        first_words = " ".join(words[:n_words])
        if np.isfinite(filter_wavelength(first_words)):
            return first_words
    return name


def _name_of_channel(headers, channel):
    """Return the name of a channel, counted from 1, of an instrument, else None."""
    names = []
    for word in setup_words(headers):
        names += CHANNELS.get(word.lower(), ())
    if 0 < channel <= len(names):
        return names[channel - 1]
    return None


def _name_with_setup(headers, name):
    """Return a name with the instrument or survey that it needs, None if unknown."""
    names = [name]
    for word in setup_words(headers):
        names.append(f"{word} {name}")
    for full_name in names:
        if np.isfinite(filter_wavelength(full_name)):
            return full_name
    return None


def read_unit(headers, card="BUNIT"):
    """Return the unit in a card, None if it is missing or unknown."""
    text = first_card(headers, card)
    if isinstance(text, str) and text.strip():
        return parse_unit(text)
    return None


def to_ascii(name):
    """Write a name in ASCII, as FITS requires: the letter of H alpha is "alpha"."""
    letters = []
    for letter in name:
        if not " " <= letter <= "~":
            letter = unicodedata.name(letter, "_").split()[-1].lower()
        letters.append(letter)
    return "".join(letters)


def band_cards(cube, band):
    """Return the FITS header of a band, as this module reads it."""
    header = fits.Header()
    header["FILTER"] = (to_ascii(cube.band_names[band]), "band")
    if cube.band_units[band] is not None:
        header["BUNIT"] = (write_unit(cube.band_units[band]), "unit of the pixels")
    if np.isfinite(cube.fwhm[band]):
        header["FWHM"] = (cube.fwhm[band], "[arcsec] of the point-spread function")
    if cube.band_coordinates is not None:
        coordinate = cube.band_coordinates[band]
        if np.isfinite(coordinate):
            header["SPECVAL"] = (
                coordinate.value,
                "place of the band on the spectral axis",
            )
            header["SPECUNIT"] = (write_unit(coordinate.unit), "unit of SPECVAL")
    if np.isfinite(cube.zero_points[band]):
        header["MAGZERO"] = cube.zero_points[band], "[mag] AB magnitude of a value of 1"
    return header


def _read_fwhm(headers):
    """Return the FWHM in arcsec: of its card, if not in pixels, or of the beam."""
    for header in headers:
        fwhm = header.get("FWHM")
        if is_positive(fwhm) and "pix" not in header.comments["FWHM"].lower():
            return float(fwhm)
        major = header.get("BMAJ")  # in degrees
        minor = header.get("BMIN")
        if is_positive(major) and is_positive(minor):
            return float(np.sqrt(major * minor) * units.deg.to(units.arcsec))
    return np.nan


def _diffraction_fwhm(headers, names):
    """Return the FWHM of a perfect mirror in arcsec, NaN where it is unknown."""
    diameter = np.nan
    for word in setup_and_band_words(headers, names):
        if word.lower() in MIRRORS:
            diameter = MIRRORS[word.lower()]
            break
    coordinates = None
    if len(names) == 1:
        coordinates = read_band_coordinates(headers)
    wavelengths = wavelengths_of([(coordinates, len(names))], names) * units.nm
    ratios = (_AIRY_FWHM * wavelengths / (diameter * units.m)).decompose().value
    return ratios * _ARCSEC_OF_RADIAN


def read_band_coordinates(headers):
    """Return the spectral coordinate of an image of one band, None if unknown."""
    value, unit = _read_coordinate(headers)
    if not unit:
        return None
    with suppress(TypeError, ValueError):
        return units.Quantity([value], unit_of(unit), dtype=np.float64)
    return None


def _read_coordinate(headers):
    """Return the spectral coordinate and its unit as text, None where unknown."""
    value = first_card(headers, "SPECVAL")
    unit = first_card(headers, "SPECUNIT")
    if is_number(value) and isinstance(unit, str):
        return value, unit
    pivot = first_card(headers, "PHOTPLAM")
    if is_positive(pivot):
        return pivot, "Angstrom"
    value, unit = _read_wavelength(headers)
    if unit is None:
        name = _read_name_of_only_band(headers)
        if name:
            full_name = _name_with_setup(headers, name)
            # A name that needs its instrument is given the wavelength here, where the
            # instrument is known.
            if full_name not in (None, name):
                return filter_wavelength(full_name), "nm"
    return value, unit


def _read_wavelength(headers):
    """Return the value and unit of a wavelength card, None without a unit."""
    setup = {word.lower() for word in setup_words(headers)}
    for header in headers:
        for card in ("WAVELEN", "WAVELNTH"):
            if not is_positive(header.get(card)):
                continue
            text = f"{header.get('WAVEUNIT', '')} {header.comments[card]}"
            for word in re.findall(r"[A-Za-z]+", text):
                unit = UNIT_SPELLINGS.get(word.lower())
                if unit in ("um", "nm", "Angstrom"):
                    return header[card], unit
            for unit, telescopes in WAVELENGTH_UNITS.items():
                if setup & telescopes.keys():
                    return header[card], unit
    return _read_energy(headers)


def _read_energy(headers):
    """Return the middle of a band of X-rays and its unit, None without such cards."""
    low = first_card(headers, "ENERG_LO")
    high = first_card(headers, "ENERG_HI")
    if not (is_positive(low) and is_positive(high)):
        return None, None
    # In eV or keV; no telescope of X-rays sees 100 keV.
    unit = "eV" if high > 100 else "keV"
    return math.sqrt(low * high), unit
