# SPDX-License-Identifier: BSD-3-Clause
"""``skesom demo``: a synthetic galaxy, its files, its clusters, and the truth."""

from pathlib import Path

import numpy as np

from skesom.cli._cluster import report, write
from skesom.cli._clusterer import add_clusterer, clusterer_of
from skesom.cli._parser import Help, add_output, add_report


def add_demo(commands):
    """Add the command."""
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
    from skesom.datasets import POPULATIONS, make_galaxy_cube
    from skesom.io import write_bands, write_map
    from skesom.maps import compare_with_truth, make_cluster_pipeline
    from skesom.report import ImageSource, atomic_folder

    clusterer = clusterer_of(options)
    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        side = options.size
        print(f"Making a galaxy of {side} x {side} pixels in nine filters.", flush=True)
        cube, truth = make_galaxy_cube((side, side), random_state=options.random_state)
        files = write_bands(folder / "images", cube)
        write_map(folder / "truth.fits", truth, cube=cube)
        source = ImageSource(files)
        cube = source.read()
        pipeline = make_cluster_pipeline(clusterer, n_jobs=-1).fit(cube)
        files = write(options, pipeline, cube, folder=folder, source=source)
    report(pipeline, [Path(options.output) / name for name in files])
    label_map = pipeline["cluster"].labels_
    comparison = compare_with_truth(label_map, truth, names=POPULATIONS)
    print("What the clusters hold:")
    for line in _contents(comparison.confusion):
        print(f"  {line}")
    agreement = comparison.scores["adjusted Rand index"]
    print(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")


def _contents(confusion):
    """Say of each cluster what most of it is, and of what it holds more than others."""
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
