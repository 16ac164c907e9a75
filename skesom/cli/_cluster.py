# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster``: images in, a folder of results out."""

import sys
import warnings
from contextlib import contextmanager

from skesom.cli._clusterer import add_clusterer, clusterer_of
from skesom.cli._images import add_images, source_of
from skesom.cli._parser import Help, add_output, add_report
from skesom.cli._smoothing import regularizer_of
from skesom.cli._steps import add_steps, fit, pipeline_of, put_in_order

_MANY_BANDS = 20  # for a line in the terminal
_GO_WITH_FROM = {
    "files",
    "output",
    "overwrite",
    "no_tables",
    "no_pictures",
    "provenance",
}


def add_cluster(commands):
    """Add the command."""
    parser = commands.add_parser(
        "cluster",
        help="cluster the pixels of FITS images",
        description="Read one FITS file per band (or a cube of several), sort the "
        "bands by wavelength (or by file name where it is unknown), mask what is "
        "missing, bring the bands to one width (if it is known) and to one grid, and "
        "cluster the pixels. Or repeat an earlier run.",
        formatter_class=Help,
    )
    add_images(parser, nargs="*")
    add_output(parser)
    add_report(parser)
    parser.add_argument(
        "--from",
        dest="provenance",
        metavar="JSON",
        help="repeat the run that this provenance.json (or folder of results) tells "
        "of, bit for bit; files, if given, take the place of its images",
    )
    add_steps(parser)
    add_clusterer(parser)
    defaults = vars(parser.parse_args(["-o", ""]))
    parser.set_defaults(run=_cluster, defaults=defaults)


def _cluster(options):
    """Cluster the user's files."""
    from skesom.report import check_folder

    check_folder(options.output, overwrite=options.overwrite)
    if options.provenance is not None:
        _repeat(options)
        return
    if not options.files:
        raise ValueError("give the files of the images, or a run to repeat (--from)")
    clusterer = clusterer_of(options)
    regularizer_of(options)  # before images are read for nothing
    source = source_of(options).by_wavelength()
    images = source.read()
    put_in_order(options, source.order)
    with warnings_at_the_end():
        pipeline = fit(pipeline_of(options, clusterer), images)
        files = write(options, pipeline, images, source=source)
    print(f"Bands in their order: {_list_bands(images)}.")
    report(pipeline, files.values())


@contextmanager
def warnings_at_the_end():
    """Show warnings after success only, so that an error is a single line."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for each in caught:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _list_bands(images):
    """Return the names of the bands, of many the first and the last."""
    cubes = images if isinstance(images, list) else [images]
    names = [name for cube in cubes for name in cube.band_names]
    if len(names) > _MANY_BANDS:
        names = [*names[:2], "...", names[-1]]
    return ", ".join(names)


def _repeat(options):
    """Repeat an earlier run."""
    from skesom.report import label_map_digest, read_run

    changed = [
        name
        for name, value in options.defaults.items()
        if name not in _GO_WITH_FROM and getattr(options, name) != value
    ]
    if changed:
        option = changed[0].replace("_", "-")
        raise ValueError(f"--from repeats a run as it was: leave out --{option}")
    run = read_run(options.provenance, files=options.files or None)
    jobs = [name for name in run.pipeline.get_params() if name.endswith("__n_jobs")]
    images = run.source.read()
    with warnings_at_the_end():
        pipeline = fit(run.pipeline.set_params(**dict.fromkeys(jobs, -1)), images)
        files = write(options, pipeline, images, source=run.source)
    report(pipeline, files.values())
    if label_map_digest(pipeline["cluster"].labels_) == run.label_map_sha256:
        print("The label map is that of the run, bit for bit.")
    else:
        warnings.warn(
            "The label map is not that of the run.", UserWarning, stacklevel=2
        )


def write(options, pipeline, images, *, folder=None, **details):
    """Write the report that the options describe."""
    from skesom.report import write_report

    return write_report(
        folder or options.output,
        pipeline,
        images,
        command=sys.argv,
        tables=not options.no_tables,
        pictures=not options.no_pictures,
        overwrite=options.overwrite or folder is not None,
        **details,
    )


def report(pipeline, files, label_map=None):
    """Print what was done and found, and where it is."""
    from skesom.io import cluster_table
    from skesom.report import decision_lines

    if label_map is None:
        label_map = pipeline[-1].labels_
        print("\n".join(decision_lines(pipeline)))
    elif "convolve" in pipeline.named_steps:
        print(f"Sharpness: {pipeline['convolve'].target_fwhm_:.4g} arcsec.")
    table = cluster_table(label_map)
    print(f"{len(table)} clusters:")
    for row in table:
        print(
            f"  {row['id']:>3}  {row['pixels']:>9} pixels  {row['percentage']:6.2f} %"
        )
    print("Written:")
    for file in files:
        print(f"  {file}")
