# SPDX-License-Identifier: BSD-3-Clause
"""Scale bands so that colors count beside brightness, and noise does not."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from skesom._common.strip_calls import map_images, map_pixels
from skesom._common.strips import WHOLE, Plan, strips_of
from skesom.cube.base import CubeTransformer
from skesom.cube.convolution.filtering import LEAST_HEIGHT
from skesom.cube.flux._averages import noise_in_common
from skesom.cube.flux._color_filter import ColorFilter
from skesom.cube.flux._noise_levels import measure_noise, weigh_bands
from skesom.cube.flux._scaled_spectra import (
    NO_VARIANCE,
    BandScaling,
    find_components,
    find_components_of_few,
)
from skesom.cube.masking.sky_tiles import sampled

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
        divided by its weight. In frames of more than 4,194,304 pixels, this and all
        else is measured in so many of them, in rows at equal steps.
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
        n_bands = cube.shape[2]
        data = sampled(cube.data, WHOLE)
        is_valid = ~np.isnan(data).any(axis=2)
        if not is_valid.any():
            raise ValueError(
                f"None of the {is_valid.size} pixels has data in all {n_bands} bands, "
                "so there are no colors to scale."
            )
        errors = _sample_errors(cube, is_valid)
        mean, deviation = _measure_bands(data, is_valid)
        self.band_weights_ = weigh_bands(data, errors, mean, deviation)
        deviation /= self.band_weights_
        scaling = BandScaling(mean, deviation)

        # Without a contrast, components have to span all bands, as none is weighted.
        is_few = self.contrast > 0 and np.count_nonzero(is_valid) < n_bands
        if is_few:
            variance, components = find_components_of_few(data, is_valid, scaling)
        else:
            variance, components = find_components(data, is_valid, scaling)
        axes = components / deviation[scaling.order, np.newaxis]
        brightness, noise = measure_noise(data, errors, axes, scaling)

        signal = np.maximum(variance - noise.mean(axis=0), 0)
        is_present = (variance > NO_VARIANCE) & (signal > 0)
        if self.contrast == 0 or not is_present.any():
            # Nothing is weakened or raised: the bands are scaled, and no more.
            widths = np.zeros(noise.shape)
            share = _share_of_signal(signal, noise, is_present)
            if is_few:
                components = np.eye(n_bands)
            weights = np.ones((len(noise), components.shape[1]))
        else:
            widths = self._find_widths(signal, noise)
            noise *= noise_in_common(widths, widths)
            share = _share_of_signal(signal, noise, is_present)
            weights = share * np.where(is_present, variance, 1) ** -self.contrast
            # The mean variance of the bands stays near 1.
            mean_square = np.mean(weights**2, axis=0) @ variance
            weights *= np.sqrt(n_bands / mean_square)

        self.widths_ = widths
        self.mean_ = mean
        self.scale_ = deviation
        self.components_ = components[np.argsort(scaling.order)]
        self.variance_ = variance
        self.brightness_ = brightness
        self.signal_ = share
        self.weights_ = weights

    def _find_widths(self, signal, noise):
        """Return the narrowest Gaussians under which colors reach `signal_to_noise`.

        The colors of a level are averaged under one Gaussian, under the widest one if
        none is enough.

        Parameters
        ----------
        signal : ndarray of shape (n_components,)
            Variance of the signal of each component.
        noise : ndarray of shape (n_levels, n_components)
            Variance of the noise of a pixel.

        Returns
        -------
        widths : ndarray of shape (n_levels, n_components)
            Standard deviations in pixels, 0 for no average. The first component, which
            is brightness, has none.
        """
        widths = np.zeros(noise.shape)
        if self.signal_to_noise == 0:
            return widths
        required = self.signal_to_noise**2
        color_signal = signal[1:]
        for level, color_noise in enumerate(noise[:, 1:]):
            for width in (0, *_WIDTHS):
                widths[level, 1:] = width
                averaged_noise = color_noise * noise_in_common(width, width)
                share = _share_of_signal(color_signal, averaged_noise, color_signal > 0)
                if share**2 @ color_signal >= required * (share**2 @ averaged_noise):
                    break
        return widths

    def _apply(self, cube):
        color_filter = ColorFilter(self)
        may_overwrite = not getattr(self, "_copy", True)
        if color_filter.reach == 0:
            data, errors = map_pixels(
                color_filter.filter_pixels,
                cube.data,
                cube.errors,
                size="sums",
                n_jobs=-1,
                in_place=may_overwrite,
            )
        else:
            reach = color_filter.reach
            strips = strips_of(cube.shape, "averages", least=LEAST_HEIGHT * reach)
            row_types = [(cube.data.shape[1:], cube.data.dtype), None]
            if cube.errors is not None:
                row_types[1] = (cube.errors.shape[1:], cube.errors.dtype)
                may_overwrite = False
            elif may_overwrite:
                may_overwrite = cube.data.flags.carray
            data, errors = map_images(
                color_filter.filter_strip,
                [cube.data, cube.errors],
                Plan(strips, reach),
                row_types,
                n_jobs=-1,
                in_place=may_overwrite,
            )
        return cube.replace(data=data, errors=errors, band_units=[None] * cube.shape[2])


def _measure_bands(data, is_valid):
    """Return mean and standard deviation of each band, 1 for that of a constant one."""
    n_bands = data.shape[2]
    mean = np.empty(n_bands)
    deviation = np.empty(n_bands)
    for band in range(n_bands):
        fluxes = data[:, :, band][is_valid]
        mean[band] = fluxes.mean(dtype=np.float64)
        deviation[band] = fluxes.std(dtype=np.float64)
    deviation[deviation == 0] = 1
    return mean, deviation


def _sample_errors(cube, is_valid):
    """Return errors of the sampled rows of a cube, NaN where they tell nothing.

    None if the cube has no errors, or no valid pixel has those of all bands:
    differences of pixels tell the noise then.
    """
    if cube.errors is None:
        return None
    errors = sampled(cube.errors, WHOLE)
    is_known = (errors > 0) & np.isfinite(errors)
    if not is_known[is_valid].all(axis=1).any():
        return None
    return np.where(is_known, errors, np.nan)


def _share_of_signal(signal, noise, is_present):
    """Return the share of each component that is signal, 0 where there is none.

    This is the filter of Wiener: signal over signal plus noise, both as variances.
    """
    total = np.where(is_present, signal + noise, 1)
    return np.where(is_present, signal / total, 0)
