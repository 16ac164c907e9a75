# SPDX-License-Identifier: BSD-3-Clause
"""Convolution of images: around gaps, up to the borders, and in strips of rows."""

from functools import partial

import numpy as np
from scipy import fft, ndimage, signal

from skesom._common.strip_calls import map_images
from skesom._common.strips import Plan, around, strips_of
from skesom._common.thread_pools import in_threads

FOURIER_PADDING = 64  # pixels, so that faint wings do not reach the opposite border
FOURIER_CHUNK = 2**18  # values that are transformed at a time: 2 MB, for the cache
TRUNCATE = 4.0  # standard deviations at which sampled Gaussians are cut
FILL_SIGMA = 2.0  # pixels, of the local means that fill gaps
LEAST_HEIGHT = 8  # of a strip, in units of the rows that it needs above it


class RenormalizedKernel:
    """Base of the kernels whose weights are renormalized over the valid pixels."""

    # A kernel defines `_filter`, for images without NaN that are zero outside.
    reach: int  # number of rows around a pixel that have an influence on it

    def convolve(self, image, variance=None, weights=None):
        """Convolve an image with NaN, and the variance of its pixels."""
        masked = np.isnan(image)
        has_gaps = masked.any()
        weights = weights or self._weights(masked if has_gaps else None, image)
        filled = np.where(masked, image.dtype.type(0), image) if has_gaps else image
        smoothed = self._filter(filled)
        for weight in weights:
            smoothed /= weight
        if has_gaps:
            smoothed[masked] = np.nan
        if variance is None:
            return smoothed, None
        return smoothed, self._spread(variance, masked, weights)

    def _weights(self, masked, image):
        """Return factors of the share of the kernel that lies on valid pixels."""
        if masked is None:
            return (self._filter(np.ones_like(image), precise=False),)
        weight = self._filter((~masked).astype(image.dtype), precise=False)
        weight[masked] = 1
        return (weight,)

    def _spread(self, variance, masked, weights):
        """Return the variance of the weighted means."""
        unknown = np.isnan(variance) | masked
        filled = np.where(unknown, variance.dtype.type(0), variance)
        spread = self._filter(filled, squared=True)
        if not np.array_equal(unknown, masked):
            valid, known = (
                self._filter((~part).astype(variance.dtype), squared=True)
                for part in (masked, unknown)
            )
            spread *= np.divide(valid, known, out=known, where=~unknown)
        for weight in weights:
            spread /= weight
            spread /= weight
        np.maximum(spread, 0, out=spread)  # rounding in Fourier space
        spread[unknown] = np.nan
        return spread


class GaussianKernel(RenormalizedKernel):
    """A Gaussian, of a standard deviation in pixels for rows and for columns."""

    def __init__(self, sigma):
        self.sigma = tuple(float(width) for width in np.broadcast_to(sigma, 2))
        rows = self.sigma[0]
        is_sampled = rows == 0 or rows >= 1
        self.reach = int(TRUNCATE * rows + 0.5) if is_sampled else FOURIER_PADDING

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


def smooth(band, sigma):
    """Convolve one image with a Gaussian; NaN and the outside have no weight."""
    return smooth_all([band], sigma)[0]


