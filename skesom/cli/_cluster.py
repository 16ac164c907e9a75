# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster``: images in, a folder of results out; also again, or cut anew."""

import warnings
from pathlib import Path

from skesom.cli._images import (
    IMAGES_AND_RESULTS,
    add_images,
    read_images,
    source_of,
    with_strips,
)
from skesom.cli._messages import announce, late_warnings, say
from skesom.cli._option_tables import (
    CLUSTERING,
    CONTINUUM,
    KNOWN_OBJECTS,
    PATTERN,
    SMOOTH,
    SUBTRACT_SKY,
    TRUST,
)
from skesom.cli._options import add_options
from skesom.cli._output import (
    add_output,
    check_extras,
    check_radius,
    picture_style,
    prepare_pictures,
    print_clusters,
    write_run,
)
from skesom.cli._parser import add_command
from skesom.cli._pipeline import (
    add_steps,
    check_steps,
    clusterer_of,
    options_of_bands,
    pipeline_of,
)

_MOST_BANDS_IN_LINE = 20
_SHORT_HELP = {
    "images and results": IMAGES_AND_RESULTS,
    "sharpness, grid and clusters": (
        "fwhm",
        "align_to",
        "sky",
        "min_bands",
        "method",
        "n_clusters",
        "random_state",
        "objects",
    ),
}
# What may be said anew of an earlier run; all else it has settled.
_GO_WITH_FROM = (
    "given",
    "files",
    "provenance",
    "output",
    "overwrite",
    "tables",
    "no_pictures",
    "trust",
    "strips",
    "format",
    "dpi",
    "width",
    "rgb",
    "quiet",
    "verbose",
    "objects",
    "radius_of_objects",
)


def add_cluster(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "cluster",
        _cluster,
        help="cluster the pixels of FITS images",
        description=(
            "Read one FITS file per band (or a cube of several), sort the bands by "
            "wavelength (or by file name where it is unknown), mask missing data, "
            "bring the bands to one width (if it is known) and to one grid, and "
            "cluster the pixels. Or repeat an earlier run, or cut its clusters into "
            "another number."
        ),
        short_help=_SHORT_HELP,
    )
    add_images(parser, are_required=False)
    add_output(
        parser, default_help="of a cut with --from: RUN-N, beside that of the run"
    )
    add_options(parser, [CONTINUUM, SUBTRACT_SKY])
    add_repeat(parser)
    add_steps(parser)
    add_options(parser.add_argument_group("smoothing of labels"), [SMOOTH])
    add_options(parser.add_argument_group("clustering"), CLUSTERING)
    add_options(parser, [PATTERN])
    add_options(parser.add_argument_group("known objects"), KNOWN_OBJECTS)
    parser.set_defaults(spatial_features="no")  # which is for classes
    parser.set_defaults(defaults=vars(parser.parse_args(["-o", "."])))


def add_repeat(parser):
    """Add the option to repeat a run."""
    parser.add_argument(
        "--from",
        dest="provenance",
        metavar="JSON",
        help=(
            "run to repeat (provenance.json or folder); files replace its images, or a "
            "folder tells where they are now"
        ),
    )
    add_options(parser, [TRUST])


def _cluster(options):
    """Cluster files, or repeat or cut a run."""
    run_files(options, clusterer_of)


def run_files(options, estimator_of, training_of=None):
    """Fit a pipeline to files and write the run, or repeat or cut an earlier one.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command.
    estimator_of, training_of : callable
        Make the clusterer or classifier, and the labels to learn from, of the options.
    """
    output = output_of(options)
    if output is None:
        raise ValueError("give the folder for the results (-o)")
    check_radius(options)
    if options.trust and options.provenance is None:
        raise ValueError("--trust is about the files of a run: give --from")
    if not options.files and options.provenance is None:
        raise ValueError("give the files of the images, or a run to repeat (--from)")
    prepare_pictures(options)
    from skesom._common.folders import check_folder  # takes seconds, too

    check_folder(output, overwrite=options.overwrite)
    if _is_cut(options):
        _cut(options, output)
    elif options.provenance is not None:
        _repeat(options, output)
    else:
        training = None
        check_extras(options)
        estimator = estimator_of(options)
        check_steps(options)  # before images are read for nothing
        if training_of is not None:
            training = training_of(options)
        _fit(options, estimator, training, output)


