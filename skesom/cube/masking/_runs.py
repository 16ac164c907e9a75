# SPDX-License-Identifier: BSD-3-Clause
"""Runs, squares and neighborhoods in packed masks."""

import math


def run_starts(bits, length, axis):
    """Return where a run of True of a given length begins."""
    covered = 1
    while covered < length:
        step = min(covered, length - covered)
        bits &= bits.moved(step, axis)
        covered += step
    return bits


def opened(bits, length, axis):
    """Return the runs of True of at least a given length along an axis."""
    return _from_starts(run_starts(bits, length, axis), length, axis)


def squares(bits, width):
    """Return the full squares of True of a given width."""
    corners = run_starts(run_starts(bits, width, 0), width, 1)
    return _from_starts(_from_starts(corners, width, 1), width, 0)


def neighborhood(bits, axis):
    """Return the mask with the pixels next to it along an axis."""
    return bits | bits.moved(1, axis) | bits.moved(-1, axis)


def spread_within(seeds, mask, n_steps):
    """Let seeds spread to neighbors in row and column, within a mask."""
    for _ in range(n_steps):
        cross = neighborhood(seeds, 0) | neighborhood(seeds, 1)
        reached = (cross & mask) | seeds
        if reached == seeds:
            break
        seeds = reached
    return seeds


def grown(bits, distance):
    """Return a mask with all pixels within a distance of it."""
    if distance < 1 or not bits.any():
        return bits
    n_rows, n_columns = bits.shape
    # Squared distances of pixels are whole numbers; one may have rounded down.
    squared = int(min(distance, n_rows + n_columns) ** 2 * (1 + 1e-12))
    # A disc is a stack of rows, narrow ones far from the middle. The mask is widened
    # step by step to the width of each.
    result = wide = bits
    half_width = 0
    for height in range(min(math.isqrt(squared), n_rows - 1), -1, -1):
        wanted = min(math.isqrt(squared - height**2), n_columns - 1)
        while half_width < wanted:
            half_width += 1
            wide = neighborhood(wide, 1)
        result = result | wide.moved(height, 0) | wide.moved(-height, 0)
    return result


def _from_starts(starts, length, axis):
    """Return the runs that begin at given places."""
    covered = 1
    while covered < length:
        step = min(covered, length - covered)
        starts |= starts.moved(-step, axis)
        covered += step
    return starts
