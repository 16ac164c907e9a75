# SPDX-License-Identifier: BSD-3-Clause
"""What a value of 1 in an image is worth in another unit."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs.utils import proj_plane_pixel_area

_FLUX_PER_WAVELENGTH = units.erg / units.s / units.cm**2 / units.AA


class Calibration(NamedTuple):
    """What is known of the values of one band."""

    name: str
    """Name of the band."""
    unit: units.UnitBase | None
    """Its unit, None if unknown."""
    zero_point: float
    """AB magnitude of a value of 1, NaN if unknown."""
    given: float | units.Quantity | None
    """What the user says a value of 1 is worth: an AB magnitude or a flux density."""
    wavelength: units.Quantity | None
    """Wavelength of the band, None if unknown."""
    pixel_area: units.Quantity | None
    """Solid angle of a pixel, None if unknown."""
    beam_area: units.Quantity | None
    """Solid angle of the point-spread function, None if unknown."""

    @property
    def equivalencies(self):
        """What units are the same for this band."""
        same = list(units.zero_point_flux(1 * units.AB))
        if self.wavelength is not None:
            same += units.spectral_density(self.wavelength)
        return same


class UnknownError(ValueError):
    """Something that a conversion needs is not known."""


def describe_bands(cube, given, wavelengths):
    """Return what is known of the values of each band of a cube."""
    known = [None] * cube.shape[2]
    if cube.band_coordinates is not None:
        try:
            known = cube.band_coordinates.to(units.AA, units.spectral())
        except units.UnitConversionError:
            pass  # velocities
    pixel = _pixel_area(cube)
    return [
        Calibration(
            name=name,
            unit=cube.band_units[band],
            zero_point=cube.zero_points[band],
            given=given[band],
            wavelength=_finite(
                known[band] if wavelengths[band] is None else wavelengths[band]
            ),
            pixel_area=pixel,
            beam_area=_beam_area(cube.fwhm[band]),
        )
        for band, name in enumerate(cube.band_names)
    ]


def _finite(quantity):
    """Return a quantity, None if it is not finite."""
    return quantity if quantity is not None and np.isfinite(quantity) else None


def _pixel_area(cube):
    """Return the solid angle of a pixel, None if unknown."""
    if cube.wcs is not None:
        return proj_plane_pixel_area(cube.wcs) * units.deg**2
    if cube.pixel_scale is not None:
        return np.prod(cube.pixel_scale) * units.arcsec**2
    return None


def _beam_area(fwhm):
    """Return the solid angle of a Gaussian of a width in arcsec, None if unknown."""
    if np.isnan(fwhm):
        return None
    return np.pi / (4 * np.log(2)) * fwhm**2 * units.arcsec**2


def conversion_factor(band, target):
    """Return what to multiply a band by to have it in another unit."""
    try:
        return _factor(band, target)
    except UnknownError as error:
        here = "has no known unit" if band.unit is None else f"is in {band.unit}"
        raise ValueError(
            f"Band {band.name!r} {here} and cannot be converted to {target}: {error}"
        ) from error


def _factor(band, target):
    """Return factor and source."""
    if band.given is not None:
        return _janskys_of_given(band) / janskys(target, band), "calibration"
    if band.unit is not None:
        if band.unit.is_equivalent(target, band.equivalencies):
            return band.unit.to(target, equivalencies=band.equivalencies), "unit"
        if _is_flux(band.unit):
            return janskys(band.unit, band) / janskys(target, band), "unit"
    if np.isfinite(band.zero_point):
        flux = (band.zero_point * units.ABmag).to_value(units.Jy)
        return flux / janskys(target, band), "zero point"
    raise UnknownError(
        "its zero point is unknown. Pass calibration, for instance the AB magnitude "
        "of a value of 1, or give the cube zero_points."
    )


def _janskys_of_given(band):
    """Return how many janskys per pixel the user says that a value of 1 is."""
    if isinstance(band.given, Real):
        return (band.given * units.ABmag).to_value(units.Jy)
    quantity = getattr(band.given, "physical", band.given)  # of a magnitude
    return quantity.value * janskys(quantity.unit, band)


def _areas(band):
    """Return by what units a flux may be divided, with their parts of a pixel."""
    return {
        units.one: lambda: 1.0,
        units.pix: lambda: 1.0,
        units.sr: lambda: _known_pixel_area(band).to_value(units.sr),
        units.beam: lambda: (_known_pixel_area(band) / _known_beam_area(band)).to_value(
            units.one
        ),
    }


def _is_flux(unit):
    """Tell whether a unit is one of flux density or surface brightness."""
    same = units.spectral_density(1 * units.AA) + units.zero_point_flux(1 * units.AB)
    areas = (units.one, units.pix, units.sr, units.beam)
    return any((unit * area).is_equivalent(units.Jy, same) for area in areas)


def janskys(unit, band):
    """Return how many janskys per pixel a unit of flux or surface brightness is."""
    for area, part_of_pixel in _areas(band).items():
        flux = unit * area
        if flux.is_equivalent(units.Jy, band.equivalencies):
            factor = flux.to(units.Jy, equivalencies=band.equivalencies)
            return factor * part_of_pixel()
    if _is_flux(unit):
        raise UnknownError(
            f"{unit} depends on the wavelength of the band, which is unknown. Pass "
            "wavelengths, or give the cube band_coordinates."
        )
    raise UnknownError(f"{unit} measures neither flux density nor surface brightness.")


def _known_pixel_area(band):
    """Return the solid angle of a pixel."""
    if band.pixel_area is None:
        raise UnknownError(
            "the size of its pixels is unknown. Give the cube a WCS or a pixel_scale "
            "with Cube.replace."
        )
    return band.pixel_area


def _known_beam_area(band):
    """Return the solid angle of the point-spread function."""
    if band.beam_area is None:
        raise UnknownError(
            "the width of its beam is unknown. Give it with Cube.replace(fwhm=...)."
        )
    return band.beam_area
