# SPDX-License-Identifier: BSD-3-Clause
"""Convolve a cube strip by strip, so that the memory needed does not grow with it."""

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from skesom.cube.convolution._renormalized import RenormalisedKernel

# Large enough that the rows around a strip cost little, small enough that all the
# arrays of a strip take some ten megabytes each.
PIXELS_PER_STRIP = 2**22
# A strip is at least so many times as high as the rows that it needs above it.
LEAST_HEIGHT = 8


class Planes(NamedTuple):
    """Fluxes and errors of the same pixels.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_columns, n_bands)
        The fluxes.
    errors : ndarray of shape (n_rows, n_columns, n_bands) or None
        Their errors.
    """

    data: np.ndarray
    errors: np.ndarray | None

    def map(self, function):
        """Return the planes after a function was applied to each."""
        return Planes(*(None if part is None else function(part) for part in self))


def convolve_cube(cube, kernels, n_jobs, *, copy=True):
    """Convolve every band with its kernel.

    Notes
    -----
    The strips depend on the shape of the cube alone, and the result not on the
    threads.
    """
    before = Planes(cube.data, cube.errors)
    after = before.map(np.empty_like) if copy else before
    n_rows, n_columns, n_bands = cube.shape
    reach = max((kernel.reach for kernel in kernels if kernel is not None), default=0)
    height = max(PIXELS_PER_STRIP // n_columns, LEAST_HEIGHT * reach, 1)
    strips = [slice(top, min(top + height, n_rows)) for top in range(0, n_rows, height)]
    bands = [b for b in range(n_bands) if copy or kernels[b] is not None]
    with Parallel(n_jobs=n_jobs, require="sharedmem") as parallel:
        if copy:
            # Bands of one strip follow each other, since they lie in the same memory.
            parallel(
                delayed(_fill_strip)(before, after, strip, band, kernels[band])
                for strip in strips
                for band in bands
            )
            return tuple(after)
        above = None
        for strip in strips:
            kept = _last_rows(before, strip, reach)
            parallel(
                delayed(_fill_strip)(before, after, strip, band, kernels[band], above)
                for band in bands
            )
            above = kept
    return tuple(after)


def _last_rows(planes, strip, reach):
    """Return a copy of the rows of a strip that the next one needs."""
    first = max(strip.start, strip.stop - reach)
    return planes.map(lambda part: part[first : strip.stop].copy())


def _fill_strip(before, after, strip, band, kernel, above=None):
    """Write one strip of one convolved band to its place.

    The rows above it are given if they are convolved already.
    """
    reach = 0 if kernel is None else kernel.reach
    margin = min(reach, strip.start)

    def take(part, part_above):
        image = part[strip.start - margin : strip.stop + reach, :, band]
        image = np.ascontiguousarray(image)
        if part_above is not None and margin:
            if np.may_share_memory(image, part):
                image = image.copy()
            image[:margin] = part_above[-margin:, :, band]
        return image

    image = take(before.data, None if above is None else above.data)
    variance = None
    if before.errors is not None:
        variance = take(before.errors, None if above is None else above.errors)
    if kernel is not None:
        image, variance = _convolve(kernel, image, variance)
    inner = slice(margin, margin + strip.stop - strip.start)
    after.data[strip, :, band] = image[inner]
    if variance is not None:
        after.errors[strip, :, band] = variance[inner]


def _convolve(kernel, image, errors):
    """Convolve the columns of an image that hold anything, and their errors."""
    columns = slice(None)
    if isinstance(kernel, RenormalisedKernel):  # what is missing takes no part
        filled = np.flatnonzero(~np.isnan(image).all(axis=0))
        columns = slice(filled[0], filled[-1] + 1) if len(filled) else slice(0)
    part = np.ascontiguousarray(image[:, columns])
    variance = None
    if errors is not None:
        # float32 would underflow
        variance = errors[:, columns].astype(np.float64) ** 2
    if part.size:
        part, variance = kernel.convolve(part, variance)
    if part.shape == image.shape:
        result = part
    else:
        result = np.full_like(image, np.nan)
        result[:, columns] = part
    if errors is None:
        return result, None
    spread = np.full_like(errors, np.nan)
    spread[:, columns] = np.sqrt(variance, out=variance)
    return result, spread
