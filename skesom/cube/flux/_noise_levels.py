# SPDX-License-Identifier: BSD-3-Clause
"""Noise of spectra at levels of brightness, and weights of noisy bands."""

import numpy as np

from skesom._common.noise import variance_of_differences
from skesom._common.strips import strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.threads import one_blas_thread
from skesom.cube.flux._scaled_spectra import BandScaling, brightness_of
from skesom.cube.masking.sky_tiles import representative_rows

# Levels of brightness, in each of which noise is measured: with 8 or 32 the same maps
# come out. The deviation of 200 differences is known to a fifteenth.
_MOST_LEVELS = 16
_LEAST_PIXELS = 200

# Fluxes of all bands from which noise is measured: 64 MB, and fewer for whole bands.
_MOST_VALUES = 2**23
_ENOUGH_VALUES = 2**21

# Distances in columns at which the noise of neighbors may still be alike, by resampling
# and by the smoothing to one width. What the weights gain is measured in
# docs/noisy_regions.md.
_LAGS = (2, 4)
_LEAST_WEIGHT = 0.05  # so that a band of noise alone is not divided by 0


def weigh_bands(data, errors, mean, deviation):
    """Return the weight of each band: variance of its signal over that of its noise.

    Without errors, the noise of a band is its nugget (Matheron 1963): the value at 0 of
    the line through two points of the variogram V, ``2 V(k) - V(2 k)`` at the lag k. It
    also holds noise that neighbors share, which V(1) alone would take for signal.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        Fluxes.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Standard deviations, NaN where they are unknown.
    mean, deviation : ndarray of shape (n_bands,)
        Mean and standard deviation of each band.

    Returns
    -------
    weights : ndarray of shape (n_bands,)
        From 0.05 to 1.
    """
    rows = representative_rows(*data.shape[:2], _ENOUGH_VALUES // data.shape[2])
    data = data[rows]
    scaling = BandScaling(mean, deviation)
    bands = np.diag(1 / deviation[scaling.order])
    if errors is not None:
        _, noise = _noise_of_errors(data, errors[rows], bands, scaling)
    else:
        _, noise = _noise_of_differences(data, bands, scaling)
        for lag in _LAGS:
            _, near = _noise_of_differences(data, bands, scaling, lag)
            _, far = _noise_of_differences(data, bands, scaling, 2 * lag)
            # Narrow images have fewer pairs of distant pixels, so also fewer levels.
            if len(near) == len(far) == len(noise):
                noise = np.maximum(noise, 2 * near - far)
    noise = noise.mean(axis=0)[np.argsort(scaling.order)]
    # Bands have variance 1, so what is not noise is signal.
    weights = np.clip((1 - noise) / np.maximum(noise, 0.5), _LEAST_WEIGHT, 1)
    # Where all bands are noise, none of them is worse than the others.
    return weights / weights.max()


def measure_noise(data, errors, axes, scaling):
    """Return levels of brightness, and the noise of spectra in each.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        Fluxes.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Standard deviations, NaN where they are unknown. Without them, differences of
        pixels beside each other tell the noise.
    axes : ndarray of shape (n_bands, n_axes)
        Directions, as columns, along which noise is measured: what a flux counts in
        each, with the bands in the order of the scaling.
    scaling : BandScaling
        Scaling of the bands.

    Returns
    -------
    levels : ndarray of shape (n_levels,)
        Median brightness of the pixels of each level, rising.
    noise : ndarray of shape (n_levels, n_axes)
        Variance of the noise.
    """
    rows = representative_rows(*data.shape[:2], _MOST_VALUES // data.shape[2])
    if errors is not None:
        return _noise_of_errors(data[rows], errors[rows], axes, scaling)
    levels, noise = _noise_of_differences(data[rows], axes, scaling)
    # In stretched fluxes, noise only falls where it is brighter: more is structure.
    return levels, np.minimum.accumulate(noise, axis=0)


def _noise_of_errors(data, errors, axes, scaling):
    """Return levels of brightness, and the median variance by the errors in each."""

    def measure(rows):
        _, brightness = _spectra_and_brightness(data[rows], scaling)
        variance = errors[rows][:, :, scaling.order].astype(np.float64) ** 2 @ axes**2
        return brightness, variance

    def typical_variance(variances):
        return np.median(variances, axis=0)

    return _by_brightness(measure, typical_variance, data.shape, axes.shape[1])


def _noise_of_differences(data, axes, scaling, lag=1):
    """Return levels of brightness, and the variogram at a lag (in columns) in each."""

    def measure(rows):
        spectra, brightness = _spectra_and_brightness(data[rows], scaling)
        brightness = (brightness[:, lag:] + brightness[:, :-lag]) / 2
        differences = (spectra[:, lag:] - spectra[:, :-lag]) @ axes
        return brightness, differences

    return _by_brightness(measure, variance_of_differences, data.shape, axes.shape[1])


def _spectra_and_brightness(data, scaling):
    """Return the spectra of some rows, not scaled, and the brightness of the scaled."""
    order = scaling.order
    spectra = data[:, :, order].astype(np.float64)
    scaled = (spectra - scaling.mean[order]) / scaling.deviation[order]
    return spectra, brightness_of(scaled)


def _by_brightness(measure, summarize, shape, n_axes):
    """Return levels of brightness, and a summary of the values of each.

    Parameters
    ----------
    measure : callable
        Gets a slice of rows; returns brightness of shape (n_rows, n_columns) and values
        of shape (n_rows, n_columns, n_axes).
    summarize : callable
        Gets values of shape (n_values, n_axes) of one level; returns one for each axis.
    shape : tuple
        Shape of the cube.
    n_axes : int
        Number of axes.
    """

    def measure_known(rows):
        brightness, values = measure(rows)
        is_known = np.isfinite(values).all(axis=2) & np.isfinite(brightness)
        return brightness[is_known], values[is_known]

    with one_blas_thread():
        blocks = in_threads(measure_known, strips_of(shape, "block"), n_jobs=-1)
    brightness = np.concatenate([block[0] for block in blocks])
    values = np.concatenate([block[1] for block in blocks])
    if len(values) == 0:
        return np.zeros(1), np.zeros((1, n_axes))

    # As many pixels in each level, so that each summary is as certain.
    n_levels = min(_MOST_LEVELS, max(1, len(values) // _LEAST_PIXELS))
    groups = np.array_split(np.argsort(brightness, kind="stable"), n_levels)
    levels = np.array([np.median(brightness[group]) for group in groups])
    summaries = in_threads(lambda group: summarize(values[group]), groups, n_jobs=-1)
    return levels, np.array(summaries)
