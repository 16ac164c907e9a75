# SPDX-License-Identifier: BSD-3-Clause
"""How values of options are read: each function takes a word of the command line."""

import argparse
import ast
import math
import re

# Parameters that an option of their own sets, or none.
_NOT_BY_SET = {
    "method": "give --method",
    "n_clusters": "give --n-clusters",
    "n_runs": "give --runs",
    "random_state": "give --random-state",
    "verbose": "progress is shown in every terminal",
}


def count(text, *, alternatives="", least=1):
    """Return a whole number; the error names the alternatives."""
    if text.isdecimal() and int(text) >= least:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a whole number from {least}{alternatives}, got {text!r}"
    )


def seed(text):
    """Return a whole number from 0."""
    return count(text, least=0)


def n_clusters(text):
    """Return a count from 1, "auto", or None for "none"."""
    word = text.lower()
    if word == "auto":
        return "auto"
    if word == "none":
        return None
    return count(text, alternatives=', "auto" or "none"')


def n_components(text):
    """Return a number of components, "auto", or None for "no"."""
    if text == "auto":
        return "auto"
    if text == "no":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f'must be a whole number, "auto" or "no", got {text!r}'
        ) from error


def finite(text, *, least=-math.inf):
    """Return a finite number that is not below a least one."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number >= least:
        return number
    limit = ""
    if least > -math.inf:
        limit = f" from {least:g}"
    raise argparse.ArgumentTypeError(f"must be a number{limit}, got {text!r}")


def not_negative(text):
    """Return a finite number from 0."""
    return finite(text, least=0)


def length(text, *, alternatives=""):
    """Return a Quantity, without a unit if none is given; the error names words."""
    from astropy import units  # help should come at once

    try:
        quantity = units.Quantity(text)
        if not math.isfinite(quantity.value):
            raise ValueError("it is not finite")
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"must be a number of arcsec or with a unit, as 2.5pix{alternatives}, "
            f"got {text!r}"
        ) from error
    return quantity


def width(text):
    """Return a width: a number of arcsec, a Quantity ("2.5pix"), or a keyword."""
    if text in ("header", "stars"):
        return text
    return length(text, alternatives=', "header" or "stars"')


def target_width(text):
    """Return a width to bring bands to, or "worst" for that of the worst band."""
    if text == "worst":
        return text
    return length(text)


def smoothing_width(text):
    """Return a width in which pixels vote, or a keyword."""
    if text in ("none", "psf"):
        return text
    return length(text, alternatives=', "psf" or "none"')


def radius(text):
    """Return a radius from 0: a number of arcsec, or a Quantity."""
    value = length(text)
    if not value.value >= 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {text!r}")
    if value.unit.is_unity():
        return float(value)
    return value


def number_or_name(text):
    """Return a whole number as such, and anything else as it is."""
    if text.lstrip("-").isdigit():
        return int(text)
    return text


def hdu(text):
    """Return the number of an HDU from 0, or its name."""
    number = number_or_name(text)
    if isinstance(number, int) and number < 0:
        raise argparse.ArgumentTypeError(f"HDUs are numbered from 0, got {text!r}")
    return number


def companion(text):
    """Return where masks, weights or errors are: the name of a file or of an HDU."""
    hdu(text)
    return text


def flags(text):
    """Return flags as they are written; they are read with the masks."""
    if re.search(r"(^|,)\s*-", text):
        raise argparse.ArgumentTypeError(f"flags are not negative, got {text!r}")
    return text


def continuum(text):
    """Return the line and the bands of LINE=BAND,BAND, or "none"."""
    if text == "none":
        return text
    line, equals, bands = text.partition("=")
    if not (equals and line and all(bands.split(","))):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form LINE=BAND or LINE=BAND,BAND, or none"
        )
    return line, bands.split(",")


def label_and_name(text):
    """Return the label and the name of LABEL=NAME."""
    label, equals, name = text.partition("=")
    if not (equals and label.isdecimal() and name.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LABEL=NAME")
    return int(label), name.strip()


def assignment(text):
    """Return the name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if name in _NOT_BY_SET:
        raise argparse.ArgumentTypeError(
            f"{name} cannot be set so, {_NOT_BY_SET[name]}"
        )
    try:
        return name, ast.literal_eval(value)
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return name, value
