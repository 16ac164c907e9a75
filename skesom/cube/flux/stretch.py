# SPDX-License-Identifier: BSD-3-Clause
"""Compress fluxes so that faint and bright structure weigh alike."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from astropy import units
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.strip_calls import map_pixels
from skesom._common.warn import warn_user
from skesom._sky.units import unit_of
from skesom._types import CubeLike
from skesom.cube.base import CubeTransformer
from skesom.cube.flux.flux_scale import measure_flux_scale
from skesom.cube.masking.sky_tiles import sampled

if TYPE_CHECKING:
    from skesom.cube._container import Cube


_BRIGHT = 3  # times the noise, which noise alone seldom exceeds


class AsinhStretch(CubeTransformer):
    """Turn each flux into ``asinh((flux - sky) / scale)``.

    Parameters
    ----------
    softening : float, default=3.0
        Flux at which the straight line turns into a logarithm, in units of the noise.
    light : float, default=0.3
        The same in units of the median flux of the pixels that are brighter than three
        times the noise. The scale is the root of the sum of both squares, so that
        images of one galaxy look alike though one is deeper. 0 takes the noise alone.
    noise : float or array-like of shape (n_bands,), default=None
        Standard deviation per pixel in the unit of each band; measured by default.
    subtract_sky : "auto" or bool, default="auto"
        Whether to subtract the level of the sky first. ``"auto"`` does it where there
        is sky, and a part of it where that is not certain. True subtracts the level of
        the darkest parts in any case.
    copy : bool, default=True
        False overwrites the cube that is given, if its memory allows.
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
        scale = measure_flux_scale(
            cube,
            sample,
            noise=self.noise,
            subtract_sky=self.subtract_sky,
            n_jobs=self.n_jobs,
        )
        constant = np.array(cube.band_names)[scale.noise == 0]
        if len(constant) > 0:
            warn_user(
                f"These bands are constant and carry no information: "
                f"{', '.join(constant)}. Their stretched values are 0."
            )
        light = 0
        if self.light > 0:
            light = _typical_light(sample, scale)
        self.sky_level_ = scale.level
        self.noise_ = scale.noise
        self.sky_certainty_ = scale.sky_certainty
        self.scale_ = np.hypot(self.softening * scale.noise, self.light * light)
        # As text, which any format of models can hold.
        self._band_units = []
        for unit in cube.band_units:
            self._band_units.append(None if unit is None else unit.to_string())

    def _apply(self, cube):
        n_columns, n_bands = cube.shape[1:]
        factor = np.zeros(n_bands)  # of a constant band
        np.divide(1, self.scale_, out=factor, where=self.noise_ > 0)
        # One number for each value of a row of pixels: short loops over bands are slow.
        row_level = np.tile(self.sky_level_.astype(cube.dtype), n_columns)
        row_factor = np.tile(factor.astype(cube.dtype), n_columns)

        def stretch(flux, errors):
            rows = flux.reshape(-1, len(row_level)) - row_level
            rows *= row_factor
            if errors is not None:
                slope = row_factor / np.sqrt(1 + rows**2)
                errors = errors * slope.reshape(flux.shape)
            return np.arcsinh(rows, out=rows).reshape(flux.shape), errors

        data, errors = map_pixels(
            stretch, cube.data, cube.errors, n_jobs=self.n_jobs, in_place=not self.copy
        )
        return cube.replace(
            data=data,
            errors=errors,
            band_units=[units.dimensionless_unscaled] * n_bands,
        )

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
        scale = self.scale_.astype(cube.dtype)
        level = self.sky_level_.astype(cube.dtype)

        def unstretch(values, errors):
            flux = np.sinh(values, order="C")
            if errors is not None:
                errors = errors * scale * np.hypot(1, flux)
            flux *= scale
            flux += level
            return flux, errors

        data, errors = map_pixels(unstretch, cube.data, cube.errors, n_jobs=self.n_jobs)
        band_units = []
        for text in self._band_units:
            band_units.append(None if text is None else unit_of(text, "silent"))
        fluxes = cube.replace(data=data, errors=errors, band_units=band_units)
        return self._like_input(X, fluxes)


def _typical_light(data, scale):
    """Return the median flux of the bright pixels of each band, 0 without any."""
    light = np.zeros(data.shape[2])
    for band in np.flatnonzero(scale.noise):
        flux = data[:, :, band].astype(np.float64) - scale.level[band]
        bright = flux[flux > _BRIGHT * scale.noise[band]]
        if len(bright) > 0:
            light[band] = np.median(bright)
    return light
