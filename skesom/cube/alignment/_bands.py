# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the bands of several cubes, put together."""

import numpy as np
from astropy import units


def join_bands(cubes):
    """Return what is known of the bands of several cubes, as arguments of `Cube`."""
    return {
        "band_names": [name for cube in cubes for name in cube.band_names],
        "band_units": [unit for cube in cubes for unit in cube.band_units],
        "fwhm": np.concatenate([cube.fwhm for cube in cubes]),
        "zero_points": np.concatenate([cube.zero_points for cube in cubes]),
        "band_coordinates": join_coordinates(
            [cube.band_coordinates for cube in cubes], [cube.shape[2] for cube in cubes]
        ),
    }


def join_coordinates(coordinates, n_bands):
    """Return the spectral coordinates of the bands of several images."""
    known = [quantity for quantity in coordinates if quantity is not None]
    if not known:
        return None
    unit = known[0].unit
    try:
        values = [
            np.full(length, np.nan)
            if quantity is None
            else quantity.to_value(unit, units.spectral())
            for quantity, length in zip(coordinates, n_bands, strict=True)
        ]
    except units.UnitConversionError:
        return None
    return np.concatenate(values) * unit
