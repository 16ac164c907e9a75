# SPDX-License-Identifier: BSD-3-Clause
"""Compress fluxes so that faint and bright structure weigh alike."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from astropy import units
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.noise import noise_from_neighbors
from skesom._common.strip_calls import map_pixels
from skesom._common.strips import WHOLE
from skesom._common.warn import warn_user
from skesom._sky.units import unit_of
from skesom._types import CubeLike
from skesom.cube.bands import numbers_per_band
from skesom.cube.base import CubeTransformer
from skesom.cube.masking.sky import measure_sky, sampled

if TYPE_CHECKING:
    from skesom.cube._container import Cube


_BRIGHT = 3  # times the noise: what noise alone seldom gives


class AsinhStretch(CubeTransformer):
    """Turn each flux into ``asinh((flux - sky) / scale)``.

    Parameters
    ----------
    softening : float, default=3.0
        Flux at which the straight line turns into a logarithm, in units of the noise.
    light : float, default=0.3
        The same in units of the median flux of the pixels that are brighter than three
        times the noise; the root of the sum of both squares is the scale. So images of
        one galaxy look alike though one is deeper. 0 takes the noise alone.
    noise : float or array-like of shape (n_bands,), default=None
        Standard deviation per pixel in the unit of each band; measured by default.
    subtract_sky : "auto" or bool, default="auto"
        Whether to subtract the level of the sky first. ``"auto"`` does it where there
        is sky, and a part of it where that is not certain. True subtracts the level of
        the darkest parts in any case.
    copy : bool, default=True
        False stretches the cube that is given, if its memory allows.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    noise_, sky_level_, scale_ : ndarray of shape (n_bands,)
        Standard deviation per pixel of each band (0 for a constant one), what is
        subtracted from it, and what it is divided by.
    sky_certainty_ : float
        That the fitted frame has sky, from 0 to 1, see `SkyMasker`.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If all pixels are masked, or the given noise does not fit the bands.

    Warns
    -----
    UserWarning
        If a band is constant: its stretched values are 0.

    Notes
    -----
    The sky is measured in the tiles of one dark level that `SkyMasker` finds, as far as
    it is certain of them, else in the darkest parts of the frame. So the sky may be
    masked before or after. Errors of the cube are propagated to first order.

    References
    ----------
    R. H. Lupton, J. E. Gunn and A. S. Szalay, "A Modified Magnitude System that
    Produces Well-Behaved Magnitudes, Colors, and Errors Even for Low Signal-to-Noise
    Ratio Measurements", The Astronomical Journal 118 (1999), 1406.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import AsinhStretch
    >>> flux = np.random.default_rng(0).normal(100, 2, (64, 64, 1))
    >>> flux[30, 30] = 10_000
    >>> stretch = AsinhStretch().fit(flux)
    >>> stretch.sky_level_.round(), stretch.noise_.round()
    (array([100.]), array([2.]))
    >>> stretch.transform(flux)[30, 30].round(1)
    array([8.])
    """

    works_pixelwise = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "sky_level_": "reals features",
        "noise_": "reals features",
        "scale_": "reals features",
    }

    _parameter_constraints = {
        "softening": [Interval(Real, 0, None, closed="neither")],
        "light": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "subtract_sky": [StrOptions({"auto"}), "boolean"],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        softening: float = 3.0,
        light: float = 0.3,
        noise: float | ArrayLike | None = None,
        subtract_sky: Literal["auto"] | bool = "auto",
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.softening = softening
        self.light = light
        self.noise = noise
        self.subtract_sky = subtract_sky
        self.copy = copy
        self.n_jobs = n_jobs

    def _fit(self, X):
        cube = self._check_cube(X, reset=True)
        sample = sampled(cube.data)  # of a lazy cube, computed once
        scale = measure_flux_scale(self, cube, sample)
        constant = np.array(cube.band_names)[scale.noise == 0]
        if len(constant):
            warn_user(
                f"These bands are constant and carry no information: "
                f"{', '.join(constant)}. Their stretched values are 0."
            )
        self.sky_level_, self.noise_, self.sky_certainty_ = scale
        light = _typical_light(sample, scale) if self.light > 0 else 0
        self.scale_ = np.hypot(self.softening * self.noise_, self.light * light)
        # As text, which any format of models can hold.
        self._band_units = [unit and unit.to_string() for unit in cube.band_units]

    def _apply(self, cube):
        known = self.noise_ > 0
        factor = np.divide(1, self.scale_, out=np.zeros(len(known)), where=known)
        # One number for each value of a row of pixels: short loops over bands are slow.
        level, factor = (
            np.tile(numbers.astype(cube.dtype), cube.shape[1])
            for numbers in (self.sky_level_, factor)
        )

        def stretch(flux, errors):
            block = flux.reshape(-1, len(level)) - level
            block *= factor
            if errors is not None:
                slope = factor / np.sqrt(1 + block**2)
                errors = errors * slope.reshape(flux.shape)
            return np.arcsinh(block, out=block).reshape(flux.shape), errors

        data, errors = map_pixels(
            stretch, cube.data, cube.errors, n_jobs=self.n_jobs, in_place=not self.copy
        )
        pure = [units.dimensionless_unscaled] * cube.shape[2]
        return cube.replace(data=data, errors=errors, band_units=pure)

    def inverse_transform(self, X: CubeLike) -> Cube | NDArray[Any]:
        """Bring stretched values back to fluxes.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            Stretched values.

        Returns
        -------
        flux : Cube or ndarray of shape (n_rows, n_columns, n_bands)
            The fluxes, with their errors; a constant band gets its zero point only.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import AsinhStretch
        >>> flux = np.random.default_rng(0).normal(100, 2, (64, 64, 1))
        >>> stretch = AsinhStretch().fit(flux)
        >>> np.allclose(stretch.inverse_transform(stretch.transform(flux)), flux)
        True
        """
        cube = self._check_cube(X, reset=False)
        scale, level = (
            numbers.astype(cube.dtype) for numbers in (self.scale_, self.sky_level_)
        )

        def unstretch(values, errors):
            flux = np.sinh(values, order="C")
            if errors is not None:
                errors = errors * scale * np.hypot(1, flux)
            flux *= scale
            flux += level
            return flux, errors

        data, errors = map_pixels(unstretch, cube.data, cube.errors, n_jobs=self.n_jobs)
        band_units = [text and unit_of(text, "silent") for text in self._band_units]
        fluxes = cube.replace(data=data, errors=errors, band_units=band_units)
        return self._like_input(X, fluxes)


class FluxScale(NamedTuple):
    """Zero point and noise of the bands of a cube."""

    level: np.ndarray  # what to subtract from each band
    noise: np.ndarray  # standard deviation per pixel; 0 for a constant band
    sky_certainty: float  # that there is sky, from 0 to 1


def measure_flux_scale(step, cube, sample):
    """Measure sky and noise by a sample, unless they are parameters of the step."""
    noise, subtract_sky = step.noise, step.subtract_sky
    if noise is not None:
        noise = numbers_per_band(noise, cube.band_names, "noise", positive=True)
    sky = measure_sky(sample, n_jobs=step.n_jobs)
    if np.isnan(sky.level).all():
        raise ValueError(
            "All pixels are masked (NaN), so there is no noise to scale by."
        )
    part = sky.certainty if subtract_sky == "auto" else float(subtract_sky)
    level = part * np.nan_to_num(sky.level)
    if noise is None:
        noise = _measured_noise(cube, sky)
    return FluxScale(level, noise, sky.certainty)


def _typical_light(data, scale):
    """Return the median flux of the pixels of each band that exceed its noise."""
    light = np.zeros(data.shape[2])
    for band in np.flatnonzero(scale.noise):
        flux = data[:, :, band].astype(np.float64) - scale.level[band]
        bright = flux[flux > _BRIGHT * scale.noise[band]]
        light[band] = np.median(bright) if len(bright) else 0
    return light


def _measured_noise(cube, sky):
    """Return the noise of each band."""
    noise = np.nan_to_num(sky.noise)
    if not noise.all():
        # A scene without noise: its steps from pixel to pixel take its place.
        data = sampled(cube.data, WHOLE)
        for band in np.flatnonzero(noise == 0):
            noise[band] = noise_from_neighbors(data[:, :, band])
    rounding = 16 * np.finfo(cube.dtype).eps * np.abs(np.nan_to_num(sky.level))
    noise[noise <= rounding] = 0
    return noise
