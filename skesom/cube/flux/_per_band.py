# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that are one number for all bands, or one for each."""

import numpy as np


def numbers_per_band(values, band_names, parameter, *, positive=False):
    """Return one number for each band."""
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
