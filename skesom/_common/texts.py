# SPDX-License-Identifier: BSD-3-Clause
"""Texts of files and people, made harmless for a terminal."""

import unicodedata


def printable(text):
    """Return a text whose codes for a terminal, also line breaks, show as escapes."""
    return "".join(map(_shown, str(text)))


def _shown(one):
    # Zs are spaces; other unprintable ones control the line, its direction or nothing.
    if one.isprintable() or unicodedata.category(one) == "Zs":
        return one
    return one.encode("unicode_escape").decode("ascii")
