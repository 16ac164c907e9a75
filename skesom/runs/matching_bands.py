# SPDX-License-Identifier: BSD-3-Clause
"""Bands of images brought to the order of those of a model."""

import numpy as np

from skesom._common.texts import list_names
from skesom._common.warn import warn_user
from skesom._sky.filters import filter_wavelengths
from skesom.cube.bands import same_bands
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
    names_here = source.plan.band_names
    if band_names is None:
        return source, None
    # Also of the same names: channels may be empty in these images.
    channels = _channels_for(names_here, band_names)
    if channels is not None or names_here == band_names:
        return source, channels
    order = order_for_model(names_here, band_names)
    new_names = [band_names[order.index(band)] for band in range(len(names_here))]
    return source.matched(order, new_names), None


def taken_channels(images, channels):
    """Return the channels of a spectral cube that a model takes."""
    empty = [name for name in channels if name not in images.band_names]
    if empty:
        raise ValueError(
            f"The model takes the channels {list_names(empty)}, which hold no data or "
            "one value in these images."
        )
    return images[channels]


def _channels_for(names, model_names):
    """Return the channels of a spectral cube that a model takes, in their order.

    Some were left out of its fit, as they were empty there. Channels have numbers after
    a word that is another one in other files.

    Parameters
    ----------
    names, model_names : list of str
        Names of the bands of the images and of the model.

    Returns
    -------
    channels : list of str or None
        None if these are not the numbered channels of both.
    """
    if not MOST_BANDS < len(model_names) <= len(names):
        return None
    name_of_number = {_last_word(name): name for name in names}
    numbers = [_last_word(name) for name in model_names]
    if not all(number.isdecimal() for number in [*name_of_number, *numbers]):
        return None
    are_unique = len(name_of_number) == len(names)
    if not are_unique or not name_of_number.keys() >= set(numbers):
        return None
    return [name_of_number[number] for number in numbers]


def _last_word(name):
    """Return what follows the last space of a name, as the number of a channel."""
    return name.rpartition(" ")[2]


def order_for_model(names, model_names):
    """Return the order in which the bands of images are those of a model.

    They are known by their names, else by the wavelengths of their filters.

    Parameters
    ----------
    names, model_names : list of str
        Names of the bands of the images and of the model.

    Returns
    -------
    order : list of int
        For each band of the model, the number of the band of the images.

    Raises
    ------
    ValueError
        If there are other bands, or more or fewer.

    Warns
    -----
    UserWarning
        If bands of other names are taken.
    """
    if len(names) != len(model_names):
        raise ValueError(
            f"The model takes {len(model_names)} bands ({list_names(model_names)}), "
            f"but the images have {len(names)} ({list_names(names)})."
        )
    order = _find_each(model_names, names)
    if order is None:
        order = _find_each(_filters_of(model_names), _filters_of(names))
    if order is None and same_bands(names, model_names):
        order = list(range(len(names)))
    if order is None:
        raise ValueError(
            f"The model takes the bands {list_names(model_names)}, and the images have "
            f"{list_names(names)}. Name all bands as the model does, with band_names "
            "in the order of the files."
        )
    names_in_order = [names[band] for band in order]
    if names_in_order != model_names:
        warn_user(
            f"The bands {list_names(names_in_order)} are taken for "
            f"{list_names(model_names)}, in this order."
        )
    return order


def _find_each(model_bands, bands):
    """Return where the bands of a model are among others, None if these differ."""
    if len(set(model_bands)) < len(model_bands) or set(bands) != set(model_bands):
        return None
    return [bands.index(band) for band in model_bands]


def _filters_of(names):
    """Return wavelengths of bands, which those of one filter share, or their names."""
    filters = []
    wavelengths = filter_wavelengths(names).tolist()
    for name, wavelength in zip(names, wavelengths, strict=True):
        filters.append(name if np.isnan(wavelength) else wavelength)
    return filters
