# SPDX-License-Identifier: BSD-3-Clause
"""Tell pictures for the eye, whose values are levels of 8 bits and not fluxes."""

import numpy as np

from skesom.cube.masking.sky_tiles import sampled

_HIGHEST = 255  # level of 8 bits
# Masks and maps of a few photons have fewer different values.
_MANY_LEVELS = 32
_ROUNDING = 1e-3  # levels, of values that were divided by 255
_QUICK = 1000  # values, of which some are no levels in nearly all images


def hold_picture(cubes):
    """Return whether the bands of cubes together are a picture for the eye.

    Their values are whole numbers from 0 to 255, or these divided by 255; in a band of
    many levels, more pixels have the highest one than the next, because a stretch for
    the eye cuts off what is brighter. Counts of photons are cut off nowhere, those of a
    CCD at its saturation, and bands with a unit hold what the unit says.
    """
    is_cut_off = False
    for cube in cubes:
        if any(unit is not None for unit in cube.band_units):
            return False
        sample = sampled(cube.data)
        for band in range(cube.shape[2]):
            counts = _count_levels(sample[:, :, band])
            if counts is None:
                return False
            has_many = np.count_nonzero(counts) >= _MANY_LEVELS
            is_cut_off |= has_many and bool(counts[-1] > max(counts[-2], 1))
    return is_cut_off


def _count_levels(image):
    """Return how many pixels have each of the 256 levels, None if others are there."""
    values = image[np.isfinite(image)].astype(np.float64)
    if not len(values) or values.min() < 0 or values.max() > _HIGHEST:
        return None
    levels = values if values.max() > 1 else values * _HIGHEST
    for sample in (levels[:_QUICK], levels):
        if np.abs(sample - np.round(sample)).max() > _ROUNDING:
            return None
    return np.bincount(np.round(levels).astype(np.intp), minlength=_HIGHEST + 1)
