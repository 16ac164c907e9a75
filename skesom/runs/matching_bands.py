# SPDX-License-Identifier: BSD-3-Clause
"""Bands of images brought to the order of those of a model."""

import numpy as np

from skesom._common.texts import list_names
from skesom._common.warn import warn_user
from skesom._sky.filters import filter_wavelengths
from skesom.cube.base import same_bands
from skesom.runs.image_source import MOST_BANDS


def matched_source(source, band_names):
    """Return images with their bands as a model has them, and the channels it takes.

    Parameters
    ----------
    source : ImageSource
    band_names : list of str or None
        Of the model, None if unknown.

    Returns
    -------
    source : ImageSource
    channels : list of str or None
        Of a spectral cube, those that the model takes; see `taken_channels`.
    """
    given = source.plan.band_names
    channels = _channels_for(given, band_names)
    if band_names is None or given == band_names or channels is not None:
        return source, channels
    order = _order_for(given, band_names)
    names = [band_names[order.index(band)] for band in range(len(given))]
    return source.matched(order, names), None


def taken_channels(images, channels):
    """Return the channels of a spectral cube that a model takes."""
    empty = [name for name in channels if name not in images.band_names]
    if empty:
        raise ValueError(
            f"The model takes the channels {list_names(empty)}, which hold no data or "
            "one value in these images."
        )
    return images[channels]


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
            f"{list_names(given)}. Name all bands as the model does, with band_names "
            "in the order of the files."
        )
    taken = [given[band] for band in order]
    if taken != known:
        text = f"The bands {list_names(taken)} are taken for {list_names(known)}"
        warn_user(f"{text}, in this order.")
    return order


def _match(given, known):
    """Return where the known bands are among the given ones, None if not all are."""
    if len(set(known)) < len(known) or set(given) != set(known):
        return None
    return [given.index(one) for one in known]


def _filters_of(names):
    """Return wavelengths of bands, which those of one filter share, or their names."""
    pairs = zip(names, filter_wavelengths(names).tolist(), strict=True)
    return [name if np.isnan(nm) else nm for name, nm in pairs]
