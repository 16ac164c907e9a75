# SPDX-License-Identifier: BSD-3-Clause
"""Convolve a cube strip by strip, so that the memory needed does not grow with it."""

import numpy as np
from joblib import Parallel, delayed

# Large enough that the rows around a strip cost little, small enough that all the
# arrays of a strip take some ten megabytes each.
PIXELS_PER_STRIP = 2**22
# A strip is at least so many times as high as the rows that it needs above it.
LEAST_HEIGHT = 8


def convolve_cube(cube, kernels, n_jobs):
    """Convolve every band with its kernel.

    Parameters
    ----------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The cube.
    kernels : sequence of length n_bands
        Objects with ``reach`` and ``convolve(image, variance)``; None leaves a band
        as it is.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        The convolved bands.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Their errors, if the cube has errors.

    Notes
    -----
    The strips depend on the shape of the cube alone, and the result not on the
    threads.
    """
    data = np.empty(cube.shape, dtype=cube.dtype)
    errors = None if cube.errors is None else np.empty(cube.shape, dtype=cube.dtype)
    n_rows, n_columns, n_bands = cube.shape
    reach = max((kernel.reach for kernel in kernels if kernel is not None), default=0)
    height = max(PIXELS_PER_STRIP // n_columns, LEAST_HEIGHT * reach, 1)
    # Bands of one strip follow each other, since they lie in the same memory.
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(_fill_strip)(cube, kernels[band], band, start, height, data, errors)
        for start in range(0, n_rows, height)
        for band in range(n_bands)
    )
    return data, errors


def _fill_strip(cube, kernel, band, start, height, data, errors):
    """Write one strip of one convolved band to its place."""
    stop = min(start + height, cube.shape[0])
    reach = 0 if kernel is None else kernel.reach
    first, last = max(start - reach, 0), min(stop + reach, cube.shape[0])
    image = np.ascontiguousarray(cube.data[first:last, :, band])
    variance = None
    if errors is not None:
        variance = np.ascontiguousarray(cube.errors[first:last, :, band])
    if kernel is not None:
        if variance is not None:
            variance = variance.astype(np.float64) ** 2  # float32 would underflow
        image, variance = kernel.convolve(image, variance)
        if variance is not None:
            variance = np.sqrt(variance, out=variance)
    inner = slice(start - first, stop - first)
    data[start:stop, :, band] = image[inner]
    if errors is not None:
        errors[start:stop, :, band] = variance[inner]
