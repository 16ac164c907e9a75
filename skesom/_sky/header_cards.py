# SPDX-License-Identifier: BSD-3-Clause
"""Names, units, widths, wavelengths and zero points of bands, in FITS header cards."""

import math
import re
import unicodedata
import warnings
from contextlib import suppress

import numpy as np
from astropy import units
from astropy.io import fits

from skesom._sky.filter_table import (
    AB_SURVEYS,
    CHANNELS,
    MIRRORS,
    UNIT_SPELLINGS,
    VEGA_OFFSETS,
    WAVELENGTH_UNITS,
    ZERO_POINT_CARDS,
)
from skesom._sky.filters import filter_wavelength, wavelengths_of
from skesom._sky.units import unit_of

# In the order of trust. Narrow filters of JWST are in the pupil wheel; FILTER1 may be
# the position of a wheel (WFPC2), therefore numbers do not count.
_FILTER_CARDS = ("PUPIL", "FILTER", "FILTNAM1", "FILTNAM2", "FILTER1", "FILTER2")
_BAND_CARDS = (*_FILTER_CARDS, "FILTNAME", "FILTERS", "BAND", "CHNLNUM")
# Of Pan-STARRS and of ESO.
_BAND_CARDS += ("FPA.FILTERID", "FPA.FILTER", "ESO INS FILT1 NAME")
_PAN_STARRS = re.compile(r"([grizyw])\.0+")  # g.00000
# These name a band in some archives only: SPIRE and UVIT, PACS, the sky surveys.
_OTHER_CARDS = ("DETECTOR", "CAMERA", "SURVEY")
_SETUP_CARDS = ("TELESCOP", "INSTRUME", "ORIGIN", "SURVEY", "DATASET")
_NO_FILTER = re.compile(
    r"(clear|open|none|n/a|blank|empty|grism|mask|gdhs|wlp|unknown)|-*$", re.IGNORECASE
)
_COUNTS = (units.ct, units.electron, units.adu, units.DN, units.photon, units.one)
_CASU = {"wfcam", "vircam"}  # whose MAGZPT is that of a count per second
_RADIAN = units.rad.to(units.arcsec)
_SAYS_AB = re.compile(r"\bAB(_?mag\w*)?\b", re.IGNORECASE)


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
        "zero_points": _read_zero_points(headers, names, unit),
    }


def _read_names(headers, n_bands, stem):
    """Return the name of each band, made from the stem if no card has one."""
    if n_bands == 1:
        names = [_filter_name(headers, card) for card in _BAND_CARDS]
        known = [name for name in names if _told(headers, name)]
        others = [_filter_name(headers, card) for card in _OTHER_CARDS]
        others = [_told(headers, name) for name in others if name and len(name) > 1]
        return [next(filter(None, [*known, *others, *names]), stem)]
    for card, first in (("FILTER", 1), ("BAND", 1), ("BAND", 0)):
        cards = [f"{card}{number}" for number in range(first, first + n_bands)]
        names = [_filter_name(headers, card) for card in cards]
        if all(names):
            return names
    return [stem and f"{stem} {number + 1}" for number in range(n_bands)]


def _filter_name(headers, card):
    """Return the filter in a card, None if it holds none."""
    value = _first_card(headers, card)
    if type(value) is int and card in ("BAND", "CHNLNUM"):
        names = []
        for word in _setup(headers):
            names += CHANNELS.get(word.lower(), ())
        return names[value - 1] if 0 < value <= len(names) else None
    value = value.strip() if isinstance(value, str) else ""
    if _NO_FILTER.match(value) and np.isnan(filter_wavelength(value)):
        return None  # but not CLEAR1L;F814W
    numbered = _PAN_STARRS.fullmatch(value)
    if numbered:
        return numbered[1]
    words = value.split()
    if len(words) > 2:  # g DECam SDSS c0001 4720.0 1520.0
        shorter = [" ".join(words[:n]) for n in range(1, len(words) - 1)]
        value = next((s for s in shorter if np.isfinite(filter_wavelength(s))), value)
    return value


def _told(headers, name):
    """Return a name with the instrument or survey that it needs, None if unknown."""
    names = name, *(f"{word} {name}" for word in _setup(headers))
    return next((n for n in names if np.isfinite(filter_wavelength(n))), None)


def _setup(headers):
    """Return the words in the cards of telescope, instrument and survey."""
    texts = [_first_card(headers, card) for card in _SETUP_CARDS]
    return re.findall("[A-Za-z0-9]+", " ".join(str(text) for text in texts if text))


def _first_card(headers, card):
    """Return the value of a card in the first header that has it, else None."""
    return next((header[card] for header in headers if card in header), None)


def is_number(value):
    """Return whether a card holds a finite real number."""
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def _is_positive(value):
    """Return whether a card holds a positive finite number."""
    return is_number(value) and value > 0


