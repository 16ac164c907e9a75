# SPDX-License-Identifier: BSD-3-Clause
"""The one table of options and parameters, by which messages name options."""

import argparse
import re

# What each option sets: a parameter of `read_cube`, of `make_cluster_pipeline` and its
# steps, of `make_clusterer`, of a map, of training, or of `Run` and its methods.
PARAMETERS = {
    "--hdu": "hdu",
    "--band-names": "band_names",
    "--combine": "combine",
    "--masks": "masks",
    "--ignore-flags": "ignore_flags",
    "--weights": "weights",
    "--errors": "errors",
    "--error-kind": "error_kind",
    "--exclude": "exclude",
    "--include": "include",
    "--strips": "lazy",
    "--overwrite": "overwrite",
    "--tables": "tables",
    "--no-pictures": "pictures",
    "--dpi": "dpi",
    "--rgb": "rgb",
    "--continuum": "continua",
    "--subtract-sky": "subtract_sky",
    "--trust": "trust",
    "--mask-zeros": "mask_zeros",
    "--mask-outliers": "mask_outliers",
    "--saturation": "saturation",
    "--smooth-counts": "smooth_counts",
    "--grow": "grow",
    "--min-snr": "min_signal_to_noise",
    "--min-bands": "min_bands",
    "--sky": "sky",
    "--subtract-background": "subtract_background",
    "--fwhm": "fwhm",
    "--psf": "psfs",
    "--target-fwhm": "target_fwhm",
    "--pixel-scale": "pixel_scale",
    "--align-to": "align_to",
    "--resample": "resample",
    "--conserve": "conserve",
    "--crop": "crop",
    "--register": "registration",
    "--bin-bands": "bin_bands",
    "--stretch": "stretch",
    "--color-contrast": "color_contrast",
    "--smooth-colors": "smooth_colors",
    "--spatial-features": "spatial_features",
    "--pca": "n_components",
    "--smooth": "regularizer",
    "--method": "clusterer",
    "--n-clusters": "n_clusters",
    "--runs": "n_runs",
    "--epsilon": "epsilon",
    "--random-state": "random_state",
    "--pattern": "pattern",
    "--catalog": "catalog",
    "--radius": "radius",
    "--regions": "regions",
    "--by": "by",
    "--names": "names",
    "--classes": "classes",
    "--block-size": "block_size",
    "--images": "images",
    "--groups": "groups",
    "--title": "title",
}
_OPTIONS = {parameter: option for option, parameter in PARAMETERS.items()}
_OPTIONS["n_estimators"] = "--runs"  # as the consensus calls it
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
_BEFORE, _AFTER = r"""(?<![\w./'"-])""", r"""(?!\w|[/'"(]|\.\w)"""
_SETTING = re.compile(rf"""{_BEFORE}([a-z_]+)=(\w+(?:\(\)|\.\d+)?|'[^']*'|"[^"]*")""")
_ADVICE = re.compile(r"\b([Pp])ass ((?:(?:a|its|higher|lower|smaller) )*)([a-z_]+)\b")
# One word alone may be a word of English.
_NAME = re.compile(rf"{_BEFORE}([a-z]+(?:_[a-z]+)+){_AFTER}(?!=)")
# Of scikit-learn's errors about a number of components.
_OF_COMPONENTS = re.compile(r"\bn_components=(\S+) (.*?) with svd_solver='\w+'")


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
    return _NAME.sub(lambda match: _OPTIONS.get(match[1], match[0]), text)


def _option_of_setting(match):
    """Return the option and its word for ``name=value``."""
    name, value = match.groups()
    if match[0] in _SETTINGS:
        return _SETTINGS[match[0]]
    if name not in _OPTIONS:
        return match[0]
    word = _WORDS.get(value, value.strip("'\""))
    return f"{_OPTIONS[name]} {word}"


def _option_of_advice(match):
    """Return ``give --name`` for ``pass name``."""
    letter, article, name = match.groups()
    if name not in _OPTIONS:
        return match[0]
    verb = "Give" if letter == "P" else "give"
    return f"{verb} {article}{_OPTIONS[name]}"


def commands_of(parser):
    """Return the parsers of the commands by their names."""
    (commands,) = (
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return commands
