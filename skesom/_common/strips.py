# SPDX-License-Identifier: BSD-3-Clause
"""Lazy images in strips of rows."""

import math
import warnings

STRIP_VALUES = 2**24  # of a strip: 64 MB of float32
_LEAST_ROWS = 64


def strip_height(shape):
    """Return the number of rows of a strip of an image or cube."""
    return max(_LEAST_ROWS, STRIP_VALUES // max(1, math.prod(shape[1:])))


def strips_of(shape):
    """Cut the rows of an image or cube into slices, one for each strip."""
    height = strip_height(shape)
    return [slice(i, min(i + height, shape[0])) for i in range(0, shape[0], height)]


def as_strips(array, name):
    """Return an array of dask that is cut along its rows only."""
    if any(math.isnan(length) for length in array.shape):
        raise ValueError(
            f"{name} has the shape {array.shape}, with sizes that are not known. Call "
            "its method .compute_chunk_sizes() before."
        )
    if array.ndim > 2 and array.numblocks[2] > 1:
        warnings.warn(
            f"{name} has its bands in {array.numblocks[2]} chunks; they are joined, "
            "because a strip of rows must hold all bands. Rechunk it before.",
            stacklevel=4,
        )
    if max(array.numblocks[1:], default=1) == 1:
        return array
    whole = dict.fromkeys(range(1, array.ndim), -1)
    return array.rechunk({0: strip_height(array.shape), **whole})
