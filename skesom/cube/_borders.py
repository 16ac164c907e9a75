# SPDX-License-Identifier: BSD-3-Clause
"""Find the noisy borders of mosaics, where fewer exposures overlap than inside."""

import numpy as np
from scipy import ndimage

from skesom.cube._bits import Bits
from skesom.cube._noise import ENOUGH_PIXELS
from skesom.cube._runs import squares

WIDEST = 32
NARROWEST_GAP = 10
FEWEST_STEPS = 200


def noisy_borders(band, gaps, factor):
    """Find how far the borders of gaps and of the frame are noisier than the inside.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels.
    gaps : Bits
        Where there are no data. Parts without a square of 10 x 10 pixels have no
        border.
    factor : float
        A border is noisy if its noise exceeds that of the inside so many times.

    Returns
    -------
    noisy : Bits
        True in a noisy border, at most 32 pixels wide.

    Notes
    -----
    The noise at a distance (the larger one of those in rows and columns) is that of the
    differences between neighbours. The inside is what lies 33 to 64 pixels away. The
    border ends at the farthest distance that is noisy.
    """
    noisy = np.zeros(band.shape, dtype=bool)
    for distance in (_from_gaps(gaps), _from_frame(band.shape)):
        if distance is not None:
            noisy |= distance <= _noisy_width(band, distance, factor)
    return Bits.pack(noisy).without(gaps)


def _from_gaps(gaps):
    """Return the distance of each pixel from wide gaps, None if there are none."""
    wide = squares(gaps, NARROWEST_GAP)
    if not wide.any():
        return None
    return ndimage.distance_transform_cdt(~wide.unpack(), metric="chessboard")


def _from_frame(shape):
    """Return the distance of each pixel from the outside of the frame."""
    down, right = (
        np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))
        for length in shape
    )
    return np.minimum(down[:, np.newaxis], right)


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
