# SPDX-License-Identifier: BSD-3-Clause
"""Which criterion masks each value of a cube, in memory or packed for lazy cubes.

The numbers of criteria are an array of uint8 of shape (n_bands, n_rows, n_columns), in
which `KEPT` marks the values that no criterion masks. `PackedCriteria` stands for such
an array where the cube is lazy.
"""

import copy
import zlib

import numpy as np

from skesom._common.strips import strips_of

# The criteria in the order in which they take values, with what to do if one takes too
# many. A value belongs to the first that takes it.
REMEDIES = {
    "missing": (
        "They are NaN in the input: leave out the band that is empty there, or pass "
        "min_bands."
    ),
    "zeros": "Pass mask_zeros=False if zeros are measurements here.",
    "pedestal": "Pass mask_pedestal=False if constant areas are measurements here.",
    "lines": "Pass mask_lines=False if such lines are measurements here.",
    "saturation": "Pass a higher saturation.",
    "outliers": "Pass mask_outliers=False if such pixels are measurements here.",
    "grow": "Pass a smaller grow.",
    "regions": "Pass regions to exclude or include that leave some pixels.",
    "signal_to_noise": "Pass a lower min_signal_to_noise, or min_bands.",
}
CRITERIA = tuple(REMEDIES)
KEPT = 255  # number of values that no criterion takes


class PackedCriteria:
    """Criteria of the values of a lazy cube, indexed as an array with bands first.

    Compressed by strips of rows and bands, they take a few percent of what the cube
    would.
    """

    def __init__(self, shape):
        n_bands, n_rows, n_columns = shape
        self.shape = shape
        self.strips = strips_of((n_rows, n_columns, n_bands), "search", multiple=64)
        # Bytes of each strip and band; None where all values are kept.
        self.packed = [[None] * n_bands for _ in self.strips]

    def __getitem__(self, key):
        bands, rows = key
        if isinstance(bands, slice):
            numbers = range(*bands.indices(self.shape[0]))
            return np.stack([self[number, rows] for number in numbers])
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.shape[1]))
        band = bands
        criteria = np.full((len(rows), self.shape[2]), KEPT, dtype=np.uint8)
        for strip, packed_bands in zip(self.strips, self.packed, strict=True):
            first, last = np.searchsorted(rows, [strip.start, strip.stop])
            if first < last and packed_bands[band] is not None:
                unpacked = zlib.decompress(packed_bands[band])
                in_strip = np.frombuffer(unpacked, dtype=np.uint8)
                in_strip = in_strip.reshape(-1, self.shape[2])
                criteria[first:last] = in_strip[rows[first:last] - strip.start]
        return criteria

    def __setitem__(self, key, criteria):
        """Replace all criteria of a band."""
        band, _ = key
        for strip, packed_bands in zip(self.strips, self.packed, strict=True):
            packed_bands[band] = pack(criteria[strip])

    def near(self, rows):
        """Return the strips that hold some rows, for a task of another process."""
        near = copy.copy(self)
        near.strips = []
        near.packed = []
        for strip, packed_bands in zip(self.strips, self.packed, strict=True):
            if strip.start < rows.stop and strip.stop > rows.start:
                near.strips.append(strip)
                near.packed.append(packed_bands)
        return near


def pack(criteria):
    """Return the criteria of a strip of a band as bytes, None if all are kept."""
    if np.all(criteria == KEPT):
        return None
    return zlib.compress(criteria, 1)


def take(criteria, name, is_found):
    """Let a criterion take the values that it found and no other took before."""
    criteria[is_found & (criteria == KEPT)] = CRITERIA.index(name)


def take_of_band(criteria, band, name, is_found):
    """Let a criterion take values of one of several bands."""
    criteria_of_band = criteria[band, :]
    take(criteria_of_band, name, is_found)
    criteria[band, :] = criteria_of_band


def masked_image(image, criteria):
    """Return an image, NaN where a criterion has taken the value."""
    image = np.array(image, order="C")
    image[criteria != KEPT] = np.nan
    return image


def criteria_of_pixels(criteria, min_bands):
    """Return the number of the criterion that leaves a pixel too few bands, or KEPT."""
    if isinstance(criteria, PackedCriteria):
        by_strip = []
        for strip in criteria.strips:
            by_strip.append(criteria_of_pixels(criteria[:, strip], min_bands))
        return np.concatenate(by_strip)
    n_spare = 0  # bands that a pixel may lose
    if min_bands is not None:
        n_spare = len(criteria) - min_bands
    if n_spare == 0:
        return criteria.min(axis=0)
    return np.partition(criteria, n_spare, axis=0)[n_spare]


def lost_values(criteria, min_bands, rows):
    """Return the values in some rows that become NaN, bands first."""
    in_rows = criteria[:, rows]
    return (in_rows != KEPT) | (criteria_of_pixels(in_rows, min_bands) != KEPT)


def count_pixels(criteria):
    """Return the number of pixels that each criterion took, by its name."""
    return {
        name: int(np.count_nonzero(criteria == number))
        for number, name in enumerate(CRITERIA)
    }
