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
    """Base of the kernels whose weights are renormalized over the valid pixels.

    A kernel defines `filter`, which convolves images without NaN that are 0 outside,
    and `reach`, the number of rows around a pixel that have an influence on it.
    """

    reach: int

    def convolve(self, image, variance=None, weights=None):
        """Convolve an image with NaN, and the variance of its pixels.

        Parameters
        ----------
        image : ndarray of shape (n_rows, n_columns)
            The image; NaN and the outside have no weight.
        variance : ndarray of shape (n_rows, n_columns), default=None
            Variances of the pixels, NaN where unknown.
        weights : sequence of ndarray, default=None
            What `find_weights` returns for the gaps of this image. Images with the same
            gaps share them.

        Returns
        -------
        smoothed : ndarray of shape (n_rows, n_columns)
            NaN where the image is.
        smoothed_variance : ndarray of shape (n_rows, n_columns) or None
            None without a variance.
        """
        is_masked = np.isnan(image)
        has_gaps = is_masked.any()
        if weights is None:
            weights = self.find_weights(is_masked if has_gaps else None, image)
        filled = image
        if has_gaps:
            filled = np.where(is_masked, image.dtype.type(0), image)
        smoothed = self.filter(filled)
        for weight in weights:
            smoothed /= weight
        if has_gaps:
            smoothed[is_masked] = np.nan
        if variance is None:
            return smoothed, None
        return smoothed, self._convolve_variance(variance, is_masked, weights)

    def find_weights(self, is_masked, image):
        """Return the share of the kernel on valid pixels, as factors that broadcast.

        Parameters
        ----------
        is_masked : ndarray of bool of shape (n_rows, n_columns) or None
            Pixels without a value; None if there are none.
        image : ndarray of shape (n_rows, n_columns)
            An image of that shape and type.
        """
        if is_masked is None:
            return (self.filter(np.ones_like(image), precise=False),)
        weight = self.filter((~is_masked).astype(image.dtype), precise=False)
        weight[is_masked] = 1
        return (weight,)

    def _convolve_variance(self, variance, is_masked, weights):
        """Return the variance of the weighted means."""
        is_unknown = np.isnan(variance) | is_masked
        filled = np.where(is_unknown, variance.dtype.type(0), variance)
        result = self.filter(filled, squared=True)
        if not np.array_equal(is_unknown, is_masked):
            # Where some of the variances are unknown, the others stand for them.
            valid = self.filter((~is_masked).astype(variance.dtype), squared=True)
            known = self.filter((~is_unknown).astype(variance.dtype), squared=True)
            result *= np.divide(valid, known, out=known, where=~is_unknown)
        for weight in weights:
            result /= weight
            result /= weight
        np.maximum(result, 0, out=result)  # rounding in Fourier space
        result[is_unknown] = np.nan
        return result


class GaussianKernel(RenormalizedKernel):
    """A Gaussian, of a standard deviation in pixels for rows and for columns."""

    def __init__(self, sigma):
        self.sigma = tuple(float(width) for width in np.broadcast_to(sigma, 2))
        row_sigma = self.sigma[0]
        if 0 < row_sigma < 1:  # in Fourier space
            self.reach = FOURIER_PADDING
        else:
            self.reach = int(TRUNCATE * row_sigma + 0.5)

    def find_weights(self, is_masked, image):
        """Return the share of the kernel on valid pixels, as factors that broadcast.

        Without gaps, rows and columns have a factor each.
        """
        if is_masked is not None:
            return super().find_weights(is_masked, image)
        n_rows, n_columns = image.shape
        row_sigma, column_sigma = self.sigma
        row_weights = _filter_axis(np.ones((n_rows, 1)), row_sigma, axis=0)
        column_weights = _filter_axis(np.ones((n_columns, 1)), column_sigma, axis=0)
        return row_weights.astype(image.dtype), column_weights.astype(image.dtype).T

    def filter(self, image, *, squared=False, precise=True):
        """Convolve an image without NaN that is 0 outside.

        Parameters
        ----------
        image : ndarray of shape (n_rows, n_columns)
        squared : bool, default=False
            Whether the weights of the kernel are squared, as for variances.
        precise : bool, default=True
            Whether transforms to Fourier space are in double precision, else in the
            type of the image.
        """
        for axis in range(2):
            image = _filter_axis(
                image, self.sigma[axis], axis, squared=squared, precise=precise
            )
        return image


