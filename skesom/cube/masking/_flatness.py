# SPDX-License-Identifier: BSD-3-Clause
"""Whether what looks like sky is as flat as sky is.

The levels of the tiles of flat sky differ by no more than their noise allows; those
of a star cloud, a nebula or a galaxy differ by more, and those of a sloping background
do so along a plane.
"""

from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std

from skesom._common.blocks import in_threads
from skesom.cube.masking._tiles import median_and_scatter, valid_tiles

# Scatter of levels in units of the noise: 0-.36 in fields of sky, .58-1.1 in frames
# that stars and nebulae fill (docs/benchmarks/sky.py).
FLAT = 0.5
# A plane explains the levels if it leaves no more of their scatter than this: 0-.2 in
# sky that slopes, .4 where structure lies upon the slope, .7 and more elsewhere.
LEFT_BY_PLANE = 0.5
# Two planes are one if they differ by no more of their slope: those of sky that slopes
# differ by up to .15, those of a galaxy at the border by .5 and more.
UNLIKE = 0.3
# Pairs of tile sizes in pixels; the first that gives enough of the larger tiles.
SIZES = (8, 16), (4, 8)
ENOUGH_TILES = 16


class Flatness(NamedTuple):
    """How flat the sky of a cube is."""

    unevenness: np.ndarray
    """Scatter of the levels of tiles of sky in units of the noise, for each band; NaN
    if there is too little sky."""
    gradient: np.ndarray
    """Range of the background over the frame in units of the noise, for each band in
    which it slopes by more than what stands out; else 0."""

    @property
    def typical(self):
        """Unevenness of the median band; NaN if it is known of none."""
        known = self.unevenness[~np.isnan(self.unevenness)]
        return float(np.median(known)) if len(known) else np.nan

    @property
    def is_flat(self):
        """Whether the sky is flat; False where there is too little to tell."""
        return self.typical <= FLAT


class Levels(NamedTuple):
    """How the level of a band changes over the frame."""

    noise: float
    """Typical standard deviation inside of a tile."""
    unevenness: float
    """Scatter of the levels of tiles in units of that, without what noise does to them
    and without a plane that explains most of it."""
    slope: np.ndarray
    """What that plane rises by over the rows and the columns; 0 if no plane does."""


def measure_flatness(bands, dark, reach, n_jobs=None):
    """Measure how flat the sky is."""

    def measure(number):
        levels = measure_levels(np.where(dark, bands[number], np.nan))
        if not (levels.unevenness <= FLAT and levels.slope.any()):
            return levels.unevenness, 0.0
        whole = measure_levels(bands[number])
        extent = np.abs(whole.slope).sum()
        differs = np.abs(whole.slope - levels.slope).sum() > UNLIKE * extent
        steep = extent > reach[number] and not differs
        return levels.unevenness, _ratio(extent, whole.noise) if steep else 0.0

    return Flatness(*np.array(in_threads(measure, range(len(bands)), n_jobs)).T)


def measure_levels(band):
    """Compare the levels of the tiles of a band with the noise inside of them.

    Notes
    -----
    The medians of tiles scatter by noise, the variance of which falls with their area
    (however neighbors are correlated, if they are few beside a tile), and by
    structure, the variance of which does not. So tiles of two sizes, the large twice
    the small, tell: structure = (4 variance of the large - variance of the small) / 3.
    """
    for sizes in SIZES:
        tiles, places = valid_tiles(band, sizes[1])
        if len(tiles) >= ENOUGH_TILES:
            break
    else:
        return Levels(np.nan, np.nan, np.zeros(2))
    medians, scatter = median_and_scatter(tiles)
    rest, slope = without_plane(medians, places)
    small, small_places = valid_tiles(band, sizes[0])
    small, _ = median_and_scatter(small)
    whole = _structure(small, medians)
    left = _structure(without_plane(small, small_places)[0], rest)
    if left > LEFT_BY_PLANE * whole:
        noise = float(np.median(scatter))
        return Levels(noise, _ratio(whole, noise), np.zeros(2))
    # A steep plane is no noise inside of the tiles either.
    steps = np.arange(sizes[1]) / sizes[1]
    inside = np.add.outer(slope[0] * steps, slope[1] * steps).ravel()
    noise = float(np.median(median_and_scatter(tiles - inside.astype(tiles.dtype))[1]))
    return Levels(noise, _ratio(left, noise), slope * places.shape)


def without_plane(levels, places):
    """Subtract the plane that most tiles follow from their levels."""
    terms = np.column_stack([np.ones(len(levels)), *np.nonzero(places)])
    factors = fit_most(terms, levels)
    return levels - terms @ factors, factors[1:]


def fit_most(terms, values):
    """Fit a sum of terms to most values, whatever the others are.

    Notes
    -----
    Least squares, repeated with those that lie within three scaled median absolute
    deviations only.
    """
    used = np.ones(len(values), dtype=bool)
    while True:
        factors = np.linalg.lstsq(terms[used], values[used])[0]
        rest = np.abs(values - terms @ factors)
        near = used & (rest <= 3 * 1.4826 * np.median(rest[used]))
        if np.array_equal(near, used) or near.sum() < terms.shape[1]:
            return factors
        used = near


def _structure(small, large):
    """Return the scatter of levels that is not noise."""
    variance = (4 * mad_std(large) ** 2 - mad_std(small) ** 2) / 3
    return float(np.sqrt(max(0, variance)))


def _ratio(value, noise):
    """Return a value in units of the noise, which may be 0."""
    if noise > 0:
        return value / noise
    return np.inf if value > 0 else 0.0
