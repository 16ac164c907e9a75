# SPDX-License-Identifier: BSD-3-Clause
"""``skesom demo``: a synthetic galaxy, its files, its clusters, and the truth."""

from pathlib import Path

from skesom.cli._cluster import report, write
from skesom.cli._clusterer import add_clusterer, clusterer_of
from skesom.cli._parser import Help, add_output, add_report


def add_demo(commands):
    """Add the command.

    Parameters
    ----------
    commands : object
        What ``argparse.ArgumentParser.add_subparsers`` returns.
    """
    parser = commands.add_parser(
        "demo",
        help="make a synthetic galaxy and cluster it",
        description="Make a synthetic galaxy like M83 in nine Hubble filters, write it "
        "as one FITS file per filter, cluster these files, and compare the clusters "
        "with the truth.",
        formatter_class=Help,
    )
    add_output(parser, default="skesom-demo")
    add_report(parser)
    parser.add_argument(
        "--size", type=int, default=605, metavar="PIXELS", help="rows and columns"
    )
    add_clusterer(parser)
    parser.set_defaults(run=_demo)


def _demo(options):
    """Make a scene, cluster its files, and compare with the truth."""
    from sklearn.metrics import adjusted_rand_score

    from skesom.datasets import make_galaxy_cube
    from skesom.io import write_bands, write_map
    from skesom.maps import ImageSource, atomic_folder, make_cluster_pipeline

    clusterer = clusterer_of(options)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        side = options.size
        print(f"Making a galaxy of {side} x {side} pixels in nine filters.", flush=True)
        cube, truth = make_galaxy_cube((side, side), random_state=options.random_state)
        files = write_bands(folder / "images", cube)
        write_map(folder / "truth.fits", truth, cube=cube)
        source = ImageSource(files)
        cube = source.read()
        pipeline = make_cluster_pipeline(clusterer, fwhm="cube", n_jobs=-1).fit(cube)
        files = write(options, pipeline, cube, folder=folder, source=source)
    report(pipeline, [Path(options.output) / name for name in files])
    label_map = pipeline["cluster"].labels_
    known = (label_map >= 0) & (truth >= 0)
    agreement = adjusted_rand_score(truth[known], label_map[known])
    print(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")
