# SPDX-License-Identifier: BSD-3-Clause
"""Apply the criteria of a masker to one cube."""

from typing import NamedTuple

import numpy as np

from skesom.cube._bits import Bits
from skesom.cube._blocks import each_block, in_threads
from skesom.cube._borders import noisy_borders
from skesom.cube._criteria import KEPT, losing_criteria, take
from skesom.cube._gaps import gaps_of_value, pedestal_values
from skesom.cube._gaussian import smooth
from skesom.cube._lines import dark_lines
from skesom.cube._noise import Sky, measure_sky, representative_rows
from skesom.cube._regions import pixels_of_regions
from skesom.cube._runs import grown

# Sky is set aside only where so many pixels stand out by twice the threshold.
FEWEST_SIGNALS = 10


class Mask(NamedTuple):
    """What is masked in a cube, and why."""

    claims: np.ndarray
    """Number of the criterion that claims each value, of shape (n_bands, n_rows,
    n_columns); 255 for none."""
    lost: np.ndarray
    """Number of the criterion that took each pixel; 255 for none."""
    sky_map: np.ndarray
    """True where a pixel is masked as sky."""
    sky: Sky
    """The sky that the decisions rest on."""
    sky_masked: bool
    """Whether sky is masked."""

    @property
    def pixels(self):
        """True where a pixel is masked."""
        return (self.lost != KEPT) | self.sky_map


def find_mask(cube, rules, saturation, noise, known=None):
    """Find what to mask in a cube.

    Parameters
    ----------
    cube : Cube
        The cube.
    rules : CubeMasker
        Its parameters are the rules.
    saturation : ndarray of shape (n_bands,)
        Flux of each band from which a value is masked.
    noise : ndarray or None
        Standard deviation of the values, of a shape that fits (n_bands, 1, 1) or
        (n_bands, n_rows, n_columns); None takes that of the sky.
    known : (Sky, bool), default=None
        The sky and whether to mask it, of the fitted cube; None measures it here.

    Returns
    -------
    mask : Mask
        What to mask.
    """
    claims = _claim_values(cube, rules, saturation)
    if rules.exclude is not None or rules.include is not None:
        outside = _outside_of_regions(cube, rules, must_overlap=known is None)
        for claim in claims:
            take(claim, "regions", outside)
    if known is None:
        known = _measure(cube, rules, claims)
    sky, sky_masked = known
    if rules.min_signal_to_noise is not None:
        noise = sky.noise[:, np.newaxis, np.newaxis] if noise is None else noise
        _claim_faint(cube, rules, claims, sky.level, noise)
    lost = losing_criteria(claims, rules.min_bands, rules.n_jobs)
    if sky_masked:
        sky_map = _find_sky(cube, rules, claims, lost, sky.cut)
    else:
        sky_map = np.zeros(cube.shape[:2], dtype=bool)
    return Mask(claims, lost, sky_map, sky, sky_masked)


def apply_mask(cube, mask, rules):
    """Write NaN to what is masked.

    Parameters
    ----------
    cube : Cube
        The cube.
    mask : Mask
        What to mask.
    rules : CubeMasker
        Its parameters are the rules.

    Returns
    -------
    masked : Cube
        A copy of the cube, or the same memory if the rules allow.
    """
    in_place = not rules.copy and cube.data.flags.writeable
    data = cube.data if in_place else np.empty(cube.shape, dtype=cube.dtype)
    pixels = mask.pixels

    def write(rows):
        block = data[rows]
        if not in_place:
            block[...] = cube.data[rows]
        block[pixels[rows]] = np.nan
        if rules.min_bands is not None:
            for band, claim in enumerate(mask.claims):
                np.copyto(block[:, :, band], np.nan, where=claim[rows] != KEPT)

    each_block(write, cube.shape, rules.n_jobs)
    return cube.replace(data=data, errors=cube.errors)


