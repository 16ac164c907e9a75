# SPDX-License-Identifier: BSD-3-Clause
"""What the parsers of all commands share: one-line errors, help, types of values."""

import argparse
import ast


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, as the commands do."""

    def error(self, message):
        """End with status 2 and one line on standard error."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that mean something and are not told already."""

    def _get_help_string(self, action):
        told = "default" in action.help
        if told or action.default in (None, []) or action.default is False:
            return action.help
        return super()._get_help_string(action)


def add_output(parser, default=None):
    """Add the options about the folder of results."""
    parser.add_argument(
        "-o",
        "--output",
        required=default is None,
        default=default,
        metavar="DIR",
        help="folder for the results",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace results in an existing folder",
    )


def add_report(parser):
    """Add the options about what is written of a result."""
    parser.add_argument(
        "--no-tables",
        action="store_true",
        help="write no tables of pixels, which are the largest files",
    )
    parser.add_argument(
        "--no-pictures", action="store_true", help="write no pictures, to save time"
    )


def add_trust(parser):
    """Add the option that lets pickles be loaded."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load the model even if it is a pickle (.joblib), which could run any "
        "program: only if you know who made it",
    )


def assignment(text):
    """Return the name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def count(text, also=""):
    """Return a whole number from 1; say in an error what else may be given."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1{also}, got {text!r}"
        )
    return int(text)


def count_or_none(text):
    """Return a count from 1, or None for "none"."""
    return None if text.lower() == "none" else count(text, also=', or "none"')


def number_or_name(text):
    """Return a whole number as such, and anything else as it is."""
    return int(text) if text.lstrip("-").isdigit() else text


def width(text):
    """Return a width: a number of arcsec, a Quantity ("2.5pix"), or a keyword."""
    from astropy import units  # help should come at once

    if text in ("header", "stars"):
        return text
    try:
        quantity = units.Quantity(text)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"must be a number of arcsec, a number with a unit such as 2.5pix, "
            f'"header" or "stars", got {text!r}'
        ) from error
    unitless = quantity.unit == units.dimensionless_unscaled
    return quantity.item() if unitless else quantity
