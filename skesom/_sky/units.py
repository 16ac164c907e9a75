# SPDX-License-Identifier: BSD-3-Clause
"""Units in texts of files."""

import re
import warnings
from contextlib import suppress

from astropy import units

from skesom._sky.filter_table import UNIT_SPELLINGS

# A power of ten that takes hours: astropy makes the whole number.
_HUGE_POWER = re.compile(
    r"(?:^|[(\s*/])0*10\.?0*\s*(?:\*\*|\^|(?=[+-]))[\s(]*[+-]?\s*\d{6}"
)


def unit_of(text, strict="raise"):
    """Return the unit of a text that may be in any file."""
    check_power(text)
    return units.Unit(text, parse_strict=strict)


def check_power(text):
    """Refuse the text of a unit that would take hours to read."""
    if isinstance(text, str) and _HUGE_POWER.search(text):
        raise ValueError(f"{text!r:.80} has a power that is too large for a unit")


def parse_unit(text):
    """Return the unit of a text in the spelling of telescopes, None if unknown."""
    text = text.strip()
    if re.search("erg", text, re.IGNORECASE):
        text = re.sub(r"\bA\b", "Angstrom", text)  # not ampere
    usual_text = re.sub(r"\be-(?=\s|/|$)", "electron", text, flags=re.IGNORECASE)
    # Capitals could also be millijansky, but these are never given per steradian.
    usual_text = re.sub(r"\bMJY(?=\s*/\s*SR\b)", "MJy", usual_text)
    usual_text = re.sub("[A-Za-z]+", _usual_spelling, usual_text)
    for spelling in (text, usual_text):
        with warnings.catch_warnings(), suppress(ValueError, TypeError):
            # Units with several slashes or old spellings are valid all the same.
            warnings.simplefilter("ignore", units.UnitsWarning)
            unit = unit_of(spelling)
            if isinstance(unit, units.StructuredUnit):  # "a,b" are two
                return None
            return unit
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
