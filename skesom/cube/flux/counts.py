# SPDX-License-Identifier: BSD-3-Clause
"""Smooth images of few photons until they say something."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval

from skesom._common.lazy_strips import planes_of
from skesom._common.noise import variance_from_neighbors
from skesom._common.strip_calls import map_strips
from skesom._common.warn import warn_user
from skesom.cube._container import Cube
from skesom.cube.bands import all_band_names, with_bands
from skesom.cube.base import CubeTransformer, check_cubes
from skesom.cube.convolution.filtering import GaussianKernel
from skesom.cube.masking.sky_tiles import sampled

_MOST_COUNTS = 5  # in a pixel: of more, noise is nearly normal, and steps measure it
# A count is worth more where the exposure is shorter: within a GALEX tile of half a
# degree by up to 5 %. From five counts on, nothing can be told so.
_EXPOSURE_SPREAD = 0.1
_MOST_OF_SINGLE = 1.5  # times the smallest value: values below are one count
# Of photons, half the mean square of steps between neighbors is the mean; of the areas
# of a mask or of classes, which are small whole numbers too, it is far less.
_LEAST_SCATTER = 0.5
# Width of the widest Gaussian, as a share of the shorter side: wider, it is not a map.
_WIDEST = 1 / 8


class CountSmoother(CubeTransformer):
    """Smooth bands of few photons, each part until it reaches a signal-to-noise.

    Takes one cube or a list. Bands that do not hold counts stay as they are.

    Parameters
    ----------
    signal_to_noise : float, default=5.0
        What the smoothed counts of a pixel have at least. The width of the Gaussian
        grows until then, up to an eighth of the shorter side of the image.

    Attributes
    ----------
    counts_ : ndarray of shape (n_bands,)
        Mean counts per pixel of the bands that were smoothed, NaN of the others.
    fwhm_ : ndarray of shape (n_bands,)
        Median full width at half maximum in pixels of the Gaussians, NaN of bands that
        were not smoothed.
    reached_ : ndarray of shape (n_bands,)
        Share of the pixels in which the signal-to-noise is reached, NaN as before.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands, of all cubes together.

    Warns
    -----
    UserWarning
        If half of the pixels of a band do not reach the signal-to-noise: that band
        tells little and may be left out.

    Notes
    -----
    A band holds counts if its values are whole multiples, from 0, of the smallest one,
    up to a tenth by which exposures may differ over the image, with a mean below 5, and
    if neighbors differ as photons do. Counts have to be smoothed before they are
    resampled, which leaves no whole multiples. Widths are those of
    [1]_: of rising ones, that is taken at which the counts under the Gaussian reach the
    signal-to-noise. Then each count is spread by the Gaussian of its pixel over the
    pixels with data. So the sum of the band stays what it was. Errors of the cube are
    propagated.

    References
    ----------
    .. [1] Ebeling, H., White, D. A. & Rangarajan, F. V. N. (2006), "ASMOOTH: a simple
       and efficient algorithm for adaptive kernel smoothing of two-dimensional imaging
       data", MNRAS 368, 65-73, doi:10.1111/j.1365-2966.2006.10135.x

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import CountSmoother
    >>> rng = np.random.default_rng(0)
    >>> photons = rng.poisson(0.2, (64, 64, 1)).astype(float)
    >>> smoother = CountSmoother().fit(photons)
    >>> smooth = smoother.transform(photons)
    >>> bool(np.isclose(smooth.sum(), photons.sum()))
    True
    >>> bool(smooth.std() < 0.2 * photons.std())
    True
    """

    keeps_flux = True

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "fwhm_": "reals features",
    }

    _parameter_constraints = {
        "signal_to_noise": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, signal_to_noise: float = 5.0) -> None:
        self.signal_to_noise = signal_to_noise

    def _fit(self, X):
        self._fit_transform(X)

    def _fit_transform(self, X):
        cubes = check_cubes(X, self, reset=True)
        smoothed = []
        for cube in cubes:
            sample = sampled(cube.data)  # of a lazy cube, computed once
            count_values = [
                _find_value_of_count(sample[:, :, band])
                for band in range(cube.shape[2])
            ]
            smoothed.append(self._smooth(cube, np.array(count_values)))
        self.counts_ = np.concatenate([result.counts for result in smoothed])
        self.fwhm_ = np.concatenate([result.fwhm for result in smoothed])
        self.reached_ = np.concatenate([result.reached for result in smoothed])
        self._warn_of_few_photons(all_band_names(cubes))
        return self._like_inputs(X, [result.cube for result in smoothed])

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        smoothed = []
        for cube, counts in with_bands(cubes, self.counts_):
            count_values = np.full(len(counts), np.nan)
            sample = sampled(cube.data)
            # The bands of the fit, however bright they are in this cube.
            for band in np.flatnonzero(counts > 0):
                count_values[band] = _median_of_singles(sample[:, :, band])
            smoothed.append(self._smooth(cube, count_values).cube)
        return self._like_inputs(X, smoothed)

    def _smooth(self, cube, count_values):
        """Return a cube with smoothed counts.

        Parameters
        ----------
        cube : Cube
            A cube.
        count_values : ndarray of shape (n_bands,)
            Value of one count in each band, NaN in bands that do not hold counts.

        Returns
        -------
        smoothed : _Smoothed
        """
        n_bands = cube.shape[2]
        mean_counts = np.full(n_bands, np.nan)
        fwhm = np.full(n_bands, np.nan)
        reached_shares = np.full(n_bands, np.nan)
        bands = np.flatnonzero(np.isfinite(count_values))
        if len(bands) == 0:
            return _Smoothed(cube, mean_counts, fwhm, reached_shares)
        images = {}
        error_images = {}
        for band, image in planes_of(cube.data, bands):
            counts = image.astype(np.float64) / count_values[band]
            is_valid = np.isfinite(counts)
            widths, is_reached = self._find_widths(counts)
            mean_counts[band] = counts[is_valid].mean()
            fwhm[band] = np.sqrt(8 * np.log(2)) * np.median(widths[is_valid])
            reached_shares[band] = is_reached[is_valid].mean()
            images[band] = count_values[band] * _spread_pixels(counts, widths)
            if cube.errors is not None:
                ((_, errors),) = planes_of(cube.errors, [band])
                variance = errors.astype(np.float64) ** 2
                variance[~is_valid] = np.nan
                variance = _spread_pixels(variance, widths, squared=True)
                error_images[band] = np.sqrt(variance)
        errors = cube.errors
        if errors is not None:
            errors = map_strips(partial(_replace_bands, images=error_images), errors)
        data = map_strips(partial(_replace_bands, images=images), cube.data)
        cube = cube.replace(data=data, errors=errors)
        return _Smoothed(cube, mean_counts, fwhm, reached_shares)

    def _find_widths(self, counts):
        """Return the Gaussian of each pixel under which its counts suffice.

        The widths rise until the signal-to-noise is reached, as in ASMOOTH (Ebeling et
        al. 2006). The smoothed counts are a rate r, with the variance r times the sum
        of the squared kernel, 1 / (4 pi sigma^2). So r / sqrt(variance) is at least
        the signal-to-noise k where 4 pi sigma^2 r >= k^2.

        Returns
        -------
        widths : ndarray of shape (n_rows, n_columns)
            Standard deviations in pixels, the widest one where none suffices.
        is_reached : ndarray of bool of shape (n_rows, n_columns)
            Where the signal-to-noise is reached.
        """
        required = self.signal_to_noise**2
        widths = np.zeros(counts.shape)
        is_reached = counts >= required
        for sigma in _rising_widths(min(counts.shape)):
            widths[~is_reached] = sigma
            rate, _ = GaussianKernel(sigma).convolve(counts)
            is_reached |= 4 * np.pi * sigma**2 * rate >= required
            if is_reached[np.isfinite(counts)].all():
                break
        return widths, is_reached

    def _warn_of_few_photons(self, names):
        """Warn of bands of which less than half reaches the signal-to-noise."""
        for name, counts, share in zip(names, self.counts_, self.reached_, strict=True):
            if share < 0.5:
                warn_user(
                    f"Band {name!r} has {counts:.2g} photons per pixel: in "
                    f"{1 - share:.0%} of the pixels they do not reach a "
                    f"signal-to-noise of {self.signal_to_noise:g}, however smoothed. "
                    "It tells little: leave it out, or bin it before."
                )


class _Smoothed(NamedTuple):
    """A smoothed cube; of each band what the smoother keeps, or NaN."""

    cube: Cube
    counts: np.ndarray
    fwhm: np.ndarray
    reached: np.ndarray


def _rising_widths(side):
    """Return deviations of Gaussians in pixels, by factors of the root of 2."""
    n_steps = max(0, int(2 * np.log2(max(side, 1) * _WIDEST)))
    return 2 ** (np.arange(n_steps + 1) / 2)


def _median_of_singles(image):
    """Return the median value of a single count in an image, NaN without any."""
    positive = image[image > 0]
    if len(positive) == 0:
        return np.nan
    singles = positive[positive < _MOST_OF_SINGLE * positive.min()]
    return float(np.median(singles))


def _find_value_of_count(sample):
    """Return the value of one count in rows of few counts, NaN in any other rows."""
    values = sample[np.isfinite(sample)].astype(np.float64)
    count_value = _median_of_singles(sample)
    if len(values) == 0 or np.isnan(count_value) or values.min() < 0:
        return np.nan
    counts = values / count_value
    mean = counts.mean()
    if not 0 < mean < _MOST_COUNTS:
        return np.nan
    whole_counts = np.round(counts)
    if (np.abs(counts - whole_counts) > _EXPOSURE_SPREAD * whole_counts).any():
        return np.nan
    variance = variance_from_neighbors(sample, count_value)
    if np.isnan(variance) or variance < _LEAST_SCATTER * mean:
        return np.nan
    return count_value


def _spread_pixels(image, widths, *, squared=False):
    """Spread each pixel over those with data, by a Gaussian of its own width.

    What of a Gaussian falls on pixels without data is given to the others, so that the
    sum of the image stays. With `squared`, variances are spread by squared kernels.
    """
    is_valid = np.isfinite(image)
    total = np.zeros(image.shape)
    for sigma in np.unique(widths[is_valid]):
        pixels = np.where(is_valid & (widths == sigma), image, 0)
        if not pixels.any():
            continue
        if sigma == 0:
            total += pixels
            continue
        kernel = GaussianKernel(sigma)
        share_on_data = kernel.filter(is_valid.astype(np.float64))
        share_on_data = np.where(is_valid, share_on_data, 1)
        if squared:
            share_on_data **= 2
        pixels /= share_on_data
        total += kernel.filter(pixels, squared=squared)
    total[~is_valid] = np.nan
    return total


def _replace_bands(data, rows, *, images):
    """Return some rows of a cube, in which images take the place of some bands."""
    data = data.copy()
    for band, image in images.items():
        data[:, :, band] = image[rows]
    return data
