# SPDX-License-Identifier: BSD-3-Clause
"""Strips of rows into which images are cut, so that each takes little memory."""

import math
import sys
from typing import NamedTuple

from skesom._common.lazy import cut_rows


class Size(NamedTuple):
    """Most of an image that is worked through at a time; the least of both holds."""

    values: int = sys.maxsize  # of all bands
    pixels: int = sys.maxsize
    rows: int = 1  # at least


# Those of which a result depends ("frame", "search", "convolve") are never measured on
# the machine: a frame is cut by its shape alone, whether it is lazy or in memory.
SIZES = {
    "block": Size(values=2**18),  # of threads: 1 MB of float32, which caches hold
    "wide block": Size(pixels=2**19),  # larger, as the rows around are read too
    "matrix": Size(values=2**17),  # of measures: about 1 MB, which caches hold
    "outlines": Size(values=2**20),  # whose four sides are compared
    "votes": Size(values=2**22),  # 16 MB in single precision
    "averages": Size(values=2**20),  # of colors, of which there are some copies
    "steps": Size(values=2**22),  # of a cube whose steps are done again for a report
    "sums": Size(values=2**22),  # of a cube whose pieces are added up: 16 MB of float32
    "strip": Size(values=2**24, rows=64),  # of lazy images: 64 MB of float32
    "frame": Size(values=2**26, pixels=2**22),  # a larger one is not searched whole
    "search": Size(values=2**24, pixels=2**20),  # of which some float64 planes are made
    # So that the rows around a strip cost little: arrays of some ten megabytes a band.
    "convolve": Size(values=2**26, pixels=2**22),
    "bands": Size(values=2**25),  # of a lazy cube that are in memory, at least one
    "computed": Size(values=2**25),  # bytes of lazy images that dask holds in strips
}
WHOLE = SIZES["frame"].pixels


class Plan(NamedTuple):
    """Strips of the rows of images, and the number of rows around that they need."""

    strips: list
    halo: int = 0


def around(rows, halo):
    """Return a slice of rows and so many around it, also beyond the last one."""
    return slice(max(0, rows.start - halo), rows.stop + halo)


def strip_height(shape, size="strip", *, multiple=1, least=1):
    """Return the number of rows of the strips of images, of a size by its name."""
    limit = SIZES[size]
    pixels_per_row = max(1, math.prod(shape[1:2]))
    values_per_row = max(1, math.prod(shape[1:]))
    height = min(limit.pixels // pixels_per_row, limit.values // values_per_row)
    height = max(height, limit.rows, least)
    return max(1, height // multiple) * multiple


def strips_of(shape, size="strip", *, multiple=1, least=1):
    """Cut the rows of images into strips of a size by its name."""
    height = strip_height(shape, size, multiple=multiple, least=least)
    return cut_rows(shape[0], height)


def cut_frame(shape):
    """Cut rows into strips by the shape of a cube alone; a small one is left whole."""
    limit = SIZES["frame"]
    if math.prod(shape[:2]) <= limit.pixels and math.prod(shape) <= limit.values:
        return [slice(0, shape[0])]
    return strips_of(shape, "search")
