# SPDX-License-Identifier: BSD-3-Clause
"""Wavelengths of filters by the names of bands, NaN for unknown names."""

import re
from contextlib import suppress
from functools import lru_cache

import numpy as np
from astropy import units

from skesom._sky.band_words import (
    differing_words,
    split_fields,
    split_words,
    to_latin,
)
from skesom._sky.filter_table import (
    BAND_SETS,
    BARE_NAMES,
    FILTER_WORDS,
    INFRARED_SURVEYS,
    INSTRUMENT_BANDS,
    INSTRUMENT_WORDS,
    LENGTH_UNITS,
    LETTER_SURVEYS,
    NUMBERED_FILTERS,
    SLOAN_SURVEYS,
    TELESCOPE_WORDS,
)
from skesom._sky.spectral_lines import (
    find_ions,
    line_of_name,
    line_of_word,
    named_line,
)

_FEWEST_ANGSTROM = 900  # below, the letter A is not a unit
_NUMBER = r"(\d+(?:\.\d+)?)"
# A length, frequency or energy, or a range of them: 24 micron, 0.5-2keV.
_MEASURE = re.compile(rf"(?:(?<![\w.]){_NUMBER}-)?{_NUMBER}[ _]?([A-Za-z]+)")
# A number beside an instrument, which may stand right behind its name: PACS100, 171A.
_NUMBER_OF_INSTRUMENT = re.compile(rf"([a-z]+(?=\d))?{_NUMBER}a?")
# Primes mark the filters of the first Sloan survey (g'), numbers those of MegaCam and
# Pan-STARRS (g.MP9402, g.00000).
_MARKED_LETTER = re.compile(r"([ugrizy])('|\.MP\d{4}|\.\d{5})")
_SLOAN_LETTERS = frozenset("ugrizy")
_INFRARED_LETTERS = frozenset(("z", "y", "j", "h", "k", "ks"))
# Letters that are not bands beside the first of their row: axes, the parameters of
# Stokes, panels of a figure.
_LETTER_ROWS = {
    "x": frozenset("xyz"),
    "q": frozenset("qiuv"),
    "a": frozenset("abcd"),
}
_CAMERA_BANDS = frozenset("rgb")  # of any camera
_LUMINANCE = "l"


def wavelengths_of(coordinates, *names):
    """Return the wavelengths of bands, the one source for pictures, orders and spectra.

    Parameters
    ----------
    coordinates : list of (Quantity or None, int)
        Spectral coordinates of the bands of each image, and their number.
    *names : list of str
        Names of all bands. Their filters tell the wavelengths where coordinates do
        not, those of further lists where the lists before do not.

    Returns
    -------
    wavelengths : ndarray of shape (n_bands,)
        In nm, NaN where unknown.
    """
    wavelengths = np.full(sum(n_bands for _, n_bands in coordinates), np.nan)
    start = 0
    for band_coordinates, n_bands in coordinates:
        bands = slice(start, start + n_bands)
        if band_coordinates is not None:
            with suppress(units.UnitConversionError):  # velocities
                in_nm = band_coordinates.to_value(units.nm, units.spectral())
                wavelengths[bands] = in_nm
        start += n_bands
    for names_of_bands in names:
        by_name = filter_wavelengths(names_of_bands)
        wavelengths = np.where(np.isfinite(wavelengths), wavelengths, by_name)
    return wavelengths


def filter_wavelength(name):
    """Return the wavelength in nm of a band by its name, NaN if that is unknown."""
    return _read_name(to_latin(name), frozenset())


def filter_wavelengths(names):
    """Return the wavelengths of bands by their names, with the evidence of all.

    A name is read by itself, with the instruments that other names mention. Then names
    are read that tell only together, such as r, g and b. Where some stay unknown, what
    the names have in common is left out.

    Parameters
    ----------
    names : list of str or None

    Returns
    -------
    wavelengths : ndarray of shape (n_bands,)
        In nm, NaN where unknown.
    """
    names = [to_latin(name) for name in names]
    hints = _find_hints(names)
    wavelengths = np.array([_read_name(name, hints) for name in names])
    _read_band_sets(names, wavelengths)
    _forget_letter_rows(names, wavelengths)
    if len(names) > 1 and np.isnan(wavelengths).any():
        wavelengths = _read_differing_words(names, wavelengths)
    if len(names) > 1 and np.isnan(wavelengths).any():
        wavelengths = _read_only_column(names, wavelengths)
    return wavelengths


