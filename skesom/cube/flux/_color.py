# SPDX-License-Identifier: BSD-3-Clause
"""Scale bands so that colors count beside brightness, and noise does not."""

from __future__ import annotations

from numbers import Real

import numpy as np
from astropy.stats import mad_std
from sklearn.utils._param_validation import Interval
from threadpoolctl import threadpool_limits

from skesom._common.blocks import row_blocks
from skesom.cube._base import CubeTransformer
from skesom.cube._by_strips import WHOLE, by_strips
from skesom.cube.masking._sky import representative_rows, sampled

_NO_VARIANCE = 1e-10  # of a component, when the bands have variance 1


class ColorScaler(CubeTransformer):
    """Scale bands to unit variance, then raise the contrast of their colors.

    Parameters
    ----------
    contrast : float in [0, 0.5], default=1/3
        Exponent that weakens strong principal components against weak ones. 0 only
        scales the bands, 0.5 gives all components the same variance but for noise.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_bands,)
        Mean and standard deviation of each band over the valid pixels; like all else,
        of frames of more than 4,194,304 pixels in so many, in rows at equal steps.
    variance_ : ndarray of shape (n_bands,)
        Variance of the principal components of the scaled bands, falling; of fewer
        pixels than bands only those that vary.
    signal_ : ndarray of the same shape
        Share of that variance which is not noise, from 0 to 1.
    matrix_ : ndarray of shape (n_bands, n_bands)
        Symmetric; what scaled spectra are multiplied by.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If no pixel has all bands.

    Notes
    -----
    With the principal components v_i of the scaled bands, their variances l_i and the
    variances n_i of their noise, spectra are multiplied by ::

        sum_i  l_i^-contrast * max(l_i - n_i, 0) / l_i * v_i v_i^T

    and by a number that keeps the mean variance of the bands at 1. So a band is still
    that band, with its color enhanced. The order of the bands does not matter. A
    missing band counts as its mean. Errors of the cube are propagated. The noise is
    estimated from differences of neighboring pixels, as in the minimum noise fraction
    transform [1]_; the exponent and the weight are the authors' own.

    References
    ----------
    .. [1] Green, A. A., Berman, M., Switzer, P. & Craig, M. D. (1988), "A
       transformation for ordering multispectral data in terms of image quality", IEEE
       Trans. Geosci. Remote Sens. 26, 65-74, doi:10.1109/36.3001

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import ColorScaler
    >>> brightness = np.linspace(0, 10, 1024).reshape(32, 32, 1)
    >>> color = np.where(np.arange(32) < 16, -0.5, 0.5)[:, None, None]
    >>> cube = np.concatenate([brightness + color, brightness - color], axis=2)
    >>> plain = ColorScaler(contrast=0).fit_transform(cube)
    >>> scaled = ColorScaler().fit_transform(cube)
    >>> np.std(np.diff(scaled, axis=2)) > np.std(np.diff(plain, axis=2))
    np.True_
    """

    works_pixelwise = True

    _parameter_constraints = {"contrast": [Interval(Real, 0, 0.5, closed="both")]}

    def __init__(self, *, contrast: float = 1 / 3) -> None:
        self.contrast = contrast

    def _fit(self, X):
        cube = self._check_cube(X, reset=True)
        data = sampled(cube.data, WHOLE)
        valid = ~np.isnan(data).any(axis=2)
        if not valid.any():
            raise ValueError(
                f"None of the {valid.size} pixels has data in all {cube.shape[2]} "
                "bands, so there are no colors to scale."
            )
        mean, scale = np.empty((2, cube.shape[2]))
        for band in range(cube.shape[2]):
            pixels = data[:, :, band][valid]
            mean[band] = pixels.mean(dtype=np.float64)
            scale[band] = pixels.std(dtype=np.float64)
        scale[scale == 0] = 1
        order = _order_by_content(mean, scale)
        scaling = mean, scale, order
        few = self.contrast > 0 and np.count_nonzero(valid) < len(order)
        find = _components_of_few if few else _principal_components
        variance, components = find(data, valid, *scaling)
        noise = _noise_variance(data, components / scale[order, None], order)
        present = variance > _NO_VARIANCE
        safe = np.where(present, variance, 1)
        signal = np.where(present, np.clip(1 - noise / safe, 0, 1), 0)
        if self.contrast == 0 or not signal.any():
            components = np.eye(len(order)) if few else components
            weight = np.ones(components.shape[1])
        else:
            weight = signal * safe**-self.contrast
            weight *= np.sqrt(cube.shape[2] / np.sum(weight**2 * variance))
        self.mean_, self.scale_ = mean, scale
        self.variance_, self.signal_ = variance, signal
        back = np.argsort(order)
        self.matrix_ = ((components * weight) @ components.T)[np.ix_(back, back)]

    def _transform(self, X):
        cube = self._check_cube(X, reset=False)
        return self._like_input(X, by_strips(ColorScaler._scale, self, cube))

    def _scale(self, cube):
        scaled = np.empty(cube.shape, dtype=cube.dtype)
        errors = None if cube.errors is None else np.empty_like(scaled)
        order = _order_by_content(self.mean_, self.scale_)
        matrix = np.ascontiguousarray(self.matrix_[np.ix_(order, order)])
        with threadpool_limits(limits=1, user_api="blas"):
            for row in range(len(cube)):
                spectra = ((cube.data[row] - self.mean_) / self.scale_)[:, order]
                missing = np.isnan(spectra)
                scaled[row][:, order] = _multiply(spectra, matrix, missing)
                if errors is not None:
                    variance = ((cube.errors[row] / self.scale_) ** 2)[:, order]
                    variance = _multiply(variance, matrix**2, missing)
                    errors[row][:, order] = np.sqrt(variance)
        bare = [None] * cube.shape[2]
        return cube.replace(data=scaled, errors=errors, band_units=bare)


