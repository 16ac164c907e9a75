# SPDX-License-Identifier: BSD-3-Clause
"""Which pixels have data in enough bands, and the largest frame that holds no other."""

import numpy as np

from skesom._common.blocks import find_valid
from skesom.cube._base import check_cube


def largest_valid_rectangle(cube, *, min_bands=None):
    """Find the largest rectangle without a masked pixel.

    Parameters
    ----------
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        NaN marks masked pixels.
    min_bands : int, default=None
        Bands with data that a pixel needs; all by default.

    Returns
    -------
    rows, columns : slice
        Its place: ``cube[largest_valid_rectangle(cube)]`` is the cube cut to it. Of
        rectangles of the same area, the one that ends first (in rows, then columns).

    Raises
    ------
    ValueError
        If all pixels are masked, or `min_bands` exceeds the number of bands.

    Notes
    -----
    Above each pixel of a row stands a column of valid pixels, and around it the widest
    rectangle of that height. Heights and widths follow from those of the row before,
    so that the time is proportional to the number of pixels [1]_.

    References
    ----------
    .. [1] D. Vandevoorde, "The Maximal Rectangle Problem", Dr. Dobb's Journal 23
       (1998), no. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.cube import largest_valid_rectangle
    >>> cube = np.ones((5, 6, 2))
    >>> cube[3, 1, 0] = np.nan
    >>> cube[:, 5] = np.nan
    >>> rows, columns = largest_valid_rectangle(cube)
    >>> cube[rows, columns].shape
    (3, 5, 2)
    """
    valid = find_valid(check_cube(cube).data, min_bands)
    n_columns = valid.shape[1]
    column = np.arange(n_columns)
    height = np.zeros(n_columns, dtype=np.int64)
    left = np.zeros(n_columns, dtype=np.int64)
    right = np.full(n_columns, n_columns)
    largest, place = 0, None
    for row, line in enumerate(valid):
        height = np.where(line, height + 1, 0)
        first = np.maximum.accumulate(np.where(line, 0, column + 1))
        last = np.minimum.accumulate(np.where(line, n_columns, column)[::-1])[::-1]
        left = np.where(line, np.maximum(left, first), 0)
        right = np.where(line, np.minimum(right, last), n_columns)
        area = height * (right - left)
        best = int(np.argmax(area))
        if area[best] > largest:
            largest = area[best]
            place = (
                slice(int(row + 1 - height[best]), row + 1),
                slice(int(left[best]), int(right[best])),
            )
    if place is None:
        raise ValueError(
            f"All {valid.size} pixels are masked, so there is no valid rectangle. Mask "
            "less, or let partly observed pixels through with min_bands."
        )
    return place
