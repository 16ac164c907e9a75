# SPDX-License-Identifier: BSD-3-Clause
"""AB magnitudes of a value of 1, in FITS header cards."""

import math
import re

import numpy as np
from astropy import units

from skesom._sky.card_values import (
    first_card,
    is_number,
    is_positive,
    setup_and_band_words,
    words_of,
)
from skesom._sky.filter_table import AB_SURVEYS, VEGA_OFFSETS, ZERO_POINT_CARDS

_COUNTS = (units.ct, units.electron, units.adu, units.DN, units.photon, units.one)
_CASU = {"wfcam", "vircam"}  # whose MAGZPT is that of a count per second
_SAYS_AB = re.compile(r"\bAB(_?mag\w*)?\b", re.IGNORECASE)


def read_zero_points(headers, names, unit):
    """Return the AB magnitudes of a value of 1, NaN where unknown.

    Parameters
    ----------
    headers : list of Header
        Of the image and of what it belongs to, in the order of trust.
    names : list of str
        Of the bands.
    unit : Unit or None
        Of the values.
    """
    if len(names) == 1:
        zero_point = _zero_point_of_fluxes(headers, unit)
        if zero_point is not None:
            return np.array([zero_point], dtype=float)
    words = {word.lower() for word in setup_and_band_words(headers, names)}
    zero_points = np.full(len(names), np.nan)
    for band, name in enumerate(names):
        suffixes = [str(band + 1)]
        if len(names) == 1:
            suffixes = ["", "1"]
        zero_points[band] = _zero_point_of_magnitudes(headers, words, suffixes, name)
    if str(first_card(headers, "DATASET")).strip().lower() == "2mass":
        # Mosaics by Montage keep the brightness: a value is that of a pixel of 2MASS,
        # which has a square arcsec, however large their own pixels are.
        zero_points -= 2.5 * np.log10(_pixel_area(headers))
    return zero_points


def _zero_point_of_fluxes(headers, unit):
    """Return the zero point by cards that say what a count is, None without them."""
    seconds = _seconds_of_one(headers, unit)
    for header in headers:
        density = _flux_of_count_per_second(header)
        if density is not None and seconds:
            return (density / seconds).to_value(units.ABmag)
        if is_positive(header.get("FPA.ZP")):
            return _zero_point_of_pan_starrs(header)
        if is_positive(header.get("FLUXMAG0")):  # value of AB magnitude 0, of HSC
            return 2.5 * np.log10(header["FLUXMAG0"])
    return None


def _seconds_of_one(headers, unit):
    """Return the time in which a count per second gives a value of 1, or None."""
    if unit is None:
        return None
    for count in _COUNTS:
        if unit.is_equivalent(count / units.s):
            return 1 / unit.to(count / units.s)
        if unit.is_equivalent(count):
            for header in headers:
                time = header.get("EXPTIME")
                if is_positive(time):
                    return time / unit.to(count)
            return None
    return None


def _flux_of_count_per_second(header):
    """Return the flux density of a count per second, None without such cards."""
    per_wavelength = header.get("PHOTFLAM")
    pivot = header.get("PHOTPLAM")
    if is_positive(per_wavelength) and is_positive(pivot):
        density = per_wavelength * units.erg / units.s / units.cm**2 / units.AA
        return density.to(units.Jy, units.spectral_density(pivot * units.AA))
    per_frequency = header.get("PHOTFNU")
    if is_positive(per_frequency):
        return per_frequency * units.Jy
    return None


def _zero_point_of_pan_starrs(header):
    """Return the AB magnitude of a value of 1 in an image of Pan-STARRS.

    Values are counts in the exposure time, and FPA.ZP is that of one count per second
    (Waters et al. 2020, ApJS 251, 4). Those of an asinh scale (BSOFTEN) are no counts.
    """
    time = header.get("EXPTIME")
    if not is_positive(time) or "BSOFTEN" in header:
        return np.nan
    return float(header["FPA.ZP"]) + 2.5 * math.log10(time)


def _zero_point_of_magnitudes(headers, words, suffixes, name):
    """Return the AB magnitude of a value of 1 in a card of a zero point, else NaN."""
    system = first_card(headers, "MAGSYS") or ""
    words_of_name = words_of(str(name).lower())
    band = words_of_name[-1] if words_of_name else ""
    ab_minus_vega = []
    for word in words & VEGA_OFFSETS.keys():
        if band in VEGA_OFFSETS[word]:
            ab_minus_vega.append(VEGA_OFFSETS[word][band])
    cards = [card + suffix for card in ZERO_POINT_CARDS for suffix in suffixes]
    for header in headers:
        for card in cards:
            if not is_positive(header.get(card)):
                continue
            if card[1:] == "MAGZP" and card[0].lower() != band[:1]:
                continue  # JMAGZP is that of the J band only
            magnitude = float(header[card])
            text = f"{header.comments[card]} {system}"
            if "AB" in card or _SAYS_AB.search(text):
                return magnitude
            if card.startswith("MAGZPT") and words & _CASU:
                time = first_card(headers, "EXPTIME")
                if is_positive(time):
                    magnitude += 2.5 * math.log10(time)
                else:
                    magnitude = np.nan
            if ab_minus_vega:
                return magnitude + ab_minus_vega[0]
            if words & AB_SURVEYS and "vega" not in text.lower():
                return magnitude
    return np.nan


def _pixel_area(headers):
    """Return the area of a pixel in square arcsec by its steps, NaN without them."""
    width = first_card(headers, "CDELT1")
    height = first_card(headers, "CDELT2")
    for step in (width, height):
        if not is_number(step) or step == 0:
            return np.nan
    return abs(width * height) * units.deg.to(units.arcsec) ** 2