def is_telling(word):
    """Return whether a word is a survey, an instrument or a filter."""
    if word.lower() in INSTRUMENT_WORDS:
        return True
    return len(word) > 1 and bool(np.isfinite(filter_wavelength(word)))


def are_of_telescopes(names):
    """Return whether a name of a band is a filter, camera or survey of astronomers.

    R, G and B together are the bands of any camera, and wavelengths those of any
    spectrometer.
    """
    names = [to_latin(name) for name in names]
    letters = {name.lower() for name in names}
    if _CAMERA_BANDS <= letters <= _CAMERA_BANDS | {_LUMINANCE}:
        return False
    # Cameras over land have a near-infrared band too.
    words_of_telescopes = (INSTRUMENT_WORDS | FILTER_WORDS.keys()) - {"nir"}
    filters = NUMBERED_FILTERS["hubble"].keys() | NUMBERED_FILTERS["webb"].keys()
    for name in names:
        if name in BARE_NAMES or named_line(name) is not None:
            return True
        for word in split_words(name):
            if word.lower() in words_of_telescopes or word.upper() in filters:
                return True
    return False


def _find_hints(names):
    """Return the instruments in names, and the telescope that their filters tell."""
    words = set()
    for name in names:
        words.update(word.lower() for word in split_words(name.lower()))
    hints = words & INSTRUMENT_WORDS
    # The telescope that has more of the filters that the other has not.
    hubble = {name.lower() for name in NUMBERED_FILTERS["hubble"]}
    webb = {name.lower() for name in NUMBERED_FILTERS["webb"]}
    n_hubble_only = len(words & (hubble - webb))
    n_webb_only = len(words & (webb - hubble))
    if n_hubble_only > n_webb_only:
        hints |= {"hubble"}
    elif n_webb_only > n_hubble_only:
        hints |= {"webb"}
    return frozenset(hints)


def _read_band_sets(names, wavelengths):
    """Write the wavelengths of names that are bands beside others of their set."""
    names = [name.lower() for name in names]
    letters = {name for name in names if len(name) == 1}
    for set_name, wavelengths_of_set in BAND_SETS.items():
        n_present = len(wavelengths_of_set.keys() & set(names))
        if set_name == "rgb":
            # Beside other letters, r and g are filters of telescopes.
            is_set = n_present == 3 and letters <= _CAMERA_BANDS | {_LUMINANCE}
        else:
            is_set = n_present >= 2
        if is_set:
            for band, name in enumerate(names):
                wavelengths[band] = wavelengths_of_set.get(name, wavelengths[band])


def _forget_letter_rows(names, wavelengths):
    """Write NaN for letters of axes, Stokes parameters and panels."""
    names = [name.lower() for name in names]
    for first, row in _LETTER_ROWS.items():
        if first in names and len(row.intersection(names)) > 1:
            wavelengths[[name in row for name in names]] = np.nan


def _read_differing_words(names, wavelengths):
    """Read names without the words that all share, if that tells every wavelength."""
    shorter_names = differing_words(names)
    if shorter_names == names or not all(shorter_names):
        return wavelengths
    by_shorter_names = filter_wavelengths(shorter_names)
    if np.isfinite(by_shorter_names).all():
        return by_shorter_names
    return wavelengths


def _read_only_column(names, wavelengths):
    """Read NGC1_g_v1 and NGC1_r_v2 by the only words that are filters in all names."""
    fields = [split_fields(name) for name in names]
    n_fields = {len(words) for words in fields}
    if len(n_fields) > 1 or n_fields.pop() < 2:
        return wavelengths
    by_columns = [filter_wavelengths(column) for column in zip(*fields, strict=True)]
    complete = [column for column in by_columns if np.isfinite(column).all()]
    return complete[0] if len(complete) == 1 else wavelengths


@lru_cache(maxsize=4096)
def _read_name(name, hints):
    """Return the wavelength of a name; hints are words of the other names."""
    wavelength = _read_bare_name(name)
    if np.isfinite(wavelength):
        return wavelength
    words = split_words(name)
    context = {word.lower() for word in words}
    context |= {word.rstrip("0123456789") for word in context}  # DSS2, NICMOS1
    if len(words) == 1:
        context |= hints
    else:
        # Names of several words say themselves what they are.
        context |= hints & {"hubble", "webb"}
    wavelengths = {_read_word(word, context) for word in words}
    wavelengths.update(ion.wavelength for ion in find_ions(name))
    for match in _MEASURE.finditer(name.replace("_", " ")):
        wavelengths.add(_read_measure(match))
    return _only_wavelength(wavelengths)


