# SPDX-License-Identifier: BSD-3-Clause
"""``skesom predict``: a saved model, applied to other images."""

import warnings

import numpy as np

from skesom.cli._cluster import report, write
from skesom.cli._options import (
    add_command,
    add_images,
    add_output,
    add_trust,
    source_of,
)


def add_predict(commands):
    """Add the command."""
    parser = add_command(
        *(commands, "predict", _predict, "apply a saved model to other images"),
        "Read images of the same bands as those of a model, take them through its "
        "steps, and give each pixel its cluster. Bands are known by their names.",
    )
    text = "folder of results, or model.skops or model.joblib of one"
    parser.add_argument("model", metavar="MODEL", help=text)
    add_images(parser)
    add_output(parser)
    add_trust(parser)


def _predict(options):
    """Label the pixels of the user's files."""
    from skesom.report import check_folder, find_model, load_model

    check_folder(options.output, overwrite=options.overwrite)
    model = find_model(options.model, trust=options.trust)
    pipeline, band_names = load_model(model, trust=options.trust)
    source = source_of(options)
    source = source._replace(order=_order_for(source.describe_bands()[0], band_names))
    images = source.read()
    label_map = _predict_of(pipeline)(images)
    details = {"label_map": label_map, "source": source, "model": model}
    files = write(options, pipeline, images, **details)
    report(pipeline, files.values(), label_map)


def _predict_of(pipeline):
    """Return the method that predicts; raise the reason if there is none."""
    try:
        return pipeline.predict
    except AttributeError as error:
        first = error
        while first.__cause__ is not None:
            first = first.__cause__
        raise ValueError(str(first)) from error


def _order_for(given, known):
    """Return the order in which bands of some names are those of a model."""
    if known is None or given == known:
        return "given"
    if len(given) != len(known):
        raise ValueError(
            f"The model takes {len(known)} bands ({', '.join(known)}), but the images "
            f"have {len(given)} ({', '.join(given)})."
        )
    order = _match(given, known, str) or _match(given, known, _wavelength_or_name)
    if order is None:
        _check_places(given, known)
        order = list(range(len(given)))
    taken = [given[band] for band in order]
    if taken != known:
        warnings.warn(
            f"The bands {', '.join(taken)} are taken for {', '.join(known)}, in this "
            "order.",
            UserWarning,
            stacklevel=2,
        )
    return order


def _match(given, known, key):
    """Return where the known bands are among the given ones, None if not all are."""
    given, known = [key(name) for name in given], [key(name) for name in known]
    if len(set(known)) < len(known) or set(given) != set(known):
        return None
    return [given.index(one) for one in known]


def _wavelength_or_name(name):
    """Return what bands of one filter share."""
    from skesom.io import filter_wavelength

    wavelength = filter_wavelength(name)
    return name if np.isnan(wavelength) else wavelength


def _check_places(given, known):
    """Refuse bands that have the name of another band of the model."""
    for place, name in enumerate(given):
        if name in known and known.index(name) != place:
            raise ValueError(
                f"The model takes the bands {', '.join(known)}, and the images have "
                f"{', '.join(given)}: {name} is known, but not which of the others is "
                "which. Name all bands as the model does, with --band-names in the "
                "order of the files."
            )
