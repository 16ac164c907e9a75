# SPDX-License-Identifier: BSD-3-Clause
"""``skesom test``: clusters and a map of known classes in, how they agree out."""

import json
from pathlib import Path

import numpy as np

from skesom._common.labels import SKY
from skesom._common.texts import write_ecsv
from skesom.cli._messages import listen_to_astropy, say, tell, tell_paths
from skesom.cli._option_tables import OVERWRITE
from skesom.cli._options import add_options
from skesom.cli._output import REGION_FILES, check_output, check_regions_extra
from skesom.cli._parser import add_command

_FEWEST_OBJECTS = 5  # of a segmentation map: a few classes may have one piece each
_MOST_PIECES = 2  # of an object in the mean: pieces that touch by a corner are two


def add_test(commands):
    """Add the command."""
    parser = add_command(
        commands,
        "test",
        _test,
        help="compare clusters with a map of known classes",
        description=(
            "Compare the clusters of a result with known classes: how many pixels of "
            "each class are in each cluster, the adjusted Rand index, and how "
            "complete and pure the classes are in the clusters that stand for them."
        ),
    )
    parser.add_argument(
        "result", metavar="RESULT", help="folder of results, or a label map (FITS)"
    )
    parser.add_argument(
        "truth",
        metavar="TRUTH",
        help=(
            "label map of the classes on the same pixels (FITS, classes from 0, "
            "unknown ones negative), or regions of DS9 or CASA named by their text"
        ),
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for the tables and scores"
    )
    add_options(parser, [OVERWRITE])


def _test(options):
    """Compare two maps."""
    listen_to_astropy()
    from skesom.io import read_map
    from skesom.io.label_maps import read_cluster_names
    from skesom.maps import compare_clusterings

    check_output(options)
    check_regions_extra(options.truth)
    path = Path(options.result)
    if path.is_dir():
        path = path / "cluster_map.fits"
    label_map, wcs = read_map(path)
    truth, names = _read_truth(options.truth, label_map.shape, wcs)
    # Without a folder the comparison is the result, also for --quiet.
    show = tell if options.output is None else say
    n_objects = 0 if names else _count_objects(truth)
    if n_objects:
        show(
            f"{options.truth} numbers {n_objects} objects on a background of 0: the "
            'classes are "object" and "none", and sky set aside is the cluster -1.'
        )
        names = ["none", "object"]
        truth = np.minimum(truth, 1)
        label_map = np.where(label_map == SKY, -1, label_map)
    comparison = compare_clusterings(label_map, truth, names=names)
    _name_clusters(comparison, read_cluster_names(path))
    if not names:
        show(f"Classes have no names: their numbers are the values in {options.truth}.")
    for name, value in comparison.scores.items():
        number = f"{value:d}" if isinstance(value, int) else f"{value:.3f}"
        show(f"{name + ':':<29}{number:>12}")
    for table in (comparison.classes, comparison.confusion):
        show("", *table.pformat(max_lines=-1, max_width=-1))
    if options.output is not None:
        _write(options, comparison)


def _count_objects(truth):
    """Return how many objects a segmentation map numbers, 0 if it is of classes.

    Numbers of objects are of one piece each, and most of the pixels are in none.
    """
    from skesom.io.outlines import number_pieces

    numbers, sizes = np.unique(truth[truth >= 0], return_counts=True)
    n_objects = len(numbers) - 1
    if truth.ndim != 2 or n_objects < _FEWEST_OBJECTS:
        return 0
    has_background = numbers[0] == 0 and sizes[0] == sizes.max()
    if not has_background:
        return 0
    _, owners = number_pieces(np.where(truth > 0, truth, -1))
    n_pieces = len(owners) - 1
    return n_objects if n_pieces <= _MOST_PIECES * n_objects else 0


def _name_clusters(comparison, cluster_names):
    """Add the names of clusters to the tables of a comparison, if some have one."""
    if all(name == str(number) for number, name in cluster_names.items()):
        return
    names = {str(number): name for number, name in cluster_names.items()}
    names["-1"] = "noise"
    _add_names(comparison.confusion, "cluster", names)
    _add_names(comparison.classes, "clusters", names)


def _add_names(table, column, names):
    """Add a column of names after one of numbers, or of several with blanks."""
    texts = []
    for clusters in table[column]:
        numbers = str(clusters).split()
        texts.append(", ".join(names.get(number, number) for number in numbers))
    table.add_column(texts, index=table.index_column(column) + 1, name="name")


def _read_truth(path, shape, wcs):
    """Return the map of the classes, and their names if they have some."""
    from skesom.io import read_map, read_region_labels
    from skesom.io.label_maps import read_cluster_names
    from skesom.io.regions import collect_regions
    from skesom.runs.training import warn_of_shift

    if Path(path).suffix.lower() in REGION_FILES:
        # Small outlines of a result have no text.
        has_tags = all(region.tags for region in collect_regions(path))
        regions = read_region_labels(
            path,
            shape,
            wcs=wcs,
            name_by="tag" if has_tags else "text",
            empty="ignore",
        )
        return regions.label_map, regions.names
    truth, truth_wcs = read_map(path)
    if truth.shape == shape:
        warn_of_shift(shape, wcs, truth_wcs)
    names = read_cluster_names(path)
    is_named = any(name != str(number) for number, name in names.items())
    return truth, names if is_named else None


def _write(options, comparison):
    """Write the tables and scores of a comparison."""
    from skesom._common.folders import atomic_folder

    with atomic_folder(options.output, overwrite=options.overwrite) as folder:
        write_ecsv(comparison.confusion, folder / "confusion.ecsv")
        write_ecsv(comparison.classes, folder / "classes.ecsv")
        text = json.dumps(comparison.scores, indent=1, allow_nan=False)
        (folder / "scores.json").write_text(f"{text}\n", encoding="utf-8")
    say("")
    names = ("confusion.ecsv", "classes.ecsv", "scores.json")
    tell_paths(Path(options.output) / name for name in names)
