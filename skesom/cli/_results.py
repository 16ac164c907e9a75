# SPDX-License-Identifier: BSD-3-Clause
"""Commands that go on from results: ``skesom predict``, ``test`` and ``explore``."""

import json
import warnings
from pathlib import Path

import numpy as np

from skesom._common.labels import SKY
from skesom._common.new_files import check_place
from skesom._common.texts import list_names, write_ecsv
from skesom.cli._cluster import print_clusters, read_images, writer_of
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


def add_predict(commands):
    """Add the command."""
    text = "apply a saved model to other images"
    about = "Read images of the same bands as those of a model, take them through its "
    about += "steps, and give each pixel its cluster. Bands are known by their names."
    parser = add_command(commands, "predict", _predict, text, about)
    text = "folder of results, or model.skops or model.joblib of one"
    parser.add_argument("model", metavar="MODEL", help=text)
    add_images(parser, of_model=True)
    add_output(parser)
    add_trust(parser)


def _predict(options):
    """Label the pixels of images."""
    prepare_pictures(options)
    from skesom.cube import CubeAligner
    from skesom.cube.alignment._aligner import shape_before_cut
    from skesom.maps._leaves import tree_digest
    from skesom.report import load_model
    from skesom.report._cluster_groups import groups_of
    from skesom.report._folders import check_folder
    from skesom.report._json_values import whole
    from skesom.report._models import find_model
    from skesom.report._provenance import digest_of_fit, line_of_cut, source_of_model

    check_folder(options.output, overwrite=options.overwrite)
    model = find_model(options.model)
    pipeline, band_names = load_model(model, trust=options.trust)
    groups = groups_of(model, digest_of_fit(pipeline, model), tree_digest(pipeline))
    earlier = source_of_model(model, trust=options.trust)
    source = source_of(options, earlier)
    given = source.plan.band_names
    channels = _channels_for(given, band_names)
    if band_names is not None and given != band_names and channels is None:
        order = _order_for(given, band_names)
        names = [band_names[order.index(band)] for band in range(len(given))]
        source = source.matched(order, names)
    source = with_strips(source, options.strips)
    images = read_images(source)
    if channels is not None:
        empty = [name for name in channels if name not in images.band_names]
        if empty:
            raise ValueError(
                f"The model takes the channels {list_names(empty)}, which hold no data "
                "or one value in these images."
            )
        images = images[channels]
    announce("finding the cluster of each pixel")
    with whole(model):
        label_map = _predict_of(pipeline)(images)
    files = writer_of(options)(
        pipeline,
        images,
        label_map=label_map,
        source=source,
        model=model,
        groups=groups,
    )
    say(*source.lines())
    aligner, shape = pipeline.named_steps.get("align"), label_map.shape[:2]
    if isinstance(aligner, CubeAligner):
        cut_from = shape_before_cut(aligner, images)
        say(*([f"{line_of_cut(shape, cut_from)}."] if shape != cut_from else ()))
    convolver = pipeline.named_steps.get("convolve")
    if convolver is not None and np.isfinite(convolver.target_fwhm_):
        say(f"Sharpness: {convolver.target_fwhm_:.4g} arcsec.")
    print_clusters(files)


def _predict_of(pipeline):
    """Return the method that predicts; raise the reason if there is none."""
    try:
        return pipeline.predict
    except AttributeError as error:
        reason = error
        while reason.__cause__ is not None:
            reason = reason.__cause__
        raise ValueError(str(reason)) from error


def _channels_for(given, known):
    """Return the channels of a spectral cube that a model takes, in their order.

    Some were left out of its fit, as they were empty there. Channels have numbers after
    a word that is another one in other files.

    Parameters
    ----------
    given, known : list of str
        Names of the bands of the images and of the model.

    Returns
    -------
    channels : list of str or None
        None if these are not the numbered channels of both.
    """
    from skesom.report._image_source import MOST_BANDS

    if known is None or not MOST_BANDS < len(known) <= len(given):
        return None
    numbers = [[name.rpartition(" ")[2] for name in names] for names in (given, known)]
    if not all(number.isdecimal() for some in numbers for number in some):
        return None
    name_of = dict(zip(numbers[0], given, strict=True))
    if len(name_of) < len(given) or not name_of.keys() >= set(numbers[1]):
        return None
    return [name_of[number] for number in numbers[1]]


def _order_for(given, known):
    """Return the order in which bands of some names are those of a model."""
    from skesom.cube._base import same_bands

    if len(given) != len(known):
        raise ValueError(
            f"The model takes {len(known)} bands ({list_names(known)}), but the images "
            f"have {len(given)} ({list_names(given)})."
        )
    order = _match(given, known) or _match(_filters_of(given), _filters_of(known))
    if order is None and same_bands(given, known):
        order = list(range(len(given)))
    if order is None:
        raise ValueError(
            f"The model takes the bands {list_names(known)}, and the images have "
            f"{list_names(given)}. Name all bands as the model does, with --band-names "
            "in the order of the files."
        )
    taken = [given[band] for band in order]
    if taken != known:
        text = f"The bands {list_names(taken)} are taken for {list_names(known)}"
        warnings.warn(f"{text}, in this order.", stacklevel=2)
    return order


def _match(given, known):
    """Return where the known bands are among the given ones, None if not all are."""
    if len(set(known)) < len(known) or set(given) != set(known):
        return None
    return [given.index(one) for one in known]


def _filters_of(names):
    """Return wavelengths of bands, which those of one filter share, or their names."""
    from skesom._sky.filters import filter_wavelengths

    pairs = zip(names, filter_wavelengths(names).tolist(), strict=True)
    return [name if np.isnan(nm) else nm for name, nm in pairs]


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
    from skesom.io._label_maps import read_cluster_names
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
    from skesom.io._outlines import number_pieces

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
    from skesom.io._label_maps import read_cluster_names
    from skesom.io._regions import collect_regions
    from skesom.report._training import warn_of_shift

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
    from skesom.report._folders import atomic_folder

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
    from skesom.report import explore, read_report
    from skesom.report._json_values import whole
    from skesom.report.page import PAGE_NAME

    folder = Path(options.folder)
    path = Path(options.output or folder / PAGE_NAME)
    if options.output or folder.is_dir():
        check_place(path, overwrite=options.overwrite)
    report = read_report(
        folder, groups=options.groups, images=options.images, trust=options.trust
    )
    with whole(folder):
        page = explore(
            path,
            report.pipeline,
            report.cube,
            groups=report.groups,
            continua=report.source.continua,
            subtract_sky=report.source.subtract_sky,
            catalog=options.catalog,
            rgb=options.rgb,
            title=options.title or folder.resolve().name,
            overwrite=options.overwrite,
        )
    tell_paths([page])
