# SPDX-License-Identifier: BSD-3-Clause
"""Find the parts of one band that hold no data although they hold numbers.

Mosaics mark the outside of their chips by zeros or by another constant. Single zeros
prove nothing: rounding and photon counting make them too. So a value must fill an area
that chance would not fill.
"""

import numpy as np
from scipy import ndimage

from skesom._common.blocks import row_blocks
from skesom.cube.masking._bits import Bits
from skesom.cube.masking._noise import pixel_noise, representative_rows
from skesom.cube.masking._runs import (
    neighborhood,
    opened,
    run_starts,
    spread_within,
    squares,
)

SHORTEST_RUN = 10
SMALLEST_BLOCK = 4
ALARM_RATE = 0.01
QUANTIZED = 1024
MOST_PEDESTALS = 8


class Compared:
    """A band compared with zero and with itself, in one passage through the memory.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels.
    """

    def __init__(self, band):
        self.band = band
        self.missing = Bits.none(band.shape)
        """Pixels that are NaN."""
        self.zero = Bits.none(band.shape)
        """Pixels that are 0."""
        self.equal = Bits.none(band.shape), Bits.none(band.shape)
        """Pixels that equal the next one in the column, and in the row."""
        for rows in row_blocks(band.shape):
            n_rows = rows.stop - rows.start
            pixels = np.ascontiguousarray(band[rows.start : rows.stop + 1])
            block = pixels[:n_rows]
            self.missing.write(rows, np.isnan(block))
            self.zero.write(rows, block == 0)
            equal = np.zeros(block.shape, dtype=bool)
            np.equal(block[:, 1:], block[:, :-1], out=equal[:, :-1])
            self.equal[1].write(rows, equal)
            equal[-1] = False
            below = pixels[1:]
            np.equal(block[: len(below)], below, out=equal[: len(below)])
            self.equal[0].write(rows, equal)

    def where(self, compare, value):
        """Compare the pixels with a value."""
        return Bits.from_blocks(
            lambda rows: compare(self.band[rows], value), self.band.shape
        )


def gaps_of_value(compared, value):
    """Find the areas that one value fills because there are no data.

    Notes
    -----
    If a pixel has the value by chance with probability f, a square of k x k of them
    is expected ``n_pixels * f**(k * k)`` times, a run of n in a line
    ``n_pixels * f**n`` times. Gaps contain squares or runs of which .01 are expected
    by this count, with a margin, and what is connected to them nearby. f is the share
    of such pixels or that of neighbors that are equal, whichever is larger; gaps
    raise it, so the search is repeated without them until it finds no more.

    An area that its surroundings run into smoothly is no gap but the floor (or the
    ceiling) of a clipped picture.
    """
    candidates = compared.zero if value == 0 else compared.where(np.equal, value)
    gaps = Bits.none(candidates.shape)
    if candidates.count() < SHORTEST_RUN:
        return gaps
    n_pixels = compared.band.size
    while True:
        outside = ~gaps
        # The last pixel of a row has no partner.
        pairs = outside & outside.moved(1, 1)
        share = max(_share(candidates, outside), _share(compared.equal[1], pairs))
        found = gaps | _solid_parts(candidates, *_sizes_beyond_chance(share, n_pixels))
        if found == gaps:
            break
        gaps = found
    if not gaps.any():
        return gaps
    return _without_smooth_parts(compared.band, value, gaps)


def pedestal_values(compared):
    """Return the values, except 0, that fill whole areas of a band."""
    band, flat = compared.band, []
    for axis, equal in enumerate(compared.equal):
        # A run of equal neighbors is one shorter than the run of equal pixels.
        starts = run_starts(equal, SMALLEST_BLOCK - 1, axis).without(compared.zero)
        if starts.any():
            flat.append(band[starts.unpack()])
    if not flat:
        return band[:0, 0]
    values, count = np.unique(np.concatenate(flat), return_counts=True)
    often = np.argsort(-count)[:MOST_PEDESTALS]
    values = values[often[count[often] >= 2 * SMALLEST_BLOCK]]
    return values[:0] if len(values) and _is_quantized(band) else values


def _is_quantized(band):
    """Tell whether a band has few different values."""
    sample = band[representative_rows(*band.shape)]
    for pixels in (sample, band):  # the sample is enough for nearly every image
        if len(np.unique(pixels[np.isfinite(pixels)])) > QUANTIZED:
            return False
    return True


def _share(bits, among):
    """Return the share of True among some pixels, counting one at least."""
    return max(1, (bits & among).count()) / max(1, among.count())


def _sizes_beyond_chance(share, n_pixels):
    """Return the length of a run and the width of a square that chance never makes."""
    if share == 1:
        return SHORTEST_RUN, SMALLEST_BLOCK
    pixels = np.log(ALARM_RATE / n_pixels) / np.log(share)
    run = max(SHORTEST_RUN, int(np.ceil(2 * pixels)))
    block = max(SMALLEST_BLOCK, int(np.ceil(1.5 * np.sqrt(pixels))))
    return run, block


def _solid_parts(candidates, run, block):
    """Return long runs and full squares with their ragged edges."""
    solid = opened(candidates, run, 0) | opened(candidates, run, 1)
    solid |= squares(candidates, block)
    # Among many chance values everything is connected, so edges end somewhere.
    return spread_within(solid, candidates, block)


def _without_smooth_parts(band, value, gaps):
    """Drop the parts around which the band comes smoothly close to the value."""
    rows = representative_rows(*band.shape)
    sample = np.where(gaps.unpack(rows), np.nan, band[rows])
    others = np.abs(sample - value)[np.isfinite(sample) & (sample != value)]
    if not len(others):
        return gaps
    close = min(np.quantile(others, 0.25), 5 * pixel_noise(sample))
    parts, n_parts = ndimage.label(gaps.unpack())
    touched, neighbors = _neighbors(parts, gaps)
    # Neighbors that are missing, or have the value themselves, say nothing.
    neighbors = band[neighbors]
    telling = np.isfinite(neighbors) & (neighbors != value)
    touched, neighbors = touched[telling], neighbors[telling]
    index = np.arange(1, n_parts + 1)
    step = ndimage.median(np.abs(neighbors - value), touched, index)
    higher = ndimage.mean(neighbors > value, touched, index)
    one_sided = (higher >= 0.9) | (higher <= 0.1)
    smooth = np.concatenate([[False], one_sided & (step < close)])
    return gaps.without(Bits.pack(smooth[parts])) if smooth.any() else gaps


def _neighbors(parts, gaps):
    """Return the pixels around the parts of a gap, and the part that each touches."""
    around = neighborhood(neighborhood(gaps, 0), 1).without(gaps)
    rows, columns = np.divmod(np.flatnonzero(around.unpack()), parts.shape[1])
    last_row, last_column = np.array(parts.shape) - 1
    touched = np.zeros(len(rows), dtype=parts.dtype)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            place = (
                np.clip(rows + down, 0, last_row),
                np.clip(columns + right, 0, last_column),
            )
            np.maximum(touched, parts[place], out=touched)
    return touched, (rows, columns)
