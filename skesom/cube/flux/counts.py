# SPDX-License-Identifier: BSD-3-Clause
"""Smooth images of few photons until they say something."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from skesom._common.lazy_strips import planes_of
from skesom._common.noise import variance_from_neighbors
from skesom._common.strip_calls import map_strips
from skesom._common.warn import warn_user
from skesom.cube.bands import all_band_names, with_bands
from skesom.cube.base import CubeTransformer, check_cubes
from skesom.cube.convolution.filtering import GaussianKernel
from skesom.cube.masking.sky import sampled

_MOST_COUNTS = 5  # a pixel: of more, the noise is nearly normal and known to the steps
# A count is worth more where the exposure is shorter: within a GALEX tile of half a
# degree by up to 5 %. From five counts on, nothing can be told so.
_EXPOSURE_SPREAD = 0.1
_SINGLE = 1.5  # of the smallest value: what is below is one count
# Of photons, half the mean square of steps between neighbors is the mean; of the areas
# of a mask or of classes, which are small whole numbers too, it is far less.
_LEAST_SCATTER = 0.5
# The widest Gaussian, as a part of the shorter side: wider, it is no map.
_WIDEST = 1 / 8


class CountSmoother(CubeTransformer):
    """Smooth bands of few photons, each part until its signal-to-noise is reached.

    Takes one cube or a list. Bands that hold no counts stay as they are.

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
        counts, widths, shares = [], [], []
        for cube in cubes:
            sample = sampled(cube.data)  # of a lazy cube, computed once
            steps = [_step_of_counts(sample[:, :, n]) for n in range(cube.shape[2])]
            part, facts = self._smooth(cube, np.array(steps))
            smoothed.append(part)
            for values, column in zip((counts, widths, shares), facts, strict=True):
                values.extend(column)
        self.counts_ = np.array(counts)
        self.fwhm_ = np.array(widths)
        self.reached_ = np.array(shares)
        self._warn_of_few(all_band_names(cubes))
        return self._like_inputs(X, smoothed)

    def _transform(self, X):
        cubes = check_cubes(X, self, reset=False)
        smoothed = []
        for cube, counts in with_bands(cubes, self.counts_):
            steps = np.full(len(counts), np.nan)
            sample = sampled(cube.data)
            for band in np.flatnonzero(counts > 0):
                steps[band] = _value_of_count(sample[:, :, band])
            smoothed.append(self._smooth(cube, steps)[0])
        return self._like_inputs(X, smoothed)

    def _smooth(self, cube, steps):
        """Return a cube with smoothed counts, and their means, widths and shares.

        `steps` are the values of one count, NaN of bands that are no counts.
        """
        facts = np.full((3, cube.shape[2]), np.nan)
        bands = np.flatnonzero(np.isfinite(steps))
        if not len(bands):
            return cube, facts
        images, deviations = {}, {}
        for band, image in planes_of(cube.data, bands):
            step = steps[band]
            counts = image.astype(np.float64) / step
            widths, reached = self._widths(counts)
            valid = np.isfinite(counts)
            facts[0, band] = counts[valid].mean()
            facts[1, band] = np.sqrt(8 * np.log(2)) * np.median(widths[valid])
            facts[2, band] = reached[valid].mean()
            images[band] = step * _spread(counts, widths)
            if cube.errors is not None:
                (_, errors), *_ = planes_of(cube.errors, [band])
                variance = errors.astype(np.float64) ** 2
                variance[~valid] = np.nan
                deviations[band] = np.sqrt(_spread(variance, widths, squared=True))
        errors = cube.errors
        if errors is not None:
            errors = map_strips(lambda part, rows: _put(part, deviations, rows), errors)
        data = map_strips(lambda part, rows: _put(part, images, rows), cube.data)
        return cube.replace(data=data, errors=errors), facts

    def _widths(self, counts):
        """Return the standard deviation of the Gaussian of each pixel.

        Return also where the signal-to-noise is reached. The smoothed counts are a rate
        r with the variance r times the sum of the squared kernel, 1 / (4 pi sigma^2).
        """
        needed = self.signal_to_noise**2
        widths = np.zeros(counts.shape)
        reached = counts >= needed
        for sigma in _rising_widths(min(counts.shape)):
            widths[~reached] = sigma
            rate, _ = GaussianKernel(sigma).convolve(counts)
            reached |= 4 * np.pi * sigma**2 * rate >= needed
            if reached[np.isfinite(counts)].all():
                break
        return widths, reached

    def _warn_of_few(self, names):
        """Warn of bands of which half does not reach the signal-to-noise."""
        for name, counts, share in zip(names, self.counts_, self.reached_, strict=True):
            if share < 0.5:
                warn_user(
                    f"Band {name!r} has {counts:.2g} photons per pixel: in "
                    f"{1 - share:.0%} of the pixels they do not reach a "
                    f"signal-to-noise of {self.signal_to_noise:g}, however smoothed. "
                    "It tells little: leave it out, or bin it before."
                )


def _rising_widths(side):
    """Return deviations of Gaussians in pixels, by factors of the root of 2."""
    n_steps = max(0, int(2 * np.log2(max(side, 1) * _WIDEST)))
    return 2 ** (np.arange(n_steps + 1) / 2)


def _value_of_count(image):
    """Return the median value of a single count in an image, NaN without any."""
    positive = image[image > 0]
    if not len(positive):
        return np.nan
    singles = positive[positive < _SINGLE * positive.min()]
    return float(np.median(singles))


def _step_of_counts(sample):
    """Return the value of one count in rows of few counts, NaN in any others."""
    values = sample[np.isfinite(sample)].astype(np.float64)
    step = _value_of_count(sample)
    if not len(values) or not np.isfinite(step) or values.min() < 0:
        return np.nan
    counts = values / step
    mean = counts.mean()
    if not 0 < mean < _MOST_COUNTS:
        return np.nan
    whole = np.round(counts)
    if (np.abs(counts - whole) > _EXPOSURE_SPREAD * whole).any():
        return np.nan
    variance = variance_from_neighbors(sample, step)
    if np.isnan(variance) or variance < _LEAST_SCATTER * mean:
        return np.nan
    return step


def _spread(image, widths, *, squared=False):
    """Spread each pixel by a Gaussian of its width over the pixels with data."""
    valid = np.isfinite(image)
    total = np.zeros(image.shape)
    for sigma in np.unique(widths[valid]):
        part = np.where(valid & (widths == sigma), image, 0)
        if not part.any():
            continue
        if sigma == 0:
            total += part
            continue
        kernel = GaussianKernel(sigma)
        # How much of each Gaussian falls on data: the rest of it is given to them.
        inside = kernel._filter(valid.astype(np.float64))
        part /= np.where(valid, inside, 1) ** (2 if squared else 1)
        total += kernel._filter(part, squared=squared)
    total[~valid] = np.nan
    return total


def _put(part, images, rows):
    """Return some rows of a cube with the bands of images in their places."""
    part = part.copy()
    for band, image in images.items():
        part[:, :, band] = image[rows]
    return part
