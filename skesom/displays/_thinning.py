# SPDX-License-Identifier: BSD-3-Clause
"""Large images are drawn from fewer pixels, and the picture says so."""

import math
from numbers import Integral

import numpy as np

MAX_PIXELS = 4_000_000


def thinning(shape, max_pixels):
    """Return how many rows and columns of an image become one in a picture."""
    if not isinstance(max_pixels, Integral) or max_pixels < 1:
        raise ValueError(f"max_pixels must be an int from 1, got {max_pixels!r}.")
    step = math.isqrt(max(shape[0] * shape[1] // max_pixels, 1))
    while math.ceil(shape[0] / step) * math.ceil(shape[1] / step) > max_pixels:
        step += 1
    return step


def pick(image, step):
    """Return the middle pixel of each square of `step` by `step` pixels.

    Labels have no mean. A square that the end of the image cuts gives its last pixel.
    """
    rows, columns = (
        np.minimum(np.arange(0, length, step) + (step - 1) // 2, length - 1)
        for length in image.shape[:2]
    )
    return image[rows][:, columns] if step > 1 else image


def mean(image, step):
    """Return the mean of each square of `step` by `step` pixels, without NaN."""
    if step == 1:
        return image
    columns = np.arange(0, image.shape[1], step)
    means = np.full((math.ceil(image.shape[0] / step), len(columns)), np.nan)
    for row in range(len(means)):
        strip = image[row * step : (row + 1) * step]
        known = ~np.isnan(strip)
        sums = np.where(known, strip, 0).sum(axis=0, dtype=np.float64)
        sums = np.add.reduceat(sums, columns)
        counts = np.add.reduceat(known.sum(axis=0), columns)
        np.divide(sums, counts, out=means[row], where=counts > 0)
    return means


def extent(shape, step):
    """Return the edges of a thinned image in pixels of the whole one, for imshow."""
    n_rows, n_columns = (math.ceil(length / step) * step for length in shape[:2])
    return -0.5, n_columns - 0.5, -0.5, n_rows - 0.5


def say_thinning(ax, step, how):
    """Tell above the axes what is drawn, if that is not every pixel."""
    if step > 1:
        ax.set_title(how.format(step=step, th=_ordinal(step)), loc="left", size="small")


def _ordinal(number):
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
