# SPDX-License-Identifier: BSD-3-Clause
"""Scale bands so that colors count beside brightness, and noise does not."""

from __future__ import annotations

import copy
from functools import cache
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from skesom._common.noise import variance_of_differences
from skesom._common.strip_calls import map_images, map_pixels
from skesom._common.strips import WHOLE, Plan, around, strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.threads import one_blas_thread
from skesom.cube.base import CubeTransformer
from skesom.cube.convolution.filtering import LEAST_HEIGHT
from skesom.cube.flux._averages import average_around, noise_in_common, reach_of
from skesom.cube.masking.sky import representative_rows, sampled

_NO_VARIANCE = 1e-10  # of a component, when the bands have variance 1
# Groups of pixels of like brightness, in each of which noise is measured: with 8 or 32
# the same maps come out. The deviation of 200 steps is known to a fifteenth.
_MOST_LEVELS, _FEWEST_STEPS = 16, 200
_MOST_VALUES = 2**23  # of all bands, from which noise is measured: 64 MB
_ENOUGH_VALUES = 2**21  # of them, for the noise of whole bands
# Pixels over which the noise of neighbors may be alike, by resampling and by the
# smoothing to one width (docs/benchmarks/noisy_bands.py).
_LAGS = (2, 4)
_LEAST_WEIGHT = 0.05  # of a band of noise, which divides by no zero
# Standard deviations in pixels of the Gaussians under which colors are averaged. Wider
# ones would carry the color of a galaxy into its neighbor.
_WIDTHS = (1.0, 2.0, 4.0, 8.0)


