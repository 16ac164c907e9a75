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
from skesom.cube.bands import all_band_names, one_per_band, with_bands
from skesom.cube.base import CubeTransformer, check_cubes, is_cube_list, is_described

# What a unit of flux density may be divided by to be one of surface brightness.
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
        What a value of 1 is worth, for all bands, for each, or for some by their names:
        the AB magnitude (a number, or a Quantity in ABmag or STmag), or a flux density
        or surface brightness, as PHOTFNU and PHOTFLAM are for counts per second. None
        (or NaN, for a band) takes the unit of the band if it is one of flux or surface
        brightness, else the zero point of the cube.
    wavelengths : Quantity, sequence or dict of these, default=None
        Pivot wavelengths, in the forms of `calibration`; needed between fluxes per
        frequency and per wavelength. By default the spectral coordinates of the cube.
    copy : bool, default=True
        False overwrites the cube that is given, if its memory allows.
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
        if is_described(X) or is_cube_list(X):
            factors, _ = self._find_factors(cubes, self.unit_)
        else:
            factors = self.factors_  # an array says nothing about itself
        converted = []
        for cube, cube_factors in with_bands(cubes, factors):
            converted.append(self._multiply(cube, cube_factors))
        return self._like_inputs(X, converted)

    def _find_factors(self, cubes, unit):
        """Return the factors of all bands to a unit, and their sources."""
        names = all_band_names(cubes)
        calibrations = _one_for_each_band(self.calibration, names, "calibration")
        wavelengths = _one_for_each_band(self.wavelengths, names, "wavelengths")
        _check_wavelengths(wavelengths, names)
        factors = []
        sources = []
        for cube, *values in with_bands(cubes, calibrations, wavelengths):
            for band in _describe_bands(cube, *values):
                factor, source = _find_factor(band, unit)
                factors.append(factor)
                sources.append(source)
        return np.array(factors), tuple(sources)

    def _multiply(self, cube, factors):
        """Return a cube whose bands are multiplied by factors."""
        # One number for each value of a row of pixels: short loops over bands are slow.
        row_factors = np.tile(factors.astype(cube.dtype), cube.shape[1])
        row_factors = row_factors.reshape(cube.shape[1:])

        def multiply(data, errors):
            if errors is not None:
                errors = errors * row_factors
            return data * row_factors, errors

        data, errors = map_pixels(
            multiply, cube.data, cube.errors, n_jobs=self.n_jobs, in_place=not self.copy
        )
        return cube.replace(
            data=data, errors=errors, band_units=[self.unit_] * cube.shape[2]
        )


def _parse_unit(unit):
    """Return a unit from its name; refuse magnitudes and other logarithms."""
    try:
        parsed = units.Unit(unit)
    except ValueError as error:
        raise ValueError(f"astropy does not know the unit {unit!r}.") from error
    if not isinstance(parsed, units.UnitBase):
        raise ValueError(
            f"unit must be one of flux, not of its logarithm, got {unit!r}. Logarithms "
            "of fluxes come from AsinhStretch and FluxShape."
        )
    return parsed


def _one_for_each_band(values, band_names, parameter):
    """Return one value for each band, None where there is none.

    Parameters
    ----------
    values : float, Quantity, sequence, dict or None
        The parameter, as users may give it.
    band_names : list of str
        Names of all bands.
    parameter : str
        Name of the parameter.
    """
    is_one_number = values is None or isinstance(values, Real)
    if getattr(values, "isscalar", is_one_number):  # of a Quantity
        values = [values] * len(band_names)
    values = one_per_band(
        values,
        band_names,
        kind=f"value of {parameter}",
        requirement=f"{parameter} must be one value or one",
    )
    for number, value in enumerate(values):
        if value is None:
            continue
        magnitude = getattr(value, "value", value)
        if not isinstance(value, Real | units.Quantity) or not np.isscalar(magnitude):
            raise ValueError(
                f"{parameter} of band {band_names[number]!r} must be a number or a "
                f"Quantity, got {value!r}."
            )
        if np.isnan(magnitude):
            values[number] = None
    return values


def _check_wavelengths(wavelengths, band_names):
    """Refuse wavelengths without a unit of wavelength (or frequency)."""
    for value, name in zip(wavelengths, band_names, strict=True):
        unit = getattr(value, "unit", units.one)
        if value is not None and not unit.is_equivalent(units.m, units.spectral()):
            raise ValueError(
                f"The wavelength of band {name!r} needs a unit such as nm, got {value}."
            )


class _Band(NamedTuple):
    """What is known about the values of one band."""

    name: str
    unit: units.UnitBase | None
    zero_point: float  # AB magnitude of a value of 1, or NaN
    calibration: float | units.Quantity | None  # that the user gives
    wavelength: units.Quantity | None
    pixel_area: units.Quantity | None
    beam_area: units.Quantity  # NaN if unknown