def read_unit(headers, card="BUNIT"):
    """Return the unit in a card, None if it is missing or unknown."""
    text = _first_card(headers, card)
    return parse_unit(text) if isinstance(text, str) and text.strip() else None


def parse_unit(text):
    """Return the unit of a text in the spelling of telescopes, None if unknown."""
    text = text.strip()
    if re.search("erg", text, re.IGNORECASE):
        text = re.sub(r"\bA\b", "Angstrom", text)  # not ampere
    other = re.sub(r"\be-(?=\s|/|$)", "electron", text, flags=re.IGNORECASE)
    # Capitals could also be millijansky, but these are never given per steradian.
    other = re.sub(r"\bMJY(?=\s*/\s*SR\b)", "MJy", other)
    other = re.sub(
        "[A-Za-z]+", lambda it: UNIT_SPELLINGS.get(it[0].lower(), it[0]), other
    )
    for spelling in (text, other):
        with warnings.catch_warnings(), suppress(ValueError, TypeError):
            # Units with several slashes or old spellings are valid all the same.
            warnings.simplefilter("ignore", units.UnitsWarning)
            unit = unit_of(spelling)  # "a,b" are two
            return None if isinstance(unit, units.StructuredUnit) else unit
    return None


def _usual_spelling(match):
    """Return how astropy spells a word of a unit."""
    return UNIT_SPELLINGS.get(match[0].lower(), match[0])


def write_unit(unit):
    """Return a unit in the spelling of the FITS standard, else in that of astropy."""
    try:
        return unit.to_string("fits")
    except ValueError:
        return unit.to_string()


def to_ascii(name):
    """Write a name in ASCII, as FITS requires: the letter of H alpha is "alpha"."""
    return "".join(
        c if " " <= c <= "~" else unicodedata.name(c, "_").split()[-1].lower()
        for c in name
    )


def band_cards(cube, band):
    """Return the FITS header of a band, as this module reads it."""
    header = fits.Header()
    header["FILTER"] = (to_ascii(cube.band_names[band]), "band")
    if cube.band_units[band] is not None:
        header["BUNIT"] = (write_unit(cube.band_units[band]), "unit of the pixels")
    if np.isfinite(cube.fwhm[band]):
        header["FWHM"] = (cube.fwhm[band], "[arcsec] of the point-spread function")
    place = None if cube.band_coordinates is None else cube.band_coordinates[band]
    if place is not None and np.isfinite(place):
        header["SPECVAL"] = (place.value, "place of the band on the spectral axis")
        header["SPECUNIT"] = (write_unit(place.unit), "unit of SPECVAL")
    if np.isfinite(cube.zero_points[band]):
        header["MAGZERO"] = cube.zero_points[band], "[mag] AB magnitude of a value of 1"
    return header


def _read_fwhm(headers):
    """Return the FWHM in arcsec: of its card, if not in pixels, or of the beam."""
    for header in headers:
        value = header.get("FWHM")
        if _is_positive(value) and "pix" not in header.comments["FWHM"].lower():
            return float(value)
        axes = header.get("BMAJ"), header.get("BMIN")
        if all(map(_is_positive, axes)):  # in degrees
            return float(np.sqrt(axes[0] * axes[1]) * units.deg.to(units.arcsec))
    return np.nan


def _diffraction_fwhm(headers, names):
    """Return the FWHM of a perfect mirror in arcsec, NaN where it is unknown."""
    words = [word.lower() for word in _words_of(headers, names)]
    found = [MIRRORS[word] for word in words if word in MIRRORS]
    mirror = found[0] if found else np.nan
    known = read_band_coordinates(headers) if len(names) == 1 else None
    wavelengths = wavelengths_of([(known, len(names))], names) * units.nm
    return (1.03 * wavelengths / (mirror * units.m)).decompose().value * _RADIAN


def read_band_coordinates(headers):
    """Return the spectral coordinate of an image of one band, None if unknown."""
    value, unit = _first_card(headers, "SPECVAL"), _first_card(headers, "SPECUNIT")
    if not (is_number(value) and isinstance(unit, str)):
        value, unit = _first_card(headers, "PHOTPLAM"), "Angstrom"
        if not _is_positive(value):
            value, unit = _read_wavelength(headers)
            (name,) = _read_names(headers, 1, None)
            told = name if unit or not name else _told(headers, name)
            if told not in (None, name):  # with the evidence of the instrument
                value, unit = filter_wavelength(told), "nm"
    with suppress(TypeError, ValueError):
        return unit and units.Quantity([value], unit_of(unit), dtype=np.float64)


def _read_wavelength(headers):
    """Return the value and unit of a wavelength card, None without a unit."""
    setup = {word.lower() for word in _setup(headers)}
    for header in headers:
        for card in ("WAVELEN", "WAVELNTH"):
            if not _is_positive(header.get(card)):
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
    ends = [_first_card(headers, card) for card in ("ENERG_LO", "ENERG_HI")]
    if all(map(_is_positive, ends)):
        # In eV or keV; no telescope of X-rays sees 100 keV.
        return math.sqrt(ends[0] * ends[1]), "eV" if ends[1] > 100 else "keV"
    return None, None


