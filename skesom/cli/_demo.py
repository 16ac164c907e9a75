# SPDX-License-Identifier: BSD-3-Clause
"""``skesom demo``: make a galaxy of which the truth is known, and cluster it."""

from pathlib import Path

import numpy as np

from skesom.cli._images import read_images
from skesom.cli._messages import say
from skesom.cli._option_tables import CLUSTERING
from skesom.cli._option_values import count
from skesom.cli._options import add_options
from skesom.cli._output import add_output, prepare_pictures, print_clusters, write_run
from skesom.cli._parser import add_command
from skesom.cli._pipeline import clusterer_of


def add_demo(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "demo",
        _demo,
        help="make a synthetic galaxy and cluster it",
        description=(
            "Make a galaxy like M83 in nine Hubble filters, write it as one FITS file "
            "per filter, cluster these files, and compare the clusters with the truth."
        ),
    )
    add_output(parser, default="skesom-demo")
    parser.add_argument(
        "--size", type=count, default=605, metavar="PIXELS", help="rows and columns"
    )
    add_options(parser.add_argument_group("clustering"), CLUSTERING)


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
        files = write_run(options, run, folder, overwrite=True)
    for name in files:  # the folder has moved to its place
        files[name] = Path(options.output) / name
    print_clusters(files)
    comparison = compare_clusterings(run.label_map, truth, names=POPULATIONS)
    say("What the clusters hold:")
    for line in _contents(comparison.confusion):
        say(f"  {line}")
    agreement = comparison.scores["adjusted Rand index"]
    say(f"Agreement with the truth, adjusted Rand index: {agreement:.3f}")


def _contents(confusion):
    """Yield for each cluster its main class, and classes of which it has the most."""
    classes = confusion.colnames[1:]
    counts = np.array([confusion[name] for name in classes]).T
    for row, label in enumerate(confusion["cluster"]):
        main = counts[row].argmax()
        share = counts[row, main] / counts[row].sum()
        text = f"{label}: {share:.0%} {classes[main]}"
        gathered = []
        for column, name in enumerate(classes):
            if column != main and counts[:, column].argmax() == row:
                share_of_class = counts[row, column] / counts[:, column].sum()
                gathered.append(f"{share_of_class:.0%} of all {name}")
        if gathered:
            text = f"{text} ({', '.join(gathered)})"
        yield text
