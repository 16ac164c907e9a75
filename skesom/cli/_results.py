# SPDX-License-Identifier: BSD-3-Clause
"""Commands that go on from results: ``skesom predict``, ``test`` and ``explore``."""

import json
from pathlib import Path

import numpy as np

from skesom._common.labels import SKY
from skesom._common.new_files import check_place
from skesom._common.texts import write_ecsv
from skesom.cli._cluster import print_clusters, read_images, write
from skesom.cli._crossmatch import check_output
from skesom.cli._messages import announce, listen_to_astropy, say, tell, tell_paths
from skesom.cli._options import (
    REGION_FILES,
    add_command,
    add_images,
    add_moved,
    add_output,
    add_overwrite,
    add_rgb,
    add_trust,
    check_regions_extra,
    prepare_pictures,
    source_of,
)
from skesom.cli._strips import with_strips

_FEWEST_OBJECTS = 5  # of a segmentation map: a few classes may have one piece each
_MOST_PIECES = 2  # of an object in the mean: pieces that touch by a corner are two

_SHORT_HELP = {
    "model and images": ("model", "files", "band_names", "masks", "cutout"),
    "results": ("output", "overwrite", "tables", "no_pictures", "trust"),
}


def add_predict(commands):
    """Add the command."""
    text = "apply a saved model to other images"
    about = "Read images of the same bands as those of a model, take them through its "
    about += "steps, and give each pixel its cluster. Bands are known by their names."
    parser = add_command(commands, "predict", _predict, text, about, short=_SHORT_HELP)
    text = "folder of results, or model.skops or model.joblib of one"
    parser.add_argument("model", metavar="MODEL", help=text)
    add_images(parser, of_model=True)
    add_output(parser)
    add_trust(parser)


def _predict(options):
    """Label the pixels of images."""
    prepare_pictures(options)
    from skesom._common.fits_files import keep_files_open
    from skesom._common.folders import check_folder
    from skesom.cube import CubeAligner
    from skesom.cube.alignment.aligner import shape_before_cut
    from skesom.report.decisions import line_of_cut
    from skesom.runs import Run
    from skesom.runs.matching_bands import matched_source
    from skesom.runs.run import earlier_source, predict_read

    check_folder(options.output, overwrite=options.overwrite)
    model = Run.of_model(options.model, trust=options.trust)
    source = source_of(options, earlier_source(model))
    with keep_files_open():
        source, channels = matched_source(source, model.band_names)
        source = with_strips(source, options.strips)
        images = read_images(source)
    announce("finding the cluster of each pixel")
    run = predict_read(model, images, source, channels)
    files = write(options, run)
    say(*source.lines())
    pipeline, shape = run.pipeline, run.label_map.shape[:2]
    aligner = pipeline.named_steps.get("align")
    if isinstance(aligner, CubeAligner):
        cut_from = shape_before_cut(aligner, images)
        say(*([f"{line_of_cut(shape, cut_from)}."] if shape != cut_from else ()))
    convolver = pipeline.named_steps.get("convolve")
    if convolver is not None and np.isfinite(convolver.target_fwhm_):
        say(f"Sharpness: {convolver.target_fwhm_:.4g} {convolver.length_unit_}.")
    print_clusters(files)


def add_test(commands):
    """Add the command."""
    text = "compare clusters with a map of known classes"
    about = "Compare the clusters of a result with known classes: how many pixels of "
    about += "each class are in each cluster, the adjusted Rand index, and how "
    about += "complete and pure the classes are in the clusters that stand for them."
    parser = add_command(commands, "test", _test, text, about)
    text = "folder of results, or a label map (FITS)"
    parser.add_argument("result", metavar="RESULT", help=text)
    text = "label map of the classes on the same pixels (FITS, classes from 0, unknown "
    text += "ones negative), or regions of DS9 or CASA named by their text"
    parser.add_argument("truth", metavar="TRUTH", help=text)
    text = "folder for the tables and scores"
    parser.add_argument("-o", "--output", metavar="DIR", help=text)
    add_overwrite(parser)