def _words_of(headers, names):
    """Return the words of the setup, and those of the name of an only band."""
    texts = [*names, _first_card(headers, "FILTER")] if len(names) == 1 else []
    text = " ".join(map(str, texts))  # NGC5584_GALEX_NUV, g DECam SDSS
    return _setup(headers) + re.findall("[A-Za-z0-9]+", text)


def _read_zero_points(headers, names, unit):
    """Return the AB magnitudes of a value of 1, NaN where unknown."""
    seconds = _seconds_of_one(headers, unit)
    for header in headers if len(names) == 1 else ():
        density = _flux_of_count_per_second(header)
        if density is not None and seconds:
            return np.array([(density / seconds).to_value(units.ABmag)], dtype=float)
        if _is_positive(header.get("FPA.ZP")):
            return np.array([_magnitude_of_pan_starrs(header)])
        if _is_positive(header.get("FLUXMAG0")):  # value of AB magnitude 0, of HSC
            return np.array([2.5 * np.log10(header["FLUXMAG0"])])
    words = {word.lower() for word in _words_of(headers, names)}
    suffixes = [[f"{n}"] for n in range(1, len(names) + 1)]
    suffixes = [["", "1"]] if len(names) == 1 else suffixes
    pairs = zip(suffixes, names, strict=True)
    found = np.array([_read_magnitude(headers, words, *pair) for pair in pairs])
    if str(_first_card(headers, "DATASET")).strip().lower() == "2mass":
        # Mosaics by Montage keep the brightness: a value is that of a pixel of 2MASS,
        # which has a square arcsec, however large their own pixels are.
        found -= 2.5 * np.log10(_pixel_area(headers))
    return found


def _magnitude_of_pan_starrs(header):
    """Return the AB magnitude of a value of 1 in an image of Pan-STARRS.

    Values are counts in the exposure time, and FPA.ZP is that of one count per second
    (Waters et al. 2020, ApJS 251, 4). Those of an asinh scale (BSOFTEN) are no counts.
    """
    time = header.get("EXPTIME")
    if not _is_positive(time) or "BSOFTEN" in header:
        return np.nan
    return float(header["FPA.ZP"]) + 2.5 * math.log10(time)


def _pixel_area(headers):
    """Return the area of a pixel in square arcsec by its steps, NaN without them."""
    steps = [_first_card(headers, card) for card in ("CDELT1", "CDELT2")]
    if not all(is_number(step) and step != 0 for step in steps):
        return np.nan
    return abs(steps[0] * steps[1]) * units.deg.to(units.arcsec) ** 2


def _read_magnitude(headers, words, suffixes, name):
    """Return the AB magnitude of a value of 1 in a card of a zero point, else NaN."""
    system = _first_card(headers, "MAGSYS") or ""
    band = (re.findall("[A-Za-z0-9]+", str(name).lower()) or [""])[-1]
    tables = [VEGA_OFFSETS[word] for word in words & VEGA_OFFSETS.keys()]
    offsets = [table[band] for table in tables if band in table]
    cards = [card + suffix for card in ZERO_POINT_CARDS for suffix in suffixes]
    for header in headers:
        for card in cards:
            is_other = card[1:] == "MAGZP" and card[0].lower() != band[:1]  # JMAGZP
            if is_other or not _is_positive(header.get(card)):
                continue
            value, text = float(header[card]), f"{header.comments[card]} {system}"
            if "AB" in card or _SAYS_AB.search(text):
                return value
            if card.startswith("MAGZPT") and words & _CASU:
                time = _first_card(headers, "EXPTIME")
                value += 2.5 * math.log10(time) if _is_positive(time) else np.nan
            if offsets:
                return value + offsets[0]
            if words & AB_SURVEYS and "vega" not in text.lower():
                return value
    return np.nan


def _seconds_of_one(headers, unit):
    """Return the time in which a count per second gives a value of 1, or None."""
    for count in _COUNTS if unit is not None else ():
        if unit.is_equivalent(count / units.s):
            return 1 / unit.to(count / units.s)
        if unit.is_equivalent(count):
            times = (header.get("EXPTIME") for header in headers)
            time = next(filter(_is_positive, times), None)
            return None if time is None else time / unit.to(count)
    return None


def _flux_of_count_per_second(header):
    """Return the flux density of a count per second, None without such cards."""
    flam, fnu, pivot = (header.get(f"PHOT{name}") for name in ("FLAM", "FNU", "PLAM"))
    if _is_positive(flam) and _is_positive(pivot):
        density = flam * units.erg / units.s / units.cm**2 / units.AA
        return density.to(units.Jy, units.spectral_density(pivot * units.AA))
    return fnu * units.Jy if _is_positive(fnu) else None
