# SPDX-License-Identifier: BSD-3-Clause
"""What commands share: one-line errors, help, types of values, options."""

import argparse
import ast
import sys


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, as the commands do."""

    def error(self, message):
        """End with status 2 and one line on standard error."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that mean something and are not told already."""

    def _get_help_string(self, action):
        told = "default" in action.help
        if told or action.default in (None, []) or action.default is False:
            return action.help
        return super()._get_help_string(action)


def add_command(commands, name, run, text, description):
    """Add a command; return its parser."""
    parser = commands.add_parser(
        name, help=text, description=description, formatter_class=_Help
    )
    parser.set_defaults(run=run)
    return parser


def add_flag(parser, name, text):
    """Add an option without a value."""
    parser.add_argument(name, action="store_true", help=text)


def add_number(parser, name, metavar, text, default=None):
    """Add an option with a number."""
    parser.add_argument(name, type=float, metavar=metavar, help=text, default=default)


def add_choice(parser, name, choices, text):
    """Add an option with one of some words; the first is the default."""
    parser.add_argument(name, choices=choices, default=choices[0], help=text)


def add_files(parser, name, metavar, text, default=None):
    """Add an option with one file (or name) or several."""
    parser.add_argument(name, nargs="+", metavar=metavar, help=text, default=default)


def add_output(parser, default=None):
    """Add the options of the folder of results, and of its files."""
    is_required = default is None
    text = "folder for the results"
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help=text,
        default=default,
        required=is_required,
    )
    add_overwrite(parser)
    text = "write no tables of pixels, which are the largest files"
    add_flag(parser, "--no-tables", text)
    add_flag(parser, "--no-pictures", "write no pictures, to save time")


def add_overwrite(parser):
    """Add the option to replace files."""
    add_flag(parser, "--overwrite", "replace results that exist already")


def add_trust(parser):
    """Add the option to load pickles."""
    add_flag(
        parser,
        "--trust",
        "load the model even if it is a pickle (.joblib), which could run any program: "
        "only if you know who made it",
    )


def add_images(parser, nargs="+"):
    """Add the options of the files, and of the pixels that are left out."""
    parser.add_argument(
        "files",
        nargs=nargs,
        metavar="FITS",
        help="one file per band, or files of several; image.fits[2] or "
        "image.fits[SCI,1] picks an extension",
    )
    group = parser.add_argument_group("images")
    group.add_argument(
        "--hdu",
        type=number_or_name,
        metavar="NAME",
        help="name or number of the extension to read, where a file does not name it; "
        '"all" reads every image (default: the first image)',
    )
    text = "one for each band (default: from FILTER cards or the file names)"
    add_files(group, "--band-names", "NAME", text)
    text = (
        'where flags of bad pixels are: "auto" looks for DQ, MASK and the like in each '
        "file; else an extension of each file, or one file for each image"
    )
    add_files(group, "--masks", "FLAGS", text)
    group.add_argument(
        "--ignore-flags",
        default="0",
        metavar="FLAGS",
        help='flags of pixels that are used all the same, as "4,16" or "~1" '
        "(default: none)",
    )
    text = (
        "where weights or exposure times are, as for --masks; pixels without a "
        "positive weight are masked"
    )
    add_files(group, "--weights", "WEIGHTS", text)
    text = "region files of DS9 or CASA; pixels inside are masked"
    add_files(group, "--exclude", "REGIONS", text, default=[])
    text = "region files of DS9 or CASA; pixels outside of all of them are masked"
    add_files(group, "--include", "REGIONS", text, default=[])


def source_of(options):
    """Return the files of the options, and how they are read."""
    from skesom.report import ImageSource

    return ImageSource(
        files=tuple(options.files),
        hdu=options.hdu,
        band_names=options.band_names,
        masks=_companions(options.masks),
        weights=_companions(options.weights),
        ignore_flags=options.ignore_flags,
        exclude=tuple(options.exclude),
        include=tuple(options.include),
    )


def _companions(values):
    """Return what tells `read_cube` where masks or weights are."""
    if not values:
        return None
    is_file = len(values) > 1 or "." in values[0]
    return values if is_file else number_or_name(values[0])


def add_clusterer(parser):
    """Add the options of the clusterer."""
    group = parser.add_argument_group("clustering")
    text = "esom, csom, or the import path of a scikit-learn clusterer"
    group.add_argument("--method", default="esom", help=text)
    group.add_argument(
        "--n-clusters",
        type=count_or_none,
        default=8,
        metavar="N",
        help='number of clusters, or "none" for the rule of the method without it',
    )
    group.add_argument(
        "--runs",
        type=count,
        metavar="N",
        help="runs whose consensus is taken (default: 12 where runs can differ; 1 is a "
        "single run)",
    )
    text = "distance at which esom makes a new node (default: chosen from the data)"
    add_number(group, "--epsilon", None, text)
    group.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="random seed"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="NAME=VALUE",
        help="another parameter of the method, for instance learning_rate=0.1; may be "
        "repeated",
    )


def clusterer_of(options):
    """Make the clusterer that the options name."""
    from skesom.maps import make_clusterer

    parameters = dict(options.set)
    if options.epsilon is not None:
        parameters["epsilon"] = options.epsilon
    return make_clusterer(
        options.method,
        n_clusters=options.n_clusters,
        n_runs=options.runs,
        random_state=options.random_state,
        verbose=int(sys.stderr.isatty()),
        **parameters,
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
