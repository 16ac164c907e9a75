# SPDX-License-Identifier: BSD-3-Clause
"""``skesom classify``: a few labeled pixels in, a map of their classes out."""

from skesom._common.files import regular
from skesom.cli._cluster import add_repeat, run_files
from skesom.cli._images import IMAGES_AND_RESULTS, add_images
from skesom.cli._option_tables import (
    BY,
    CLASSIFICATION,
    CONTINUUM,
    LABEL_NAMES,
    SUBTRACT_SKY,
    TRAINING,
    TRAINING_FILES,
    TRAINING_RADIUS,
)
from skesom.cli._options import add_options
from skesom.cli._output import add_output, check_regions_extra
from skesom.cli._parser import add_command
from skesom.cli._pipeline import add_steps, classifier_of

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
# Options that are about one of the files to learn from.
_GO_WITH = ((TRAINING_RADIUS, "catalog"), (LABEL_NAMES, "labels"), (BY, "regions"))


def add_classify(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "classify",
        _classify,
        help="classify the pixels of FITS images",
        description=(
            "Read images and prepare them as `skesom cluster` does, learn from a few "
            "labeled pixels (regions, objects, or an image of labels), and give each "
            "pixel its class. Or repeat an earlier run."
        ),
        short_help=_SHORT_HELP,
    )
    add_images(parser, are_required=False)
    add_output(parser)
    add_options(parser, [CONTINUUM, SUBTRACT_SKY])
    add_repeat(parser)
    training = parser.add_argument_group("pixels to learn from")
    add_options(training.add_mutually_exclusive_group(), TRAINING_FILES)
    add_options(training, TRAINING)
    add_steps(parser)
    add_options(parser.add_argument_group("classification"), CLASSIFICATION)
    # Of clusters alone, and of known objects, which are here what is learned from.
    parser.set_defaults(pattern="pixel", smooth="none")
    parser.set_defaults(objects=None, radius_of_objects=None)
    parser.set_defaults(defaults=vars(parser.parse_args(["-o", "."])))


def _classify(options):
    """Classify files, or repeat a run."""
    run_files(options, classifier_of, training_of)


def training_of(options):
    """Return the labels to learn from."""
    from skesom.runs.training import TrainingLabels

    kind = None
    for option in TRAINING_FILES:
        if getattr(options, option.name) is not None:
            kind = option.name
    if kind is None:
        raise ValueError("give pixels to learn from: --regions, --catalog or --labels")
    path = getattr(options, kind)
    check_regions_extra(path)
    open(regular(path), "rb").close()  # raises what is wrong with the path
    for option, kind_of_option in _GO_WITH:
        is_set = getattr(options, option.name) != option.default
        if is_set and kind != kind_of_option:
            raise ValueError(f"{option.flag} goes with --{kind_of_option}")
    return TrainingLabels(
        path,
        kind,
        by=options.by,
        radius=options.radius,
        names=tuple(options.names),
        classes=tuple(options.classes),
        block_size=options.block_size,
    )
