# SPDX-License-Identifier: BSD-3-Clause
"""Wavelengths of the common filters by their names, NaN for unknown names."""

import re
from contextlib import suppress
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from astropy import units

_FEWEST_ANGSTROM = 900  # below, the letter A is no unit
_LATIN = str.maketrans(
    {
        "\N{GREEK SMALL LETTER ALPHA}": "alpha",
        "\N{GREEK SMALL LETTER BETA}": "beta",
        "\N{GREEK SMALL LETTER GAMMA}": "gamma",
        "\N{GREEK SMALL LETTER MU}": "u",
        "\N{MICRO SIGN}": "u",
        "\N{ANGSTROM SIGN}": "A",
        "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": "A",
    }
)
_NUMBER = r"(\d+(?:\.\d+)?)"
_MEASURE = re.compile(rf"(?:(?<![\w.]){_NUMBER}-)?{_NUMBER}[ _]?([A-Za-z]+)")
_LINE = re.compile(r"([a-z]+)(\d{4}(?:\.\d+)?)?")  # NII6583, in Angstrom
# Ions with a wavelength: NII6584, [Ne III] 3869, N2_6584A; H1r_6563A by recombination.
# From 3000 Angstrom on: less may be a year.
_ION = re.compile(
    r"(?<![A-Za-z0-9])\[?(Ar|C|Ca|Cl|Fe|H|He|Mg|N|Ne|Ni|O|S|Si)"
    r"(?:[ _]?([IV]{1,3})r?\]?[ _]?|([1-7])r?\]?[ _])"
    r"([3-9]\d{3}(?:\.\d+)?|[12]\d{4}(?:\.\d+)?)A?(?![A-Za-z0-9])"
)
_STAGES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_BALMER = ("halpha", "hbeta", "hgamma")
_SAME_LINE = 0.05  # of the wavelength: [S III] 9069 and 9531, [O II] 3726 and 3729
_PART = re.compile(r"\d+\.\d+[^\W_]*|[^\W_]+")
_SPLIT = re.compile(r"[^A-Za-z0-9.]+|\.(?!\d)|(?<!\d)\.")
# Words of a survey and a band, or of a filter of Hubble or Webb and what a file of it
# holds, without anything between them.
_GLUED = re.compile(
    r"(?i)(sdss|2mass|ps1|dss[12]?)(.+)|([ugrizy])(sdss)"
    r"|(f\d{3,4}(?:lp|[wmnx]))(sci|drz|drc|flt|flc|cal|i2d|img|wht|err)"
)
_ROWS = "xyz", "qiuv", "abcd"  # no bands beside the first of their row


def _read_table():
    """Return the values of each key of the table of filters."""
    table = {}
    text = resources.files("skesom._sky") / "filters.txt"
    for line in text.read_text(encoding="utf-8").splitlines():
        key, _, values = line.partition(": ")
        if not line.startswith("#"):
            pairs = (value.partition("=") for value in values.split())
            known = {name: float(nm or "nan") for name, _, nm in pairs}
            table.setdefault(key, {}).update(known)
    return table


TABLE = _read_table()
_TOGETHER = [(int(k[9]), v) for k, v in TABLE.items() if k.startswith("together")]
_LENGTHS = {w: k[7:] for k, v in TABLE.items() if k[:7] == "length " for w in v}
_BESIDE = {k[7:]: v for k, v in TABLE.items() if k.startswith("beside")}
VEGA_OFFSETS = {k[5:]: v for k, v in TABLE.items() if k.startswith("vega")}
_SLOAN = TABLE["ab"].keys()
AB_SURVEYS = _SLOAN | TABLE["calibrated"].keys()
_LETTERS = _SLOAN | TABLE["infrared"].keys() | TABLE["letters"].keys()
_CAMERAS = {"hubble": 1, "hubble10": 10, "webb10": 10}
_OF = {name: TABLE[f"of {name}"].keys() for name in ("hubble", "webb")}
_OF_PHOTOS = {"r", "g", "b"}
_OF_CAMERAS = _OF_PHOTOS | {"l"}  # with a luminance
_KNOWN = _LETTERS | (_BESIDE.keys() - {"p"}) | _OF["hubble"] | _OF["webb"]


