# SPDX-License-Identifier: BSD-3-Clause
"""What the cards of a FITS header say about a band, and how to say it in cards."""

import re
import unicodedata

import numpy as np
from astropy import units
from astropy.io import fits

from skesom.io._units import parse_unit

# In the order of trust. Narrow filters of JWST sit in the pupil wheel; FILTER1 may be
# a wheel position instead of a name (WFPC2), which is why numbers do not count.
_FILTER_CARDS = ("PUPIL", "FILTER", "FILTNAM1", "FILTNAM2", "FILTER1", "FILTER2")
_BAND_CARDS = (*_FILTER_CARDS, "FILTNAME", "FILTERS", "BAND")
_NO_FILTER = re.compile(
    r"(clear|open|none|n/a|blank|empty|grism|mask|gdhs|wlp|unknown)|-*$", re.IGNORECASE
)

_LENGTHS = {
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "micrometers"), "um"),
    **dict.fromkeys(("angstrom", "angstroms", "ang", "AA"), "Angstrom"),
    **dict.fromkeys(("nm", "nanometer", "nanometers"), "nm"),
}


def read_band_names(headers, n_bands, stem):
    """Return the names of the bands of one image."""
    if n_bands == 1:
        names = (_filter_name(headers, card) for card in _BAND_CARDS)
        return [next(filter(None, names), stem)]
    for card in ("FILTER", "BAND"):
        names = [_filter_name(headers, f"{card}{i + 1}") for i in range(n_bands)]
        if all(names):
            return names
    return [stem and f"{stem} {number + 1}" for number in range(n_bands)]


def _filter_name(headers, card):
    """Return the filter that a card names, None if it names none."""
    value = _first_card(headers, card)
    if not isinstance(value, str) or _NO_FILTER.match(value.strip()):
        return None
    return value.strip()


def _first_card(headers, card):
    """Return the value of a card in the first header that has it, else None."""
    return next((header[card] for header in headers if card in header), None)


def make_unique(names):
    """Return the names with repeated ones numbered: B, B 2, B 3."""
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in unique or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name} {number}"
        unique.append(candidate)
    return unique


def read_unit(headers):
    """Return the unit in BUNIT, None if it is missing or not understood."""
    text = _first_card(headers, "BUNIT")
    if not isinstance(text, str) or not text.strip():
        return None
    return parse_unit(text)


def read_fwhm(headers):
    """Return the full width at half maximum in arcsec, NaN if the cards do not tell.

    It is the FWHM card, unless counted in pixels, or the geometric mean of the axes of
    a radio beam (BMAJ and BMIN in degrees).
    """
    for header in headers:
        value = header.get("FWHM")
        if _is_number(value) and value > 0:
            if "pix" not in header.comments["FWHM"].lower():
                return float(value)
        axes = header.get("BMAJ"), header.get("BMIN")
        if all(_is_number(axis) and axis > 0 for axis in axes):
            return float(np.sqrt(axes[0] * axes[1]) * units.deg.to(units.arcsec))
    return np.nan


def _is_number(value):
    """Tell whether a card holds a finite real number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(np.isfinite(value))


def read_band_coordinates(headers):
    """Return where an image of one band lies on the spectral axis, None if unknown.

    SPECVAL and SPECUNIT are the cards of `write_bands`; PHOTPLAM is the pivot
    wavelength in Angstrom of Hubble's images; WAVELEN and WAVELNTH count with a unit
    in WAVEUNIT or in their comments.
    """
    value, unit = _first_card(headers, "SPECVAL"), _first_card(headers, "SPECUNIT")
    if not (_is_number(value) and isinstance(unit, str)):
        value, unit = _first_card(headers, "PHOTPLAM"), "Angstrom"
        if not (_is_number(value) and value > 0):
            value, unit = _wavelength_card(headers)
            if unit is None:
                return None
    try:
        return units.Quantity([value], unit, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _wavelength_card(headers):
    """Return a wavelength and its unit, None if the unit is not told."""
    for header in headers:
        for card in ("WAVELEN", "WAVELNTH"):
            value = header.get(card)
            if not (_is_number(value) and value > 0):
                continue
            told = str(header.get("WAVEUNIT", ""))
            words = re.findall(r"[A-Za-z]+", f"{told} {header.comments[card]}")
            known = [
                _LENGTHS.get(word if len(word) < 3 else word.lower()) for word in words
            ]
            unit = next(filter(None, known), None)
            if unit is not None:
                return value, unit
    return None, None


def make_hdus(data, wcs):
    """Return an HDU list with an image and its WCS in the primary HDU."""
    if wcs is None:
        return fits.HDUList([fits.PrimaryHDU(data)])
    # to_fits also gives the tables of a distorted WCS, which to_header forgets.
    hdus = wcs.to_fits(relax=True)
    hdus[0].data = data
    return hdus


def write_unit(unit):
    """Return a unit as the FITS standard spells it, as astropy does where it cannot."""
    try:
        return unit.to_string("fits")
    except ValueError:
        return unit.to_string()


def to_ascii(name):
    """Spell a name as FITS allows: the Greek letter of H alpha becomes "alpha"."""
    return "".join(
        character
        if " " <= character <= "~"
        else unicodedata.name(character, "_").split()[-1].lower()
        for character in name
    )
