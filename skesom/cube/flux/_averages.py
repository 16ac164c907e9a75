# SPDX-License-Identifier: BSD-3-Clause
"""Averages of images under Gaussians of several widths."""

import numpy as np

from skesom._common.thread_pools import in_threads
from skesom.cube.convolution.filtering import GaussianKernel


def reach_of(widths):
    """Return how many rows away pixels have an influence on an average.

    `widths` are standard deviations of Gaussians, an array of any shape. Without a
    component it is empty.
    """
    reaches = [GaussianKernel(width).reach for width in np.unique(widths)]
    return max(reaches, default=0)


def average_around(images, widths, inner):
    """Average images around the pixels of some inner rows.

    Parameters
    ----------
    images : ndarray of shape (n_images, n_rows, n_columns)
        Images, also in the rows around the inner ones, with NaN in the same pixels.
    widths : ndarray of shape (n_images, n_inner_rows, n_columns)
        Standard deviation of the Gaussian of each pixel; 0 leaves it as it is.
    inner : slice
        The inner rows.

    Returns
    -------
    averages : ndarray of shape (n_images, n_inner_rows, n_columns)
        The averages, NaN where the images have none.
    """
    averages = images[:, inner].copy()
    is_masked = np.isnan(images[0])
    tasks = []
    for width in np.unique(widths[widths > 0]):
        kernel = GaussianKernel(width)
        # Also without gaps, so that the last bits do not depend on the rows at hand.
        weights = kernel.find_weights(is_masked, images[0])
        for number in np.flatnonzero((widths == width).any(axis=(1, 2))):
            tasks.append((number, width, kernel, weights))

    def average(task):
        number, width, kernel, weights = task
        has_width = widths[number] == width
        smoothed, _ = kernel.convolve(images[number], weights=weights)
        averages[number][has_width] = smoothed[inner][has_width]

    in_threads(average, tasks, n_jobs=-1)
    return averages


def noise_in_common(first, second):
    """Return the covariance of two averages around one pixel, of noise of variance 1.

    It is the integral over the product of both Gaussians, and 1 at most: that of the
    pixel itself. `first` and `second` are their standard deviations, arrays too.
    """
    return 1 / np.maximum(2 * np.pi * (np.square(first) + np.square(second)), 1)
