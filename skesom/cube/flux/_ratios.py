# SPDX-License-Identifier: BSD-3-Clause
"""Turn bands into colors: logarithms of their ratios to one band."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.blocks import each_block
from skesom.cube._base import CubeTransformer
from skesom.cube.flux._derived_bands import check_noise, common_factors, derived_cube
from skesom.cube.flux._flux_scale import measure_flux_scale


class BandRatios(CubeTransformer):
    """Turn the bands into logarithms of their ratios to a reference band.

    Parameters
    ----------
    reference : int or str, default=0
        Number or name of the band that the others are divided by.
    method : {"asinh", "log"}, default="asinh"
        What to do with fluxes near the noise, whose logarithm means nothing.
        ``"asinh"`` takes differences of asinh magnitudes: logarithms of ratios where
        both bands are bright, a constant where both are noise, and always a number.
        ``"log"`` takes logarithms, and gives NaN unless both fluxes are brighter than
        `softening` times their noise.
    softening : float, default=3.0
        Flux at which the straight line turns into a logarithm, or below which there is
        no ratio, in units of the noise.
    brightness : bool, default=False
        Whether to add a last band with the logarithm of the reference band.
    noise : float or array-like of shape (n_bands,), default=None
        Standard deviation per pixel in each band, in the unit of the band. By default
        it is measured.
    subtract_sky : "auto" or bool, default="auto"
        Whether to subtract the level of the sky first, see `AsinhStretch`.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Attributes
    ----------
    reference_ : int
        Number of the reference band.
    noise_ : ndarray of shape (n_bands,)
        Standard deviation per pixel in each band.
    sky_level_ : ndarray of shape (n_bands,)
        What is subtracted from each band.
    sky_dominated_ : bool
        Whether most of the fitted frame is sky.
    unit_factors_ : ndarray of shape (n_bands,)
        What fluxes are multiplied by before they are compared; 1 for bands in the unit
        of the first one.
    n_features_in_ : int
        Number of bands.

    See Also
    --------
    FluxShape : Shares of the sum of all bands.
    ColorScaler : Lets colors count beside brightness.

    Notes
    -----
    Ratios are in decades (dex), magnitudes divided by -2.5. A band is named by both,
    as ``"F438W/F814W"``. With the noise n of a band and b = softening * n, its asinh
    magnitude is taken as in [1]_ ::

        (asinh(flux / b) + log(b / 2)) / log(10)

    which for bright pixels is the decimal logarithm of the flux. Where the flux is 0 it
    is that of b / 2, so that colors of empty pixels are all alike.

    Bands in other units than the first are converted; one that cannot be is an error.
    Errors of the cube are propagated to first order.

    References
    ----------
    .. [1] R. H. Lupton, J. E. Gunn and A. S. Szalay, "A Modified Magnitude System that
       Produces Well-Behaved Magnitudes, Colors, and Errors Even for Low Signal-to-Noise
       Ratio Measurements", The Astronomical Journal 118 (1999), 1406.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import BandRatios, Cube
    >>> flux = np.random.default_rng(0).normal(0, 1, (64, 64, 3))
    >>> flux[20, 20] = 1e4, 1e5, 1e3
    >>> cube = Cube(flux, band_names=["B", "V", "I"])
    >>> colors = BandRatios("B").fit_transform(cube)
    >>> colors.band_names, colors.data[20, 20].round(2)
    (('V/B', 'I/B'), array([ 1., -1.]))
    """

    _parameter_constraints = {
        "reference": [Integral, str],
        "method": [StrOptions({"asinh", "log"})],
        "softening": [Interval(Real, 0, None, closed="neither")],
        "brightness": ["boolean"],
        "noise": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "subtract_sky": [StrOptions({"auto"}), "boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        reference=0,
        *,
        method="asinh",
        softening=3.0,
        brightness=False,
        noise=None,
        subtract_sky="auto",
        n_jobs=None,
    ):
        self.reference = reference
        self.method = method
        self.softening = softening
        self.brightness = brightness
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
        self : BandRatios
            The fitted transformer.

        Raises
        ------
        ValueError
            If there is one band only, or no such reference band, all pixels are masked,
            a band is constant, the given noise does not fit the bands, or their units
            differ in kind.
        """
        cube = self._check_cube(X, reset=True)
        reference = self._find_reference(cube)
        factors = common_factors(cube)
        scale = measure_flux_scale(cube, self.noise, self.subtract_sky, self.n_jobs)
        check_noise(cube, scale.noise)
        self.reference_ = reference
        self.noise_ = scale.noise
        self.sky_level_ = scale.level
        self.sky_dominated_ = scale.sky_dominated
        self.unit_factors_ = factors
        return self

    def transform(self, X):
        """Take logarithms of ratios.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube; NaN marks masked pixels.

        Returns
        -------
        ratios : Cube or ndarray of shape (n_rows, n_columns, n_bands - 1 [+ 1])
            In decades, of the same float type. A pixel that lacks the reference band
            has none.
        """
        check_is_fitted(self)
        cube = self._check_cube(X, reset=False)
        others = [b for b in range(cube.shape[2]) if b != self.reference_]
        reference = cube.band_names[self.reference_]
        names = [f"{cube.band_names[band]}/{reference}" for band in others]
        names += ["brightness"] * self.brightness
        data = np.empty((*cube.shape[:2], len(names)), dtype=cube.dtype)
        errors = None if cube.errors is None else np.empty_like(data)

        def compare(rows):
            below, uncertain = self._logarithm(cube, rows, self.reference_)
            for place, band in enumerate(others):
                above, error = self._logarithm(cube, rows, band)
                data[rows, :, place] = above - below
                if errors is not None:
                    errors[rows, :, place] = np.hypot(error, uncertain)
            if self.brightness:
                data[rows, :, -1] = below
                if errors is not None:
                    errors[rows, :, -1] = uncertain

        each_block(compare, cube.shape, self.n_jobs)
        ratios = derived_cube(cube, data, names, errors=errors)
        return self._like_input(X, ratios)

    def _find_reference(self, cube):
        """Return the number of the reference band."""
        n_bands = cube.shape[2]
        if n_bands == 1:
            raise ValueError("BandRatios needs two bands at least, got one.")
        if isinstance(self.reference, str):
            if self.reference not in cube.band_names:
                raise ValueError(
                    f"There is no band {self.reference!r} to divide by, only "
                    f"{list(cube.band_names)}."
                )
            return cube.band_names.index(self.reference)
        if not 0 <= self.reference < n_bands:
            raise ValueError(
                f"There is no band number {self.reference} to divide by: the {n_bands} "
                "bands are counted from 0."
            )
        return int(self.reference)

    def _logarithm(self, cube, rows, band):
        """Return decimal logarithms of a band and their errors, None without any."""
        flux = cube.data[rows, :, band] - self.sky_level_[band]
        least = self.softening * self.noise_[band]
        factor = self.unit_factors_[band]
        if self.method == "asinh":
            value = (np.arcsinh(flux / least) + np.log(least / 2 * factor)) / np.log(10)
            scale = np.hypot(flux, least)
        else:
            scale = np.where(flux > least, flux, np.nan)
            value = np.log10(scale * factor)
        if cube.errors is None:
            return value, None
        return value, cube.errors[rows, :, band] / (scale * np.log(10))
