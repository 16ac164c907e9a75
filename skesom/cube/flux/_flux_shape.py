# SPDX-License-Identifier: BSD-3-Clause
"""Divide spectra by their total flux, so that clusters follow shape, not brightness."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.blocks import each_block
from skesom.cube._base import CubeTransformer
from skesom.cube.flux._derived_bands import check_noise, common_factors, derived_cube
from skesom.cube.flux._flux_scale import measure_flux_scale

_NO_COMMON_UNIT = 1e5  # times the noise of another band


class FluxShape(CubeTransformer):
    """Divide the fluxes of each pixel by their sum over the bands.

    Parameters
    ----------
    brightness : bool, default=False
        Whether to add a last band with the logarithm of the sum, as `AsinhStretch`
        would make it: clusters then follow brightness as one feature among many.
    softening : float, default=3.0
        Sum, in units of its noise, below which pixels have less and less of a shape.
    noise : float or array-like of shape (n_bands,), default=None
        Standard deviation per pixel in each band, in the unit of the band. By default
        it is measured.
    subtract_sky : "auto" or bool, default="auto"
        Whether to subtract the level of the sky first, see `AsinhStretch`.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    noise_ : ndarray of shape (n_bands,)
        Standard deviation per pixel in each band.
    sky_level_ : ndarray of shape (n_bands,)
        What is subtracted from each band.
    sky_dominated_ : bool
        Whether most of the fitted frame is sky.
    unit_factors_ : ndarray of shape (n_bands,)
        What fluxes are multiplied by before they are added; 1 for bands in the unit of
        the first one.
    total_noise_ : float
        Standard deviation of the sum.
    n_features_in_ : int
        Number of bands.

    See Also
    --------
    BandRatios : Ratios to one band instead of the sum.
    AsinhStretch : Leaves shape and brightness together.

    Notes
    -----
    With the sum s of the fluxes f, of which the noise is n, the new values are ::

        f / sqrt(s^2 + (softening * n)^2)

    For bright pixels these are the shares of the bands, which add up to 1. Where there
    is no more than noise they go to 0, smoothly, while shares would explode; no pixel
    is lost. The added band is ``asinh(s / (softening * n))``.

    A pixel that lacks a band has no sum, so all its values become NaN. Bands in other
    units than the first are converted; one that cannot be is an error. Errors of the
    cube are propagated to first order, those of the sum included.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import FluxShape
    >>> rng = np.random.default_rng(0)
    >>> flux = rng.normal(0, 1, (64, 64, 2))
    >>> flux[20, 20] = 600, 200
    >>> flux[40, 40] = 6000, 2000
    >>> shape = FluxShape().fit_transform(flux)
    >>> shape[[20, 40], [20, 40]].round(2)
    array([[0.75, 0.25],
           [0.75, 0.25]])
    """

    _parameter_constraints = {
        "brightness": ["boolean"],
        "softening": [Interval(Real, 0, None, closed="neither")],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "subtract_sky": [StrOptions({"auto"}), "boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        brightness=False,
        softening=3.0,
        noise=None,
        subtract_sky="auto",
        n_jobs=None,
    ):
        self.brightness = brightness
        self.softening = softening
        self.noise = noise
        self.subtract_sky = subtract_sky
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Measure noise and sky of each band.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks masked pixels.
        y : None
            Ignored.

        Returns
        -------
        self : FluxShape
            The fitted transformer.

        Raises
        ------
        ValueError
            If all pixels are masked, all bands are constant, the given noise does not
            fit the bands, or their units differ in kind.
        """
        cube = self._check_cube(X, reset=True)
        factors = common_factors(cube)
        scale = measure_flux_scale(cube, self.noise, self.subtract_sky, self.n_jobs)
        total_noise = float(np.linalg.norm(scale.noise * factors))
        if total_noise == 0:
            check_noise(cube, scale.noise)
        _warn_of_unequal_bands(cube, scale.noise * factors)
        self.noise_ = scale.noise
        self.sky_level_ = scale.level
        self.sky_dominated_ = scale.sky_dominated
        self.unit_factors_ = factors
        self.total_noise_ = total_noise
        return self

    def transform(self, X):
        """Divide fluxes by their sum.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks masked pixels.

        Returns
        -------
        shape : Cube or ndarray of shape (n_rows, n_columns, n_bands [+ 1])
            Pure numbers of the same float type.
        """
        check_is_fitted(self)
        cube = self._check_cube(X, reset=False)
        names = list(cube.band_names) + ["brightness"] * self.brightness
        data = np.empty((*cube.shape[:2], len(names)), dtype=cube.dtype)
        errors = None if cube.errors is None else np.empty_like(data)
        soft = self.softening * self.total_noise_

        def divide(rows):
            flux = np.subtract(cube.data[rows], self.sky_level_, order="C")
            flux *= self.unit_factors_
            total = flux.sum(axis=2)
            scale = np.hypot(total, soft)
            data[rows] = _with(flux / scale[:, :, None], np.arcsinh(total / soft), data)
            if errors is not None:
                deviation = cube.errors[rows] * self.unit_factors_
                errors[rows] = _with(*_errors(deviation, flux, total, scale), data)

        each_block(divide, cube.shape, self.n_jobs)
        coordinates = cube.band_coordinates
        if self.brightness and coordinates is not None:
            coordinates = np.append(coordinates, np.nan * coordinates.unit)
        shape = derived_cube(cube, data, names, coordinates, errors)
        return self._like_input(X, shape)


def _with(shares, brightness, out):
    """Return the shares, followed by the brightness if there is a place for it."""
    if out.shape[2] == shares.shape[2]:
        return shares
    return np.dstack([shares, brightness])


def _errors(deviation, flux, total, scale):
    """Return the standard deviations of shares and brightness, to first order."""
    variance = deviation**2
    of_total = variance.sum(axis=2)
    total, scale = total[:, :, None], scale[:, :, None]
    by_others = flux * total / scale**3
    by_itself = 1 / scale - by_others
    of_others = np.maximum(of_total[:, :, None] - variance, 0)
    of_shares = by_itself**2 * variance + by_others**2 * of_others
    return np.sqrt(of_shares), np.sqrt(of_total) / scale[:, :, 0]


def _warn_of_unequal_bands(cube, noise):
    """Warn where a sum over bands is the flux of one, because units are not known."""
    known = noise > 0
    if None not in cube.band_units or known.sum() < 2:
        return
    faint, bright = (
        np.flatnonzero(known)[pick(noise[known])] for pick in (np.argmin, np.argmax)
    )
    if noise[bright] > _NO_COMMON_UNIT * noise[faint]:
        warnings.warn(
            f"The noise of band {cube.band_names[bright]!r} is "
            f"{noise[bright] / noise[faint]:.1g} times that of band "
            f"{cube.band_names[faint]!r}, and not all units are known: the sum may be "
            "the flux of one band. Bring the bands to one unit with FluxUnitConverter "
            "before.",
            UserWarning,
            stacklevel=4,
        )