class ColorScaler(CubeTransformer):
    """Scale bands to unit variance, then raise the contrast of their colors.

    Parameters
    ----------
    contrast : float in [0, 0.5], default=1/3
        Exponent that weakens strong principal components against weak ones. 0 only
        scales the bands, 0.5 gives all components the same variance but for noise.
    signal_to_noise : float, default=0.0
        What colors have at least, in pixels of typical colors. Where they have less,
        they are averaged under a Gaussian around the pixel, up to a standard deviation
        of 8 pixels; brightness stays as sharp as it is. 0 averages nothing.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_bands,)
        Mean and standard deviation of each band over the valid pixels, the latter
        divided by its weight; like all else, of frames of more than 4,194,304 pixels in
        so many, in rows at equal steps.
    band_weights_ : ndarray of shape (n_bands,)
        Variance of the signal of each band over that of its noise, from 0.05 to 1: a
        band counts less if most of it is noise.
    components_, variance_ : ndarray of shape (n_bands, n_components), (n_components,)
        Principal components of the scaled bands, and their variances, falling; as many
        as bands, but of fewer pixels only those that vary.
    brightness_ : ndarray of shape (n_levels,)
        Means of the scaled bands of groups of pixels, rising.
    widths_ : ndarray of shape (n_levels, n_components)
        Standard deviation in pixels of the Gaussian under which a component is averaged
        around pixels so bright, 0 where it is not.
    signal_, weights_ : ndarray of shape (n_levels, n_components)
        Share of a component, from 0 to 1, that is not noise in pixels so bright after
        averaging, and what the component is multiplied by in them.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands.

    Raises
    ------
    ValueError
        If no pixel has all bands.

    Notes
    -----
    With the principal components v_i of the scaled bands, the variances s_i of their
    signal and n_i of their noise in pixels so bright, spectra are multiplied by ::

        sum_i  l_i^-contrast * s_i / (s_i + n_i) * v_i v_i^T     l_i = s_i + mean n_i

    and by a number that keeps the mean variance of the bands near 1. So a band is still
    that band, with its color enhanced, and colors of faint pixels shrink to the mean
    color as far as they are noise: the filter of Wiener, in the components of [1]_. The
    order of the bands does not matter. A missing band counts as its mean. Errors of the
    cube are propagated. They also tell the noise, in 16 groups of like brightness.
    Without them, differences of neighboring pixels do, and from group to group it may
    only fall, as it does in stretched fluxes: what rises is structure.

    All components but the first, which is brightness, are colors. Those of pixels so
    bright are averaged under the narrowest Gaussian, of standard deviations 1, 2, 4 and
    8, that makes the sum of their s_i after the filter at least
    ``signal_to_noise**2`` times the sum of their n_i after it; n_i falls by 4 pi times
    the squared standard deviation. So faint parts of an image have colors too, if not
    such sharp ones [3]_, and lines in noisy channels stay where they are. Neighbors are
    taken to have independent noise and like errors.

    A band of which more than half is noise is scaled to less than unit variance, or it
    would give its noise to the brightness of all bands. Its noise is the mean over the
    groups; it may rise with the brightness, as that of photons, and be alike in
    neighbors: with the half mean squares V of the differences of pixels k columns
    apart, it is the largest of V(1) and 2 V(k) - V(2 k), the line through two points of
    the variogram at 0 [2]_, for k = 2 and 4.

    References
    ----------
    .. [1] Green, A. A., Berman, M., Switzer, P. & Craig, M. D. (1988), "A
       transformation for ordering multispectral data in terms of image quality", IEEE
       Trans. Geosci. Remote Sens. 26, 65-74, doi:10.1109/36.3001
    .. [2] Matheron, G. (1963), "Principles of geostatistics", Economic Geology 58,
       1246-1266, doi:10.2113/gsecongeo.58.8.1246
    .. [3] Zibetti, S. (2009), "Introducing ADAPTSMOOTH, a new code for the adaptive
       smoothing of astronomical images", arXiv:0911.4956

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

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "mean_": "reals features",
        "scale_": "reals features",
        "components_": "reals features components",
        "brightness_": "reals levels",
        "weights_": "reals levels components",
        "widths_": "reals levels components",
    }

    _parameter_constraints = {
        "contrast": [Interval(Real, 0, 0.5, closed="both")],
        "signal_to_noise": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, *, contrast: float = 1 / 3, signal_to_noise: float = 0.0
    ) -> None:
        self.contrast = contrast
        self.signal_to_noise = signal_to_noise

    @property
    def works_pixelwise(self) -> bool:  # type: ignore[override]  # known by the fit
        """Whether each pixel is made from its own bands alone.

        Until it is fitted, whether that is sure.
        """
        return not np.any(getattr(self, "widths_", self.signal_to_noise))

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
        errors = None if cube.errors is None else sampled(cube.errors, WHOLE)
        if errors is not None:
            is_known = (errors > 0) & np.isfinite(errors)
            errors = np.where(is_known, errors, np.nan)
            # Differences tell the noise if no pixel has the errors of all bands.
            errors = errors if is_known[valid].all(axis=1).any() else None
        self.band_weights_ = _weights_by_noise(data, errors, mean, scale)
        scale /= self.band_weights_
        order = _order_by_content(mean, scale)
        scaling = mean, scale, order
        few = self.contrast > 0 and np.count_nonzero(valid) < len(order)
        find = _components_of_few if few else _principal_components
        variance, components = find(data, valid, *scaling)
        axes = components / scale[order, None]
        brightness, noise = _noise_by_brightness(data, errors, axes, scaling)
        signal = np.maximum(variance - noise.mean(axis=0), 0)
        present = (variance > _NO_VARIANCE) & (signal > 0)
        self.widths_ = np.zeros(noise.shape)
        if self.contrast == 0 or not present.any():
            components = np.eye(len(order)) if few else components
            share = _share_of_signal(signal, noise, present)
            weights = np.ones((len(noise), components.shape[1]))
        else:
            self.widths_ = self._find_widths(signal, noise)
            noise *= noise_in_common(self.widths_, self.widths_)
            share = _share_of_signal(signal, noise, present)
            weights = share * np.where(present, variance, 1) ** -self.contrast
            mean_square = np.mean(weights**2, axis=0) @ variance
            weights *= np.sqrt(cube.shape[2] / mean_square)
        self.mean_, self.scale_ = mean, scale
        self.components_, self.variance_ = components[np.argsort(order)], variance
        self.brightness_, self.signal_, self.weights_ = brightness, share, weights

    def _find_widths(self, signal, noise):
        """Return the width of the Gaussian that gives the colors of each level enough.

        Shape (n_levels, n_components), 0 for the first component, which is brightness.
        """
        widths = np.zeros(noise.shape)
        if self.signal_to_noise == 0:
            return widths
        least = self.signal_to_noise**2
        for level, of_level in enumerate(noise[:, 1:]):
            for width in (0, *_WIDTHS):
                widths[level, 1:] = width
                averaged = of_level * noise_in_common(width, width)
                share = _share_of_signal(signal[1:], averaged, signal[1:] > 0)
                if share**2 @ signal[1:] >= least * (share**2 @ averaged):
                    break
        return widths

    def _apply(self, cube):
        step = copy.copy(self)  # as it is now
        reach = reach_of(self.widths_)
        planes = [cube.data, cube.errors]
        here = not getattr(self, "_copy", True)
        if reach == 0:
            data, errors = map_pixels(
                step._scale, *planes, size="sums", n_jobs=-1, in_place=here
            )
        else:
            strips = strips_of(cube.shape, "averages", least=LEAST_HEIGHT * reach)
            made = [
                None if plane is None else (plane.shape[1:], plane.dtype)
                for plane in planes
            ]
            data, errors = map_images(
                step._scale_strip,
                planes,
                Plan(strips, reach),
                made,
                n_jobs=-1,
                in_place=here and cube.errors is None and cube.data.flags.carray,
            )
        bare = [None] * cube.shape[2]
        return cube.replace(data=data, errors=errors, band_units=bare)

    def _scale_strip(self, data, errors, rows):
        """Return the scaled fluxes and errors of a strip, of averaged colors."""
        near = around(rows, reach_of(self.widths_))
        inner = slice(rows.start - near.start, rows.stop - near.start)
        data = data[near]
        n_components = self.components_.shape[1]
        scores = np.empty((n_components, *data.shape[:2]), dtype=data.dtype)
        levels = np.empty(data.shape[:2], dtype=int)
        order = _order_by_content(self.mean_, self.scale_)
        components = np.ascontiguousarray(self.components_[order])

        def find_scores(block):
            for row in range(block.start, block.stop):
                spectra, missing = self._spectra(data[row], order)
                levels[row] = self._levels(_brightness(spectra))[0]
                spectra[missing] = 0
                scores[:, row] = (spectra @ components).T
                scores[:, row, missing.all(axis=1)] = np.nan

        with one_blas_thread():
            in_threads(find_scores, strips_of(data.shape, "block"), n_jobs=-1)
        # A pixel between two levels is averaged as the fainter one.
        widths = np.moveaxis(self.widths_[levels[inner]], 2, 0)
        scores = average_around(scores, widths, inner)
        errors = None if errors is None else errors[near][inner]
        return self._scale(data[inner], errors, scores)

    def _spectra(self, pixels, order):
        """Return the scaled bands of pixels in an order, and which are missing.

        They lie band by band in memory, on which the last bits of sums depend.
        """
        mean, scale = self.mean_[order, np.newaxis], self.scale_[order, np.newaxis]
        spectra = ((pixels.T.take(order, axis=0) - mean) / scale).T
        return spectra, np.isnan(spectra)

    def _scale(self, data, errors, scores=None):
        """Return scaled fluxes and errors, of scores of shape (n_components, ...)."""
        scaled = np.empty_like(data)
        deviations = None if errors is None else np.empty_like(data)
        order = _order_by_content(self.mean_, self.scale_)
        components = np.ascontiguousarray(self.components_[order])
        inverse = np.argsort(order)
        weights = self.weights_
        steps_up = np.append(weights[1:], weights[-1:], axis=0) - weights

        @cache  # of many bands it takes longer than the rest of a row
        def matrices_of(level):
            return _matrices(
                components, weights[level], steps_up[level], self.widths_[level]
            )

        with one_blas_thread():
            for row in range(len(data)):
                spectra, missing = self._spectra(data[row], order)
                level, upper, above = self._levels(_brightness(spectra))
                spectra[missing] = 0
                if scores is None:
                    scores_here = spectra @ components
                else:
                    scores_here = np.ascontiguousarray(scores[:, row].T)
                steps = steps_up.take(level, axis=0)
                weights_here = weights.take(level, axis=0) + above * steps
                product = (scores_here * weights_here) @ components.T
                product[missing] = np.nan
                scaled[row] = product.take(inverse, axis=1)
                if errors is None:
                    continue
                variance = ((errors[row] / self.scale_) ** 2)[:, order]
                variance[np.isinf(variance)] = np.nan  # no errors either
                variance[missing] = 0
                gaps = self.brightness_[upper] - self.brightness_[level]
                # Weights change with the brightness, which errors change.
                inside = (gaps > 0) & (above[:, 0] > 0)
                gaps[~inside] = np.inf
                slopes = (scores_here * steps / gaps[:, np.newaxis]) @ components.T
                slopes /= np.maximum((~missing).sum(axis=1, keepdims=True), 1)
                variance = _carried(variance, slopes, level, above, matrices_of)
                variance[missing] = np.nan
                deviations[row][:, order] = np.sqrt(variance)
        return scaled, deviations

    def _levels(self, brightness):
        """Return between which levels pixels are, and how far above the lower one."""
        numbers = np.arange(len(self.brightness_))
        place = np.nan_to_num(np.interp(brightness, self.brightness_, numbers))
        level = place.astype(int)
        upper = np.minimum(level + 1, numbers[-1])
        return level, upper, (place - level)[:, np.newaxis]


def _order_by_content(mean, scale):
    """Return the order in which sums over bands are the same to the last bit."""
    return np.lexsort((scale, mean))


def _share_of_signal(signal, noise, present):
    """Return the share of components that is not noise, 0 where there is no signal."""
    return np.where(present, signal / np.where(present, signal + noise, 1), 0)


def _matrices(components, weights, steps, widths):
    """Return the matrices that carry the variances of pixels of a level.

    They are those of the squares of weights, of weights times steps to the next level,
    and of the squares of steps; then those of what a pixel and its average have in
    common, for weights and for steps.
    """
    lower, upper = {}, {}
    for width in np.unique(widths):
        of_width = components[:, widths == width]
        lower[width] = (of_width * weights[widths == width]) @ of_width.T
        upper[width] = (of_width * steps[widths == width]) @ of_width.T
    squares = np.zeros((3, len(components), len(components)))
    for first in lower:
        for second in lower:
            share = noise_in_common(first, second)
            squares[0] += share * lower[first] * lower[second]
            squares[1] += share * lower[first] * upper[second]
            squares[2] += share * upper[first] * upper[second]
    own = sum(noise_in_common(0, width) * lower[width] for width in lower)
    own_steps = sum(noise_in_common(0, width) * upper[width] for width in upper)
    return squares, own, own_steps


def _carried(variance, slopes, levels, above, matrices_of):
    """Return variances after the matrices of pixels, plus slopes along the sum."""
    carried = np.empty_like(variance)
    for level in np.unique(levels).tolist():
        squares, own, own_steps = matrices_of(level)
        of = levels == level
        values, part, slope = variance[of], above[of], slopes[of]
        result = values @ squares[0] + 2 * part * (values @ squares[1])
        result += part**2 * (values @ squares[2])
        sums = values @ own + part * (values @ own_steps)
        total = values.sum(axis=1, keepdims=True)
        carried[of] = result + 2 * slope * sums + slope**2 * total
    return np.maximum(carried, 0)


def _brightness(spectra):
    """Return the mean of the bands that a pixel has, NaN without any."""
    known = ~np.isnan(spectra)
    with np.errstate(invalid="ignore"):
        return np.where(known, spectra, 0).sum(axis=-1) / known.sum(axis=-1)


def _principal_components(data, valid, mean, scale, order):
    """Return variances and components (as columns) of the scaled bands in an order."""
    n_bands = data.shape[2]
    products = np.zeros((n_bands, n_bands))
    with one_blas_thread():
        for row in range(len(data)):
            spectra = ((data[row][valid[row]] - mean) / scale)[:, order]
            products += spectra.T @ spectra
        variance, components = np.linalg.eigh(products / np.count_nonzero(valid))
    return np.maximum(variance[::-1], 0), components[:, ::-1]


def _components_of_few(data, valid, mean, scale, order):
    """Return the same of fewer pixels than bands, in time linear in bands."""
    spectra = ((data[valid] - mean) / scale)[:, order]
    with one_blas_thread():
        variance, weights = np.linalg.eigh(spectra @ spectra.T / len(spectra))
        shown = variance > _NO_VARIANCE
        variance, weights = variance[shown][::-1], weights[:, shown][:, ::-1]
        return variance, spectra.T @ weights / np.sqrt(len(spectra) * variance)


def _weights_by_noise(data, errors, mean, scale):
    """Return the weight of each band: its signal over its noise, 1 at most."""
    rows = representative_rows(*data.shape[:2], _ENOUGH_VALUES // data.shape[2])
    data = data[rows]
    order = _order_by_content(mean, scale)
    axes = np.diag(1 / scale[order])
    scaling = mean, scale, order
    if errors is not None:
        noise = _steps_by_brightness(data, errors[rows], axes, scaling)[1]
    else:
        noise = _steps_by_brightness(data, None, axes, scaling)[1]
        for lag in _LAGS:
            near = _steps_by_brightness(data, None, axes, scaling, lag)[1]
            far = _steps_by_brightness(data, None, axes, scaling, 2 * lag)[1]
            if len(near) == len(far) == len(noise):  # not of narrow images
                noise = np.maximum(noise, 2 * near - far)
    # Bands have variance 1, so the rest of it is signal.
    noise = noise.mean(axis=0)[np.argsort(order)]
    weights = np.clip((1 - noise) / np.maximum(noise, 0.5), _LEAST_WEIGHT, 1)
    # Where all bands are noise, none of them is worse than the others.
    return weights / weights.max()


def _noise_by_brightness(data, errors, axes, scaling):
    """Return levels of brightness, and the variance of noise along axes in each."""
    rows = representative_rows(*data.shape[:2], _MOST_VALUES // data.shape[2])
    errors = None if errors is None else errors[rows]
    levels, noise = _steps_by_brightness(data[rows], errors, axes, scaling)
    if errors is None:
        # In stretched fluxes, noise only falls where it is brighter: more is structure.
        noise = np.minimum.accumulate(noise, axis=0)
    return levels, noise


def _steps_by_brightness(data, errors, axes, scaling, lag=1):
    """Return levels of brightness, and a variance along axes in each.

    It is that of the errors, or without them half of that of the differences between
    pixels so many columns apart.
    """
    mean, scale, order = scaling

    def of_block(block):
        """Return brightness, and noise along axes, of what is known in some rows."""
        spectra = data[block][:, :, order].astype(np.float64)
        bright = _brightness((spectra - mean[order]) / scale[order])
        if errors is None:
            bright = (bright[:, lag:] + bright[:, :-lag]) / 2
            noise = (spectra[:, lag:] - spectra[:, :-lag]) @ axes
        else:
            noise = errors[block][:, :, order].astype(np.float64) ** 2 @ axes**2
        known = np.isfinite(noise).all(axis=2) & np.isfinite(bright)
        return bright[known], noise[known]

    with one_blas_thread():
        found = in_threads(of_block, strips_of(data.shape, "block"), n_jobs=-1)
    brightness, values = map(np.concatenate, zip(*found, strict=True))
    if not len(values):
        return np.zeros(1), np.zeros((1, axes.shape[1]))
    n_levels = min(_MOST_LEVELS, max(1, len(values) // _FEWEST_STEPS))
    groups = np.array_split(np.argsort(brightness, kind="stable"), n_levels)
    levels = np.array([np.median(brightness[group]) for group in groups])
    if errors is not None:
        return levels, np.array([np.median(values[group], axis=0) for group in groups])

    def variance(group):
        return variance_of_differences(values[group])

    return levels, np.array(in_threads(variance, groups, n_jobs=-1))
