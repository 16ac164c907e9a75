# SPDX-License-Identifier: BSD-3-Clause
"""Convolve one image with a kernel that is given as an array."""

import numpy as np
from scipy import fft, ndimage, signal

from skesom.cube.convolution._gaussian import GaussianKernel
from skesom.cube.convolution._renormalized import RenormalisedKernel

# Standard deviation in pixels of the means that stand in for holes.
FILL_SIGMA = 2.0


class PositiveKernel(RenormalisedKernel):
    """A kernel without negative parts: its weights are renormalized beside gaps.

    Parameters
    ----------
    array : ndarray of shape (n_rows, n_columns), float64
        The kernel; both lengths are odd, the sum is 1.
    """

    def __init__(self, array):
        self.array = array

    @property
    def reach(self):
        """Number of rows around a pixel that have an influence on it."""
        return len(self.array) // 2

    def _filter(self, image, *, squared=False, precise=True):
        array = self.array**2 if squared else self.array
        filtered = signal.oaconvolve(image.astype(np.float64), array, mode="same")
        return filtered.astype(image.dtype)


class LobedKernel:
    """A kernel with negative lobes: gaps and the outside are filled for it.

    Renormalizing such a kernel would divide by shares near 0. Instead what is missing
    takes the local mean around the nearest valid pixel, and is masked again in the
    end.

    Parameters
    ----------
    array : ndarray of shape (n_rows, n_columns), float64
        The kernel; both lengths are odd, the sum is 1.
    """

    def __init__(self, array):
        self.array = array

    @property
    def reach(self):
        """Number of rows around a pixel that have an influence on it.

        The kernel reaches into a gap as far as its half length, and the value there
        comes from a valid pixel that is no farther away again.
        """
        return 2 * (len(self.array) // 2) + GaussianKernel(FILL_SIGMA).reach

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
    means = GaussianKernel(FILL_SIGMA).convolve(image.astype(np.float64))[0]
    rows, columns = ndimage.distance_transform_edt(
        holes, return_distances=False, return_indices=True
    )
    nearest = rows[holes] - margin[0], columns[holes] - margin[1]
    filled[holes] = means[nearest]
    return filled


def elliptical_gaussian(covariance):
    """Sample a Gaussian of any direction so that sub-pixel widths come out right."""
    reach = max(32, int(np.ceil(5 * np.sqrt(np.linalg.eigvalsh(covariance)[-1]))))
    length = 2 * reach + 1
    rows, columns = fft.fftfreq(length)[:, np.newaxis], fft.rfftfreq(length)
    exponent = (
        covariance[0, 0] * columns**2
        + 2 * covariance[0, 1] * columns * rows
        + covariance[1, 1] * rows**2
    )
    transfer = np.exp(-2 * np.pi**2 * exponent)
    return fft.fftshift(fft.irfft2(transfer, (length, length)))


def make_kernel(array):
    """Return the kernel of an array, by whether it has negative lobes."""
    return LobedKernel(array) if np.any(array < 0) else PositiveKernel(array)