def _claim_values(cube, rules, saturation):
    """Return which criterion claims each value, of shape (n_bands, ...)."""
    claims = np.full((cube.shape[2], *cube.shape[:2]), KEPT, dtype=np.uint8)

    def claim_band(band):
        image = np.array(cube.data[:, :, band], order="C")
        claim = claims[band]
        take(claim, "missing", np.isnan(image))
        if rules.mask_zeros == "auto":
            take(claim, "zeros", gaps_of_value(image, 0))
        elif rules.mask_zeros:
            take(claim, "zeros", image == 0)
        if rules.mask_pedestal:
            for value in pedestal_values(image):
                take(claim, "pedestal", gaps_of_value(image, value))
        gaps = claim != KEPT
        np.copyto(image, np.nan, where=gaps)
        if rules.mask_lines:
            take(claim, "lines", dark_lines(image))
        if saturation[band] < np.inf:
            take(claim, "saturation", image >= saturation[band])
        if rules.grow:
            take(claim, "grow", grown(claim != KEPT, rules.grow))
        if rules.border_noise is not None:
            take(claim, "borders", noisy_borders(image, gaps, rules.border_noise))

    in_threads(claim_band, range(cube.shape[2]), rules.n_jobs)
    return claims


def _outside_of_regions(cube, rules, *, must_overlap):
    """Return the pixels that are excluded or not included."""
    outside = np.zeros(cube.shape[:2], dtype=bool)
    for name in ("exclude", "include"):
        regions = getattr(rules, name)
        if regions is not None:
            pixels = pixels_of_regions(regions, cube, name, must_overlap=must_overlap)
            outside |= pixels if name == "exclude" else ~pixels
    return outside


def _measure(cube, rules, claims):
    """Return the sky of a cube, and whether to mask it."""
    rows = representative_rows(*cube.shape[:2])
    sample = np.array(cube.data[rows], order="C")
    sample_claims = claims[:, rows]
    lost = losing_criteria(sample_claims, rules.min_bands)
    for band, claim in enumerate(sample_claims):
        dropped = (claim != KEPT) | (lost != KEPT)
        np.copyto(sample[:, :, band], np.nan, where=dropped)
    sky = measure_sky(
        sample,
        threshold=rules.sky_threshold,
        smoothing=rules.sky_smoothing,
        min_bands=rules.sky_min_bands,
        n_jobs=rules.n_jobs,
    )
    something = sky.dominates and sky.stands_out >= FEWEST_SIGNALS
    return sky, rules.sky == "mask" or (rules.sky == "auto" and something)


def _claim_faint(cube, rules, claims, level, noise):
    """Claim the values of low signal to noise."""
    least = rules.min_signal_to_noise

    def claim_band(band):
        signal = cube.data[:, :, band] - cube.dtype.type(level[band])
        with np.errstate(invalid="ignore"):
            enough = (noise[band] > 0) & (signal >= least * noise[band])
        take(claims[band], "signal_to_noise", ~enough)

    in_threads(claim_band, range(cube.shape[2]), rules.n_jobs)


def _find_sky(cube, rules, claims, lost, cut):
    """Return the usable pixels that stand out in too few bands."""
    dropped = lost != KEPT

    def find(band):
        image = np.array(cube.data[:, :, band], order="C")
        np.copyto(image, np.nan, where=dropped | (claims[band] != KEPT))
        image = smooth(image, rules.sky_smoothing)
        return Bits.pack(np.isfinite(image)), Bits.pack(image > cut[band])

    found = in_threads(find, range(cube.shape[2]), rules.n_jobs)
    signals = np.zeros(cube.shape[:2], dtype=np.int16)
    usable = np.zeros(cube.shape[:2], dtype=bool)
    for finite, signal in found:
        usable |= finite.unpack()
        signals += signal.unpack()
    return usable & (signals < min(rules.sky_min_bands, cube.shape[2]))
