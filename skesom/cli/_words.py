# SPDX-License-Identifier: BSD-3-Clause
"""Messages of the library, which name parameters, in the words of the command line."""

import re

from skesom.cli._option_tables import ALL_OPTIONS, RUNS

# The parameter of each option, without the step that has it.
PARAMETERS = {
    option.flag: option.parameter.rpartition("__")[2]
    for option in ALL_OPTIONS
    if option.parameter is not None
}
_FLAGS = {parameter: flag for flag, parameter in PARAMETERS.items()}
_FLAGS["n_estimators"] = RUNS.flag  # as the consensus calls it
# Settings whose value has another word, or no option but another one.
_SETTINGS = {
    "registration=None": "--register no",
    "n_components=None": "--pca no",
    "lazy=True": "--strips yes",
    "overwrite=True": "--overwrite",
    "trust=True": "--trust",
    "regularizer=MajorityVote()": "--smooth psf",
    "pictures=False": "--no-pictures",
}
_WORDS = {"True": "yes", "False": "no", "None": "none"}
# Sentences that are about something else on the command line.
PHRASES = {
    "Pass its wcs, or a catalog with": "Give an image with a WCS, or a catalog with",
    "name the one of types in columns": "call the one of types 'type'",
    "Name 'ra' and 'dec', or 'x' and 'y' for pixels from 0, in columns": (
        "Call them 'ra' and 'dec', or 'x' and 'y' for pixels from 0"
    ),
    'Pass sky="keep", or a lower threshold': "Give --sky keep",
    "Pass regions to exclude or include that": (
        "Give regions to --exclude or --include that"
    ),
    "in their order, as images": (
        "in their order: to `skesom explore` and `skesom name` after --images, to "
        "`skesom cluster --from` as files"
    ),
    "a wider MajorityVote": "a wider --smooth, as 5pix,",
}
# Not in a path or in quotes.
_BEFORE = r"""(?<![\w./'"-])"""
_AFTER = r"""(?!\w|[/'"(]|\.\w)"""
_SETTING = re.compile(rf"""{_BEFORE}([a-z_]+)=(\w+(?:\(\)|\.\d+)?|'[^']*'|"[^"]*")""")
_ADVICE = re.compile(r"\b([Pp])ass ((?:(?:a|its|higher|lower|smaller) )*)([a-z_]+)\b")
# One word alone may be a word of English.
_NAME = re.compile(rf"{_BEFORE}([a-z]+(?:_[a-z]+)+){_AFTER}(?!=)")
# Of scikit-learn's errors about a number of components.
_OF_COMPONENTS = re.compile(r"\bn_components=(\S+) (.*?) with svd_solver='\w+'")


def one_line(text):
    """Return a text as one line."""
    return " ".join(str(text).split())


def in_options(text):
    """Return a message of the library in the words of the command line.

    The library says ``crop=False keeps all``, ``pass fwhm in arcsec`` and
    ``min_bands``, for which this puts ``--crop no keeps all``, ``give --fwhm in
    arcsec`` and ``--min-bands``.
    """
    for phrase, words in PHRASES.items():
        text = text.replace(phrase, words)
    text = _OF_COMPONENTS.sub(r"--pca \1 \2", text)
    text = _SETTING.sub(_option_of_setting, text)
    text = _ADVICE.sub(_option_of_advice, text)
    return _NAME.sub(lambda match: _FLAGS.get(match[1], match[0]), text)


def _option_of_setting(match):
    """Return the option and its word for ``name=value``."""
    name, value = match.groups()
    if match[0] in _SETTINGS:
        return _SETTINGS[match[0]]
    if name not in _FLAGS:
        return match[0]
    word = _WORDS.get(value, value.strip("'\""))
    return f"{_FLAGS[name]} {word}"


def _option_of_advice(match):
    """Return ``give --name`` for ``pass name``."""
    letter, article, name = match.groups()
    if name not in _FLAGS:
        return match[0]
    verb = "Give" if letter == "P" else "give"
    return f"{verb} {article}{_FLAGS[name]}"
