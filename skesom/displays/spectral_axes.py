# SPDX-License-Identifier: BSD-3-Clause
"""Wavelengths, frequencies, energies or velocities of bands, in units of a picture."""

import numpy as np
from astropy import units

from skesom._sky.narrow_bands import band_wavelengths

# Wavelengths where axes change from energies to wavelengths in nm, from nm to um, and
# to frequencies.
_X_RAYS = 10 * units.nm
_INFRARED = 2 * units.um
_RADIO = 1 * units.mm
_NAMES = {
    units.nm: "wavelength",
    units.um: "wavelength",
    units.GHz: "frequency",
    units.keV: "energy",
    units.km / units.s: "velocity",
}


def spectral_axis(coordinates):
    """Return spectral coordinates in the unit of an axis, None unless all are known.

    Velocities are in km/s, what is shorter than ultraviolet in keV, what is longer than
    1 mm in GHz, and all other in nm or um.
    """
    if coordinates is None or np.isnan(coordinates.value).any():
        return None
    if coordinates.unit.is_equivalent(units.km / units.s):
        return coordinates.to(units.km / units.s)
    if not coordinates.unit.is_equivalent(units.nm, units.spectral()):
        return None
    lengths = coordinates.to(units.nm, units.spectral())
    if not np.isfinite(lengths).all():
        return None
    if lengths.max() < _X_RAYS:
        return coordinates.to(units.keV, units.spectral())
    if lengths.min() > _RADIO:
        return coordinates.to(units.GHz, units.spectral())
    if lengths.max() < _INFRARED:
        return lengths
    return lengths.to(units.um)


def band_axis(cube):
    """Return the `spectral_axis` of a cube, by the names of its bands if needed."""
    coordinates = spectral_axis(cube.band_coordinates)
    if coordinates is not None:
        return coordinates
    wavelengths = band_wavelengths(cube)
    if not np.isfinite(wavelengths).all():
        return None
    return spectral_axis(wavelengths * units.nm)


def axis_name(unit):
    """Return the name of spectral coordinates of `spectral_axis`, with their unit."""
    return f"{_NAMES[unit]} [{unit}]"
