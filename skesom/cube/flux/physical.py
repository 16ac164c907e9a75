# SPDX-License-Identifier: BSD-3-Clause
"""The unit of flux density that suits the bands of a cube, if all are calibrated."""

import numpy as np
from astropy import units

from skesom._sky.narrow_bands import band_wavelengths
from skesom.cube.flux.flux_units import FluxUnitConverter, is_flux

_INFRARED = 3000  # nm, from where flux densities are per frequency
_OPTICAL = units.Unit("1e-18 erg / (s cm2 Angstrom)")


def physical_factors(cube):
    """Return the factors of the bands to one unit of flux density, and this unit.

    None for both if a band is not calibrated. A unit of flux that all bands have stays.
    Else it is of surface brightness where the pixel scale is known, or of flux per
    pixel: per wavelength up to 3 um, and per frequency for longer wavelengths or if
    wavelengths are unknown.
    """
    known = set(cube.band_units)
    if len(known) == 1 and None not in known and is_flux(*known):
        return np.ones(cube.shape[2]), known.pop()
    places = band_wavelengths(cube)
    unit = _unit_for(places, cube.pixel_scale)
    converter = FluxUnitConverter(unit, wavelengths=places * units.nm)
    try:
        converter.fit(cube[:1, :1])
    except ValueError:
        return None, None
    return converter.factors_, unit


def _unit_for(places, pixel_scale):
    """Return the unit in which bands of these wavelengths are usually shown."""
    is_optical = bool(np.all(places < _INFRARED))  # False for NaN
    if pixel_scale is None:
        return _OPTICAL if is_optical else units.uJy
    return _OPTICAL / units.arcsec**2 if is_optical else units.MJy / units.sr
