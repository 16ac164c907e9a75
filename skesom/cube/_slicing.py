# SPDX-License-Identifier: BSD-3-Clause
"""Follow an index into an array of three axes, and the sky with it."""

import numpy as np


def cut_wcs(wcs, rows, columns):
    """Return the WCS of the pixels that two plain slices pick."""
    cut = wcs[rows.start : rows.stop, columns.start : columns.stop]
    steps = np.array([columns.step or 1, rows.step or 1])
    if np.all(steps == 1):
        return cut
    if cut.has_distortion:
        return None
    # astropy's own slicing with steps bins pixels instead of picking them, and is
    # wrong for a CD matrix and for rotated axes.
    if cut.wcs.has_cd():
        cut.wcs.cd = cut.wcs.cd * steps
    else:
        cut.wcs.pc = cut.wcs.get_pc() * steps
    cut.wcs.crpix = (cut.wcs.crpix - 1) / steps + 1
    return cut


def full_key(key):
    """Return the row, column and band parts of an index."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if any(part is Ellipsis for part in parts):
        place = next(i for i, part in enumerate(parts) if part is Ellipsis)
        missing = 3 - (len(parts) - 1)
        parts[place : place + 1] = [slice(None)] * missing
    parts += [slice(None)] * (3 - len(parts))
    return parts


def as_slice(key, length):
    """Return the plain slice that picks the same places as an index of one axis."""
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        return slice(start, max(stop, start), step) if step > 0 else None
    picked = np.arange(length)[key]
    if len(picked) and np.array_equal(picked, np.arange(len(picked)) + picked[0]):
        return slice(int(picked[0]), int(picked[-1]) + 1)
    return None
