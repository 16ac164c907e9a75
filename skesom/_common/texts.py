# SPDX-License-Identifier: BSD-3-Clause
"""Texts of files and people: harmless for a terminal, and written as UTF-8."""

import re
import unicodedata
from itertools import count

# Brackets and "<" as in [N II] and < 0.1 % are no markup, and stay legible.
_MARKUP = re.compile(r"([\\`*|]|<(?=[A-Za-z/!?])|\[(?=[^]]*\]\())")


def printable(text):
    """Return a text whose codes for a terminal, also line breaks, show as escapes."""
    return "".join(map(_shown, str(text)))


def _shown(one):
    # Zs are spaces; other unprintable ones control the line, its direction or nothing.
    if one.isprintable() or unicodedata.category(one) == "Zs":
        return one
    return one.encode("unicode_escape").decode("ascii")


def in_markdown(text):
    """Return a text as itself in Markdown: no code, link, tag or table of its own."""
    return _MARKUP.sub(r"\\\1", printable(text))


def legible(text):
    """Return a text that can be written, as names of files may not be."""
    return str(text).encode(errors="replace").decode()


def percent(percentage, decimals=1):
    """Return a percentage as a text; what would be written as 0.0 % is below 0.1 %."""
    least = 10.0**-decimals
    if 0 < percentage < 0.5 * least:
        return f"< {least:.{decimals}f} %"
    return f"{percentage:.{decimals}f} %"


def list_names(names):
    """Return names in a line, of many only the first and the last."""
    names = list(names)
    return ", ".join(names if len(names) < 13 else [*names[:10], "...", names[-1]])


def first_names(names):
    """Return the first three names in a line, and how many there are more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def unique_names(names):
    """Return names of which the second and further ones that are equal get numbers."""
    unique = {}
    for name in names:
        one, numbers = name, count(2)
        while one in unique:
            one = f"{name} {next(numbers)}"
        unique[one] = None
    return list(unique)


def write_ecsv(table, path):
    """Write a table of astropy as ECSV, which is UTF-8 wherever it is written."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        table.write(file, format="ascii.ecsv")
