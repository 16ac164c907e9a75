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

    A unit of flux that all bands have stays. Else it is of surface brightness where the
    pixel scale is known, or of flux per pixel: per wavelength up to 3 um, and per
    frequency for longer wavelengths or if wavelengths are unknown.

    Parameters
    ----------
    cube : Cube
        A cube of fluxes.

    Returns
    -------
    factors : ndarray of shape (n_bands,) or None
        What fluxes are multiplied by, None if a band is not calibrated.
    unit : astropy.units.UnitBase or None
        The unit, None if a band is not calibrated.
    """
    first_unit = cube.band_units[0]
    has_one_unit = len(set(cube.band_units)) == 1
    if has_one_unit and first_unit is not None and is_flux(first_unit):
        return np.ones(cube.shape[2]), first_unit
    wavelengths = band_wavelengths(cube)  # nm, or NaN
    unit = _usual_unit(wavelengths, cube.pixel_scale)
    converter = FluxUnitConverter(unit, wavelengths=wavelengths * units.nm)
    try:
        converter.fit(cube[:1, :1])
    except ValueError:
        return None, None
    return converter.factors_, unit


def _usual_unit(wavelengths, pixel_scale):
    """Return the unit in which bands of these wavelengths are usually shown."""
    is_optical = np.all(wavelengths < _INFRARED)  # False for NaN
    if is_optical and pixel_scale is None:
        return _OPTICAL
    if is_optical:
        return _OPTICAL / units.arcsec**2
    if pixel_scale is None:
        return units.uJy
    return units.MJy / units.sr
