# SPDX-License-Identifier: BSD-3-Clause
"""The weighted mean of exposures, without values that differ from those of others."""

import numpy as np
from scipy import ndimage

from skesom._common.strips import strips_of
from skesom._common.thread_pools import in_threads
from skesom.cube.alignment._placed_exposures import SIGMA, planes_in_box
from skesom.cube.convolution.filtering import smooth

HALO = 10  # rows beyond a block, of which 8 have an influence by smoothing
# Outliers are further from the median of the exposures than so many of their errors,
# plus so many of the largest steps from there to the neighbors.
DEVIATIONS = 4.0
STEPS = 1.2
# From the middle one of the distances of values from their median, of which there are
# often three only, to a standard deviation.
MIDDLE_TO_DEVIATION = 2.2


def average_exposures(exposures, shape, mask_outliers, n_jobs):
    """Return the weighted mean of exposures on a grid, and its errors if any.

    Parameters
    ----------
    exposures : list of Exposure
    shape : tuple of int (n_rows, n_columns)
        Of the grid.
    mask_outliers : bool
    n_jobs : int or None

    Returns
    -------
    data, errors : ndarray of shape (n_rows, n_columns, n_bands)
        NaN where no exposure has data; errors are None if no exposure has any.
    """
    n_rows, n_columns = shape
    n_bands = exposures[0].data.shape[2]
    data = np.empty((n_rows, n_columns, n_bands), exposures[0].data.dtype)
    errors = None
    if any(exposure.errors is not None for exposure in exposures):
        errors = np.empty_like(data)

    def fill_rows(rows):
        first_row = max(0, rows.start - HALO)
        box = (slice(first_row, rows.stop + HALO), slice(0, n_columns))
        inside = slice(rows.start - first_row, rows.stop - first_row)
        for band in range(n_bands):
            planes = [planes_in_box(exposure, box, band) for exposure in exposures]
            values, weights, errors_of_values = np.array(planes).swapaxes(0, 1)
            mean, error = _average(values, weights, errors_of_values, mask_outliers)
            data[rows, :, band] = mean[inside]
            if errors is not None:
                errors[rows, :, band] = error[inside]

    in_threads(fill_rows, strips_of(shape, "block"), n_jobs)
    return data, errors


def _average(values, weights, errors, mask_outliers):
    """Return the weighted mean of images, and its error; their arrays are changed.

    All have the shape (n_exposures, n_rows, n_columns).
    """
    is_lost = np.isnan(values)
    if mask_outliers and len(values) > 2:
        is_lost |= _find_outliers(values, weights)
    for plane in (values, weights, errors):
        plane[is_lost] = 0
    with np.errstate(invalid="ignore"):
        total = weights.sum(axis=0)
        mean = (weights * values).sum(axis=0) / total
        error = np.sqrt(((weights * errors) ** 2).sum(axis=0)) / total
    return mean, error


def _find_outliers(values, weights):
    """Find values that are far from those of two or more others at their pixel.

    The test of Fruchter and Hook (2002): the limit grows with the noise, and with the
    steps of the image, as a star that is sampled elsewhere differs without being wrong.
    """
    count = np.isfinite(values).sum(axis=0)
    # NaN is sorted last, so the middle of what is there lies at half its number.
    middle = np.stack([np.maximum(count - 1, 0), count]) // 2
    median = np.take_along_axis(np.sort(values, axis=0), middle, axis=0).mean(axis=0)
    distance = np.abs(values - median)
    upper_middle = middle[1:]
    spread = np.take_along_axis(np.sort(distance, axis=0), upper_middle, axis=0)[0]
    scatter = smooth(MIDDLE_TO_DEVIATION * spread, SIGMA)
    noise = np.fmax(1 / np.sqrt(weights), scatter)
    step = np.maximum(_step_up(median, count), _step_up(-median, count))
    return (distance > DEVIATIONS * noise + STEPS * step) & (count > 2)


def _step_up(image, count):
    """Return how far the highest of the four neighbors lies above each pixel."""
    cross = ndimage.generate_binary_structure(2, 1)
    filled = np.where(count, image, -np.inf)
    return ndimage.maximum_filter(filled, footprint=cross) - image
