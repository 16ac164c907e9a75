# SPDX-License-Identifier: BSD-3-Clause
"""Which bands tell pixels apart: not those without data, nor constant ones."""

import numpy as np

from skesom._common.lazy import computed, is_lazy
from skesom._common.texts import list_names


def check_bands(values, band_names, where="all pixels with data"):
    """Refuse bands without data, and constant ones.

    Parameters
    ----------
    values : ndarray or dask array of shape (..., n_bands)
        Fluxes of a cube, or of a table of its pixels.
    band_names : sequence of str of length n_bands
    where : str, default="all pixels with data"
        Which pixels the values are of, for the message.

    Raises
    ------
    ValueError
        If any band is one of these; its message names the first.
    """
    lowest, highest = _extremes_of_bands(values)
    for band in np.flatnonzero(np.isnan(lowest)):
        raise ValueError(
            f"Band {band_names[band]!r} has no data, only NaN. Leave it out."
        )
    constant_bands = np.flatnonzero(lowest == highest)
    if len(constant_bands) == len(lowest) > 1:
        raise ValueError(
            f"Nothing tells pixels apart: the bands {list_names(band_names)} are all "
            "constant in the valid pixels."
        )
    for band in constant_bands:
        raise ValueError(
            f"Band {band_names[band]!r} is constant ({lowest[band]:g} in {where}), so "
            "it cannot tell pixels apart. Leave it out."
        )


def find_useless_bands(values):
    """Find the bands without data, and constant ones.

    Parameters
    ----------
    values : ndarray or dask array of shape (..., n_bands)

    Returns
    -------
    is_useless : ndarray of bool of shape (n_bands,)
    """
    lowest, highest = _extremes_of_bands(values)
    return ~(lowest < highest)  # also true where both are NaN


def _extremes_of_bands(values):
    """Return the lowest and the highest value of each band, NaN without data."""
    if is_lazy(values):
        from dask import delayed

        extremes = [
            delayed(_extremes_of_bands)(chunk) for chunk in values.to_delayed().ravel()
        ]
        lowest, highest = zip(*computed(*extremes), strict=True)
        return np.fmin.reduce(lowest), np.fmax.reduce(highest)
    n_bands = values.shape[-1]
    lowest = np.empty(n_bands, values.dtype)
    highest = np.empty(n_bands, values.dtype)
    for band in range(n_bands):
        lowest[band] = np.fmin.reduce(values[..., band], axis=None)
        highest[band] = np.fmax.reduce(values[..., band], axis=None)
    return lowest, highest
