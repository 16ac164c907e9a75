# SPDX-License-Identifier: BSD-3-Clause
"""Parsers of the commands: errors in one line, and a short and a full help."""

import argparse
import re

from skesom.cli._messages import tell
from skesom.cli._words import one_line

_NEGATIVE_NUMBER = re.compile(r"-\.?\d")  # a value and not an option, as in Python 3.14


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands."""

    # Python 3.14 sets it, and would color the help.
    color = property(lambda self: False, lambda self, color: None)

    def error(self, message):
        """End with status 2 and one line on standard error."""
        text = one_line(message)
        self.exit(2, f"{self.prog}: error: {text} (see {self.prog} --help)\n")

    def _print_message(self, message, file=None):
        tell(*message.removesuffix("\n").split("\n"), to=file)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that mean something and are not in the text."""

    def _get_help_string(self, action):
        has_default = action.default is not False and action.default not in (None, [])
        if "default" in action.help or not has_default:
            return action.help
        return super()._get_help_string(action)


class _ShortHelp(argparse.Action):
    """Print the help of the options that most people need."""

    def __init__(self, option_strings, dest, *, groups, all_options, help):
        super().__init__(option_strings, dest, nargs=0, help=help)
        self._groups = groups
        self._all_options = all_options

    def __call__(self, parser, namespace, values, option_string=None):
        arguments = []
        for action in parser._actions:
            if not action.option_strings:
                dots = "" if action.nargs is None else " ..."
                arguments.append(f"{action.metavar}{dots}")
        short = Parser(
            prog=parser.prog,
            usage=f"{parser.prog} [options] {' '.join(arguments)} -o DIR",
            description=parser.description,
            epilog=f"{parser.prog} {self._all_options} explains all options.",
            formatter_class=_Help,
            add_help=False,
        )
        actions = {action.dest: action for action in parser._actions}
        for title, names in self._groups.items():
            group = short.add_argument_group(title)
            for name in names:
                group._add_action(actions[name])
        short.print_help()
        parser.exit()


def make_parser(description, epilog):
    """Make the parser of the command line, to which commands are added."""
    parser = Parser(
        prog="skesom",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser._negative_number_matcher = _NEGATIVE_NUMBER
    return parser


def add_command(commands, name, run, *, help, description, short_help=None):
    """Add a command; return its parser.

    Parameters
    ----------
    commands : action of subparsers
        Where it is added.
    name : str
        Its name.
    run : callable
        Runs it; takes the parsed options.
    help, description : str
        What it does, in the list of commands and in its own help.
    short_help : dict of str to sequence of str, default=None
        Names of the options that most people need, in groups by their titles. By
        default ``--help`` shows all.
    """
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        formatter_class=_Help,
        add_help=short_help is None,
    )
    if short_help is not None:
        all_options = "--help-all"
        parser.add_argument(
            "-h",
            "--help",
            action=_ShortHelp,
            groups=short_help,
            all_options=all_options,
            help="show the options that most people need and exit",
        )
        parser.add_argument(
            all_options, action="help", help="show all options and exit"
        )
    parser._negative_number_matcher = _NEGATIVE_NUMBER
    parser.set_defaults(run=run, given=set())
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="print only warnings, errors and the paths of what is written",
    )
    amount.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="print each step, and the seconds that it took",
    )
    return parser


def check_no_empty(parser, arguments):
    """End with an error if an argument is an empty text, as of a variable without one.

    It would stand for the folder of work, or be left out in silence.
    """
    for number, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if argument == "":
            position = "in the first place"
            if number and arguments[number - 1]:
                position = f"after {arguments[number - 1]}"
            parser.error(f"an argument is an empty text ({position}): give a value")
        if option.startswith("--") and equals and not value:
            parser.error(f"argument {option}: give a value, not an empty text")


def commands_of(parser):
    """Return the parsers of the commands by their names."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}
