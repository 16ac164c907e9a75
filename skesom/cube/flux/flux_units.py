# SPDX-License-Identifier: BSD-3-Clause
"""Bring bands to one unit of flux."""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from astropy import units
from astropy.units import UnitBase
from astropy.wcs.utils import proj_plane_pixel_area

from skesom._common.strip_calls import map_pixels
from skesom.cube.base import (
    CubeTransformer,
    all_band_names,
    check_cubes,
    is_cube_list,
    is_described,
    one_per_band,
    with_bands,
)

# By what a unit of flux may be divided.
_AREAS = (units.one, units.pix, units.sr, units.beam)


class FluxUnitConverter(CubeTransformer):
    """Convert all bands to one unit of flux density or surface brightness.

    Takes one cube, or a list of cubes on different pixel grids.

    Parameters
    ----------
    unit : str or astropy.units.UnitBase, default="uJy"
        The unit: a flux density per pixel (uJy, erg / (s cm2 Angstrom)) or a surface
        brightness (MJy / sr), which needs the size of the pixels.
    calibration : float, Quantity, sequence or dict of these, default=None
        What a value of 1 is worth, for all bands, for each, or by the name of some: the
        AB magnitude (a number, or a Quantity in ABmag or STmag), or a flux density or
        surface brightness, as PHOTFNU and PHOTFLAM are for counts per second. None (or
        NaN, for a band) takes the unit of the band if it is one of flux or surface
        brightness, else the zero point of the cube.
    wavelengths : Quantity, sequence or dict of these, default=None
        Pivot wavelengths, in the forms of `calibration`; needed between fluxes per
        frequency and per wavelength. By default the spectral coordinates of the cube.
    copy : bool, default=True
        False converts the cube that is given, if its memory allows.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    factors_ : ndarray of shape (n_bands,)
        What the bands of the fitted cube are multiplied by.
    sources_ : tuple of str of length n_bands
        Where each factor comes from: "calibration", "unit" or "zero point".
    unit_ : astropy.units.UnitBase
        The unit.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Raises
    ------
    ValueError
        If a band cannot be converted, by `fit` or `transform`; names the band and what
        is missing.

    See Also
    --------
    skesom.io.read_cube : Finds units and zero points in FITS headers.
    FluxShape : Compares the fluxes of bands.

    Notes
    -----
    Each cube is converted by its own units, zero points, pixels, beams and wavelengths;
    an array by those of the fitted cube. Errors are converted too. Goes before
    `FWHMConvolver`, if a unit is per beam, and before `CubeAligner`, which tells by the
    unit what to conserve. Beams are taken to be Gaussians of the cube's FWHM, and
    nanomaggies 3.631 uJy.

    Examples
    --------
    A band of Hubble with its PHOTFLAM and PHOTPLAM, and one in MJy / sr:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from skesom.cube import Cube, FluxUnitConverter
    >>> bands = {"band_names": ["F814W", "F150W"], "pixel_scale": (0.04, 0.04)}
    >>> band_units = ["electron / s", "MJy / sr"]
    >>> cube = Cube(np.ones((4, 5, 2)), band_units=band_units, **bands)
    >>> photflam = {"F814W": 1.4985e-19 * u.erg / u.s / u.cm**2 / u.AA}
    >>> photplam = {"F814W": 8039 * u.AA}
    >>> converter = FluxUnitConverter(calibration=photflam, wavelengths=photplam)
    >>> converted = converter.fit_transform(cube)
    >>> converted.data[0, 0].round(4), converted.band_units
    (array([0.323 , 0.0376]), (Unit("uJy"), Unit("uJy")))
    >>> converter.sources_
    ('calibration', 'unit')
    """

    keeps_flux = True
    works_pixelwise = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "factors_": "reals features",
    }

    _parameter_constraints = {
        "unit": [str, units.UnitBase],
        "calibration": [Real, units.Quantity, dict, "array-like", None],
        "wavelengths": [units.Quantity, dict, "array-like", None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        unit: str | UnitBase = "uJy",
        *,
        calibration: Any = None,
        wavelengths: Any = None,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.unit = unit
        self.calibration = calibration
        self.wavelengths = wavelengths
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit(self, X):
        cubes = check_cubes(X, self, reset=True)
        unit = _parse_unit(self.unit)
        self.factors_, self.sources_ = self._find_factors(cubes, unit)
        self.unit_ = unit

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        factors = self.factors_
        if is_described(X) or is_cube_list(X):
            factors, _ = self._find_factors(cubes, self.unit_)
        parts = with_bands(cubes, factors)
        return self._like_inputs(X, [self._multiply(*part) for part in parts])

    def _find_factors(self, cubes, unit):
        """Return factors of all bands, and their sources."""
        names = all_band_names(cubes)
        given = _spread(self.calibration, names, "calibration")
        wavelengths = _spread(self.wavelengths, names, "wavelengths")
        _check_wavelengths(wavelengths, names)
        found = [
            _conversion_factor(band, unit)
            for part in with_bands(cubes, given, wavelengths)
            for band in _describe_bands(*part)
        ]
        factors, sources = zip(*found, strict=True)
        return np.array(factors), sources

    def _multiply(self, cube, factors):
        """Return a cube whose bands are multiplied by factors."""
        # One number for each value of a row of pixels: short loops over bands are slow.
        line = np.tile(factors.astype(cube.dtype), cube.shape[1])
        line = line.reshape(cube.shape[1:])

        def multiply(*values):
            return [None if part is None else part * line for part in values]

        data, errors = map_pixels(
            multiply, cube.data, cube.errors, n_jobs=self.n_jobs, in_place=not self.copy
        )
        new = [self.unit_] * cube.shape[2]
        return cube.replace(data=data, errors=errors, band_units=new)


def _parse_unit(unit):
    """Return the unit, which has to be linear."""
    try:
        parsed = units.Unit(unit)
    except ValueError as error:
        raise ValueError(f"unit {unit!r} is no unit that astropy knows.") from error
    if not isinstance(parsed, units.UnitBase):
        raise ValueError(
            f"unit must be one of flux, not of its logarithm, got {unit!r}. Logarithms "
            "of fluxes come from AsinhStretch and FluxShape."
        )
    return parsed


def _spread(values, band_names, parameter):
    """Return one value for each band, None where there is none."""
    if getattr(values, "isscalar", values is None or isinstance(values, Real)):
        values = [values] * len(band_names)
    wanted = f"{parameter} must be one value or one"
    values = one_per_band(values, band_names, "value of " + parameter, wanted)
    return [None if _is_nothing(value) else value for value in values]


def _is_nothing(value):
    """Tell whether no value is given; refuse other things than values."""
    if value is None:
        return True
    number = getattr(value, "value", value)
    if not isinstance(value, Real | units.Quantity) or not np.isscalar(number):
        raise ValueError(f"A number or Quantity is wanted, got {value!r}.")
    return bool(np.isnan(number))


def _check_wavelengths(wavelengths, band_names):
    """Refuse wavelengths without a unit of wavelength (or frequency)."""
    for value, name in zip(wavelengths, band_names, strict=True):
        unit = getattr(value, "unit", units.one)
        if value is not None and not unit.is_equivalent(units.m, units.spectral()):
            raise ValueError(
                f"The wavelength of band {name!r} needs a unit such as nm, got {value}."
            )


class _Band(NamedTuple):
    """Facts of the values of one band; None or NaN where they are unknown."""

    name: str
    unit: units.UnitBase | None
    zero_point: float  # AB magnitude of a value of 1
    given: float | units.Quantity | None  # `calibration`
    wavelength: units.Quantity | None
    pixel_area: units.Quantity | None
    beam_area: units.Quantity


@lru_cache  # as below: astropy takes milliseconds, and is asked for each band and step
def _same_units(wavelength):
    """Return units that are the same in a band of a wavelength, if it is known."""
    same = list(units.zero_point_flux(1 * units.AB))
    if wavelength is not None:
        same += units.spectral_density(wavelength)
    return same


class _UnknownError(ValueError):
    """Something that a conversion needs is not known."""


def _describe_bands(cube, given, wavelengths):
    """Return the facts of the values of each band of a cube."""
    known = [None] * cube.shape[2]
    if cube.band_coordinates is not None:
        try:
            known = cube.band_coordinates.to(units.AA, units.spectral())
        except units.UnitConversionError:
            pass  # velocities
    pixel_area = _pixel_area(cube)
    bands = []
    for band, name in enumerate(cube.band_names):
        wavelength = known[band] if wavelengths[band] is None else wavelengths[band]
        if wavelength is not None and not np.isfinite(wavelength):
            wavelength = None
        unit, zero_point = cube.band_units[band], cube.zero_points[band]
        # Of a Gaussian.
        beam_area = np.pi / (4 * np.log(2)) * cube.fwhm[band] ** 2 * units.arcsec**2
        areas = pixel_area, beam_area
        bands.append(_Band(name, unit, zero_point, given[band], wavelength, *areas))
    return bands


def _pixel_area(cube):
    """Return the solid angle of a pixel, None if unknown."""
    if cube.wcs is not None:
        return proj_plane_pixel_area(cube.wcs) * units.deg**2
    if cube.pixel_scale is not None:
        return np.prod(cube.pixel_scale) * units.arcsec**2
    return None


def _conversion_factor(band, target):
    """Return the factor of a band to another unit, and the source."""
    try:
        return _factor(band, target)
    except _UnknownError as error:
        here = "has no known unit" if band.unit is None else f"is in {band.unit}"
        raise ValueError(
            f"Band {band.name!r} {here} and cannot be converted to {target}: {error}"
        ) from error


def _factor(band, target):
    """Return factor and source, or an error that names the unknown part."""
    if band.given is not None:
        if isinstance(band.given, Real):
            flux = (band.given * units.ABmag).to_value(units.Jy)
        else:
            quantity = getattr(band.given, "physical", band.given)  # of a magnitude
            flux = quantity.value * _janskys(quantity.unit, band)
        return flux / _janskys(target, band), "calibration"
    if band.unit is not None:
        same = _same_units(band.wavelength)
        if band.unit.is_equivalent(target, same):
            return band.unit.to(target, equivalencies=same), "unit"
        if is_flux(band.unit):
            return _janskys(band.unit, band) / _janskys(target, band), "unit"
    if np.isfinite(band.zero_point):
        flux = (band.zero_point * units.ABmag).to_value(units.Jy)
        return flux / _janskys(target, band), "zero point"
    raise _UnknownError(
        "its zero point is unknown. Pass calibration, for instance the AB magnitude "
        "of a value of 1, or give the cube zero_points."
    )


def _janskys(unit, band):
    """Return a unit of flux or surface brightness in janskys per pixel."""
    same = _same_units(band.wavelength)
    for area in _AREAS:
        flux = unit * area
        if flux.is_equivalent(units.Jy, same):
            factor = flux.to(units.Jy, equivalencies=same)
            return factor * _part_of_pixel(area, band)
    if is_flux(unit):
        raise _UnknownError(
            f"{unit} depends on the wavelength of the band, which is unknown. Pass "
            "wavelengths, or give the cube band_coordinates."
        )
    raise _UnknownError(f"{unit} measures neither flux density nor surface brightness.")


@lru_cache
def is_flux(unit):
    """Tell whether a unit is one of flux density or surface brightness."""
    same = units.spectral_density(1 * units.AA) + units.zero_point_flux(1 * units.AB)
    return any((unit * area).is_equivalent(units.Jy, same) for area in _AREAS)


def _part_of_pixel(area, band):
    """Return the area of a pixel in that by which a unit is divided."""
    if area not in (units.sr, units.beam):
        return 1.0
    if band.pixel_area is None:
        raise _UnknownError(
            "the size of its pixels is unknown. Give the cube a WCS or a pixel_scale "
            "with Cube.replace."
        )
    if area == units.sr:
        return band.pixel_area.to_value(units.sr)
    if np.isnan(band.beam_area):
        raise _UnknownError(
            "the width of its beam is unknown. Give it with Cube.replace(fwhm=...)."
        )
    return (band.pixel_area / band.beam_area).to_value(units.one)