def _order_by_content(mean, scale):
    """Return the order in which sums over bands are the same to the last bit."""
    return np.lexsort((scale, mean))


def _multiply(spectra, matrix, missing):
    """Multiply spectra by a matrix; missing bands add nothing and stay missing."""
    product = np.where(missing, 0, spectra) @ matrix
    product[missing] = np.nan
    return product


def _principal_components(data, valid, mean, scale, order):
    """Return variances and components (as columns) of the scaled bands in an order."""
    n_bands = data.shape[2]
    products = np.zeros((n_bands, n_bands))
    with threadpool_limits(limits=1, user_api="blas"):
        for row in range(len(data)):
            spectra = ((data[row][valid[row]] - mean) / scale)[:, order]
            products += spectra.T @ spectra
        variance, components = np.linalg.eigh(products / np.count_nonzero(valid))
    return np.maximum(variance[::-1], 0), components[:, ::-1]


def _components_of_few(data, valid, mean, scale, order):
    """Return the same of fewer pixels than bands, in time linear in bands."""
    spectra = ((data[valid] - mean) / scale)[:, order]
    with threadpool_limits(limits=1, user_api="blas"):
        variance, weights = np.linalg.eigh(spectra @ spectra.T / len(spectra))
        shown = variance > _NO_VARIANCE
        variance, weights = variance[shown][::-1], weights[:, shown][:, ::-1]
        return variance, spectra.T @ weights / np.sqrt(len(spectra) * variance)


def _noise_variance(data, axes, order):
    """Variance of the noise along axes of ordered bands, from neighbors in rows."""
    data, parts = data[representative_rows(*data.shape[:2])], []
    with threadpool_limits(limits=1, user_api="blas"):
        for rows in row_blocks(data.shape):
            ordered = data[rows][:, :, order].astype(np.float64)
            steps = np.diff(ordered, axis=1) @ axes
            parts.append(steps[~np.isnan(steps).any(axis=2)])
    if not any(map(len, parts)):
        return np.zeros(axes.shape[1])
    each_axis = (
        np.concatenate([part[:, axis] for part in parts])
        for axis in range(axes.shape[1])
    )
    return np.array([mad_std(steps) for steps in each_axis]) ** 2 / 2
