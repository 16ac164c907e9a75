# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster``: images in, a folder of results out."""

import numpy as np

from skesom.cli._clusterer import add_clusterer, clusterer_of
from skesom.cli._images import add_images, source_of
from skesom.cli._parser import Help, add_output
from skesom.cli._steps import add_steps, fit, pipeline_of


def add_cluster(commands):
    """Add the command.

    Parameters
    ----------
    commands : object
        What ``argparse.ArgumentParser.add_subparsers`` returns.
    """
    parser = commands.add_parser(
        "cluster",
        help="cluster the pixels of FITS images",
        description="Read one FITS file per band (or a cube of several), mask what is "
        "missing, bring the bands to one width (if it is known) and to one grid, and "
        "cluster the pixels.",
        formatter_class=Help,
    )
    add_images(parser)
    add_output(parser)
    add_steps(parser)
    add_clusterer(parser)
    parser.set_defaults(run=_cluster)


def _cluster(options):
    """Cluster the user's files."""
    from skesom.maps import check_folder, write_report

    check_folder(options.output, overwrite=options.overwrite)
    clusterer = clusterer_of(options)
    source = source_of(options)
    images = source.read()
    pipeline = fit(pipeline_of(options, clusterer, images), images)
    files = write_report(
        options.output,
        pipeline,
        images,
        source=source,
        overwrite=options.overwrite,
    )
    report(pipeline, files.values())


def report(pipeline, files):
    """Print what was done and found, and where it is.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, of `make_cluster_pipeline`.
    files : iterable of pathlib.Path
        What was written.
    """
    from skesom.io import cluster_table

    if "convolve" in pipeline.named_steps:
        print(f"Sharpness: {pipeline['convolve'].target_fwhm_:.4g} arcsec.")
    if pipeline["sky"].sky_masked_:
        share = np.mean(pipeline["sky"].sky_)
        print(f"Sky set aside: {share:.1%} of the pixels (--sky keep clusters them).")
    print(f"{pipeline['cluster'].n_clusters_} clusters:")
    for row in cluster_table(pipeline["cluster"].labels_):
        print(
            f"  {row['id']:>3}  {row['pixels']:>9} pixels  {row['percentage']:6.2f} %"
        )
    print("Written:")
    for file in files:
        print(f"  {file}")
