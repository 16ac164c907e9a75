# SPDX-License-Identifier: BSD-3-Clause
"""What `CubeMasker` needs for lazy cubes: criteria in compressed strips of rows."""

import copy
import zlib
from functools import partial

import numpy as np

from skesom.cube._by_strips import Window, fixed_strips, scan
from skesom.cube.masking import _outliers as outliers
from skesom.cube.masking._sky import KEPT


class Planes:
    """Criteria of the values of a lazy cube, indexed as an array with bands first."""

    def __init__(self, shape):
        self.shape = shape[2], *shape[:2]
        self.strips = fixed_strips(shape, multiple=64, whole=False)
        self.parts = [[None] * shape[2] for _ in self.strips]

    def __getitem__(self, key):
        bands, rows = key
        if isinstance(bands, slice):
            every = range(*bands.indices(self.shape[0]))
            return np.stack([self[band, rows] for band in every])
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.shape[1]))
        values = np.full((len(rows), self.shape[2]), KEPT, dtype=np.uint8)
        for strip, part in zip(self.strips, self.parts, strict=True):
            first, last = np.searchsorted(rows, [strip.start, strip.stop])
            if first < last and part[bands] is not None:
                here = np.frombuffer(zlib.decompress(part[bands]), dtype=np.uint8)
                here = here.reshape(-1, self.shape[2])
                values[first:last] = here[rows[first:last] - strip.start]
        return values

    def put(self, band, values):
        """Replace the criteria of a band."""
        for strip, part in zip(self.strips, self.parts, strict=True):
            part[band] = _pack(values[strip])


def _pack(values):
    return None if np.all(values == KEPT) else zlib.compress(values, 1)


def take(taken, band, number, found):
    """Let a criterion take what it found in a band, and no other took before."""
    values = taken[band, :]
    values[found & (values == KEPT)] = number
    if isinstance(taken, Planes):
        taken.put(band, values)


def take_outliers(cube, taken, noise, number):
    """Let outliers of a lazy cube be taken, with the noise in tiles."""
    widths = outliers.narrowest_widths(cube)
    stage = partial(_take_outliers, noise=noise, widths=widths, number=number)
    margin = outliers.MARGIN
    near = [_rows_around(taken, rows, margin) for rows in taken.strips]
    taken.parts = list(scan(stage, [cube.data], taken.strips, near, margin=margin))


def _rows_around(taken, rows, margin):
    """Return a part of the planes, for a task."""
    low, high = rows.start - margin, rows.stop + margin
    part = copy.copy(taken)
    near = [n for n, s in enumerate(taken.strips) if s.start < high and s.stop > low]
    part.strips = [taken.strips[n] for n in near]
    part.parts = [taken.parts[n] for n in near]
    return part


def _window_of(taken, data):
    """Return the criteria in the rows of a window of data."""
    rows = slice(data.top, data.top + len(data.values))
    return Window(taken[:, rows], data.top, len(data), axis=1)


def _take_outliers(data, rows, near, noise, widths, number):
    """Return the packed criteria of a strip with those of outliers."""
    taken = _window_of(near, data)
    for band, width in enumerate(widths):
        found = outliers.outliers_of_rows(data, taken, band, rows, noise, width)
        taken[band, rows][found] = number
    return [_pack(values) for values in taken[:, rows]]
