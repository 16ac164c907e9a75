# SPDX-License-Identifier: BSD-3-Clause
"""Spectral lines in the names of bands, such as Halpha, NII6583 or [Ne III] 3869."""

import re
from typing import NamedTuple

import numpy as np

from skesom._sky.band_words import split_words, to_latin
from skesom._sky.filter_table import LINES

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
# Share of the wavelength by which lines of one ion may differ: [S III] 9069 and 9531.
_SAME_LINE = 0.05
_BRACKETS_AND_SPACES = re.compile(r"[\[\]\s_-]")


class Line(NamedTuple):
    """A spectral line in a name."""

    key: str | None  # in the table of lines, None for lines that are not there
    wavelength: float  # nm


def named_line(name):
    """Return the key in the table of lines of the only line in a name, else None."""
    name = to_latin(name)
    lines = find_ions(name)
    if not lines:
        line = line_of_name(name)
        if line is not None:
            return line.key
        lines = [line_of_word(word) for word in split_words(name)]
    keys = {line.key for line in lines if line is not None}
    return keys.pop() if len(keys) == 1 else None


def names_an_ion(name):
    """Return whether a name holds an ion with the wavelength of one of its lines."""
    return bool(find_ions(to_latin(name)))


def find_ions(name):
    """Return the lines of ions with a wavelength in Angstrom in a name."""
    lines = []
    for element, roman, number, angstrom in _ION.findall(name):
        wavelength = float(f"{float(angstrom) / 10:.6g}")
        stage = roman.lower() if roman else _STAGES[int(number) - 1]
        if element == "H" and stage == "i":
            keys = _BALMER
        else:
            keys = (f"{element.lower()}{stage}",)
        near = [key for key in keys if _is_near(wavelength, key)]
        lines.append(Line(near[0] if near else None, wavelength))
    return lines


def line_of_name(name):
    """Return the line that a whole name is, such as [N II], None for other names."""
    return _read_line(_BRACKETS_AND_SPACES.sub("", name))


def line_of_word(word):
    """Return the line that a word of a longer name is, None for other words."""
    if word.lower() == "oi":  # which may be something else
        return None
    return _read_line(word)


def _read_line(word):
    """Return the line of a word such as Halpha or NII6583, None for others."""
    match = _LINE.fullmatch(word.lower())
    if match is None:
        return None
    key, angstrom = match.groups()
    if key not in LINES:
        return None
    if angstrom is None:
        return Line(key, LINES[key])
    wavelength = float(angstrom) / 10
    return Line(key, wavelength) if _is_near(wavelength, key) else None


def _is_near(wavelength, key):
    """Return whether a wavelength may be that of a line of the table."""
    return abs(wavelength / LINES.get(key, np.inf) - 1) < _SAME_LINE
