# SPDX-License-Identifier: BSD-3-Clause
"""Images with fewer rows and columns, where they have more than a picture shows."""

import math
from numbers import Integral

import numpy as np

MAX_PIXELS = 4_000_000  # more than a screen has
EVERY_ROW = "every {th} row and column"


def thinning_step(shape, max_pixels):
    """Return how many rows and columns of an image become one in a picture."""
    if not isinstance(max_pixels, Integral) or max_pixels < 1:
        raise ValueError(f"max_pixels must be an int from 1, got {max_pixels!r}.")
    step = math.isqrt(max(shape[0] * shape[1] // max_pixels, 1))
    while math.ceil(shape[0] / step) * math.ceil(shape[1] / step) > max_pixels:
        step += 1
    return step


def middle_pixels(image, step):
    """Return the middle pixel of each square of `step` by `step` pixels, for labels."""
    if step == 1:
        return image
    n_rows, n_columns = image.shape[:2]
    middle = (step - 1) // 2
    # The last square may be cut off before its middle.
    rows = np.minimum(np.arange(0, n_rows, step) + middle, n_rows - 1)
    columns = np.minimum(np.arange(0, n_columns, step) + middle, n_columns - 1)
    return image[rows][:, columns]


def mean_pixels(image, step):
    """Return the mean of each square of `step` by `step` pixels, without NaN."""
    if step == 1:
        return image
    columns = np.arange(0, image.shape[1], step)
    means = np.full((math.ceil(image.shape[0] / step), len(columns)), np.nan)
    for row in range(len(means)):
        strip = image[row * step : (row + 1) * step]
        has_data = ~np.isnan(strip)
        sums = np.where(has_data, strip, 0).sum(axis=0, dtype=np.float64)
        sums = np.add.reduceat(sums, columns)
        counts = np.add.reduceat(has_data.sum(axis=0), columns)
        np.divide(sums, counts, out=means[row], where=counts > 0)
    return means


def note_thinning(ax, step, note):
    """Write above the axes how the image was thinned, if it was.

    A note has ``{th}`` for the step as an ordinal number, or ``{step}``.
    """
    if step == 1:
        return
    ending = "th"
    if step % 100 not in (11, 12, 13):
        ending = {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    title = note.format(step=step, th=f"{step}{ending}")
    ax.set_title(title, loc="left", size="small")
