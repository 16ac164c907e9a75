# SPDX-License-Identifier: BSD-3-Clause
"""Every option of every command, given what it cannot be: one line that names it."""

import numpy as np
import pytest

from skesom.cli import main, parser_of_commands
from skesom.cli._parser import commands_of
from skesom.io import write_map

FAST = ["--no-pictures", "--tables=no", "--overwrite"]
# Options whose values are any text, or names that people give.
FREE = {"--title", "--names", "--band-names", "--classes", "--rgb"}
NO_NUMBERS = "nonsense", "nan", "inf", "-1"
# What these options can be of the texts above.
MEANT = {("--min-snr", "-1"), ("--images", "-1")}


def options():
    """Yield the name of each command, and the name of each option with a value."""
    for command, parser in commands_of(parser_of_commands()).items():
        for action in parser._actions:
            names = [name for name in action.option_strings if name.startswith("--")]
            if names and action.nargs != 0:
                n_values = action.nargs if isinstance(action.nargs, int) else 1
                yield command, names[0], n_values


OPTIONS = list(options())
OF_VALUES = [
    (command, option, n_values, value)
    for command, option, n_values in OPTIONS
    for value in NO_NUMBERS
    if option not in FREE and option != "--output" and (option, value) not in MEANT
]


@pytest.fixture(scope="module")
def valid(command, scene, bands, objects, fitted, tmp_path_factory):
    """Arguments with which each command succeeds."""
    folder = tmp_path_factory.mktemp("mistakes")
    write_map(folder / "truth.fits", np.asarray(scene[1]), cube=scene[0])
    fit = ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1", "--runs", "1"]
    to = ["-o", folder / "out"]
    teach = ["--labels", folder / "truth.fits"]
    bayes = ["--method", "sklearn.naive_bayes.GaussianNB"]
    return {
        "cluster": [*bands, *to, *fit, *FAST],
        "classify": [*bands, *to, *teach, *bayes, *FAST],
        "predict": [fitted, *bands, *to, *FAST],
        "test": [fitted, folder / "truth.fits", *to, "--overwrite"],
        "crossmatch": [fitted, objects, *to, "--overwrite"],
        "name": [fitted, "-o", folder / "named", "--overwrite"],
        "explore": [fitted, "-o", folder / "page.html", "--overwrite"],
        "demo": ["-o", folder / "demo", "--size", "40", *fit, *FAST],
    }


def fails(capsys, arguments):
    """Run a command to an error; return its only line."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if not line.startswith("warning: ")]
    (line,) = errors
    assert line.startswith("skesom")
    assert not any(python in line for python in ("Traceback", "<class", "object at"))
    return line


def test_the_arguments_without_a_mistake_succeed(valid, capsys):
    assert valid.keys() == commands_of(parser_of_commands()).keys()
    for command, arguments in valid.items():
        assert main([command, *map(str, arguments)]) == 0


@pytest.mark.parametrize(("name", "option", "n_values"), OPTIONS)
def test_an_empty_text_is_refused(valid, capsys, name, option, n_values):
    line = fails(capsys, [name, *valid[name], option, *[""] * n_values])
    assert option in line
    assert option in fails(capsys, [name, *valid[name], f"{option}="])


@pytest.mark.parametrize(("name", "option", "n_values", "value"), OF_VALUES)
def test_what_an_option_cannot_be_is_told(valid, capsys, name, option, n_values, value):
    line = fails(capsys, [name, *valid[name], option, *[value] * n_values])
    # What is no number may be read as a name: of a file, of a band, of an HDU.
    assert option in line or value in line


@pytest.mark.parametrize("name", commands_of(parser_of_commands()))
def test_what_is_left_out_is_named(capsys, name):
    line = fails(capsys, [name, "--no-such-option"])
    assert "--no-such-option" in line or "required" in line


def test_an_empty_folder_for_results_replaces_nothing(fitted, contents, capsys):
    before = contents(fitted)
    line = fails(capsys, ["name", fitted, "-o", ""])
    assert "empty text (after -o)" in line
    assert contents(fitted) == before
