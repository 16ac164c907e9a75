# SPDX-License-Identifier: BSD-3-Clause
"""``skesom classify``: a few labeled pixels in, a map of their classes out."""

import argparse

from skesom._common.files import regular
from skesom.cli._cluster import add_repeat, run_files
from skesom.cli._messages import shows_bars
from skesom.cli._options import (
    IMAGES_AND_RESULTS,
    add_choice,
    add_command,
    add_continuum,
    add_images,
    add_output,
    add_parameters,
    add_sky_level,
    check_regions_extra,
    count,
    radius,
)
from skesom.cli._steps import add_steps

_SHORT_HELP = {
    "images and results": IMAGES_AND_RESULTS,
    "pixels to learn from, and classes": (
        "regions",
        "catalog",
        "radius",
        "labels",
        "fwhm",
        "align_to",
        "sky",
        "method",
        "random_state",
    ),
}


def add_classify(commands):
    """Add the command."""
    text = "classify the pixels of FITS images"
    about = "Read images and prepare them as `skesom cluster` does, learn from a few "
    about += "labeled pixels (regions, objects, or an image of labels), and give each "
    about += "pixel its class. Or repeat an earlier run."
    parser = add_command(
        commands, "classify", _classify, text, about, short=_SHORT_HELP
    )
    add_images(parser, nargs="*")
    add_output(parser)
    add_continuum(parser)
    add_sky_level(parser)
    add_repeat(parser)
    _add_training(parser)
    add_steps(parser, smoothing=False)
    add = parser.add_argument_group("classification").add_argument
    text = "esom, csom, or the import path of a scikit-learn classifier"
    add("--method", default="esom", help=text)
    add_parameters(add, "n_neighbors=5")
    text = (
        "whether pixels are described by their surroundings too: each band smoothed, "
        "and against what lies around; no takes the bands alone"
    )
    add_choice(add, "--spatial-features", text, "yes", "no")
    parser.set_defaults(pattern="pixel", smooth="none")
    parser.set_defaults(objects=None, radius_of_objects=None)
    parser.set_defaults(defaults=vars(parser.parse_args(["-o", "."])))


def _add_training(parser):
    """Add the options of the pixels to learn from."""
    group = parser.add_argument_group("pixels to learn from")
    choices = group.add_mutually_exclusive_group()
    text = "regions of DS9 or CASA, each named by its class"
    choices.add_argument("--regions", metavar="FILE", help=text)
    text = "objects, of which each type is a class: NED, CSV, FITS, VOTable, regions"
    choices.add_argument("--catalog", "--catalogue", metavar="FILE", help=text)
    text = "image of labels from 0 on the pixels of the map, negative where unknown"
    choices.add_argument("--labels", metavar="FITS", help=text)
    text = "what names a region"
    add = group.add_argument
    add_choice(add, "--by", text, "text", "tag", "color")
    text = "around objects: arcsec, or as in 2.5pix (default: the pixel of each)"
    add("--radius", type=radius, metavar="ARCSEC", help=text)
    text = "names of the labels of --labels, as 3='H II region' (default: those in it)"
    add("--names", nargs="+", type=_named, default=[], metavar="LABEL=NAME", help=text)
    text = "names of the classes to learn (default: all)"
    add("--classes", nargs="+", metavar="NAME", default=[], help=text)
    text = "side of the blocks of the sky that are held out together, for the score"
    add("--block-size", type=count, default=32, metavar="PIXELS", help=text)


def _named(text):
    """Return the label and the name of LABEL=NAME."""
    label, equals, name = text.partition("=")
    if not (equals and label.isdecimal() and name.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LABEL=NAME")
    return int(label), name.strip()


def _classify(options):
    """Classify files, or repeat a run."""
    run_files(options, _classifier_of, _training_of)


def _classifier_of(options):
    """Make the classifier that the options name."""
    from skesom.maps.pipeline import make_classifier

    return make_classifier(
        options.method,
        random_state=options.random_state,
        verbose=shows_bars(),
        **dict(options.set),
    )


def _training_of(options):
    """Return the labels to learn from."""
    from skesom.runs.training import Training

    kinds = [k for k in ("regions", "catalog", "labels") if getattr(options, k)]
    if not kinds:
        raise ValueError("give pixels to learn from: --regions, --catalog or --labels")
    kind, path = kinds[0], getattr(options, kinds[0])
    check_regions_extra(path)
    open(regular(path), "rb").close()  # raises what is wrong with the path
    goes_with = {"radius": "catalog", "names": "labels", "by": "regions"}
    for name, wanted in goes_with.items():
        if kind != wanted and getattr(options, name) not in (None, "text", []):
            raise ValueError(f"--{name} goes with --{wanted}")
    return Training(
        path,
        kind,
        by=options.by,
        radius=options.radius,
        names=tuple(options.names),
        classes=tuple(options.classes),
        block_size=options.block_size,
    )
