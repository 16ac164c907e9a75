# SPDX-License-Identifier: BSD-3-Clause
"""A page for each command of ``skesom`` with its options, written from its parser."""

import argparse
import re
from pathlib import Path

from skesom.cli import parser_of_commands
from skesom.cli._parser import commands_of


def literal(text):
    """Write `code` of a help text as reStructuredText, and escape the rest."""
    parts = text.split("`")
    escaped = [re.sub(r"([*_|\\<>])", r"\\\1", part) for part in parts[::2]]
    parts[::2] = escaped
    parts[1::2] = [f"``{part}``" for part in parts[1::2]]
    return "".join(parts)


def describe(command):
    """Yield the lines that describe a command and its options."""
    yield from (command.prog, "=" * len(command.prog), "")
    yield from (f".. program:: {command.prog}", "", literal(command.description), "")
    formatter = command._get_formatter()  # which fills in the defaults
    for group in command._action_groups:
        actions = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        if not actions:
            continue
        yield from (group.title.capitalize(), "-" * len(group.title), "")
        for action in actions:
            names = formatter._format_action_invocation(action)
            yield from (f".. option:: {names}", "")
            yield from (f"   {literal(formatter._expand_help(action))}", "")


def write_pages(app):
    """Write the pages; those that are as they were stay, and are not read again."""
    folder = Path(app.srcdir, "commands")
    folder.mkdir(exist_ok=True)
    for name, command in commands_of(parser_of_commands()).items():
        page, text = folder / f"{name}.rst", "\n".join(describe(command))
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def setup(app):
    """Write the pages before others are read."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