def smooth(image, sigma):
    """Convolve one image with a Gaussian; NaN and the outside have no weight."""
    return smooth_all([image], sigma)[0]


def smooth_all(images, sigma, n_jobs=None):
    """Convolve images of one shape with a Gaussian, as `smooth` does."""
    kernel = GaussianKernel(sigma)
    is_masked = np.isnan(images[0])
    weights = None
    # Images with the same gaps share the weights, which cost as much as one of them.
    if all(np.array_equal(np.isnan(image), is_masked) for image in images[1:]):
        if not is_masked.any():
            is_masked = None
        weights = kernel.find_weights(is_masked, images[0])

    def convolve(image):
        smoothed, _ = kernel.convolve(image, weights=weights)
        return smoothed

    return in_threads(convolve, images, n_jobs)


def _filter_axis(image, sigma, axis, *, squared=False, precise=True):
    """Convolve along one axis, as `GaussianKernel.filter` does along both.

    It is done in Fourier space if the standard deviation is below a pixel: sampled at
    the pixel centers, so narrow a Gaussian has another width.
    """
    if sigma == 0:
        return image.copy()
    if sigma < 1:
        return _filter_fourier(image, sigma, axis, squared=squared, precise=precise)
    if not squared:
        return ndimage.gaussian_filter1d(
            image, sigma, axis=axis, mode="constant", truncate=TRUNCATE
        )
    # SciPy does not tell the weights of its Gaussian, but what it makes of an impulse.
    impulse = np.zeros(2 * int(TRUNCATE * sigma + 0.5) + 1)
    impulse[len(impulse) // 2] = 1
    profile = ndimage.gaussian_filter1d(
        impulse, sigma, mode="constant", truncate=TRUNCATE
    )
    return ndimage.correlate1d(image, profile**2, axis=axis, mode="constant")


def _filter_fourier(image, sigma, axis, *, squared, precise):
    """Convolve along one axis in Fourier space, in frames that are padded with 0."""
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
        lines = slice(start, start + step)
        chunk = (slice(None), lines) if axis == 0 else (lines, slice(None))
        spectrum = fft.rfft(image[chunk].astype(dtype, copy=False), padded, axis=axis)
        spectrum *= transfer
        filtered = fft.irfft(spectrum, padded, axis=axis, overwrite_x=True)
        if axis == 0:
            result[chunk] = filtered[:length]
        else:
            result[chunk] = filtered[:, :length]
    return result


class PositiveKernel(RenormalizedKernel):
    """A kernel without negative parts, as an array of odd lengths and of sum 1."""

    def __init__(self, array):
        self.array = array
        self.reach = len(array) // 2

    def filter(self, image, *, squared=False, precise=True):
        """Convolve an image without NaN that is 0 outside, in double precision.

        With `squared` the weights of the kernel are squared, as for variances.
        """
        array = self.array**2 if squared else self.array
        filtered = signal.oaconvolve(image.astype(np.float64), array, mode="same")
        return filtered.astype(image.dtype)


class LobedKernel:
    """A kernel with negative lobes, as an array of odd lengths and of sum 1.

    The share of its weights on valid pixels may be near 0, so it cannot be a divisor:
    gaps and the outside are filled with the mean around the nearest valid pixel
    instead.
    """

    def __init__(self, array):
        self.array = array
        # Half a length into a gap, and as far again to the pixel that fills it.
        self.reach = 2 * (len(array) // 2) + GaussianKernel(FILL_SIGMA).reach

    def convolve(self, image, variance=None):
        """Convolve an image with NaN, and the variance of its pixels."""
        convolved = self._convolve_filled(image, self.array)
        if variance is None:
            return convolved, None
        convolved_variance = self._convolve_filled(variance, self.array**2)
        return convolved, np.maximum(convolved_variance, 0)

    def _convolve_filled(self, image, array):
        """Convolve an image whose gaps and surroundings are filled."""
        is_masked = np.isnan(image)
        if is_masked.all():
            return image.copy()
        margins = [length // 2 for length in array.shape]
        filled = _fill_gaps_and_margins(image, is_masked, margins)
        convolved = signal.oaconvolve(filled, array, mode="valid")
        convolved[is_masked] = np.nan
        return convolved.astype(image.dtype)


def _fill_gaps_and_margins(image, is_masked, margins):
    """Return an image without NaN, with more rows and columns around it.

    `margins` are the numbers of rows above and below, and of columns on both sides.
    """
    padding = [(width, width) for width in margins]
    is_hole = np.pad(is_masked, padding, constant_values=True)
    filled = np.pad(image.astype(np.float64), padding)
    means = smooth(image.astype(np.float64), FILL_SIGMA)
    nearest_rows, nearest_columns = ndimage.distance_transform_edt(
        is_hole, return_distances=False, return_indices=True
    )
    filled[is_hole] = means[
        nearest_rows[is_hole] - margins[0], nearest_columns[is_hole] - margins[1]
    ]
    return filled


def convolve_cube(cube, kernels, n_jobs, *, copy):
    """Convolve every band of a cube with its kernel.

    Parameters
    ----------
    cube : Cube
        The cube.
    kernels : list
        A kernel for each band, or None for a band that stays as it is.
    n_jobs : int or None
        Number of threads.
    copy : bool
        False overwrites the cube.

    Returns
    -------
    data, errors : ndarray of shape (n_rows, n_columns, n_bands)
        As those of the cube; errors may be None.
    """
    # The strips, and so the result, depend on the shape of the cube alone.
    reaches = [kernel.reach for kernel in kernels if kernel is not None]
    reach = max(reaches, default=0)
    strips = strips_of(cube.shape, "convolve", least=LEAST_HEIGHT * reach)
    row_types = [(cube.data.shape[1:], cube.data.dtype), None]
    if cube.errors is not None:
        row_types[1] = (cube.errors.shape[1:], cube.errors.dtype)
    bands = range(len(kernels))
    if not copy:
        bands = [band for band in bands if kernels[band] is not None]
    return map_images(
        partial(_convolve_band, kernels=kernels),
        [cube.data, cube.errors],
        Plan(strips, reach),
        row_types,
        bands=bands,
        n_jobs=n_jobs,
        in_place=not copy,
    )


def _convolve_band(data, errors, rows, band, *, kernels):
    """Return the fluxes and errors (or None) of a strip of a convolved band."""
    kernel = kernels[band]
    near = around(rows, 0 if kernel is None else kernel.reach)
    image = np.ascontiguousarray(data[near, :, band])
    if errors is not None:
        errors = np.ascontiguousarray(errors[near, :, band])
    if kernel is not None:
        image, errors = _convolve_image(kernel, image, errors)
    inner = slice(rows.start - near.start, rows.stop - near.start)
    return image[inner], None if errors is None else errors[inner]


def _convolve_image(kernel, image, errors):
    """Convolve the columns of an image that are not empty, and their errors."""
    columns = slice(None)
    if isinstance(kernel, RenormalizedKernel):  # empty columns have no weight
        filled_columns = np.flatnonzero(~np.isnan(image).all(axis=0))
        if len(filled_columns) > 0:
            columns = slice(filled_columns[0], filled_columns[-1] + 1)
        else:
            columns = slice(0)
    filled_image = np.ascontiguousarray(image[:, columns])
    variance = None
    if errors is not None:  # float32 would underflow
        variance = errors[:, columns].astype(np.float64) ** 2
    if filled_image.size > 0:
        filled_image, variance = kernel.convolve(filled_image, variance)
    result = np.full_like(image, np.nan)
    result[:, columns] = filled_image
    if errors is not None:
        errors = np.full_like(errors, np.nan)
        errors[:, columns] = np.sqrt(variance)
    return result, errors