def _test(options):
    """Compare two maps."""
    listen_to_astropy()
    from skesom.io import read_map
    from skesom.io.label_maps import read_cluster_names
    from skesom.maps import compare_clusterings

    check_output(options)
    check_regions_extra(options.truth)
    path = Path(options.result)
    path = path / "cluster_map.fits" if path.is_dir() else path
    label_map, wcs = read_map(path)
    truth, names = _read_truth(options.truth, label_map.shape, wcs)
    show = tell if options.output is None else say
    n_objects = 0 if names else _count_objects(truth)
    if n_objects:
        show(
            f"{options.truth} numbers {n_objects} objects on a background of 0: the "
            'classes are "object" and "none", and sky set aside is the cluster -1.'
        )
        truth, names = np.minimum(truth, 1), ["none", "object"]
        label_map = np.where(label_map == SKY, -1, label_map)
    comparison = compare_clusterings(label_map, truth, names=names)
    _name_clusters(comparison, read_cluster_names(path))
    if not names:
        show(f"Classes have no names: their numbers are the values in {options.truth}.")
    for name, value in comparison.scores.items():
        show(f"{name + ':':<29}{value:>12{'d' if isinstance(value, int) else '.3f'}}")
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
    is_of_classes = truth.ndim != 2 or n_objects < _FEWEST_OBJECTS or numbers[0] != 0
    if is_of_classes or sizes[0] < sizes.max():
        return 0
    _, owners = number_pieces(np.where(truth > 0, truth, -1))
    return n_objects if len(owners) - 1 <= _MOST_PIECES * n_objects else 0


def _name_clusters(comparison, names):
    """Add the names of clusters to the tables of a comparison, if some have one."""
    if all(name == str(number) for number, name in names.items()):
        return
    names = {str(number): name for number, name in names.items()} | {"-1": "noise"}
    for table, column in ((comparison.confusion, 0), (comparison.classes, "clusters")):
        numbers = [str(each).split() for each in table.columns[column]]
        texts = [", ".join(names.get(one, one) for one in each) for each in numbers]
        place = table.index_column(table.columns[column].name) + 1
        table.add_column(texts, place, "name")


def _read_truth(path, shape, wcs):
    """Return the map of the classes, and their names if they have some."""
    from skesom.io import read_map, read_region_labels
    from skesom.io.label_maps import read_cluster_names
    from skesom.io.regions import collect_regions
    from skesom.runs.training import warn_of_shift

    if Path(path).suffix.lower() in REGION_FILES:
        # Small outlines of a result have no text.
        has_tags = all(region.tags for region in collect_regions(path))
        by = "tag" if has_tags else "text"
        regions = read_region_labels(path, shape, wcs=wcs, name_by=by, empty="ignore")
        return regions.label_map, regions.names
    truth, other = read_map(path)
    if truth.shape == shape:
        warn_of_shift(shape, wcs, other)
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
    names = ("confusion.ecsv", "classes.ecsv", "scores.json")
    say("")
    tell_paths(Path(options.output) / name for name in names)


def add_explore(commands):
    """Add the command."""
    text = "write a page to explore a result"
    about = "Read a folder of results and its images again, and write one HTML file "
    about += "with linked views of image, clusters, units and spectra, for the browser."
    parser = add_command(commands, "explore", _explore, text, about)
    text = "folder that `skesom cluster -o` wrote"
    parser.add_argument("folder", metavar="DIR", help=text)
    text = "file to write (default: DIR/page.html)"
    parser.add_argument("-o", "--output", metavar="PAGE", help=text)
    text = "known objects to draw: table of NED, region file, CSV, FITS, VOTable"
    parser.add_argument("--catalog", "--catalogue", metavar="FILE", help=text)
    text = "names and merges, as the page exports them (default: those of the result)"
    parser.add_argument("--groups", metavar="FILE", help=text)
    add_moved(parser)
    text = "heading (default: the name of the folder)"
    parser.add_argument("--title", metavar="TEXT", help=text)
    add_rgb(parser.add_argument)
    add_overwrite(parser)
    add_trust(parser)


def _explore(options):
    """Write the page."""
    listen_to_astropy()
    from skesom._common.file_errors import errors_naming
    from skesom.report.page import PAGE_NAME
    from skesom.runs import Run

    folder = Path(options.folder)
    path = Path(options.output or folder / PAGE_NAME)
    if options.output or folder.is_dir():
        check_place(path, overwrite=options.overwrite)
    run = Run.read(
        folder, groups=options.groups, images=options.images, trust=options.trust
    )
    run.catalog = options.catalog
    with errors_naming(folder):
        page = run.explore(
            path, rgb=options.rgb, title=options.title, overwrite=options.overwrite
        )
    tell_paths([page])
