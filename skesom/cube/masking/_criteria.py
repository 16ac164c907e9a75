# SPDX-License-Identifier: BSD-3-Clause
"""The criteria by which values are masked, and who claimed which value first."""

import functools
import operator

import numpy as np

from skesom.cube.masking._bits import Bits

# In the order in which they claim values, with what to do if they claim too many.
REMEDIES = {
    "missing": "They are NaN in the input: leave out the band that is empty there, or "
    "pass min_bands.",
    "zeros": "Pass mask_zeros=False if zeros are measurements here.",
    "pedestal": "Pass mask_pedestal=False if constant areas are measurements here.",
    "lines": "Pass mask_lines=False if such lines are measurements here.",
    "saturation": "Pass a higher saturation.",
    "outliers": "Pass mask_outliers=False if such pixels are measurements here.",
    "grow": "Pass a smaller grow.",
    "borders": "Pass a higher border_noise.",
    "regions": "Pass regions to exclude or include that leave some pixels.",
    "signal_to_noise": "Pass a lower min_signal_to_noise, or min_bands.",
    "sky": 'Pass sky="keep", or a lower sky_threshold.',
}
CRITERIA = tuple(REMEDIES)[:-1]  # the sky is no matter of single values


class Claims:
    """Which criterion claims which values; who comes first keeps them.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns, n_bands)
        Shape of the cube.
    """

    def __init__(self, shape):
        self.shape = shape[:2]
        self.bands = [Bits.none(self.shape) for _ in range(shape[2])]
        """What is claimed in each band by anyone."""
        self._by_criterion = [{} for _ in range(shape[2])]

    def take(self, band, criterion, found):
        """Let a criterion claim what it found and nobody claimed before."""
        new = found.without(self.bands[band])
        if new.any():
            mine = self._by_criterion[band]
            mine[criterion] = mine[criterion] | new if criterion in mine else new
            self.bands[band] |= new

    def count(self, band, criterion):
        """Return the number of values that a criterion claims in a band."""
        claimed = self._by_criterion[band].get(criterion)
        return 0 if claimed is None else claimed.count()

    def lost_pixels(self, min_bands=None):
        """Find pixels with too few bands left, for each criterion."""
        bands = [Bits.none(self.shape) for _ in self.bands]
        lost, so_far = {}, Bits.none(self.shape)
        for criterion in CRITERIA:
            lost[criterion] = Bits.none(self.shape)
            claims = [claims.get(criterion) for claims in self._by_criterion]
            if all(claim is None for claim in claims):
                continue
            bands = [
                band if claim is None else band | claim
                for band, claim in zip(bands, claims, strict=True)
            ]
            lost[criterion] = _too_many(bands, min_bands).without(so_far)
            so_far |= lost[criterion]
        return lost


def _too_many(bands, min_bands):
    """Return the pixels that are claimed in more bands than they may lose."""
    if min_bands is None:
        return functools.reduce(operator.or_, bands)

    def count(rows):
        claimed = np.zeros((rows.stop - rows.start, bands[0].n_columns), np.uint16)
        for band in bands:
            claimed += band.unpack(rows)
        return claimed > len(bands) - min_bands

    return Bits.from_blocks(count, bands[0].shape)


def check_min_bands(cubes, min_bands):
    """Refuse to ask a pixel for more bands than its cube has."""
    fewest = min(cube.shape[2] for cube in cubes)
    if min_bands is not None and min_bands > fewest:
        raise ValueError(
            f"min_bands is {min_bands}, but the cube has {fewest} bands. Cubes of "
            "different grids are masked one by one; pass min_bands where they have "
            "been aligned."
        )


def check_rest(cube, claims, summary):
    """Refuse a mask that leaves nothing."""
    n_pixels = cube.shape[0] * cube.shape[1]
    if sum(summary.values()) < n_pixels:
        return
    worst = max(summary, key=summary.get)
    message = f"All {n_pixels} pixels are masked, {summary[worst]} of them by {worst!r}"
    if worst in CRITERIA:
        found = [claims.count(band, worst) for band in range(cube.shape[2])]
        band = int(np.argmax(found))
        message += f" (in band {cube.band_names[band]!r} {found[band]})"
    raise ValueError(f"{message}. {REMEDIES[worst]}")
