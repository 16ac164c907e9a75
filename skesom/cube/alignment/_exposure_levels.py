# SPDX-License-Identifier: BSD-3-Clause
"""Levels of exposures: constants that are subtracted so that overlaps agree."""

from itertools import combinations

import numpy as np
from astropy.stats import mad_std

from skesom._common.warn import warn_user
from skesom.cube.alignment._placed_exposures import planes_in_box

# A median is known to 1.25 / sqrt(number) of the scatter of its values.
ENOUGH_VALUES = 1_000_000
FEWEST_VALUES = 16  # of an overlap, whose median is taken
SIGNIFICANT = 5.0  # errors of a difference of levels from which it is told


def match_levels(exposures, names):
    """Subtract a constant from each band of each exposure, so that overlaps agree.

    Each overlap is an equation: the levels of two exposures differ by the median of
    their difference, which is known the better the more pixels there are. Of all levels
    that fit best, those with the smallest squares are taken; they add up to 0.
    """
    for band, name in enumerate(names):
        equations = []
        steps = []
        is_clear = False
        for first, second in combinations(range(len(exposures)), 2):
            difference = _overlap_difference(exposures[first], exposures[second], band)
            if len(difference) < FEWEST_VALUES:  # none at all, if they do not overlap
                continue
            step = np.median(difference)
            weight = np.sqrt(len(difference))
            if abs(step) * weight > SIGNIFICANT * mad_std(difference):
                is_clear = True
            equation = np.zeros(len(exposures))
            equation[first] = weight
            equation[second] = -weight
            equations.append(equation)
            steps.append(step * weight)
        if not equations:
            continue
        levels = np.linalg.lstsq(np.array(equations), np.array(steps))[0]
        for exposure, level in zip(exposures, levels, strict=True):
            exposure.data[:, :, band] -= level
        if is_clear:
            warn_user(
                f"The levels of the exposures of {name!r} differed by up to "
                f"{np.ptp(levels):.3g}, and were brought to their mean."
            )


def _overlap_difference(first, second, band):
    """Return differences of two exposures at pixels where both have data.

    Of more than `ENOUGH_VALUES` pixels, those at equal steps.
    """
    image = first.data[:, :, band]
    box = []
    for start, length in zip(first.start, image.shape, strict=True):
        box.append(slice(start, start + length))
    other, _, _ = planes_in_box(second, box, band)
    difference = (image - other).ravel()
    difference = difference[np.isfinite(difference)]
    # An odd step does not meet the same columns again and again.
    step = len(difference) // ENOUGH_VALUES | 1
    return difference[::step]
