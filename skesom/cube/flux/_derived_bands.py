# SPDX-License-Identifier: BSD-3-Clause
"""Cubes whose bands are made of several bands of another cube."""

import numpy as np
from astropy import units


def derived_cube(cube, data, band_names, band_coordinates=None, errors=None):
    """Return a cube of pure numbers that were made of all bands of a cube."""
    fwhm = cube.fwhm[0] if np.ptp(cube.fwhm) == 0 else np.nan
    return cube.replace(
        data=data,
        errors=errors,
        band_names=band_names,
        band_units=[units.dimensionless_unscaled] * len(band_names),
        band_coordinates=band_coordinates,
        fwhm=np.full(len(band_names), fwhm),
    )


def common_factors(cube):
    """Return what to multiply fluxes by to have all in the unit of the first band."""
    factors = np.ones(cube.shape[2])
    known = [band for band, unit in enumerate(cube.band_units) if unit is not None]
    for band in known:
        unit, first = cube.band_units[band], cube.band_units[known[0]]
        try:
            factors[band] = unit.to(first)
        except (units.UnitConversionError, TypeError) as error:
            raise ValueError(
                f"Band {cube.band_names[band]!r} is in {unit}, and band "
                f"{cube.band_names[known[0]]!r} in {first}: their fluxes cannot be "
                "compared. Bring them to one unit with FluxUnitConverter before."
            ) from error
    return factors


def check_noise(cube, noise):
    """Refuse constant bands."""
    constant = np.flatnonzero(noise == 0)
    if len(constant):
        names = ", ".join(repr(cube.band_names[band]) for band in constant)
        raise ValueError(
            f"These bands are constant, so that there is no noise to tell faint from "
            f"bright: {names}. Leave them out, or state the noise."
        )