def wavelengths_of(parts, *names):
    """Return the wavelengths of bands in nm, NaN where unknown.

    This is the one source for pictures, orders, names and spectra: the spectral
    coordinates of parts, pairs of (coordinates or None, number of bands), else the
    filters that names tell, one list of names after the other.
    """
    found = np.full(sum(n_bands for _, n_bands in parts), np.nan)
    start = 0
    for coordinates, n_bands in parts:
        with suppress(units.UnitConversionError):  # velocities
            if coordinates is not None:
                places = coordinates.to_value(units.nm, units.spectral())
                found[start : start + n_bands] = places
        start += n_bands
    for some in names:
        found = np.where(np.isfinite(found), found, filter_wavelengths(some))
    return found


def filter_wavelengths(names):
    """Return the wavelengths of bands by their names, with the evidence of all."""
    texts = [str(name or "").strip().translate(_LATIN) for name in names]
    lower = [text.lower() for text in texts]
    letters = {text for text in lower if len(text) == 1}
    hints = {word for text in lower for word in _words(text) if word in _KNOWN}
    hints |= _telescopes(lower)
    found = np.array([_wavelength(text, frozenset(hints)) for text in texts])
    for least, table in _TOGETHER:
        # With other letters they are filters of telescopes.
        is_whole = least < 3 or letters <= {*table, "l"}
        if len(table.keys() & lower) >= least and is_whole:
            known = [table.get(text, np.nan) for text in lower]
            found = np.where(np.isfinite(known), known, found)
    for row in _ROWS:
        if row[0] in letters and len(letters & {*row}) > 1:
            found[[text in {*row} for text in lower]] = np.nan
    if len(texts) > 1 and np.isnan(found).any():
        parts = differing_words(texts)
        if parts != texts and all(parts):
            others = filter_wavelengths(parts)
            found = others if np.isfinite(others).all() else found
        # NGC1_g_v1 and NGC1_r_v2: the only place in names where all have a filter.
        words = [_PART.findall(text) for text in texts]
        if np.isnan(found).any() and len(set(map(len, words))) == 1 < len(words[0]):
            columns = map(filter_wavelengths, zip(*words, strict=True))
            told = [lengths for lengths in columns if np.isfinite(lengths).all()]
            found = told[0] if len(told) == 1 else found
    return found


def differing_words(texts, kept=lambda _: False):
    """Return texts without the words at their beginning and end that all share.

    What is before the first kept word from the beginning, and after the last, is left
    out at most.
    """
    words = [_PART.findall(text) for text in texts]
    n_first = _count_shared_words(words, kept)
    words = [some[n_first:] for some in words]
    n_last = _count_shared_words([some[::-1] for some in words], kept)
    words = [some[: len(some) - n_last] for some in words]
    pairs = zip(map(r"[\W_]+".join, words), texts, strict=True)
    return [re.search(part, text)[0] for part, text in pairs]


def _count_shared_words(words_of_texts, kept):
    """Return how many words all texts share at their beginning, up to a kept one."""
    n_shared = 0
    for column in zip(*words_of_texts, strict=False):
        if len(set(column)) > 1 or kept(column[0]):
            break
        n_shared += 1
    return n_shared


def is_telling(word):
    """Return whether a word is a survey, an instrument or a filter."""
    is_filter = len(word) > 1 and np.isfinite(filter_wavelength(word))
    return word.lower() in _KNOWN or bool(is_filter)


