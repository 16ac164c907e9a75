# SPDX-License-Identifier: BSD-3-Clause
"""Level and noise of the sky, how much of a frame is sky, and how flat that is."""

from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std

from skesom._common.blocks import each_block, in_threads
from skesom._common.lazy import computed, is_lazy
from skesom.cube.convolution._filtering import smooth

KEPT = 255  # number of no criterion
TILE = 16
FEWEST_TILES = 8
ENOUGH_PIXELS = 2_000_000
ENOUGH_VALUES = 100_000
# More pixels must stand out than twice those that noise alone lifts, by so many.
FEWEST_SIGNALS = 10
# In units of the noise: levels scatter by 0-.36 in sky, .58-1.1 elsewhere.
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


class Sky(NamedTuple):
    """What `measure_sky` finds in a cube."""

    share: float  # of the valid pixels that do not stand out from the sky
    stands_out: int  # number of pixels that stand out
    chance: int  # number of pixels that lie as clearly below the sky: by noise alone
    level: np.ndarray  # of each band
    noise: np.ndarray  # standard deviation per pixel of each band
    cut: np.ndarray  # value of a smoothed pixel above which it stands out in a band
    # Scatter of the levels of tiles of sky in units of the noise, in the median band;
    # NaN if there is too little sky, or if it is not measured.
    unevenness: float
    # Range of a background that slopes in units of the noise; 0 without a slope, NaN if
    # not measured.
    gradient: np.ndarray

    @property
    def dominates(self):
        """Whether the frame is mostly sky, rather than filled by a galaxy."""
        return self.share > 0.5

    @property
    def is_flat(self):
        """Whether sky dominates and is flat; False where that is unknown."""
        return self.dominates and self.unevenness <= FLAT

    @property
    def shows_something(self):
        """Whether more pixels stand out from the sky than noise explains."""
        return self.stands_out >= FEWEST_SIGNALS + 2 * self.chance


def measure_sky(
    data, *, threshold=3.0, smoothing=1.0, min_signals=2, flatness=False, n_jobs=None
):
    """Measure the sky in a sample of the rows of a cube."""
    data = sampled(data)
    bands = [np.ascontiguousarray(data[:, :, band]) for band in range(data.shape[2])]
    smoothed = in_threads(lambda band: smooth(band, smoothing), bands, n_jobs)
    estimates = np.array(in_threads(sky_statistics, smoothed, n_jobs))
    signals = _count_signals(smoothed, estimates, threshold)
    valid = np.any([np.isfinite(band) for band in bands], axis=0)
    needed = min(min_signals, len(bands))
    dark = valid & (signals < needed)
    # Of the darkest parts, which do not depend on a slope across the frame.
    reach = threshold * estimates[:, 1]
    share = float(dark.sum() / max(1, valid.sum()))
    statistics = sky_statistics
    if share > 0.5:

        def statistics(band):
            return _clipped_statistics(band[dark])

        estimates = np.array(in_threads(statistics, smoothed, n_jobs))
    level, noise = np.array(in_threads(statistics, bands, n_jobs)).T
    # What rises above the sky as often as it falls below is noise.
    bright = _count_signals(smoothed, estimates, threshold)
    turned = (-image for image in smoothed)
    dim = _count_signals(turned, estimates * [-1, 1], threshold)
    unevenness, gradient = np.nan, np.full(len(bands), np.nan)
    if flatness:
        unevenness, gradient = _measure_flatness(bands, dark, reach, n_jobs)
    stands_out, chance = (
        int(np.count_nonzero(count >= needed)) for count in (bright, dim)
    )
    cut = estimates[:, 0] + threshold * estimates[:, 1]
    return Sky(share, stands_out, chance, level, noise, cut, unevenness, gradient)


def _count_signals(images, estimates, threshold):
    """Return in how many images each pixel exceeds level + threshold * noise."""
    return sum(
        (image > level + threshold * noise).astype(np.int16)
        for image, (level, noise) in zip(images, estimates, strict=True)
    )


def measure_rest(sample, lost, **options):
    """Measure the sky in a sample of a cube without what is lost (bands first)."""
    sample = np.moveaxis(sample, 2, 0).copy()
    np.copyto(sample, np.nan, where=lost)
    return measure_sky(np.moveaxis(sample, 0, 2), **options)