def smooth_all(bands, sigma, n_jobs=None):
    """Convolve images of one shape with a Gaussian, as `smooth` does."""
    kernel, masked, weights = GaussianKernel(sigma), np.isnan(bands[0]), None
    if all(np.array_equal(np.isnan(band), masked) for band in bands[1:]):
        weights = kernel._weights(masked if masked.any() else None, bands[0])
    convolve = partial(kernel.convolve, weights=weights)
    return in_threads(lambda band: convolve(band)[0], bands, n_jobs)


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
    # In float64, as a bright star would spoil faint pixels; in chunks to save memory.
    dtype = np.float64 if precise else image.dtype
    transfer = ndimage.fourier_gaussian(np.ones(padded // 2 + 1), sigma, padded)
    if squared:
        transfer = fft.rfft(fft.irfft(transfer, padded) ** 2).real
    transfer = transfer.astype(dtype)
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


class PositiveKernel(RenormalizedKernel):
    """A kernel without negative parts, as an array of odd lengths and of sum 1."""

    def __init__(self, array):
        self.array = array
        self.reach = len(array) // 2

    def _filter(self, image, *, squared=False, precise=True):
        array = self.array**2 if squared else self.array
        filtered = signal.oaconvolve(image.astype(np.float64), array, mode="same")
        return filtered.astype(image.dtype)


class LobedKernel:
    """A kernel with negative lobes, as an array of odd lengths and of sum 1."""

    # Shares near 0 cannot be divisors: gaps and the outside are filled with the mean
    # around the nearest valid pixel instead.

    def __init__(self, array):
        self.array = array
        # Half a length into a gap, and as far again to the pixel that fills it.
        self.reach = 2 * (len(array) // 2) + GaussianKernel(FILL_SIGMA).reach

    def convolve(self, image, variance=None):
        """Convolve an image with NaN, and the variance of its pixels."""
        convolved = self._convolve_filled(image, self.array)
        if variance is None:
            return convolved, None
        spread = self._convolve_filled(variance, self.array**2)
        return convolved, np.maximum(spread, 0)

    def _convolve_filled(self, image, array):
        """Convolve an image whose gaps and surroundings are filled."""
        masked = np.isnan(image)
        if masked.all():
            return image.copy()
        filled = _fill(image, masked, [length // 2 for length in array.shape])
        convolved = signal.oaconvolve(filled, array, mode="valid")
        convolved[masked] = np.nan
        return convolved.astype(image.dtype)


def _fill(image, masked, margin):
    """Return the image in a frame of so many rows and columns, without NaN."""
    frame = [(width, width) for width in margin]
    holes = np.pad(masked, frame, constant_values=True)
    filled = np.pad(image.astype(np.float64), frame)
    means = smooth(image.astype(np.float64), FILL_SIGMA)
    rows, columns = ndimage.distance_transform_edt(
        holes, return_distances=False, return_indices=True
    )
    nearest = rows[holes] - margin[0], columns[holes] - margin[1]
    filled[holes] = means[nearest]
    return filled


def convolve_cube(cube, kernels, n_jobs, *, copy):
    """Convolve every band with its kernel; return data and errors."""
    # The strips, and so the result, depend on the shape of the cube alone.
    reach = max((kernel.reach for kernel in kernels if kernel), default=0)
    strips = strips_of(cube.shape, "convolve", least=LEAST_HEIGHT * reach)
    planes = cube.data, cube.errors
    return map_images(
        partial(_convolve_band, kernels=kernels),
        planes,
        Plan(strips, reach),
        [None if p is None else (p.shape[1:], p.dtype) for p in planes],
        bands=[b for b, kernel in enumerate(kernels) if copy or kernel],
        n_jobs=n_jobs,
        in_place=not copy,
    )


def _convolve_band(data, errors, rows, band, *, kernels):
    """Return the fluxes and errors (or None) of a strip of a convolved band."""
    kernel = kernels[band]
    near = around(rows, kernel.reach if kernel else 0)
    planes = [
        None if plane is None else np.ascontiguousarray(plane[near, :, band])
        for plane in (data, errors)
    ]
    if kernel:
        planes = _convolve(kernel, *planes)
    inner = slice(rows.start - near.start, rows.stop - near.start)
    return [None if plane is None else plane[inner] for plane in planes]


def _convolve(kernel, image, errors):
    """Convolve the columns of an image that hold anything, and their errors."""
    columns = slice(None)
    if isinstance(kernel, RenormalizedKernel):  # empty columns have no weight
        filled = np.flatnonzero(~np.isnan(image).all(axis=0))
        columns = slice(filled[0], filled[-1] + 1) if len(filled) else slice(0)
    part = np.ascontiguousarray(image[:, columns])
    variance = None
    if errors is not None:  # float32 would underflow
        variance = errors[:, columns].astype(np.float64) ** 2
    if part.size:
        part, variance = kernel.convolve(part, variance)
    result = np.full_like(image, np.nan)
    result[:, columns] = part
    if errors is not None:
        errors = np.full_like(errors, np.nan)
        errors[:, columns] = np.sqrt(variance)
    return result, errors
