# SPDX-License-Identifier: BSD-3-Clause
"""A directive that lists the commands and options of ``skesom``, from its parser."""

import argparse
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.util.nodes import nested_parse_with_titles

from skesom.cli import _parser


def literal(text):
    """Write `code` of a help text as reStructuredText, and escape the rest."""
    parts = text.split("`")
    escaped = [re.sub(r"([*_|\\<>])", r"\\\1", part) for part in parts[::2]]
    parts[::2] = escaped
    parts[1::2] = [f"``{part}``" for part in parts[1::2]]
    return "".join(parts)


def describe(command):
    """Yield the lines that describe a command and its options."""
    yield from (command.prog, "-" * len(command.prog), "")
    yield from (f".. program:: {command.prog}", "", literal(command.description), "")
    formatter = command._get_formatter()  # which fills in the defaults
    for group in command._action_groups:
        actions = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        if not actions:
            continue
        yield from (f".. rubric:: {group.title.capitalize()}", "")
        for action in actions:
            names = formatter._format_action_invocation(action)
            yield from (f".. option:: {names}", "")
            yield from (f"   {literal(formatter._expand_help(action))}", "")


class CommandLine(Directive):
    """Sections for all commands."""

    def run(self):
        """Return the sections."""
        (commands,) = _parser()._subparsers._group_actions
        lines = [line for each in commands.choices.values() for line in describe(each)]
        node = nodes.section()
        nested_parse_with_titles(self.state, StringList(lines, "skesom --help"), node)
        return node.children


def setup(app):
    """Add the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
