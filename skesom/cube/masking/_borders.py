# SPDX-License-Identifier: BSD-3-Clause
"""Find the noisy borders of mosaics, where fewer exposures overlap than inside."""

import numpy as np
from scipy import ndimage

from skesom.cube.masking._bits import Bits
from skesom.cube.masking._noise import ENOUGH_PIXELS
from skesom.cube.masking._runs import squares

WIDEST = 32
NARROWEST_GAP = 10
FEWEST_STEPS = 200


def noisy_borders(band, gaps, factor):
    """Find how far the borders of gaps and sides of the frame are noisier than inside.

    Notes
    -----
    The noise at a distance (from gaps the larger one of those in rows and columns) is
    that of the differences between neighbors. The inside is what lies 33 to 64 pixels
    away. The border ends at the farthest distance that is noisy. Each side of the frame
    is looked at for itself.
    """
    noisy = np.zeros(band.shape, dtype=bool)
    for part, distance in (*_from_gaps(gaps), *_from_sides(band.shape)):
        noisy[part] |= distance <= _noisy_width(band[part], distance, factor)
    return Bits.pack(noisy).without(gaps)


def _from_gaps(gaps):
    """Return the image and how far its pixels are from wide gaps, if there are any."""
    wide = squares(gaps, NARROWEST_GAP)
    if not wide.any():
        return []
    distance = ndimage.distance_transform_cdt(~wide.unpack(), metric="chessboard")
    return [(np.s_[:], distance)]


def _from_sides(shape):
    """Return the part of the frame along each side, and how far its pixels are."""
    sides = []
    for axis, length in enumerate(shape):
        width = min(2 * WIDEST, length // 2)
        line = np.expand_dims(np.arange(1, width + 1), 1 - axis)
        ends = (slice(width), line), (slice(length - width, None), np.flip(line))
        for part, distance in ends:
            place = [slice(None)] * 2
            place[axis] = part
            extent = list(shape)
            extent[axis] = width
            sides.append((tuple(place), np.broadcast_to(distance, extent)))
    return sides


def _noisy_width(band, distance, factor):
    """Return the largest distance at which the noise exceeds that of the inside."""
    steps, rings = [], []
    for axis in range(2):
        step = np.abs(np.diff(band, axis=axis))
        ring = distance[: step.shape[0], : step.shape[1]]
        places = np.flatnonzero((ring > 0) & (ring <= 2 * WIDEST) & np.isfinite(step))
        places = places[:: len(places) // ENOUGH_PIXELS | 1]
        steps.append(step.flat[places])
        rings.append(ring.flat[places])
    steps, rings = np.concatenate(steps), np.concatenate(rings)
    number = np.bincount(rings, minlength=2 * WIDEST + 1)
    known = np.flatnonzero(number >= FEWEST_STEPS)
    if not len(known):
        return 0
    noise = ndimage.median(steps, rings, known)
    inside = noise[known > WIDEST]
    if not len(inside):
        return 0
    noisy = known[(noise > factor * np.median(inside)) & (known <= WIDEST)]
    return noisy.max(initial=0)
