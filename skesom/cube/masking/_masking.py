# SPDX-License-Identifier: BSD-3-Clause
"""Apply the criteria of a masker to one cube."""

import functools
import operator
import warnings
from typing import NamedTuple

import numpy as np

from skesom._common.blocks import each_block, in_threads
from skesom.cube._cube_list import all_band_names, split_bands
from skesom.cube.convolution._gaussian import smooth
from skesom.cube.flux._per_band import numbers_per_band
from skesom.cube.masking._bits import Bits
from skesom.cube.masking._borders import noisy_borders
from skesom.cube.masking._criteria import Claims
from skesom.cube.masking._flatness import FLAT
from skesom.cube.masking._gaps import Compared, gaps_of_value, pedestal_values
from skesom.cube.masking._lines import dark_lines
from skesom.cube.masking._noise import Sky, measure_sky, representative_rows
from skesom.cube.masking._outliers import find_outliers
from skesom.cube.masking._regions import pixels_of_regions
from skesom.cube.masking._runs import grown

# Sky is set aside only where so many more pixels stand out than twice as many as noise
# alone puts there.
FEWEST_SIGNALS = 10


class Mask(NamedTuple):
    """What is masked in a cube, and why."""

    claims: Claims
    """What the criteria claim, value by value."""
    lost: dict
    """Pixels (Bits) that each criterion took, the sky among them."""
    sky: Sky
    """The sky that the decisions rest on."""
    sky_masked: bool
    """Whether sky is masked."""

    @property
    def pixels(self):
        """Bits that are True where a pixel is masked."""
        return functools.reduce(operator.or_, self.lost.values())

    @property
    def summary(self):
        """Number of pixels that each criterion took."""
        return {criterion: bits.count() for criterion, bits in self.lost.items()}


def find_mask(cube, rules, saturation, noise, known=None):
    """Find what to mask in a cube."""
    claims = _claim_values(cube, rules, saturation)
    if rules.exclude is not None or rules.include is not None:
        outside = _outside_of_regions(cube, rules, must_overlap=known is None)
        for band in range(cube.shape[2]):
            claims.take(band, "regions", outside)
    if known is None:
        known = _measure(cube, rules, claims)
    sky, sky_masked = known
    if rules.min_signal_to_noise is not None:
        noise = sky.noise[:, np.newaxis, np.newaxis] if noise is None else noise
        _claim_faint(cube, rules, claims, sky.level, noise)
    mask = Mask(claims, claims.lost_pixels(rules.min_bands), sky, sky_masked)
    mask.lost["sky"] = (
        _find_sky(cube, rules, mask) if sky_masked else Bits.none(cube.shape[:2])
    )
    return mask


def warn_of_sky(cube, mask, rules):
    """Warn of a background that slopes, and of a frame that shows nothing but sky."""
    sky = mask.sky
    gradient = sky.flatness.gradient if rules.check_background else []
    sloping = [
        f"{cube.band_names[band]} ({gradient[band]:.2g})"
        for band in np.flatnonzero(gradient)
    ]
    if sloping:
        warnings.warn(
            "The background slopes across the frame. In units of the noise of a pixel, "
            f"it rises by: {', '.join(sloping)}. Clusters may follow it. Unless it is "
            "the light of an object, subtract it first: with BackgroundSubtractor, or "
            "with --subtract-background on the command line.",
            UserWarning,
            stacklevel=4,
        )
    if rules.sky != "auto" or sloping:
        return
    is_sky = sky.dominates and sky.flatness.typical <= FLAT
    if is_sky and not shows_something(sky):
        warnings.warn(
            f"The frame shows nothing but sky: {sky.stands_out} pixels stand out, and "
            f"{sky.chance} lie as far below it by chance. All pixels are kept, and "
            "clusters of them are clusters of noise. Look for fainter sources with a "
            "lower sky_threshold.",
            UserWarning,
            stacklevel=4,
        )


def noise_maps(noise, cubes):
    """Return the noise of the values of each cube, as `find_mask` takes it."""
    if noise is None:
        maps = [cube.errors for cube in cubes]
    elif np.ndim(noise) > 1:
        maps = [np.asarray(noise)] * len(cubes)
    else:
        names = all_band_names(cubes)
        numbers = numbers_per_band(noise, names, "noise", positive=True)
        return [part[:, np.newaxis, np.newaxis] for part in split_bands(numbers, cubes)]
    for cube, values in zip(cubes, maps, strict=True):
        if values is not None and values.shape != cube.shape:
            raise ValueError(
                f"noise has shape {values.shape}, but the cube has {cube.shape}."
            )
    return [None if values is None else np.moveaxis(values, 2, 0) for values in maps]