def sky_statistics(band):
    """Return the level and the noise of the darkest parts of one band."""
    band = band[representative_rows(*band.shape)]
    for size in (TILE, TILE // 2, TILE // 4):
        tiles = valid_tiles(band, size)[0]
        if len(tiles) >= FEWEST_TILES:
            break
    else:
        return _sparse_statistics(band)
    median, scatter = median_and_scatter(tiles)
    bounds = np.quantile(median, [0.125, 0.25])
    spread = np.median(scatter[median <= bounds[1]])
    return _clipped_statistics(tiles[np.abs(median - bounds[0]) <= spread])


def representative_rows(n_rows, n_columns, most=None):
    """Return indices of evenly spread strips of rows, two million pixels at most."""
    n_strips = max(1, n_rows // TILE)
    wanted = max(1, (most or ENOUGH_PIXELS) // (TILE * n_columns))
    if n_strips <= wanted:
        return slice(None)
    strips = np.linspace(0, n_strips - 1, wanted).round().astype(int)
    return (strips[:, np.newaxis] * TILE + np.arange(TILE)).ravel()


def sampled(data, most=None):
    """Return the representative rows of a frame, computed if it is lazy."""
    part = data[representative_rows(*data.shape[:2], most)]
    return computed(part)[0] if is_lazy(part) else part


def masked_image(data, taken, band, rows):
    """Return rows of a band, NaN where a criterion has taken the value."""
    image = np.array(data[rows, :, band], order="C")
    image[taken[band, rows] != KEPT] = np.nan
    return image


def write_nan(cube, find_lost, sky_mask, *, copy, n_jobs):
    """Return a cube, NaN where a function of some rows finds True (bands first)."""
    if cube.is_lazy:
        options = {"dtype": cube.dtype, "meta": cube.data._meta}
        data = cube.data.map_blocks(_write_strip, find_lost=find_lost, **options)
        return cube.replace(data=data, errors=cube.errors, sky_mask=sky_mask)
    in_place = not copy and cube.data.flags.writeable
    data = cube.data if in_place else np.empty(cube.shape, dtype=cube.dtype)

    def write(rows):
        if not in_place:
            data[rows] = cube.data[rows]
        np.copyto(np.moveaxis(data[rows], 2, 0), np.nan, where=find_lost(rows))

    each_block(write, cube.shape, n_jobs)
    return cube.replace(data=data, errors=cube.errors, sky_mask=sky_mask)


def _write_strip(data, find_lost, block_info=None):
    """Return a strip with NaN."""
    rows = slice(*block_info[0]["array-location"][0])
    return np.where(np.moveaxis(find_lost(rows), 0, 2), data.dtype.type(np.nan), data)


def pixel_noise(band):
    """Return the noise per pixel from the differences of neighbors."""
    steps = np.concatenate([np.diff(band, axis=axis).ravel() for axis in range(2)])
    return _scatter(_thinned(steps[np.isfinite(steps)])) / 2**0.5


def _sparse_statistics(band):
    """Return level and noise where there are no tiles to take them from."""
    pixels = band[np.isfinite(band)].astype(np.float64)
    if not len(pixels):
        return np.nan, np.nan
    noise = pixel_noise(band) or _scatter(pixels)
    return float(np.quantile(pixels, 0.125)), noise


def _clipped_statistics(pixels):
    """Return median and deviation without what is three deviations away."""
    pixels = np.sort(_thinned(pixels[np.isfinite(pixels)]))
    if not len(pixels):
        return np.nan, np.nan
    while True:
        level = float(pixels[(len(pixels) - 1) // 2] + pixels[len(pixels) // 2]) / 2
        noise = float(1.4826 * np.median(np.abs(pixels - level)))
        if noise == 0:  # counts: clipping would leave nothing but the commonest value
            return level, float(np.std(pixels))
        first = np.searchsorted(pixels, level - 3 * noise)
        last = np.searchsorted(pixels, level + 3 * noise, side="right")
        if last - first == len(pixels):
            return level, noise
        pixels = pixels[first:last]


def _thinned(values):
    """Return enough of the values, in double precision."""
    # An odd step, so that no pattern of even period is sampled.
    return values[:: len(values) // ENOUGH_VALUES | 1].astype(np.float64)


def _scatter(values):
    """Return the scaled median absolute deviation, or else the plain one."""
    if not len(values):
        return 0.0
    return float(mad_std(values) or np.std(values))


def valid_tiles(band, size):
    """Return the square tiles of which at least half is valid, and their places."""
    rows, columns = (length // size for length in band.shape)
    tiles = band[: rows * size, : columns * size].reshape(rows, size, columns, size)
    tiles = tiles.swapaxes(1, 2).reshape(rows, columns, size * size)
    places = 2 * np.isfinite(tiles).sum(axis=2) >= size * size
    return tiles[places], places


def median_and_scatter(tiles):
    """Return median and deviation of each tile, without its NaN."""
    median = _row_median(tiles)
    distance = tiles - median[:, np.newaxis].astype(tiles.dtype)
    scatter = 1.4826 * _row_median(np.abs(distance, out=distance))
    # Counts and clipped pictures may have more than half of a tile at one value.
    flat = scatter == 0
    scatter[flat] = np.nanstd(tiles[flat].astype(np.float64), axis=1)
    return median, scatter


def _row_median(values):
    """Return the median of the finite values of each row (at least one)."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    middle = ordered[rows, (count - 1) // 2].astype(np.float64)
    return (middle + ordered[rows, count // 2]) / 2


class Levels(NamedTuple):
    """How the level of a band changes over the frame."""

    noise: float  # typical standard deviation inside of a tile
    # Scatter of the levels of tiles in units of that, without what noise does to them
    # and without a plane that explains most of it.
    unevenness: float
    slope: np.ndarray  # what that plane rises by over rows and columns; 0 without one


def measure_levels(band):
    """Compare the levels of the tiles of a band with the noise inside of them."""
    for sizes in SIZES:
        tiles, places = valid_tiles(band, sizes[1])
        if len(tiles) >= ENOUGH_TILES:
            break
    else:
        return Levels(np.nan, np.nan, np.zeros(2))
    medians, scatter = median_and_scatter(tiles)
    rest, slope = _without_plane(medians, places)
    small, small_places = valid_tiles(band, sizes[0])
    small, _ = median_and_scatter(small)
    whole = _structure(small, medians)
    left = _structure(_without_plane(small, small_places)[0], rest)
    if left > LEFT_BY_PLANE * whole:
        noise = float(np.median(scatter))
        return Levels(noise, _ratio(whole, noise), np.zeros(2))
    # A steep plane is no noise inside of the tiles either.
    steps = np.arange(sizes[1]) / sizes[1]
    inside = np.add.outer(slope[0] * steps, slope[1] * steps).ravel()
    noise = float(np.median(median_and_scatter(tiles - inside.astype(tiles.dtype))[1]))
    return Levels(noise, _ratio(left, noise), slope * places.shape)


def _measure_flatness(bands, dark, reach, n_jobs):
    """Return the unevenness of the sky in the median band, and the slope of each."""

    def measure(number):
        levels = measure_levels(np.where(dark, bands[number], np.nan))
        if not (levels.unevenness <= FLAT and levels.slope.any()):
            return levels.unevenness, 0.0
        whole = measure_levels(bands[number])
        extent = np.abs(whole.slope).sum()
        differs = np.abs(whole.slope - levels.slope).sum() > UNLIKE * extent
        steep = extent > reach[number] and not differs
        return levels.unevenness, _ratio(extent, whole.noise) if steep else 0.0

    unevenness, gradient = np.array(in_threads(measure, range(len(bands)), n_jobs)).T
    known = unevenness[~np.isnan(unevenness)]
    return float(np.median(known)) if len(known) else np.nan, gradient


def _without_plane(levels, places):
    """Subtract the plane that most tiles follow from their levels."""
    terms = np.column_stack([np.ones(len(levels)), *np.nonzero(places)])
    factors = fit_most(terms, levels)
    return levels - terms @ factors, factors[1:]


def fit_most(terms, values):
    """Fit a sum of terms by least squares to most values, whatever the others are."""
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
    # The variance by noise is a quarter in tiles of twice the side.
    variance = (4 * mad_std(large) ** 2 - mad_std(small) ** 2) / 3
    return float(np.sqrt(max(0, variance)))


def _ratio(value, noise):
    """Return a value in units of the noise, which may be 0."""
    if noise > 0:
        return value / noise
    return np.inf if value > 0 else 0.0
