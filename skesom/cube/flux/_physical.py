# SPDX-License-Identifier: BSD-3-Clause
"""Bring a cube whose bands are all calibrated to one unit that suits them."""

import numpy as np
from astropy import units

from skesom.cube.flux._flux_units import FluxUnitConverter
from skesom.cube.objects._narrow_bands import band_wavelengths

_INFRARED = 3000  # nm, from where flux densities are per frequency
_OPTICAL = units.Unit("1e-18 erg / (s cm2 Angstrom)")


def to_physical(cube):
    """Return a cube in one unit of flux density, None if a band is not calibrated.

    It is surface brightness where the pixel scale is known, else flux density per
    pixel: per wavelength up to 3 um, and per frequency for longer wavelengths or if
    wavelengths are unknown.
    """
    places = band_wavelengths(cube)
    wavelengths = [None if np.isnan(nm) else nm * units.nm for nm in places]
    unit = _unit_for(places, cube.pixel_scale)
    try:
        return FluxUnitConverter(unit, wavelengths=wavelengths).fit_transform(cube)
    except ValueError:
        return None


def _unit_for(places, pixel_scale):
    """Return the unit in which bands of these wavelengths are usually shown."""
    is_optical = bool(np.all(places < _INFRARED))  # False for NaN
    if pixel_scale is None:
        return _OPTICAL if is_optical else units.uJy
    return _OPTICAL / units.arcsec**2 if is_optical else units.MJy / units.sr
