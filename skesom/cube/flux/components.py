# SPDX-License-Identifier: BSD-3-Clause
"""Keep of many correlated bands what rises above their noise."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom._common.estimator import by_fit
from skesom._common.strip_calls import map_pixels
from skesom._common.strips import WHOLE
from skesom._common.threads import one_blas_thread
from skesom.cube.base import CubeTransformer
from skesom.cube.masking.sky_tiles import sampled

# The variance of a component that is as much signal as noise, in variances of noise.
# More, or a fixed number of components, loses on some cubes (docs/wide_rows.md).
_LEAST_RATIO = 2.0


class ComponentFilter(CubeTransformer):
    """Keep of many bands what their principal components show above the noise.

    The bands stay bands: each spectrum is replaced by the part of it that the kept
    components explain, so that distances between spectra are those between the values
    of the components.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of principal components that are kept. "auto" keeps those with more
        signal than noise, and all if none has.
    max_bands : int, default=20
        Cubes of at most so many bands are left as they are.

    Attributes
    ----------
    mean_ : ndarray of shape (n_bands,)
        Mean of each band over the valid pixels. In frames of more than 4,194,304
        pixels, this and all else is measured in so many of them, in rows at equal
        steps.
    kept_components_ : ndarray of shape (n_kept, n_bands)
        The kept components, by falling variance; the largest entry of each is positive.
        The axes of the bands themselves where nothing was measured.
    variance_, noise_ : ndarray of shape (n_bands,)
        Variances of all components, falling, and of the noise in them; NaN where
        nothing was measured.
    n_components_ : int
        Number of kept components, the number of bands where all are kept.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If no pixel has all bands, or `n_components` exceeds the number of bands.

    See Also
    --------
    ColorScaler : Comes before, so that all bands count.
    BandBinner : Averages neighboring bands instead.
    sklearn.decomposition.PCA : For the values of the components themselves.

    Notes
    -----
    The noise of a component is half the mean square of the differences of pixels beside
    each other in a row [1]_. Structure adds to it, so that a component counts only if
    it varies more smoothly than noise does. Noise that neighbors share, as after
    resampling, counts as signal. Fewer valid pixels than bands tell too little:
    nothing is left out then.

    A missing band counts as its mean. Errors are propagated as those of independent
    values. The components with most signal to noise of [1]_ were no better than plain
    ones: `docs/wide_rows.md` has the table.

    References
    ----------
    .. [1] Green, A. A., Berman, M., Switzer, P. & Craig, M. D. (1988), "A
       transformation for ordering multispectral data in terms of image quality", IEEE
       Trans. Geosci. Remote Sens. 26, 65-74, doi:10.1109/36.3001

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import ComponentFilter
    >>> rng = np.random.default_rng(0)
    >>> left = np.arange(40)[:, np.newaxis] < 20
    >>> line = np.exp(-np.linspace(-3, 3, 50) ** 2)
    >>> cube = np.tile(left * line, (40, 1, 1)) + rng.normal(0, 0.3, (40, 40, 50))
    >>> component_filter = ComponentFilter().fit(cube)
    >>> component_filter.n_components_
    1
    >>> filtered = component_filter.transform(cube)
    >>> filtered.shape, bool(filtered[:, :20].std(axis=0).mean() < 0.1)
    ((40, 40, 50), True)
    """

    works_pixelwise = True

    mean_: NDArray[np.float64]
    kept_components_: NDArray[np.float64]
    variance_: NDArray[np.float64]
    noise_: NDArray[np.float64]
    n_components_: int

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "noise_": "reals features",
        "mean_": "reals features",
        "kept_components_": "reals components features",
    }

    _parameter_constraints = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_bands": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int | Literal["auto"] = "auto",
        *,
        max_bands: int = 20,
    ) -> None:
        self.n_components = n_components
        self.max_bands = max_bands

    @by_fit
    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the bands, which stay the same.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored, present for API consistency.

        Returns
        -------
        names : ndarray of str
            As `feature_names_in_`.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.cube import ComponentFilter
        >>> ComponentFilter().fit(np.zeros((2, 2, 2))).get_feature_names_out()
        array(['band 1', 'band 2'], dtype=object)
        """
        check_is_fitted(self)
        return np.array(self.feature_names_in_, dtype=object)

    def _fit(self, X):
        cube = self._check_cube(X, reset=True)
        n_bands = cube.shape[2]
        if self.n_components != "auto" and self.n_components > n_bands:
            raise ValueError(
                f"n_components={self.n_components} exceeds the {n_bands} bands."
            )
        self.mean_ = np.zeros(n_bands)
        self.kept_components_ = np.eye(n_bands)
        self.variance_ = np.full(n_bands, np.nan)
        self.noise_ = np.full(n_bands, np.nan)
        self.n_components_ = n_bands
        if n_bands <= self.max_bands:
            return
        data = sampled(cube.data, WHOLE)
        is_valid = ~np.isnan(data).any(axis=2)
        n_valid = np.count_nonzero(is_valid)
        if n_valid == 0:
            raise ValueError(
                f"None of the {is_valid.size} pixels has data in all {n_bands} bands, "
                "so there are no components."
            )
        if n_valid < n_bands and self.n_components == "auto":
            return  # too few pixels to tell signal from noise
        self._choose_components(data, is_valid)

    def _choose_components(self, data, is_valid):
        """Choose the components by their variance and noise in the valid pixels."""
        sums = np.zeros(data.shape[2])
        for row in range(len(data)):
            sums += data[row][is_valid[row]].sum(axis=0, dtype=np.float64)
        mean = sums / np.count_nonzero(is_valid)
        with one_blas_thread():
            covariance, noise_covariance = _measure_covariances(data, is_valid, mean)
            variance, axes = np.linalg.eigh(covariance)
            variance = np.maximum(variance[::-1], 0)
            axes = axes[:, ::-1].T
            noise = np.einsum("kb,kb->k", axes @ noise_covariance, axes)
        # The sign of an eigenvector is arbitrary: its largest entry becomes positive.
        largest = np.abs(axes).argmax(axis=1)
        axes *= np.sign(axes[np.arange(len(axes)), largest])[:, np.newaxis]
        if self.n_components == "auto":
            kept = np.flatnonzero(variance > _LEAST_RATIO * noise)
        else:
            kept = np.arange(self.n_components)
        if len(kept) == 0:  # nothing but noise: no component is better than others
            kept = np.arange(len(axes))
        self.variance_ = variance
        self.noise_ = noise
        self.mean_ = mean
        self.kept_components_ = np.ascontiguousarray(axes[kept])
        self.n_components_ = len(kept)

    def _apply(self, cube):
        if len(self.kept_components_) == cube.shape[2]:
            return cube
        data, errors = map_pixels(
            self._project, cube.data, cube.errors, size="sums", n_jobs=-1
        )
        return cube.replace(data=data, errors=errors)

    def _project(self, data, errors):
        """Project spectra on the kept components.

        Parameters
        ----------
        data : ndarray of shape (n_rows, n_columns, n_bands)
            Spectra. A missing band (NaN) counts as its mean, and stays missing.
        errors : ndarray of shape (n_rows, n_columns, n_bands) or None
            Standard deviations of independent values.

        Returns
        -------
        projected, projected_errors : ndarray of shape (n_rows, n_columns, n_bands)
            Errors are None without errors.
        """
        components = self.kept_components_
        projected = np.empty_like(data)
        projected_errors = None if errors is None else np.empty_like(data)
        with one_blas_thread():
            # By these, variances of the bands count in each projected band.
            squared_projection = np.square(components.T @ components)
            for row in range(len(data)):
                spectra = data[row] - self.mean_
                is_missing = np.isnan(spectra)
                spectra[is_missing] = 0
                scores = spectra @ components.T
                projected_spectra = scores @ components + self.mean_
                projected_spectra[is_missing] = np.nan
                projected[row] = projected_spectra
                if errors is None:
                    continue
                variance = np.square(errors[row], dtype=np.float64)
                variance[np.isinf(variance)] = np.nan  # unknown, too
                variance[is_missing] = 0
                variance = variance @ squared_projection
                variance[is_missing] = np.nan
                projected_errors[row] = np.sqrt(variance)
        return projected, projected_errors


def _measure_covariances(data, is_valid, mean):
    """Return the covariances of bands and those of their noise.

    Noise is half the product of differences between pixels beside each other in a row,
    as in the minimum noise fraction transform of Green et al. (1988). Both have the
    shape (n_bands, n_bands).
    """
    n_bands = data.shape[2]
    products = np.zeros((n_bands, n_bands))
    step_products = np.zeros((n_bands, n_bands))
    n_steps = 0
    for row in range(len(data)):
        spectra = data[row][is_valid[row]] - mean
        products += spectra.T @ spectra
        is_pair = is_valid[row][1:] & is_valid[row][:-1]
        left = data[row][:-1][is_pair]
        right = data[row][1:][is_pair].astype(np.float64)
        steps = right - left
        step_products += steps.T @ steps
        n_steps += len(steps)
    covariance = products / np.count_nonzero(is_valid)
    noise_covariance = step_products / (2 * max(n_steps, 1))
    return covariance, noise_covariance
