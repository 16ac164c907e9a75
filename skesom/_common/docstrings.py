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

    The text is the docstring of a module, which Python leaves out on demand.
    """
    _, *parts = _NAME.split(text or "")
    return dict(zip(parts[::2], (entry.rstrip() for entry in parts[1::2]), strict=True))


def fill_docstring(**entries: str) -> Callable[[T], T]:
    """Return a decorator that replaces lines such as ``%(ax)s`` by these entries.

    It takes a function, or a class, whose own methods it completes too. Entries may hold
    such lines as well.
    """

    def entry(place):
        indent, name = place.groups()
        return textwrap.indent(_PLACE.sub(entry, entries[name]), indent)

    def fill(documented):
        own = vars(documented).values() if isinstance(documented, type) else ()
        for member in (documented, *own):
            function = getattr(member, "__func__", member)  # of a classmethod
            is_documented = callable(function) or isinstance(function, property)
            if is_documented and function.__doc__:
                function.__doc__ = _PLACE.sub(entry, function.__doc__)
        return documented

    return fill
