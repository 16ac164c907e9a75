# SPDX-License-Identifier: BSD-3-Clause
"""Entries of docstrings that several functions or classes share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PLACE = re.compile(r"^( *)%\((\w+)\)s", re.MULTILINE)
_NAME = re.compile(r"^%\((\w+)\)s =\n", re.MULTILINE)


def entries_of(text: str | None) -> dict[str, str]:
    """Return the entries of a text, each of which follows a line ``%(its_name)s =``.

    It is the docstring of a module, which Python may leave out; entries may hold those
    before them.
    """
    _, *parts = _NAME.split(text or "")
    entries: dict[str, str] = {}
    for name, entry in zip(parts[::2], parts[1::2], strict=True):
        entries[name] = _filled(entry.strip("\n"), entries)
    return entries


def fill_docstring(**entries: str) -> Callable[[T], T]:
    """Return a decorator that replaces lines such as ``%(ax)s`` by these entries.

    It takes a function, or a class, whose own methods it completes too.
    """

    def fill(documented):
        own = vars(documented).values() if isinstance(documented, type) else ()
        for member in (documented, *own):
            function = getattr(member, "__func__", member)  # of a classmethod
            is_documented = callable(function) or isinstance(function, property)
            if is_documented and function.__doc__:
                function.__doc__ = _filled(function.__doc__, entries)
        return documented

    return fill


def _filled(text, entries):
    """Return a text in which entries take the place of the lines that name them."""

    def entry(place):
        indent, name = place.groups()
        return textwrap.indent(entries[name], indent)

    return _PLACE.sub(entry, text)