class _UnknownError(ValueError):
    """Something that a conversion needs is not known."""


def _describe_bands(cube, calibrations, wavelengths):
    """Return what is known about each band of a cube.

    `calibrations` and `wavelengths` have one value for each band, None for those of the
    cube.
    """
    cube_wavelengths = [None] * cube.shape[2]
    if cube.band_coordinates is not None:
        try:
            cube_wavelengths = cube.band_coordinates.to(units.AA, units.spectral())
        except units.UnitConversionError:
            pass  # velocities
    pixel_area = _find_pixel_area(cube)
    bands = []
    for number, name in enumerate(cube.band_names):
        wavelength = wavelengths[number]
        if wavelength is None:
            wavelength = cube_wavelengths[number]
        if wavelength is not None and not np.isfinite(wavelength):
            wavelength = None
        fwhm = cube.fwhm[number] * units.arcsec
        band = _Band(
            name=name,
            unit=cube.band_units[number],
            zero_point=cube.zero_points[number],
            calibration=calibrations[number],
            wavelength=wavelength,
            pixel_area=pixel_area,
            beam_area=np.pi / (4 * np.log(2)) * fwhm**2,  # of a Gaussian
        )
        bands.append(band)
    return bands


def _find_pixel_area(cube):
    """Return the solid angle of a pixel, None if unknown."""
    if cube.wcs is not None:
        return proj_plane_pixel_area(cube.wcs) * units.deg**2
    if cube.pixel_scale is not None:
        return np.prod(cube.pixel_scale) * units.arcsec**2
    return None


def _find_factor(band, target):
    """Return the factor of a band to another unit, and where it comes from."""
    try:
        return _factor_and_source(band, target)
    except _UnknownError as error:
        if band.unit is None:
            unit = "has no known unit"
        else:
            unit = f"is in {band.unit}"
        raise ValueError(
            f"Band {band.name!r} {unit} and cannot be converted to {target}: {error}"
        ) from error


def _factor_and_source(band, target):
    """Return the same; raise an error that says what is not known about the band."""
    if band.calibration is not None:
        janskys = _janskys_by_calibration(band)
        return janskys / _janskys(target, band), "calibration"
    if band.unit is not None:
        equivalencies = _equivalencies(band.wavelength)
        if band.unit.is_equivalent(target, equivalencies):
            return band.unit.to(target, equivalencies=equivalencies), "unit"
        if is_flux(band.unit):
            return _janskys(band.unit, band) / _janskys(target, band), "unit"
    if np.isfinite(band.zero_point):
        janskys = (band.zero_point * units.ABmag).to_value(units.Jy)
        return janskys / _janskys(target, band), "zero point"
    raise _UnknownError(
        "its zero point is unknown. Pass calibration, for instance the AB magnitude "
        "of a value of 1, or give the cube zero_points."
    )


def _janskys_by_calibration(band):
    """Return what a value of 1 is worth by the calibration of a band, in janskys."""
    calibration = band.calibration
    if isinstance(calibration, Real):
        return (calibration * units.ABmag).to_value(units.Jy)
    flux = getattr(calibration, "physical", calibration)  # of a magnitude
    return flux.value * _janskys(flux.unit, band)


def _janskys(unit, band):
    """Return a unit of flux density or surface brightness in janskys per pixel."""
    equivalencies = _equivalencies(band.wavelength)
    for area in _AREAS:
        flux = unit * area
        if flux.is_equivalent(units.Jy, equivalencies):
            factor = flux.to(units.Jy, equivalencies=equivalencies)
            return factor * _areas_per_pixel(area, band)
    if is_flux(unit):
        raise _UnknownError(
            f"{unit} depends on the wavelength of the band, which is unknown. Pass "
            "wavelengths, or give the cube band_coordinates."
        )
    raise _UnknownError(f"{unit} measures neither flux density nor surface brightness.")


# Cached, as below: astropy takes milliseconds, and is asked for each band and step.
@lru_cache
def _equivalencies(wavelength):
    """Return what astropy may take for equal in a band; a wavelength may be None."""
    equivalencies = list(units.zero_point_flux(1 * units.AB))
    if wavelength is not None:
        equivalencies += units.spectral_density(wavelength)
    return equivalencies


@lru_cache
def is_flux(unit):
    """Return whether a unit is one of flux density or surface brightness."""
    equivalencies = _equivalencies(1 * units.AA)  # any wavelength
    for area in _AREAS:
        if (unit * area).is_equivalent(units.Jy, equivalencies):
            return True
    return False


def _areas_per_pixel(area, band):
    """Return how many of the areas that a unit is divided by make up a pixel."""
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
