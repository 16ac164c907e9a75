# SPDX-License-Identifier: BSD-3-Clause
"""Convolve one image with a Gaussian of any width, around gaps and up to the border."""

import numpy as np
from scipy import fft, ndimage

# A kernel of sub-pixel width that was applied in Fourier space has faint alternating
# wings; this many pixels of padding keep them from reaching the opposite border.
FOURIER_PADDING = 64
FOURIER_CHUNK = 2**18


def smooth(band, sigma):
    """Convolve one image with a Gaussian, leaving NaN and the outside out of it.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns), float32 or float64
        The image; NaN marks masked pixels.
    sigma : float or array-like of shape (2,)
        Standard deviation along the rows' axis and the columns' axis in pixels.

    Returns
    -------
    smoothed : ndarray of shape (n_rows, n_columns)
        The weighted mean of the valid pixels around each valid pixel, NaN elsewhere.
    """
    sigma = np.broadcast_to(sigma, 2)
    masked = np.isnan(band)
    if masked.any():
        smoothed = _filter(np.where(masked, band.dtype.type(0), band), sigma)
        weight = _filter(np.logical_not(masked).astype(band.dtype), sigma)
        weight[masked] = np.nan
        smoothed /= weight
        return smoothed
    smoothed = _filter(band, sigma)
    for axis in range(2):
        inside = np.ones((band.shape[axis], 1))
        weight = _filter_axis(inside, sigma[axis], 0).astype(band.dtype)
        smoothed /= weight if axis == 0 else weight.T
    return smoothed


def _filter(image, sigma):
    """Convolve with a Gaussian; the image is zero outside of its frame."""
    return _filter_axis(_filter_axis(image, sigma[0], 0), sigma[1], 1)


def _filter_axis(image, sigma, axis):
    """Convolve along one axis, in Fourier space if the Gaussian is sub-pixel."""
    if sigma == 0:
        return image.copy()
    if sigma >= 1:
        return ndimage.gaussian_filter1d(image, sigma, axis=axis, mode="constant")
    length = image.shape[axis]
    padded = fft.next_fast_len(length + FOURIER_PADDING, real=True)
    sigmas = (sigma, 0) if axis == 0 else (0, sigma)
    result = np.empty_like(image)
    # In float64, lest a bright star spoil faint pixels far away; in chunks, lest that
    # need much memory.
    step = max(1, FOURIER_CHUNK // padded)
    for start in range(0, image.shape[1 - axis], step):
        part = (slice(None),) * (1 - axis) + (slice(start, start + step),)
        chunk = image[part].astype(np.float64)
        spectrum = fft.rfft(chunk, padded, axis=axis)
        ndimage.fourier_gaussian(spectrum, sigmas, padded, axis, output=spectrum)
        filtered = fft.irfft(spectrum, padded, axis=axis, overwrite_x=True)
        result[part] = filtered[:length] if axis == 0 else filtered[:, :length]
    return result
