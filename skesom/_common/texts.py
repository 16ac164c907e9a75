# SPDX-License-Identifier: BSD-3-Clause
"""Texts of files and people: harmless for a terminal, and written as UTF-8."""

import re
import unicodedata

# Brackets and "<" as in [N II] and < 0.1 % are no markup, and stay legible.
_MARKUP = re.compile(r"([\\`*|]|<(?=[A-Za-z/!?])|\[(?=[^]]*\]\())")


def printable(text):
    """Return a text whose codes for a terminal, also line breaks, show as escapes."""
    return "".join(_escaped(character) for character in str(text))


def _escaped(character):
    # Zs are spaces; other unprintable ones control the line, its direction or nothing.
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")


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
    if len(names) > 12:
        names = [*names[:10], "...", names[-1]]
    return ", ".join(names)


def first_names(names):
    """Return the first three names in a line, and how many there are more."""
    line = ", ".join(names[:3])
    if len(names) > 3:
        line = f"{line} and {len(names) - 3} more"
    return line


def unique_names(names):
    """Return names of which the second and further ones that are equal get numbers."""
    unique = {}
    for name in names:
        numbered = name
        number = 1
        while numbered in unique:
            number += 1
            numbered = f"{name} {number}"
        unique[numbered] = None
    return list(unique)


def write_ecsv(table, path):
    """Write a table of astropy as ECSV, which is UTF-8 wherever it is written."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        table.write(file, format="ascii.ecsv")
