# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that are one number for all bands, or one for each."""

import numpy as np


def numbers_per_band(values, band_names, parameter, *, positive=False):
    """Return one number for each band.

    Parameters
    ----------
    values : float or array-like of shape (n_bands,)
        One number, or one for each band.
    band_names : sequence of str of length n_bands
        The bands.
    parameter : str
        What to call the numbers in messages.
    positive : bool, default=False
        Whether they must be positive and finite.

    Returns
    -------
    numbers : ndarray of shape (n_bands,), dtype float64
        A new array.

    Raises
    ------
    ValueError
        If there is another number of values, or one is not positive.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape not in [(), (len(band_names),)]:
        raise ValueError(
            f"{parameter} must be one number or one for each of the {len(band_names)} "
            f"bands, got {numbers.size}."
        )
    numbers = np.array(np.broadcast_to(numbers, len(band_names)))
    for name, value in zip(band_names, numbers, strict=True):
        if positive and not (np.isfinite(value) and value > 0):
            raise ValueError(
                f"The {parameter} of band {name!r} must be a positive number, got "
                f"{value}."
            )
    return numbers