def _fit(options, estimator, training, output):
    """Fit a pipeline to files, and write the run."""
    from skesom._common.fits_files import keep_files_open
    from skesom.runs.run import fit_run

    with keep_files_open():
        source = with_strips(source_of(options).by_wavelength(), options.strips)
        images = read_images(source)
    band_names = [source.plan.band_names[number] for number in source.order]
    has_bands_of_files = options.bin_bands == 1
    picture_style(options, band_names if has_bands_of_files else None)
    of_bands = options_of_bands(options, source.order, band_names)
    pipeline = pipeline_of(of_bands, estimator)
    with late_warnings():
        run = fit_run(
            pipeline,
            images,
            source=source,
            training=training,
            catalog=options.objects,
            radius=options.radius_of_objects,
        )
        files = write_run(options, run, output, overwrite=options.overwrite)
    if len(band_names) > _MOST_BANDS_IN_LINE:
        band_names = [*band_names[:2], "...", band_names[-1]]
    say(f"Bands in their order: {', '.join(band_names)}.")
    say(*source.lines())
    _say_features(pipeline, " (--spatial-features no: the bands alone)")
    print_clusters(files, run.held_out)


def _repeat(options, output):
    """Repeat an earlier run."""
    from skesom._common.file_errors import errors_naming
    from skesom._common.fits_files import keep_files_open
    from skesom.runs.provenance import digest_of_fit
    from skesom.runs.recipes import read_recipe
    from skesom.runs.run import fit_recipe

    _check_options(options, "repeats a run as it was")
    with keep_files_open():
        recipe = read_recipe(
            options.provenance, files=options.files or None, trust=options.trust
        )
        source = with_strips(recipe.source, options.strips)
        with errors_naming(recipe.path):
            images = read_images(source)
    with late_warnings():
        run = fit_recipe(
            recipe,
            source,
            images,
            catalog=options.objects,
            radius=options.radius_of_objects,
        )
        with errors_naming(recipe.path):
            files = write_run(options, run, output, overwrite=options.overwrite)
    say(*source.lines())
    _say_features(run.pipeline)
    print_clusters(files, run.held_out)
    if digest_of_fit(run.pipeline, recipe.path) == recipe.label_map_sha256:
        say("The label map is that of the run, bit for bit.")
    else:
        warnings.warn(
            "The label map is not that of the run, whose names are left out.",
            stacklevel=2,
        )


def _cut(options, output):
    """Cut the clusters of an earlier run into another number, without a fit."""
    from skesom._common.fits_files import keep_files_open
    from skesom.runs import Run

    _check_options(options, "cuts the clusters of a run as it was", "n_clusters")
    run = Run.read(
        options.provenance, images=options.files or None, trust=options.trust
    )
    with keep_files_open():  # the report reads the images
        run.source = with_strips(run.source, options.strips)
        announce("cutting the tree of clusters")
        cut = run.cut(options.n_clusters)
        cut.catalog = options.objects
        cut.radius = options.radius_of_objects
        files = write_run(options, cut, output, overwrite=options.overwrite)
    say(*cut.source.lines())
    print_clusters(files)
    n_names = sum(group.name is not None for group in run.groups)
    if n_names:
        say(
            f"{len(cut.groups)} of {n_names} names are of clusters that stay; the "
            "others are left out."
        )


def _say_features(pipeline, hint=""):
    """Print what a classifier gets instead of the bands, if it does."""
    if "features" in pipeline.named_steps:
        say(f"Features: each band smoothed, and against its surroundings{hint}.")


def _is_cut(options):
    """Return whether an earlier run is cut elsewhere and not repeated."""
    is_of_run = getattr(options, "provenance", None) is not None
    return is_of_run and "n_clusters" in options.given


def output_of(options):
    """Return the folder of results, None without; that of a cut may lie beside its run.

    Also of commands without results.
    """
    output = getattr(options, "output", None)
    if output is not None or not _is_cut(options):
        return output
    run = Path(options.provenance).resolve()
    folder = run if run.is_dir() else run.parent  # of provenance.json
    return f"{folder}-{options.n_clusters}"


def _check_options(options, action, *allowed):
    """Refuse options that an earlier run has settled already.

    `action` tells what ``--from`` does.
    """
    for name, default in options.defaults.items():
        may_change = name in _GO_WITH_FROM or name in allowed
        if not may_change and getattr(options, name) != default:
            raise ValueError(f"--from {action}: leave out --{name.replace('_', '-')}")
