# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster`` and ``skesom demo``: images in, a folder of results out."""

import sys
import warnings
from pathlib import Path

import numpy as np

from skesom.cli._crossmatch import add_catalog, check_radius
from skesom.cli._messages import announce, late_warnings, say, tell_paths
from skesom.cli._options import (
    IMAGES_AND_RESULTS,
    YES_OR_NO,
    add_choice,
    add_clusterer,
    add_command,
    add_continuum,
    add_images,
    add_output,
    add_sky_level,
    add_trust,
    check_extras,
    clusterer_of,
    count,
    prepare_pictures,
    source_of,
    style_of,
)
from skesom.cli._steps import add_steps, check_steps, options_of_bands, pipeline_of
from skesom.cli._strips import with_strips

_MANY_BANDS = 20  # for a line in the terminal
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
_GO_WITH_FROM = (
    "given files provenance output overwrite tables no_pictures trust strips "
    "format dpi width rgb quiet verbose objects radius_of_objects"
).split()


def add_cluster(commands):
    """Add the command."""
    text = "cluster the pixels of FITS images"
    about = "Read one FITS file per band (or a cube of several), sort the bands by "
    about += "wavelength (or by file name where it is unknown), mask missing data, "
    about += "bring the bands to one width (if it is known) and to one grid, and "
    about += "cluster the pixels. Or repeat an earlier run, or cut its clusters into "
    about += "another number."
    parser = add_command(commands, "cluster", _cluster, text, about, short=_SHORT_HELP)
    add_images(parser, nargs="*")
    add_output(parser, also="of a cut with --from: RUN-N, beside that of the run")
    add_continuum(parser)
    add_sky_level(parser)
    add_repeat(parser)
    add_steps(parser)
    add_clusterer(parser)
    text = "what is clustered: pixels with all bands, or voxels, each a single flux, "
    text += "for a map of each band (not with --pca, --min-bands, --smooth, "
    text += "--color-contrast)"
    add_choice(parser.add_argument, "--pattern", text, "pixel", "voxel")
    add_catalog(parser)
    parser.set_defaults(spatial_features="no")  # which is for classes
    parser.set_defaults(defaults=vars(parser.parse_args(["-o", "."])))


def add_repeat(parser):
    """Add the option to repeat a run."""
    text = "run to repeat (provenance.json or folder); files replace its images, or a "
    text += "folder tells where they are now"
    parser.add_argument("--from", dest="provenance", metavar="JSON", help=text)
    add_trust(parser)


def _cluster(options):
    """Cluster files, or repeat a run."""
    run_files(options, clusterer_of)


def run_files(options, estimator_of, training_of=None):
    """Fit a pipeline to files and write its report, or repeat a run."""
    if (output := output_of(options)) is None:
        raise ValueError("give the folder for the results (-o)")
    check_radius(options)
    if options.trust and options.provenance is None:
        raise ValueError("--trust is about the files of a run: give --from")
    if not options.files and options.provenance is None:
        raise ValueError("give the files of the images, or a run to repeat (--from)")
    prepare_pictures(options)
    from skesom._common.fits_files import keep_files_open
    from skesom._common.folders import check_folder  # takes seconds, too

    check_folder(output, overwrite=options.overwrite)
    if options.provenance is not None:
        (_cut if _is_cut(options) else _repeat)(options)
        return
    check_extras(options)
    estimator = estimator_of(options)
    check_steps(options)  # before images are read for nothing
    training = training_of and training_of(options)
    with keep_files_open():
        source = with_strips(source_of(options).by_wavelength(), options.strips)
        images = read_images(source)
    bands = [source.plan.band_names[number] for number in source.order]
    own = options_of_bands(options, source.order, bands)
    style_of(options, bands if options.bin_bands == 1 else None)
    pipeline = pipeline_of(own, estimator)
    from skesom.runs.run import fit_run

    with late_warnings():
        run = fit_run(
            pipeline,
            images,
            source=source,
            training=training,
            catalog=options.objects,
            radius=options.radius_of_objects,
        )
        files = write(options, run)
    if len(bands) > _MANY_BANDS:
        bands = [*bands[:2], "...", bands[-1]]
    say(f"Bands in their order: {', '.join(bands)}.")
    say(*source.lines())
    _say_features(pipeline, " (--spatial-features no: the bands alone)")
    print_clusters(files, run.held_out)


def _repeat(options):
    """Repeat an earlier run."""
    from skesom._common.file_errors import errors_naming
    from skesom._common.fits_files import keep_files_open
    from skesom.runs.provenance import digest_of_fit
    from skesom.runs.recipes import read_recipe
    from skesom.runs.run import fit_recipe

    _check_options(options, "repeats a run as it was")
    files, trust = options.files or None, options.trust
    with keep_files_open():
        recipe = read_recipe(options.provenance, files=files, trust=trust)
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
            files = write(options, run)
    say(*source.lines())
    _say_features(run.pipeline)
    print_clusters(files, run.held_out)
    if digest_of_fit(run.pipeline, recipe.path) == recipe.label_map_sha256:
        say("The label map is that of the run, bit for bit.")
    else:
        text = "The label map is not that of the run, whose names are left out."
        warnings.warn(text, stacklevel=2)


