# SPDX-License-Identifier: BSD-3-Clause
"""What an option is: a flag, the parameter that it sets, and how its value is read."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of the command line, and the parameter of the library that it sets.

    Attributes
    ----------
    flag : str
        As users write it, ``--min-bands``.
    help : str
        What it does, for ``--help``.
    parameter : str or None
        Parameter that it sets: of `make_cluster_pipeline`, of a step of the pipeline
        (``gaps__grow``), of a clusterer, of `read_cube`, `Run` or one of its methods.
        Messages of the library, which name parameters, are put in options by it. None
        for options that are about the command line alone.
    synonyms : tuple of str
        Other flags with the same meaning.
    dest : str or None
        Attribute of the parsed options, by default made from the flag.
    """

    flag: str
    help: str
    parameter: str | None = None
    synonyms: tuple[str, ...] = ()
    dest: str | None = None

    @property
    def flags(self):
        """The flag and its synonyms."""
        return [self.flag, *self.synonyms]

    @property
    def name(self):
        """Attribute of the parsed options that holds the value."""
        return self.dest or self.flag.removeprefix("--").replace("-", "_")

    def parameter_value(self, options):
        """Return what the parameter gets of the parsed options."""
        return getattr(options, self.name)


@dataclass(frozen=True, kw_only=True)
class Switch(Option):
    """An option without a value, which is off by default."""

    def add_to(self, group):
        """Add it to a parser or a group of one."""
        group.add_argument(
            *self.flags, dest=self.name, action="store_true", help=self.help
        )


@dataclass(frozen=True, kw_only=True)
class Choice(Option):
    """An option whose value is one of some words, by default the first.

    Attributes
    ----------
    words : dict
        What the parameter gets for each word.
    """

    words: Mapping[str, Any]

    @property
    def default(self):
        """The first word."""
        return next(iter(self.words))

    def add_to(self, group):
        """Add it to a parser or a group of one."""
        group.add_argument(
            *self.flags,
            dest=self.name,
            choices=tuple(self.words),
            default=self.default,
            help=self.help,
        )

    def parameter_value(self, options):
        """Return what the parameter gets of the parsed options."""
        return self.words[getattr(options, self.name)]


@dataclass(frozen=True, kw_only=True)
class Value(Option):
    """An option with a value of its own, or several.

    Attributes
    ----------
    metavar : str or tuple of str or None
        What stands for the value in the help.
    read : callable
        Makes the value of a word; raises `argparse.ArgumentTypeError` if it cannot.
    default : object
        Without the option.
    nargs : int, "+" or None
        How many values it takes.
    choices : tuple of str or None
        Words that it takes, if there is no default among them.
    action : str or type
        As of `argparse.ArgumentParser.add_argument`.
    """

    metavar: str | tuple[str, ...] | None = None
    read: Callable[[str], Any] | None = None
    default: Any = None
    nargs: int | str | None = None
    choices: tuple[str, ...] | None = None
    action: str | type[argparse.Action] = "store"

    def add_to(self, group):
        """Add it to a parser or a group of one."""
        size = {} if self.nargs is None else {"nargs": self.nargs}
        group.add_argument(
            *self.flags,
            dest=self.name,
            metavar=self.metavar,
            type=self.read,
            default=self.default,
            choices=self.choices,
            action=self.action,
            help=self.help,
            **size,
        )


@dataclass(frozen=True, kw_only=True)
class BandValues(Value):
    """An option with one value for all bands, or one for each."""

    nargs: int | str | None = "+"

    def parameter_value(self, options):
        """Return what the parameter gets: a value for all bands, or a list."""
        values = getattr(options, self.name)
        if values is not None and len(values) == 1:
            return values[0]
        return values


class NotedStore(argparse.Action):
    """Store a value, and note that it was given, also if it is the default."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, values)
        namespace.given = {*namespace.given, self.dest}


def add_options(group, options):
    """Add options to a parser or a group of one, in their order."""
    for option in options:
        option.add_to(group)
