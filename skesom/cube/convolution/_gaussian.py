# SPDX-License-Identifier: BSD-3-Clause
"""Convolve one image with a Gaussian of any width, around gaps and up to the border."""

import numpy as np
from scipy import fft, ndimage

from skesom.cube.convolution._renormalized import RenormalisedKernel

# A kernel of sub-pixel width that was applied in Fourier space has faint alternating
# wings; this many pixels of padding keep them from reaching the opposite border.
FOURIER_PADDING = 64
FOURIER_CHUNK = 2**18
# Sampled Gaussians are cut at so many standard deviations.
TRUNCATE = 4.0


def smooth(band, sigma):
    """Convolve one image with a Gaussian, leaving NaN and the outside out of it."""
    return GaussianKernel(sigma).convolve(band)[0]


class GaussianKernel(RenormalisedKernel):
    """A Gaussian along rows and columns.

    Parameters
    ----------
    sigma : float or array-like of shape (2,)
        Standard deviation along the rows' axis and the columns' axis in pixels.
    """

    def __init__(self, sigma):
        self.sigma = tuple(float(width) for width in np.broadcast_to(sigma, 2))

    @property
    def reach(self):
        """Number of rows around a pixel that have an influence on it."""
        sigma = self.sigma[0]
        if sigma == 0:
            return 0
        return int(TRUNCATE * sigma + 0.5) if sigma >= 1 else FOURIER_PADDING

    def _weights(self, masked, image):
        if masked is not None:
            return super()._weights(masked, image)
        rows, columns = (
            _filter_axis(np.ones((length, 1)), sigma, 0).astype(image.dtype)
            for length, sigma in zip(image.shape, self.sigma, strict=True)
        )
        return rows, columns.T

    def _filter(self, image, **options):
        for axis in range(2):
            image = _filter_axis(image, self.sigma[axis], axis, **options)
        return image


def _filter_axis(image, sigma, axis, *, squared=False, precise=True):
    """Convolve along one axis, in Fourier space if the Gaussian is sub-pixel."""
    if sigma == 0:
        return image.copy()
    if sigma < 1:
        return _filter_fourier(image, sigma, axis, squared=squared, precise=precise)
    if not squared:
        return ndimage.gaussian_filter1d(
            image, sigma, axis=axis, mode="constant", truncate=TRUNCATE
        )
    impulse = np.zeros(2 * int(TRUNCATE * sigma + 0.5) + 1)
    impulse[len(impulse) // 2] = 1
    profile = _filter_axis(impulse[:, np.newaxis], sigma, 0)[:, 0]
    return ndimage.correlate1d(image, profile**2, axis=axis, mode="constant")


def _filter_fourier(image, sigma, axis, *, squared, precise):
    """Convolve along one axis in Fourier space."""
    length = image.shape[axis]
    padded = fft.next_fast_len(length + FOURIER_PADDING, real=True)
    # In float64, lest a bright star spoil faint pixels far away; masks have none.
    # In chunks, lest that need much memory.
    dtype = np.float64 if precise else image.dtype
    transfer = _transfer_function(sigma, padded, squared).astype(dtype)
    if axis == 0:
        transfer = transfer[:, np.newaxis]
    result = np.empty_like(image)
    step = max(1, FOURIER_CHUNK // padded)
    for start in range(0, image.shape[1 - axis], step):
        part = (slice(None),) * (1 - axis) + (slice(start, start + step),)
        spectrum = fft.rfft(image[part].astype(dtype, copy=False), padded, axis=axis)
        spectrum *= transfer
        filtered = fft.irfft(spectrum, padded, axis=axis, overwrite_x=True)
        result[part] = filtered[:length] if axis == 0 else filtered[:, :length]
    return result


def _transfer_function(sigma, length, squared):
    """Return what the kernel, or its square, multiplies each frequency with."""
    transfer = ndimage.fourier_gaussian(np.ones(length // 2 + 1), sigma, length)
    if squared:
        transfer = fft.rfft(fft.irfft(transfer, length) ** 2).real
    return transfer
