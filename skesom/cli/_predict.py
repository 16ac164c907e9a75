# SPDX-License-Identifier: BSD-3-Clause
"""``skesom predict``: a saved model, applied to other images."""

import warnings

from skesom.cli._cluster import report, write
from skesom.cli._images import add_images, source_of
from skesom.cli._parser import Help, add_output, add_report, add_trust


def add_predict(commands):
    """Add the command.

    Parameters
    ----------
    commands : object
        What ``argparse.ArgumentParser.add_subparsers`` returns.
    """
    parser = commands.add_parser(
        "predict",
        help="apply a saved model to other images",
        description="Read images of the same bands as those that a model was made "
        "from, in the same order, take them through its steps, and give each pixel "
        "the cluster that it belongs to.",
        formatter_class=Help,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="folder of results, or model.skops or model.joblib of one",
    )
    add_images(parser)
    add_output(parser)
    add_report(parser)
    add_trust(parser)
    parser.set_defaults(run=_predict)


def _predict(options):
    """Label the pixels of the user's files."""
    from skesom.maps import check_folder, find_model, load_model

    check_folder(options.output, overwrite=options.overwrite)
    model = find_model(options.model, trust=options.trust)
    pipeline, band_names = load_model(model, trust=options.trust)
    source = source_of(options)
    images = source.read()
    _check_bands(images, band_names)
    label_map = _predict_of(pipeline)(images)
    details = {"label_map": label_map, "source": source, "model": model}
    files = write(options, pipeline, images, **details)
    report(pipeline, files.values(), label_map)


def _predict_of(pipeline):
    """Return the method that predicts; say why if there is none."""
    try:
        return pipeline.predict
    except AttributeError as error:
        first = error
        while first.__cause__ is not None:
            first = first.__cause__
        raise ValueError(str(first)) from error


def _check_bands(images, band_names):
    """Compare the bands of images with those of a model."""
    cubes = images if isinstance(images, list) else [images]
    given = [name for cube in cubes for name in cube.band_names]
    if band_names is None or given == list(band_names):
        return
    known = ", ".join(band_names)
    if len(given) != len(band_names):
        raise ValueError(
            f"The model takes {len(band_names)} bands ({known}), but the images have "
            f"{len(given)} ({', '.join(given)})."
        )
    warnings.warn(
        f"The bands {', '.join(given)} are taken for {known}, in this order.",
        UserWarning,
        stacklevel=2,
    )
