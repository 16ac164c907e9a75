# SPDX-License-Identifier: BSD-3-Clause
"""Compare the bands of each pixel, so that clusters follow shape, not brightness."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from astropy import units
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.strip_calls import map_pixels
from skesom._common.warn import warn_unused, warn_user
from skesom.cube.base import CubeTransformer
from skesom.cube.flux.flux_scale import measure_flux_scale
from skesom.cube.masking.sky_tiles import sampled

# Noise of a band, in units of that of another one, from which they can hardly be in one
# unit.
_NO_COMMON_UNIT = 1e5


class FluxShape(CubeTransformer):
    """Divide the fluxes of each pixel by their sum, or by the flux of one band.

    Parameters
    ----------
    reference : int, str or None, default=None
        Number or name of the band that the others are divided by: the new bands are
        logarithms of ratios, as colors are. None divides by the sum of all bands.
    method : {"asinh", "log"}, default="asinh"
        How fluxes near the noise are compared with a `reference`. ``"asinh"`` takes
        differences of asinh magnitudes, which are always numbers. ``"log"`` takes
        logarithms, NaN unless both fluxes exceed `softening` times their noise.
    brightness : bool, default=False
        Whether to add a last band with the logarithm of the sum, as `AsinhStretch`
        would make it, or of the reference band.
    softening : float, default=3.0
        Flux (the sum, or that of a band) in units of its noise at which logarithms turn
        into straight lines, and below which shapes fade.
    noise : float or array-like of shape (n_bands,), default=None
        Standard deviation per pixel in the unit of each band; measured by default.
    subtract_sky : "auto" or bool, default="auto"
        Whether to subtract the level of the sky first, see `AsinhStretch`.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    reference_ : int or None
        Number of the reference band.
    noise_, sky_level_ : ndarray of shape (n_bands,)
        Standard deviation per pixel of each band, and what is subtracted from it.
    sky_certainty_ : float
        That the fitted frame has sky, from 0 to 1, see `SkyMasker`.
    unit_factors_ : ndarray of shape (n_bands,)
        What fluxes are multiplied by to have the unit of the first band.
    total_noise_ : float
        Standard deviation of the sum.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If all pixels are masked, all bands (or, with a `reference`, one) are constant,
        noise or reference do not fit the bands, or their units differ in kind.

    Warns
    -----
    UserWarning
        If the sum may be the flux of one band, because units are unknown.

    See Also
    --------
    AsinhStretch : Leaves shape and brightness together.
    ColorScaler : Lets colors count beside brightness.

    Notes
    -----
    With the sum s of the fluxes f, of which the noise is n, the new values are ::

        f / sqrt(s^2 + (softening * n)^2)

    For bright pixels these are the shares of the bands; below the noise they go to 0.
    The added band is ``asinh(s / (softening * n))``.

    Ratios to a reference band are in decades (dex), magnitudes divided by -2.5, in
    bands such as ``"F438W/F814W"``. With the noise n of a band and b = softening * n,
    its asinh magnitude is taken as in [1]_ ::

        (asinh(f / b) + log(b / 2)) / log(10)

    A pixel that lacks a band has no sum, so all its values become NaN; one that lacks
    the reference band has no ratios. Errors of the cube are propagated to first order.

    References
    ----------
    .. [1] R. H. Lupton, J. E. Gunn and A. S. Szalay, "A Modified Magnitude System that
       Produces Well-Behaved Magnitudes, Colors, and Errors Even for Low Signal-to-Noise
       Ratio Measurements", The Astronomical Journal 118 (1999), 1406.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import Cube, FluxShape
    >>> rng = np.random.default_rng(0)
    >>> flux = rng.normal(0, 1, (64, 64, 2))
    >>> flux[20, 20] = 600, 200
    >>> flux[40, 40] = 6000, 2000
    >>> shape = FluxShape().fit_transform(flux)
    >>> shape[[20, 40], [20, 40]].round(2)
    array([[0.75, 0.25],
           [0.75, 0.25]])
    >>> colors = FluxShape("V").fit_transform(Cube(flux, band_names=["B", "V"]))
    >>> colors.band_names, colors.data[[20, 40], [20, 40], 0].round(2)
    (('B/V',), array([0.48, 0.48]))
    """

    works_pixelwise = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "sky_level_": "reals features",
        "noise_": "reals features",
        "unit_factors_": "reals features",
    }

    _parameter_constraints = {
        "reference": [Integral, str, None],
        "method": [StrOptions({"asinh", "log"})],
        "brightness": ["boolean"],
        "softening": [Interval(Real, 0, None, closed="neither")],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "subtract_sky": [StrOptions({"auto"}), "boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        reference: int | str | None = None,
        *,
        method: Literal["asinh", "log"] = "asinh",
        brightness: bool = False,
        softening: float = 3.0,
        noise: float | ArrayLike | None = None,
        subtract_sky: Literal["auto"] | bool = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.reference = reference
        self.method = method
        self.brightness = brightness
        self.softening = softening
        self.noise = noise
        self.subtract_sky = subtract_sky
        self.n_jobs = n_jobs

    def _fit(self, X):
        cube = self._check_cube(X, reset=True)
        reference = _find_reference(cube, self.reference)
        factors = _common_factors(cube)
        scale = measure_flux_scale(
            cube,
            sampled(cube.data),
            noise=self.noise,
            subtract_sky=self.subtract_sky,
            n_jobs=self.n_jobs,
        )
        total_noise = float(np.linalg.norm(scale.noise * factors))
        if reference is not None or total_noise == 0:
            _refuse_constant_bands(cube, scale.noise)
        if reference is None:
            warn_unused(self, ["method"], "reference=None")
            _warn_of_unequal_bands(cube, scale.noise * factors)
        self.reference_ = reference
        self.sky_level_ = scale.level
        self.noise_ = scale.noise
        self.sky_certainty_ = scale.sky_certainty
        self.unit_factors_ = factors
        self.total_noise_ = total_noise

    def _apply(self, cube):
        names = list(cube.band_names)
        if self.reference_ is not None:
            reference_name = names.pop(self.reference_)
            names = [f"{name}/{reference_name}" for name in names]
        if self.brightness:
            names.append("brightness")
        # With the attributes of now, as a lazy cube is computed later.
        if self.reference_ is None:
            compare = partial(
                _find_shares,
                level=self.sky_level_,
                unit_factors=self.unit_factors_,
                softening=self.softening * self.total_noise_,
                with_brightness=self.brightness,
            )
        else:
            compare = partial(
                _find_ratios,
                level=self.sky_level_,
                unit_factors=self.unit_factors_,
                softening=self.softening * self.noise_,
                with_brightness=self.brightness,
                reference=self.reference_,
                method=self.method,
            )
        data, errors = map_pixels(
            compare, cube.data, cube.errors, n_bands=len(names), n_jobs=self.n_jobs
        )
        if self.reference_ is not None:
            coordinates = None  # of a ratio
        else:
            coordinates = cube.band_coordinates
        if self.brightness and coordinates is not None:
            coordinates = np.append(coordinates, np.nan * coordinates.unit)
        has_one_fwhm = np.ptp(cube.fwhm) == 0
        fwhm = cube.fwhm[0] if has_one_fwhm else np.nan
        return cube.replace(
            data=data,
            errors=errors,
            band_names=names,
            band_units=[units.dimensionless_unscaled] * len(names),
            band_coordinates=coordinates,
            fwhm=np.full(len(names), fwhm),
        )


def _find_shares(flux, errors, *, level, unit_factors, softening, with_brightness):
    """Return the shares of some rows and their errors, those of brightness last.

    Parameters
    ----------
    flux : ndarray of shape (n_rows, n_columns, n_bands)
        Fluxes.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Their standard deviations.
    level, unit_factors : ndarray of shape (n_bands,)
        What is subtracted from fluxes, and what they are multiplied by then.
    softening : float
        Sum of the fluxes below which shares fade.
    with_brightness : bool
        Whether the asinh of the sum becomes the last band.
    """
    flux = np.subtract(flux, level, order="C") * unit_factors
    total = flux.sum(axis=2, keepdims=True)
    scale = np.hypot(total, softening)
    shares = flux / scale
    if with_brightness:
        shares = np.dstack([shares, np.arcsinh(total / softening)])
    if errors is None:
        return shares, None
    variance = (errors * unit_factors) ** 2
    total_variance = variance.sum(axis=2, keepdims=True)
    # Derivatives of a share, f / hypot(total, softening), by the other fluxes and by f.
    by_others = flux * total / scale**3
    by_itself = 1 / scale - by_others
    variance_of_others = np.maximum(total_variance - variance, 0)
    share_variance = by_itself**2 * variance + by_others**2 * variance_of_others
    share_errors = np.sqrt(share_variance)
    if with_brightness:
        share_errors = np.dstack([share_errors, np.sqrt(total_variance) / scale])
    return shares, share_errors


def _find_ratios(
    flux, errors, *, level, unit_factors, softening, with_brightness, reference, method
):
    """Return the logarithms of ratios to a reference band, and their errors.

    As `_find_shares`, but `softening` has the shape (n_bands,), and the last band is
    the logarithm of the reference band.
    """
    flux = np.subtract(flux, level, order="C")
    if method == "asinh":
        # asinh(x) becomes log(2 x), so this makes it the logarithm of the flux.
        zero = np.log(softening / 2 * unit_factors)
        logarithms = (np.arcsinh(flux / softening) + zero) / np.log(10)
        scale = np.hypot(flux, softening)
    else:
        scale = np.where(flux > softening, flux, np.nan)
        logarithms = np.log10(scale * unit_factors)
    denominator = logarithms[..., [reference]]
    ratios = np.delete(logarithms, reference, axis=2) - denominator
    if with_brightness:
        ratios = np.dstack([ratios, denominator])
    if errors is None:
        return ratios, None
    deviations = errors / (scale * np.log(10))
    denominator_errors = deviations[..., [reference]]
    numerator_errors = np.delete(deviations, reference, axis=2)
    ratio_errors = np.hypot(numerator_errors, denominator_errors)
    if with_brightness:
        ratio_errors = np.dstack([ratio_errors, denominator_errors])
    return ratios, ratio_errors


def _find_reference(cube, reference):
    """Return the number of the reference band, None if there is none."""
    if reference is None:
        return None
    names = cube.band_names
    if len(names) == 1:
        raise ValueError("Ratios of bands need two bands at least, got one.")
    if reference in names:
        return names.index(reference)
    if isinstance(reference, str):
        band = repr(reference)
    elif not 0 <= reference < len(names):
        band = f"number {reference}"
    else:
        return int(reference)
    raise ValueError(
        f"There is no band {band} to divide by, only {list(names)}. The "
        f"{len(names)} bands are counted from 0."
    )


def _common_factors(cube):
    """Return the factors of fluxes to the unit of the first band that has one."""
    factors = np.ones(cube.shape[2])
    common_unit = None
    common_name = None
    for band, unit in enumerate(cube.band_units):
        if unit is None:
            continue
        if common_unit is None:
            common_unit = unit
            common_name = cube.band_names[band]
        try:
            factors[band] = unit.to(common_unit)
        except (units.UnitConversionError, TypeError) as error:
            raise ValueError(
                f"Band {cube.band_names[band]!r} is in {unit}, and band "
                f"{common_name!r} in {common_unit}: their fluxes cannot be compared. "
                "Bring them to one unit with FluxUnitConverter before."
            ) from error
    return factors


def _refuse_constant_bands(cube, noise):
    """Refuse bands without noise."""
    constant = np.flatnonzero(noise == 0)
    if len(constant) > 0:
        names = ", ".join(repr(cube.band_names[band]) for band in constant)
        raise ValueError(
            "These bands are constant, so that there is no noise to separate faint "
            f"from bright: {names}. Leave them out, or state the noise."
        )


def _warn_of_unequal_bands(cube, noise):
    """Warn where a sum over bands is the flux of one, because units are not known."""
    bands = np.flatnonzero(noise > 0)
    if None not in cube.band_units or len(bands) < 2:
        return
    faintest = bands[np.argmin(noise[bands])]
    brightest = bands[np.argmax(noise[bands])]
    if noise[brightest] > _NO_COMMON_UNIT * noise[faintest]:
        ratio = noise[brightest] / noise[faintest]
        warn_user(
            f"The noise of band {cube.band_names[brightest]!r} is {ratio:.1g} times "
            f"that of band {cube.band_names[faintest]!r}, and not all units are known: "
            "the sum may be the flux of one band. Use FluxUnitConverter before."
        )