def are_of_telescopes(names):
    """Return whether the name of a band is a filter, camera or survey of astronomers.

    R, G and B together are the bands of any camera, and wavelengths those of any
    spectrometer.
    """
    names = [str(name or "").strip().translate(_LATIN) for name in names]
    if _OF_PHOTOS <= {name.lower() for name in names} <= _OF_CAMERAS:
        return False
    filters = TABLE["hubble"].keys() | TABLE["hubble10"].keys() | TABLE["webb10"].keys()
    known = (_KNOWN | TABLE["word"].keys()) - {"nir"}
    for name in names:
        if name in TABLE["alone"] or named_line(name) is not None:
            return True
        if any(w.lower() in known or w.upper() in filters for w in _words(name)):
            return True
    return False


def filter_wavelength(name):
    """Return the wavelength of a band by its name."""
    return _wavelength(str(name or "").strip().translate(_LATIN), frozenset())


def named_line(name):
    """Return the key in the table of lines of the only line in a name, else None."""
    text = str(name).strip().translate(_LATIN)
    ions = _ions_in(text)
    if ions:
        keys = {ion.key for ion in ions}
        return keys.pop() if len(keys) == 1 else None
    if _line_in(_joined(text)):
        return _line_in(_joined(text)).key
    lines = [_line_in(word) for word in _words(text) if word.lower() != "oi"]
    found = {line.key for line in lines if line}
    return found.pop() if len(found) == 1 else None


def names_an_ion(name):
    """Return whether a name holds an ion with the wavelength of one of its lines."""
    return bool(_ions_in(str(name).strip().translate(_LATIN)))


class _Line(NamedTuple):
    """A spectral line: its key in the table (None without) and wavelength in nm."""

    key: str | None
    wavelength: float


def _ions_in(text):
    """Return the lines of ions with a wavelength in Angstrom in a text."""
    found = []
    for element, roman, number, angstrom in _ION.findall(text):
        wavelength = float(f"{float(angstrom) / 10:.6g}")
        roman = roman.lower() or _STAGES[int(number) - 1]
        keys = [f"{element.lower()}{roman}"]
        if element == "H" and roman == "i":
            keys = _BALMER
        usual = TABLE["line"]
        near = [
            key
            for key in keys
            if abs(wavelength / usual.get(key, np.inf) - 1) < _SAME_LINE
        ]
        found.append(_Line(near[0] if near else None, wavelength))
    return found


def _line_in(word):
    """Return the line of a word such as Halpha or NII6583, None for others."""
    match = _LINE.fullmatch(word.lower())
    if match is None or match[1] not in TABLE["line"]:
        return None
    usual = TABLE["line"][match[1]]
    if match[2] is None:
        return _Line(match[1], usual)
    wavelength = float(match[2]) / 10
    is_near = abs(wavelength / usual - 1) < _SAME_LINE
    return _Line(match[1], wavelength) if is_near else None


def _telescopes(names):
    """Return the telescope that has more of the filters that the other has not."""
    words = {word.upper() for name in names for word in _words(name)}
    hubble = TABLE["hubble"].keys() | TABLE["hubble10"].keys()
    webb = TABLE["webb10"].keys()
    n_hubble_only = len(words & (hubble - webb))
    n_webb_only = len(words & (webb - hubble))
    if n_hubble_only > n_webb_only:
        return {"hubble"}
    if n_webb_only > n_hubble_only:
        return {"webb"}
    return set()


def _joined(text):
    """Return a name without brackets and spaces, in lower case."""
    return re.sub(r"[\[\]\s_-]", "", text).lower()


def _words(text):
    """Return the words of a name, and the pairs of them without a space."""
    words = [word for word in _SPLIT.split(text) if word]
    glued = (_GLUED.fullmatch(word) for word in words)
    parts = [part for match in glued if match for part in match.groups() if part]
    return words + parts + [one + other for one, other in pairwise(words)]


