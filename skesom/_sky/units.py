# SPDX-License-Identifier: BSD-3-Clause
"""Units in texts of files."""

import re

from astropy import units

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
