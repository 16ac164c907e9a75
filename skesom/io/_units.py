# SPDX-License-Identifier: BSD-3-Clause
"""Units as headers spell them, and what makes fluxes of counts."""

import re
import warnings

import numpy as np
from astropy import units

# FITS asks for spellings that astropy knows; what telescopes write is another matter.
_SPELLINGS = {
    "electron": ("e", "electrons"),
    "ct": ("cnt", "cnts", "count", "counts", "cts"),
    "ct/s": ("cps",),
    "DN": ("dn", "dns"),
    "adu": ("adu", "adus"),
    "photon": ("photons",),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "Jy": ("jy", "jansky", "janskys"),
    "uJy": ("ujy", "microjy"),
    "sr": ("sr", "steradian"),
    "beam": ("beam",),
    "pix": ("pix", "pixel", "pixels"),
    "erg": ("erg", "ergs"),
    "cm": ("cm",),
    "Hz": ("hz",),
    "Angstrom": ("ang", "angstrom", "angstroms"),
    "nmgy": ("nanomaggy", "nanomaggies"),
    "/": ("per",),
}
_WORDS = {word: unit for unit, words in _SPELLINGS.items() for word in words}
_COUNTS = (units.ct, units.electron, units.adu, units.DN, units.photon, units.one)
_ZERO_POINT_CARDS = (
    *("ABZP", "ZPAB", "ABMAGZP", "MAGZERO", "MAGZEROP", "MAGZPT", "MAGZP"),
    *("ZEROPNT", "PHOTZP", "ZP"),
)
_SAYS_AB = re.compile(r"\bAB(_?mag\w*)?\b", re.IGNORECASE)


def parse_unit(text):
    """Return the unit that a text names."""
    text = text.strip()
    if re.search("erg", text, re.IGNORECASE):
        text = re.sub(r"\bA\b", "Angstrom", text)  # rather than amperes
    for spelling in (text, _respell(text)):
        with warnings.catch_warnings():
            # Several slashes and old spellings are understood all the same.
            warnings.simplefilter("ignore", units.UnitsWarning)
            try:
                return units.Unit(spelling)
            except (ValueError, TypeError):
                continue
    return None


def _respell(text):
    """Spell the words of a unit as astropy does."""
    text = re.sub(r"\be-(?=\s|/|$)", "electron", text, flags=re.IGNORECASE)
    # In capitals MJY may be millijanskys as well, but nobody counts these per sr.
    text = re.sub(r"\bMJY(?=\s*/\s*SR\b)", "MJy", text)
    return re.sub(r"[A-Za-z]+", lambda word: _WORDS.get(word[0].lower(), word[0]), text)


def read_zero_points(headers, n_bands, unit):
    """Return the AB magnitude of a value of 1 in an image."""
    return np.array(
        [_read_zero_point(headers, unit) if n_bands == 1 else np.nan] * n_bands
    )


def _read_zero_point(headers, unit):
    """Return the zero point of an image of one band, NaN if unknown."""
    seconds = _seconds_of_one(headers, unit)
    for header in headers:
        density = _flux_of_count_per_second(header)
        if density is not None and seconds:
            return float((density / seconds).to_value(units.ABmag))
    for header in headers:
        for card in _ZERO_POINT_CARDS:
            if _is_positive(header.get(card)) and _is_ab(header, card, headers):
                return float(header[card])
    return np.nan


def _seconds_of_one(headers, unit):
    """Return in how many seconds a count per second gives a value of 1.

    1 for an image in counts per second, the exposure time for one in counts, None for
    others and if the time is unknown.
    """
    for count in _COUNTS if unit is not None else ():
        if unit.is_equivalent(count / units.s):
            return 1 / unit.to(count / units.s)
        if unit.is_equivalent(count):
            times = (header.get("EXPTIME") for header in headers)
            time = next(filter(_is_positive, times), None)
            return None if time is None else time / unit.to(count)
    return None


def _flux_of_count_per_second(header):
    """Return the flux density of a count per second, None if the cards are silent."""
    flam, fnu, pivot = (header.get(f"PHOT{name}") for name in ("FLAM", "FNU", "PLAM"))
    if _is_positive(flam) and _is_positive(pivot):
        density = flam * units.erg / units.s / units.cm**2 / units.AA
        return density.to(units.Jy, units.spectral_density(pivot * units.AA))
    return fnu * units.Jy if _is_positive(fnu) else None


def _is_ab(header, card, headers):
    """Tell whether a zero point is one of AB magnitudes."""
    system = next((h["MAGSYS"] for h in headers if "MAGSYS" in h), "")
    said = f"{header.comments[card]} {system}"
    return "AB" in card or bool(_SAYS_AB.search(said))


def _is_positive(value):
    """Tell whether a card holds a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(np.isfinite(value) and value > 0)
