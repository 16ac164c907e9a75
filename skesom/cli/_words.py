# SPDX-License-Identifier: BSD-3-Clause
"""Words of Python in messages of the library, and those of the command line."""

import argparse
import re
from functools import cache

# The library names parameters; each phrase is as it stands there.
PHRASES = {
    "Pass its wcs, or a catalog with": "Give an image with a WCS, or a catalog with",
    "Pass wcs, or ": "Give an image with a WCS, or ",
    "3 * astropy.units.pixel": "3pix",
    "choose another one, or overwrite": "choose another one, or give --overwrite",
    "name the one of types in columns": "call the one of types 'type'",
    "Name 'ra' and 'dec', or 'x' and 'y' for pixels from 0, in columns": (
        "Call them 'ra' and 'dec', or 'x' and 'y' for pixels from 0"
    ),
    "Pass pixel_scale in arcsec": "Give --pixel-scale in arcsec",
    "Pass its fwhm in arcsec": "Give its --fwhm in arcsec",
    "Pass fwhm in arcsec": "Give --fwhm in arcsec",
    "read them with error_kind='var' or 'ivar'": "give --error-kind var or ivar",
    "these images, with errors=None.": "these images, give --errors none.",
    'Pass sky="keep", or a lower threshold': "Give --sky keep",
    "Pass mask_zeros=False": "Give --mask-zeros no",
    "Pass mask_outliers=False": "Give --mask-outliers no",
    "Pass a higher saturation": "Give a higher --saturation",
    "Leave out min_bands, or use ESOM or CSOM": (
        "Leave out --min-bands, or give --method esom or csom"
    ),
    "read it in strips (lazy=True)": "read it with --strips yes",
    "Pass a smaller grow": "Give a smaller --grow",
    "Pass regions to exclude or include that": (
        "Give regions to --exclude or --include that"
    ),
    "Pass a lower min_signal_to_noise, or min_bands": (
        "Give a lower --min-snr, or --min-bands"
    ),
}
# Parameters that an option of another name sets.
OTHER_NAMES = {
    "min_signal_to_noise": "--min-snr",
    "n_components": "--pca",
    "n_estimators": "--runs",
    "n_runs": "--runs",
}
# A name of a parameter, but not in a path, in quotes or before a bracket.
_PARAMETER = re.compile(r"""(?<![\w./'"-])([a-z]+(?:_[a-z]+)+)(?![\w./'"(])(=?)""")
# Where the library has named the option beside its parameter.
_NAMED_TWICE = re.compile(r"(?:--)?([a-z-]+) \((--\1)\)")
# Of scikit-learn's errors about a number of components.
_OF_COMPONENTS = re.compile(r"\bn_components=(\S+) (.*?) with svd_solver='\w+'")


def in_options(text):
    """Return a message of the library in the words of the command line."""
    for phrase, words in PHRASES.items():
        text = text.replace(phrase, words)
    text = _OF_COMPONENTS.sub(r"--pca \1 \2", text)
    return _NAMED_TWICE.sub(r"\2", _PARAMETER.sub(_as_option, text))


def _as_option(match):
    """Return the option that sets a parameter, and its name if none does."""
    name, equals = match.groups()
    option = option_names().get(name)
    if option is None:
        return match[0]
    if equals:
        return f"{option} "
    return option


@cache
def option_names():
    """Return the options of all commands by the names of the parameters they set."""
    from skesom.cli import parser_of_commands

    options = dict(OTHER_NAMES)
    for command in commands_of(parser_of_commands()).values():
        for action in command._actions:
            for option in action.option_strings:
                if option.startswith("--"):
                    options[option[2:].replace("-", "_")] = option
    return options


def commands_of(parser):
    """Return the parsers of the commands by their names."""
    (commands,) = (
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return commands
