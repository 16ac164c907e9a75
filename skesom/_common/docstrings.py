# SPDX-License-Identifier: BSD-3-Clause
"""Entries of docstrings that several functions or classes share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PLACE = re.compile(r"^( *)%\((\w+)\)s", re.MULTILINE)


def fill_docstring(**entries: str) -> Callable[[T], T]:
    """Return a decorator that replaces lines such as ``%(ax)s`` by these entries.

    It takes a function, or a class, whose own methods it completes too.
    """

    def entry(place):
        indent, name = place.groups()
        return textwrap.indent(entries[name], indent)

    def fill(documented):
        own = vars(documented).values() if isinstance(documented, type) else ()
        for member in (documented, *own):
            function = getattr(member, "__func__", member)  # of a classmethod
            is_documented = callable(function) or isinstance(function, property)
            if is_documented and function.__doc__:
                function.__doc__ = _PLACE.sub(entry, function.__doc__)
        return documented

    return fill
