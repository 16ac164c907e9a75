# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the bands of several cubes, put together."""

import numpy as np
from astropy import units


def join_bands(cubes):
    """Return what is known of the bands of several cubes, as arguments of `Cube`.

    Parameters
    ----------
    cubes : sequence of Cube
        At least one cube.

    Returns
    -------
    description : dict
        ``band_names``, ``band_units``, ``fwhm`` and ``band_coordinates`` of all bands
        in order. The coordinates are in the unit of the first cube that has any, NaN
        for bands without; None if they are of different kinds (a velocity is no
        frequency).
    """
    return {
        "band_names": [name for cube in cubes for name in cube.band_names],
        "band_units": [unit for cube in cubes for unit in cube.band_units],
        "fwhm": np.concatenate([cube.fwhm for cube in cubes]),
        "band_coordinates": _join_coordinates(cubes),
    }


def _join_coordinates(cubes):
    """Return the spectral coordinates of all bands, None if there is no such thing."""
    known = [
        cube.band_coordinates for cube in cubes if cube.band_coordinates is not None
    ]
    if not known:
        return None
    unit = known[0].unit
    try:
        values = [
            np.full(cube.shape[2], np.nan)
            if cube.band_coordinates is None
            else cube.band_coordinates.to_value(unit, units.spectral())
            for cube in cubes
        ]
    except units.UnitConversionError:
        return None
    return np.concatenate(values) * unit
