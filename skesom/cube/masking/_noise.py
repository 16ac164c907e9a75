# SPDX-License-Identifier: BSD-3-Clause
"""Level and noise of the sky in one band, and whether there is much sky at all.

Both come from the darkest tiles of a frame. In a field with sky these are sky; in a
frame that a galaxy fills they are its faintest parts, and the scatter inside a small
tile is still noise rather than galaxy. So one estimator serves both kinds of frame,
and the share of pixels that do not rise above it tells them apart.
"""

from typing import NamedTuple

import numpy as np
from astropy.stats import mad_std

from skesom._common.blocks import in_threads
from skesom.cube.convolution._gaussian import smooth
from skesom.cube.masking._flatness import Flatness, measure_flatness
from skesom.cube.masking._tiles import median_and_scatter, valid_tiles

TILE = 16
FEWEST_TILES = 8
ENOUGH_PIXELS = 2_000_000
ENOUGH_VALUES = 100_000


def sky_statistics(band):
    """Return the level and the noise of the darkest parts of one band.

    Notes
    -----
    Median and scaled median absolute deviation are taken in tiles of 16 x 16 pixels.
    The tiles whose median lies within one deviation of the 12.5 % quantile of all
    tiles are put together and clipped at three deviations. A frame in which fewer
    than eight tiles are mostly valid (a small frame, or one whose sky is masked
    already) has no such tiles: its level is the 12.5 % quantile of its pixels, its
    noise comes from the differences of neighbors.
    """
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
    return _pixel_statistics(tiles[np.abs(median - bounds[0]) <= spread])


def representative_rows(n_rows, n_columns):
    """Return indices of evenly spread strips of rows, two million pixels at most."""
    n_strips = max(1, n_rows // TILE)
    wanted = max(1, ENOUGH_PIXELS // (TILE * n_columns))
    if n_strips <= wanted:
        return slice(None)
    strips = np.linspace(0, n_strips - 1, wanted).round().astype(int)
    return (strips[:, np.newaxis] * TILE + np.arange(TILE)).ravel()


class Sky(NamedTuple):
    """What `measure_sky` finds in a cube."""

    share: float
    """Share of the valid pixels that do not stand out from the sky."""
    stands_out: int
    """Number of pixels that stand out."""
    chance: int
    """Number of pixels that lie below the sky as clearly, as noise alone does."""
    level: np.ndarray
    """Level of the sky in each band."""
    noise: np.ndarray
    """Standard deviation per pixel of the sky in each band."""
    cut: np.ndarray
    """Value of a smoothed pixel above which it stands out in a band."""
    flatness: Flatness | None = None
    """How flat the sky is, if that was asked."""

    @property
    def dominates(self):
        """Whether the frame is mostly sky, rather than filled by a galaxy."""
        return self.share > 0.5


def measure_sky(
    data, *, threshold=3.0, smoothing=1.0, min_bands=2, flatness=False, n_jobs=None
):
    """Measure the sky in a sample of the rows of a cube."""
    data = data[representative_rows(*data.shape[:2])]
    bands = [np.ascontiguousarray(data[:, :, band]) for band in range(data.shape[2])]
    smoothed = in_threads(lambda band: smooth(band, smoothing), bands, n_jobs)
    estimates = np.array(in_threads(sky_statistics, smoothed, n_jobs))
    signals = _count_signals(smoothed, estimates, threshold)
    valid = np.any([np.isfinite(band) for band in bands], axis=0)
    needed = min(min_bands, len(bands))
    dark = valid & (signals < needed)
    # Of the darkest parts, which know nothing of a slope across the frame.
    reach = threshold * estimates[:, 1]
    share = float(dark.sum() / max(1, valid.sum()))
    if share > 0.5:

        def statistics(band):
            return _pixel_statistics(band[dark])

        estimates = np.array(in_threads(statistics, smoothed, n_jobs))
    else:
        statistics = sky_statistics
    level, noise = np.array(in_threads(statistics, bands, n_jobs)).T
    # What rises above the sky as often as it falls below is noise.
    bright = _count_signals(smoothed, estimates, threshold)
    dim = _count_signals([-image for image in smoothed], estimates * [-1, 1], threshold)
    return Sky(
        share=share,
        stands_out=int(np.count_nonzero(bright >= needed)),
        chance=int(np.count_nonzero(dim >= needed)),
        level=level,
        noise=noise,
        cut=estimates[:, 0] + threshold * estimates[:, 1],
        flatness=measure_flatness(bands, dark, reach, n_jobs) if flatness else None,
    )


def _count_signals(images, estimates, threshold):
    """Return in how many images each pixel exceeds level + threshold * noise."""
    return sum(
        (image > level + threshold * noise).astype(np.int16)
        for image, (level, noise) in zip(images, estimates, strict=True)
    )


def pixel_noise(band):
    """Return the noise per pixel from the differences of neighbors."""
    steps = [np.diff(band, axis=axis).ravel() for axis in range(2)]
    steps = np.concatenate(steps)
    return _scatter(_thinned(steps[np.isfinite(steps)])) / 2**0.5


def _sparse_statistics(band):
    """Return level and noise where there are no tiles to take them from."""
    pixels = band[np.isfinite(band)].astype(np.float64)
    if not len(pixels):
        return np.nan, np.nan
    noise = pixel_noise(band) or _scatter(pixels)
    return float(np.quantile(pixels, 0.125)), noise


def _pixel_statistics(pixels):
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
    # An odd step, so that no pattern of even period is picked from.
    return values[:: len(values) // ENOUGH_VALUES | 1].astype(np.float64)


def _scatter(values):
    """Return the scaled median absolute deviation, or else the plain one."""
    if not len(values):
        return 0.0
    return float(mad_std(values) or np.std(values))