def _only_wavelength(wavelengths):
    """Return the one wavelength of several that is known, NaN if there are more."""
    known = {wavelength for wavelength in wavelengths if np.isfinite(wavelength)}
    return known.pop() if len(known) == 1 else np.nan


def _read_bare_name(name):
    """Return the wavelength of a name that is nothing but a band."""
    if name in BARE_NAMES:
        return BARE_NAMES[name]
    measure = _MEASURE.fullmatch(name)
    if measure is not None:
        return _read_measure(measure)
    line = line_of_name(name)
    if line is not None:
        return line.wavelength
    letter = _MARKED_LETTER.fullmatch(name)
    if letter is not None:
        return BARE_NAMES[letter[1]]
    return np.nan


def _read_word(word, context):
    """Return the wavelength of a word; its context are all words in lower case."""
    for read in _READERS_OF_WORDS:
        wavelength = read(word, context)
        if np.isfinite(wavelength):
            return wavelength
    return np.nan


def _read_filter_word(word, context):
    """Read a word that is a filter beside any others, such as NUV."""
    return FILTER_WORDS.get(word.lower(), np.nan)


def _read_numbered_filter(word, context):
    """Read a filter of Hubble or Webb."""
    nm_by_telescope = {}
    for telescope, filters in NUMBERED_FILTERS.items():
        if word.upper() in filters:
            nm_by_telescope[telescope] = filters[word.upper()]
    units_of_number = set(nm_by_telescope.values())
    if len(units_of_number) == 2:
        # F410M is 410 nm on Hubble and 4100 nm on Webb: the other words must tell.
        units_of_number = {
            nm
            for telescope, nm in nm_by_telescope.items()
            if not TELESCOPE_WORDS[telescope].isdisjoint(context)
        }
    if len(units_of_number) != 1:
        return np.nan
    return float(re.search(r"\d+", word)[0]) * units_of_number.pop()


def _read_line_word(word, context):
    """Read a spectral line, such as Halpha."""
    line = line_of_word(word)
    return line.wavelength if line is not None else np.nan


def _read_instrument_band(word, context):
    """Read a word or number beside the name of an instrument: PACS blue, WISE 12."""
    lower = word.lower()
    instruments = context & INSTRUMENT_WORDS
    bands = [(instrument, lower) for instrument in instruments]
    match = _NUMBER_OF_INSTRUMENT.fullmatch(lower)
    if match is not None:
        number = f"{float(match[2]):g}"
        owners = {match[1]} if match[1] else instruments
        bands += [(instrument, number) for instrument in owners]
    return _only_wavelength(
        INSTRUMENT_BANDS.get(instrument, {}).get(band, np.nan)
        for instrument, band in bands
    )


def _read_letter(word, context):
    """Read a letter beside the name of a survey: r_SDSS, 2MASS J."""
    lower = word.lower()
    if lower in _SLOAN_LETTERS and context & SLOAN_SURVEYS:
        return BARE_NAMES[lower]
    if lower in _INFRARED_LETTERS and context & INFRARED_SURVEYS:
        return BARE_NAMES[word.capitalize()]
    if word == "Ks" or context & LETTER_SURVEYS:
        return BARE_NAMES.get(word, np.nan)
    return np.nan


# In the order of trust: the first that knows a word tells its wavelength.
_READERS_OF_WORDS = (
    _read_filter_word,
    _read_numbered_filter,
    _read_line_word,
    _read_instrument_band,
    _read_letter,
)


def _read_measure(match):
    """Return the wavelength of a number with a unit of length, frequency or energy.

    A range is that of the mean of the logarithms of its ends.
    """
    start, end, letters = match.groups()
    number = float(end)
    if start is not None:
        number = np.sqrt(float(start) * number)
    # A is Angstrom, a is not; words are units in any case.
    unit = LENGTH_UNITS.get(letters if len(letters) == 1 else letters.lower())
    if unit is None or number == 0:
        return np.nan
    if letters == "A" and number < _FEWEST_ANGSTROM:
        return np.nan
    wavelength = (number * units.Unit(unit)).to_value(units.nm, units.spectral())
    return float(f"{wavelength:.6g}")  # the same from every unit