def apply_mask(cube, mask, rules):
    """Write NaN to what is masked."""
    in_place = not rules.copy and cube.data.flags.writeable
    data = cube.data if in_place else np.empty(cube.shape, dtype=cube.dtype)
    pixels = mask.pixels
    n_bands = cube.shape[2]

    def write(rows):
        block = data[rows]
        if not in_place:
            block[...] = cube.data[rows]
        if rules.min_bands is None:
            block[pixels.unpack(rows)] = np.nan
        else:
            for band in range(n_bands):
                masked = (pixels | mask.claims.bands[band]).unpack(rows)
                np.copyto(block[:, :, band], np.nan, where=masked)

    each_block(write, cube.shape, rules.n_jobs)
    sky = cube.sky_mask
    if mask.sky_masked:
        found = mask.lost["sky"].unpack()
        sky = found if sky is None else sky | found
    return cube.replace(data=data, errors=cube.errors, sky_mask=sky)


def _claim_values(cube, rules, saturation):
    """Return which criterion claims each value."""
    claims = Claims(cube.shape)
    bands = range(cube.shape[2])

    def claim_gaps(band):
        image = cube.data[:, :, band]
        compared = Compared(image)

        def take(criterion, found):
            claims.take(band, criterion, found)

        take("missing", compared.missing)
        if rules.mask_zeros:
            every = rules.mask_zeros != "auto"
            take("zeros", compared.zero if every else gaps_of_value(compared, 0))
        if rules.mask_pedestal:
            for value in pedestal_values(compared):
                take("pedestal", gaps_of_value(compared, value))
        gaps = claims.bands[band]
        if rules.mask_lines:
            take("lines", dark_lines(image, gaps))
        if saturation[band] < np.inf:
            take("saturation", compared.where(np.greater_equal, saturation[band]))
        return gaps

    def claim_around(band, gaps):
        if rules.grow:
            claims.take(band, "grow", grown(claims.bands[band], rules.grow))
        if rules.border_noise is not None:
            found = noisy_borders(cube.data[:, :, band], gaps, rules.border_noise)
            claims.take(band, "borders", found)

    gaps = in_threads(claim_gaps, bands, rules.n_jobs)
    if rules.mask_outliers:
        found = find_outliers(cube, claims.bands, rules.n_jobs)
        for band in bands:
            claims.take(band, "outliers", found[band])
    in_threads(lambda band: claim_around(band, gaps[band]), bands, rules.n_jobs)
    return claims


def _outside_of_regions(cube, rules, *, must_overlap):
    """Return the pixels that are excluded or not included."""
    outside = np.zeros(cube.shape[:2], dtype=bool)
    for name in ("exclude", "include"):
        regions = getattr(rules, name)
        if regions is not None:
            pixels = pixels_of_regions(regions, cube, name, must_overlap=must_overlap)
            outside |= pixels if name == "exclude" else ~pixels
    return Bits.pack(outside)


def _measure(cube, rules, claims):
    """Return the sky of a cube, and whether to mask it."""
    rows = representative_rows(*cube.shape[:2])
    sample = np.array(cube.data[rows], order="C")
    lost = claims.lost_pixels(rules.min_bands).values()
    lost = functools.reduce(operator.or_, lost)
    for band, claimed in enumerate(claims.bands):
        np.copyto(sample[:, :, band], np.nan, where=(lost | claimed).unpack(rows))
    sky = measure_sky(
        sample,
        threshold=rules.sky_threshold,
        smoothing=rules.sky_smoothing,
        min_bands=rules.sky_min_bands,
        flatness=rules.sky != "keep" or rules.check_background,
        n_jobs=rules.n_jobs,
    )
    if rules.sky != "auto":
        return sky, rules.sky == "mask"
    is_sky = sky.dominates and sky.flatness.is_flat
    return sky, is_sky and shows_something(sky)


def shows_something(sky):
    """Tell whether more pixels stand out from the sky than noise puts there."""
    return sky.stands_out >= FEWEST_SIGNALS + 2 * sky.chance


def _claim_faint(cube, rules, claims, level, noise):
    """Claim the values of low signal to noise."""
    least = rules.min_signal_to_noise

    def claim_band(band):
        spread = np.broadcast_to(noise[band], cube.shape[:2])

        def faint(rows):
            signal = cube.data[rows, :, band] - cube.dtype.type(level[band])
            return ~((spread[rows] > 0) & (signal >= least * spread[rows]))

        found = Bits.from_blocks(faint, cube.shape[:2])
        claims.take(band, "signal_to_noise", found)

    in_threads(claim_band, range(cube.shape[2]), rules.n_jobs)


def _find_sky(cube, rules, mask):
    """Return the usable pixels that stand out in too few bands."""
    lost = mask.pixels

    def find(band):
        image = np.array(cube.data[:, :, band], order="C")
        usable = ~(lost | mask.claims.bands[band])
        np.copyto(image, np.nan, where=~usable.unpack())
        image = smooth(image, rules.sky_smoothing)
        return usable, Bits.pack(image > mask.sky.cut[band])

    usable, signals = zip(
        *in_threads(find, range(cube.shape[2]), rules.n_jobs), strict=True
    )
    needed = min(rules.sky_min_bands, cube.shape[2])

    def dark(rows):
        count = np.zeros((rows.stop - rows.start, cube.shape[1]), dtype=np.uint16)
        for signal in signals:
            count += signal.unpack(rows)
        return count < needed

    faint = Bits.from_blocks(dark, cube.shape[:2])
    return functools.reduce(operator.or_, usable) & faint
