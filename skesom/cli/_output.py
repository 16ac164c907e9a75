# SPDX-License-Identifier: BSD-3-Clause
"""What a command writes and prints: its folder, its pictures, and lines on a run."""

import sys
from pathlib import Path

from skesom._common.extras import (
    NO_PHOTUTILS,
    NO_REGIONS,
    PICTURES_LEFT_OUT,
    check_extra,
    has_extra,
)
from skesom.cli._messages import listen_to_astropy, say, tell_paths, warn_now
from skesom.cli._option_tables import (
    NO_PICTURES,
    OVERWRITE,
    PICTURES,
    RADIUS_OF_OBJECTS,
    SUBTRACT_BACKGROUND,
    TABLES,
)
from skesom.cli._options import add_options

REGION_FILES = (".reg", ".crtf")


def add_output(parser, *, default=None, default_help=None):
    """Add the options of the folder of results, and of its files.

    `default_help` tells where results go without the option; without it and without a
    `default` the folder must be given.
    """
    text = "folder for the results"
    if default_help is not None:
        text = f"{text} (default {default_help})"
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default=default,
        required=default is None and default_help is None,
        help=text,
    )
    add_options(parser, [OVERWRITE, TABLES])
    add_options(parser.add_argument_group("pictures"), PICTURES)


def picture_style(options, bands=None):
    """Return how pictures are drawn, False for none; check the names of bands."""
    from skesom.report import PictureStyle

    if options.no_pictures:
        return False
    style = PictureStyle(
        format=options.format,
        dpi=options.dpi,
        width=options.width,
        rgb=options.rgb,
    )
    return style.check(bands)


def prepare_pictures(options):
    """Start the processes that draw pictures, which need seconds to load libraries.

    Options of pictures are refused without any. Without matplotlib, pictures are left
    out, which is said before the images are read.
    """
    from skesom._common.workers import workers

    if options.no_pictures:
        for option in PICTURES:
            if option is NO_PICTURES:
                continue
            if getattr(options, option.name) != option.default:
                raise ValueError(
                    f"{option.flag} is about pictures: leave out --no-pictures"
                )
    elif has_extra("matplotlib"):
        workers.load("astropy.visualization.wcsaxes", "skesom.report._pictures")
    else:
        warn_now(PICTURES_LEFT_OUT)
        options.no_pictures = True
    listen_to_astropy()  # loads a library, too, after the processes have started


def check_extras(options):
    """Refuse what needs libraries that are missing, before images are read."""
    measures_stars = options.fwhm is not None and "stars" in options.fwhm
    if measures_stars or SUBTRACT_BACKGROUND.parameter_value(options) is True:
        check_extra("photutils", NO_PHOTUTILS)
    check_regions_extra(*options.exclude, *options.include, options.objects)


def check_regions_extra(*paths):
    """Refuse region files if what reads them is missing."""
    for path in paths:
        if path is not None and Path(path).suffix.lower() in REGION_FILES:
            check_extra("regions", NO_REGIONS)


def check_output(options):
    """Refuse a folder that must not be written, if one is given."""
    from skesom._common.folders import check_folder

    if options.output is not None:
        check_folder(options.output, overwrite=options.overwrite)
    elif options.overwrite:
        raise ValueError("--overwrite is about files: give a folder for them (-o)")


def check_radius(options):
    """Refuse the size of known objects if there are none."""
    has_radius = getattr(options, RADIUS_OF_OBJECTS.name) is not None
    if has_radius and options.objects is None:
        raise ValueError("--radius is the size of known objects: give --catalog")


def write_run(options, run, folder, *, overwrite):
    """Write a run as the options on files and pictures say; return its files."""
    run.command = sys.argv
    return run.write(
        folder,
        tables=TABLES.parameter_value(options),
        pictures=picture_style(options),
        overwrite=overwrite,
    )


def print_clusters(report, held_out=None):
    """Print the clusters of a report, its files, what is left out, and a score."""
    from skesom.report.facts import lines_of

    say(*lines_of(report))
    tell_paths(report.values())
    for name, reason in report.left_out.items():
        say(f"Left out: {name}: {reason.rstrip('.')}.")
    if held_out is not None:
        _print_score(held_out)


def _print_score(held_out):
    """Print how well pixels were classified that were held out."""
    scores = held_out.scores
    measures = [
        f"{name} {scores[name]:.1%} +- {scores[f'{name} spread']:.1%}"
        for name in ("accuracy", "balanced accuracy")
    ]
    say(
        f"Held out, {scores['blocks']} blocks of the sky in {scores['folds']} parts: "
        f"{', '.join(measures)}."
    )
    columns = ["class", "pixels", "blocks", "completeness", "purity"]
    say(*held_out.classes[columns].pformat(max_lines=-1, max_width=-1))