def _cut(options):
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
        cut.catalog, cut.radius = options.objects, options.radius_of_objects
        files = write(options, cut)
    say(*cut.source.lines())
    print_clusters(files)
    n_names = sum(group.name is not None for group in run.groups)
    if n_names:
        text = "names are of clusters that stay; the others are left out"
        say(f"{len(cut.groups)} of {n_names} {text}.")


def _say_features(pipeline, hint=""):
    """Print what a classifier gets instead of the bands, if it does."""
    if "features" in pipeline.named_steps:
        say(f"Features: each band smoothed, and against its surroundings{hint}.")


def _is_cut(options):
    """Return whether an earlier run is cut elsewhere and not repeated."""
    is_of_run = getattr(options, "provenance", None) is not None
    return is_of_run and "n_clusters" in options.given


def output_of(options):
    """Return the place for results, None without; a cut may lie beside its run."""
    output = getattr(options, "output", None)
    if output is None and _is_cut(options):
        run = Path(options.provenance).resolve()  # its folder or a file in that
        return f"{run if run.is_dir() else run.parent}-{options.n_clusters}"
    return output


def _check_options(options, what, *allowed):
    """Refuse options that an earlier run has told already."""
    for name, value in options.defaults.items():
        known = name in (*_GO_WITH_FROM, *allowed)
        if not known and getattr(options, name) != value:
            text = f"leave out --{name.replace('_', '-')}"
            raise ValueError(f"--from {what}: {text}")


def _print_score(held_out):
    """Print how well pixels were classified that were held out."""
    scores = held_out.scores
    text = f"Held out, {scores['blocks']} blocks of the sky in {scores['folds']} parts:"
    for name in ("accuracy", "balanced accuracy"):
        text += f" {name} {scores[name]:.1%} +- {scores[f'{name} spread']:.1%},"
    say(text.rstrip(",") + ".")
    shown = ["class", "pixels", "blocks", "completeness", "purity"]
    say(*held_out.classes[shown].pformat(max_lines=-1, max_width=-1))


def read_images(source):
    """Read images."""
    announce("reading the images")
    return source.read()


def write(options, run, folder=None):
    """Write a run as the options on files and pictures say; return its files."""
    run.command = sys.argv
    return run.write(
        folder or output_of(options),
        tables=YES_OR_NO.get(options.tables, "auto"),
        pictures=style_of(options),
        overwrite=options.overwrite or folder is not None,
    )


def print_clusters(report, held_out=None):
    """Print the clusters of a report, its files, the parts left out, and a score."""
    from skesom.report.facts import lines_of

    say(*lines_of(report))
    tell_paths(report.values())
    for name, reason in report.left_out.items():
        say(f"Left out: {name}: {reason.rstrip('.')}.")
    if held_out is not None:
        _print_score(held_out)


def add_demo(commands):
    """Add the command."""
    text = "make a synthetic galaxy and cluster it"
    about = "Make a galaxy like M83 in nine Hubble filters, write it as one FITS file "
    about += "per filter, cluster these files, and compare the clusters with the truth."
    parser = add_command(commands, "demo", _demo, text, about)
    add_output(parser, default="skesom-demo")
    text = "rows and columns"
    parser.add_argument("--size", type=count, default=605, metavar="PIXELS", help=text)
    add_clusterer(parser)


def _demo(options):
    """Make a scene, cluster its files, and compare with the truth."""
    prepare_pictures(options)
    from skesom._common.folders import atomic_folder
    from skesom.datasets import POPULATIONS, make_galaxy_cube
    from skesom.io import write_bands, write_map
    from skesom.maps import compare_clusterings, make_cluster_pipeline
    from skesom.runs.image_source import ImageSource
    from skesom.runs.run import fit_run

    clusterer = clusterer_of(options)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        side = options.size
        say(f"Making a galaxy of {side} x {side} pixels in nine filters.")
        cube, truth = make_galaxy_cube((side, side), random_state=options.random_state)
        files = write_bands(folder / "images", cube)
        write_map(folder / "truth.fits", truth, cube=cube)
        source = ImageSource(files)
        pipeline = make_cluster_pipeline(clusterer, n_jobs=-1)
        run = fit_run(pipeline, read_images(source), source=source)
        files = write(options, run, folder)
    files |= {name: Path(options.output) / name for name in files}
    print_clusters(files)
    label_map = run.label_map
    comparison = compare_clusterings(label_map, truth, names=POPULATIONS)
    say("What the clusters hold:")
    say(*(f"  {line}" for line in _contents(comparison.confusion)))
    agreement = comparison.scores["adjusted Rand index"]
    say(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")


def _contents(confusion):
    """Yield for each cluster its main class, and classes of which it has the most."""
    names = confusion.colnames[1:]
    counts = np.array([confusion[name] for name in names]).T
    for row, label in enumerate(confusion["cluster"]):
        main = counts[row].argmax()
        text = f"{label}: {counts[row, main] / counts[row].sum():.0%} {names[main]}"
        gathered = [
            f"{counts[row, column] / counts[:, column].sum():.0%} of all {name}"
            for column, name in enumerate(names)
            if column != main and counts[:, column].argmax() == row
        ]
        yield f"{text} ({', '.join(gathered)})" if gathered else text
