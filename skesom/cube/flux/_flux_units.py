# SPDX-License-Identifier: BSD-3-Clause
"""Bring bands to one unit of flux."""

from numbers import Integral, Real

import numpy as np
from astropy import units
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from skesom._common.blocks import each_block
from skesom.cube._base import CubeTransformer
from skesom.cube._container import Cube
from skesom.cube._cube_list import check_cubes, is_cube_list
from skesom.cube.flux._calibration import conversion_factor, describe_bands


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
        Pivot wavelength, for all bands, for each, or by the name of some; needed
        between fluxes per frequency and per wavelength. By default the spectral
        coordinates of the cube.
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
    n_features_in_ : int
        Number of bands, of all cubes together.

    See Also
    --------
    skesom.io.read_cube : Finds units and zero points in FITS headers.
    BandRatios, FluxShape : Compare the fluxes of bands.

    Notes
    -----
    Each cube is converted by what it says itself of its units, zero points, pixels,
    beams and wavelengths; an array by what the fitted cube said. Errors are converted
    too.

    Fluxes per pixel change with the size of pixels, and fluxes per beam with the beam.
    So this step goes before `FWHMConvolver`, if a unit is per beam, and before
    `CubeAligner`, which then has to conserve flux, unless the new unit is one of
    surface brightness.

    A beam is taken to be a Gaussian of the cube's FWHM. Nanomaggies are taken to be
    3.631 uJy, as AB magnitudes have it.

    Examples
    --------
    A band of Hubble in electrons per second, with the PHOTFLAM and PHOTPLAM of its
    header, and one in MJy / sr:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from skesom.cube import Cube, FluxUnitConverter
    >>> cube = Cube(
    ...     np.ones((4, 5, 2)),
    ...     band_names=["F814W", "F150W"],
    ...     band_units=["electron / s", "MJy / sr"],
    ...     pixel_scale=(0.04, 0.04),
    ... )
    >>> photflam = 1.4985e-19 * u.erg / u.s / u.cm**2 / u.AA
    >>> converter = FluxUnitConverter(
    ...     "uJy",
    ...     calibration={"F814W": photflam},
    ...     wavelengths={"F814W": 8039 * u.AA},
    ... )
    >>> converted = converter.fit_transform(cube)
    >>> converted.data[0, 0].round(4), converted.band_units
    (array([0.323 , 0.0376]), (Unit("uJy"), Unit("uJy")))
    >>> converter.sources_
    ('calibration', 'unit')
    """

    _parameter_constraints = {
        "unit": [str, units.UnitBase],
        "calibration": [Real, units.Quantity, dict, "array-like", None],
        "wavelengths": [units.Quantity, dict, "array-like", None],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, unit="uJy", *, calibration=None, wavelengths=None, copy=True, n_jobs=None
    ):
        self.unit = unit
        self.calibration = calibration
        self.wavelengths = wavelengths
        self.copy = copy
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find what each band has to be multiplied by.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube, or cubes on different grids.
        y : None
            Ignored.

        Returns
        -------
        self : FluxUnitConverter
            The fitted transformer.

        Raises
        ------
        ValueError
            If a band cannot be converted; names the band and what is missing.
        """
        cubes = check_cubes(X, self, reset=True)
        unit = _parse_unit(self.unit)
        factors, sources = self._find_factors(cubes, unit)
        self.factors_ = factors
        self.sources_ = sources
        self.unit_ = unit
        return self

    def transform(self, X):
        """Convert the bands.

        Parameters
        ----------
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            The cube, or cubes on different grids; NaN marks masked pixels.

        Returns
        -------
        converted : Cube, ndarray of shape (n_rows, n_columns, n_bands) or list of Cube
            In the new unit, of the same float type.

        Raises
        ------
        ValueError
            If a band cannot be converted.
        """
        check_is_fitted(self)
        cubes = check_cubes(X, self, reset=False)
        factors = self.factors_
        if isinstance(X, Cube) or is_cube_list(X):
            factors, _ = self._find_factors(cubes, self.unit_)
        ends = np.cumsum([0] + [cube.shape[2] for cube in cubes])
        converted = [
            self._multiply(cube, factors[start : start + cube.shape[2]])
            for cube, start in zip(cubes, ends[:-1], strict=True)
        ]
        return converted if is_cube_list(X) else self._like_input(X, converted[0])

    def _find_factors(self, cubes, unit):
        """Return factors of all bands, and their sources."""
        names = [name for cube in cubes for name in cube.band_names]
        given = iter(_spread(self.calibration, names, "calibration"))
        wavelengths = _spread(self.wavelengths, names, "wavelengths")
        _check_wavelengths(wavelengths, names)
        wavelengths = iter(wavelengths)
        bands = []
        for cube in cubes:
            parts = [
                [next(part) for _ in cube.band_names] for part in (given, wavelengths)
            ]
            bands += describe_bands(cube, *parts)
        factors, sources = zip(
            *[conversion_factor(band, unit) for band in bands], strict=True
        )
        return np.array(factors), sources

    def _multiply(self, cube, factors):
        """Return a cube whose bands are multiplied by factors."""
        # One number for each value of a row of pixels: short loops over bands are slow.
        line = np.tile(factors.astype(cube.dtype), cube.shape[1])
        line = line.reshape(cube.shape[1:])
        in_place = not self.copy and cube.data.flags.carray
        data = cube.data if in_place else np.empty(cube.shape, dtype=cube.dtype)
        errors = None if cube.errors is None else np.empty(cube.shape, cube.dtype)

        def multiply(rows):
            np.multiply(cube.data[rows], line, out=data[rows])
            if errors is not None:
                np.multiply(cube.errors[rows], line, out=errors[rows])

        each_block(multiply, cube.shape, self.n_jobs)
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
            "of fluxes are the matter of AsinhStretch and BandRatios."
        )
    return parsed


def _spread(values, band_names, parameter):
    """Return one value for each band, None where there is none."""
    if isinstance(values, dict):
        unknown = [name for name in values if name not in band_names]
        if unknown:
            raise ValueError(
                f"{parameter} names the band {unknown[0]!r}, but there are only "
                f"{list(band_names)}."
            )
        values = [values.get(name) for name in band_names]
    elif (
        values is None or isinstance(values, Real) or getattr(values, "isscalar", False)
    ):
        values = [values] * len(band_names)
    values = list(values)
    if len(values) != len(band_names):
        raise ValueError(
            f"{parameter} must be one value or one for each of the {len(band_names)} "
            f"bands, got {len(values)}."
        )
    return [None if _is_nothing(value) else value for value in values]


def _is_nothing(value):
    """Tell whether no value is given; refuse what is no value."""
    if value is None:
        return True
    if not isinstance(value, Real | units.Quantity) or not np.isscalar(
        getattr(value, "value", value)
    ):
        raise ValueError(f"A number or Quantity is wanted, got {value!r}.")
    return bool(np.isnan(getattr(value, "value", value)))


def _check_wavelengths(wavelengths, band_names):
    """Refuse wavelengths without a unit of wavelength (or frequency)."""
    for value, name in zip(wavelengths, band_names, strict=True):
        unit = getattr(value, "unit", units.one)
        if value is not None and not unit.is_equivalent(units.m, units.spectral()):
            raise ValueError(
                f"The wavelength of band {name!r} needs a unit such as nm, got {value}."
            )