@lru_cache(maxsize=4096)
def _wavelength(text, hints):
    """Return the wavelength of a name; hints are words that the others have."""
    alone = _alone(text)
    if np.isfinite(alone):
        return alone
    words = _words(text)
    known = {word.lower() for word in words}
    known |= {word.rstrip("0123456789") for word in known}  # DSS2, NICMOS1
    # Names of several words say themselves what they are.
    known |= hints if len(words) == 1 else hints & {"hubble", "webb"}
    found = {_word(word, known) for word in words}
    found |= {ion.wavelength for ion in _ions_in(text)}
    found |= {_measured(match) for match in _MEASURE.finditer(text.replace("_", " "))}
    found = {wavelength for wavelength in found if np.isfinite(wavelength)}
    return found.pop() if len(found) == 1 else np.nan


def _alone(text):
    """Return the wavelength of a name that is only a band."""
    if text in TABLE["alone"]:
        return TABLE["alone"][text]
    match = _MEASURE.fullmatch(text)
    if match:
        return _measured(match)
    if _line_in(_joined(text)):
        return _line_in(_joined(text)).wavelength
    # Primes mark the filters of the first Sloan survey (g'), numbers those of MegaCam
    # and Pan-STARRS (g.MP9402, g.00000).
    match = re.fullmatch(r"([ugrizy])('|\.MP\d{4}|\.\d{5})", text)
    return TABLE["alone"][match[1]] if match else np.nan


def _word(word, known):
    """Return the wavelength of a word; `known` are all words in lower case."""
    upper = word.upper()
    lower = word.lower()
    factors = {factor for name, factor in _CAMERAS.items() if upper in TABLE[name]}
    if len(factors) == 2:
        # F410M is 410 nm on Hubble and 4100 nm on Webb: the other words must tell.
        is_hubble = not known.isdisjoint(_OF["hubble"])
        is_webb = not known.isdisjoint(_OF["webb"])
        if is_hubble == is_webb:
            return np.nan
        factors = {1} if is_hubble else {10}
    if lower in TABLE["word"]:
        return TABLE["word"][lower]
    if factors:
        return float(re.search(r"\d+", word)[0]) * factors.pop()
    line = _line_in(word)
    if line is not None and lower != "oi":  # "oi" may be something else
        return line.wavelength
    beside = _beside(lower, known)
    if np.isfinite(beside):
        return beside
    return _letter(word, known)


def _letter(word, known):
    """Return the wavelength of a letter beside the name of a survey."""
    if known & _SLOAN and word.lower() in {*"ugrizy"}:
        return TABLE["alone"][word.lower()]
    if known & TABLE["infrared"].keys() and word.lower() in {*"zyjhk", "ks"}:
        return TABLE["alone"][word.capitalize()]
    is_band = word == "Ks" or known & _LETTERS
    return TABLE["alone"].get(word, np.nan) if is_band else np.nan


def _beside(word, known):
    """Return the wavelength of a word or number beside the name of an instrument."""
    keys = [(name, word) for name in known & _KNOWN]
    match = re.fullmatch(rf"([a-z]+(?=\d))?{_NUMBER}a?", word)
    if match:
        names = {match[1]} if match[1] else known & _KNOWN
        keys += [(name, f"{float(match[2]):g}") for name in names]
    found = {_BESIDE.get(name, {}).get(key) for name, key in keys} - {None}
    return found.pop() if len(found) == 1 else np.nan


def _measured(match):
    """Return the wavelength of a number with a unit of length, frequency or energy.

    A range is that of the mean of the logarithms of its ends.
    """
    number, letters = float(match[2]), match[3]
    number = np.sqrt(float(match[1]) * number) if match[1] else number
    unit = _LENGTHS.get(letters if len(letters) == 1 else letters.lower())
    if unit is None or number == 0:
        return np.nan
    if letters == "A" and number < _FEWEST_ANGSTROM:
        return np.nan
    wavelength = (number * units.Unit(unit)).to_value(units.nm, units.spectral())
    return float(f"{wavelength:.6g}")  # equal for each unit
