# SPDX-License-Identifier: BSD-3-Clause
"""Find hot and dead pixels and cosmic rays: values sharper than any image can be."""

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from skesom._common.noise import (
    ABOVE_FOUR,
    FOUR,
    above_four,
    noise_from_quarter_above_four,
    scatter_above_four,
)
from skesom._common.strips import around, strips_of
from skesom._sky.lengths import side_of_pixel
from skesom.cube.masking.sky import TILE, masked_image

# For an image I of light seen through a Gaussian, the Cauchy-Schwarz inequality gives
#     I(x - 1) I(x + 1) >= a**2 I(x)**2,    a = exp(-1 / (2 sigma**2)).
# Hot pixels and cosmic rays do not obey.
SIGNIFICANCE = 3  # in standard deviations of what is compared
NARROWEST = 1.5  # FWHM in pixels of the sharpest image that is well sampled
# The same where another band shows something at that place, or there is no other band.
NARROWEST_SUPPORTED = 1.0
SUPPORT = 3  # in standard deviations of a pixel
# What belongs to an outlier is fainter than this share in all other bands.
SHARE_ELSEWHERE = 0.3
HALF = 4  # of the windows in which background and noise are measured
GROWTH = 2  # steps
MARGIN = GROWTH + HALF + 1  # rows around a strip that its outliers depend on


def _square(distance):
    """Return the offsets of the pixels on the sides of a square around a pixel."""
    steps = range(-distance, distance + 1)
    return [(i, j) for i in steps for j in steps if max(abs(i), abs(j)) == distance]


RING, WIDE_RING = _square(2), _square(HALF)


def find_outliers(data, taken, band, rows, noise, narrowest):
    """Return which values of a band are sharper than an image in some rows."""
    return _Block(data, taken, band, rows, noise).outliers(narrowest)


def narrowest_widths(cube):
    """Return the smallest FWHM in pixels that each band may have, as two columns."""
    widths = np.tile([NARROWEST, NARROWEST_SUPPORTED], (cube.shape[2], 1))
    if cube.pixel_scale is not None:
        known = cube.fwhm / side_of_pixel(cube.pixel_scale)
        widths = np.fmin(widths, known[:, np.newaxis])
    return widths


def _mean_of_pairs(first, second):
    """Return the mean of pairs from their sums, leaving out those that are NaN."""
    both = ~(np.isnan(first) | np.isnan(second))
    return np.where(both, (first + second) / 4, np.fmin(first, second) / 2)


def tile_noise(image, taken):
    """Return the noise of a pixel in each tile of a band."""
    parts = []
    for rows in strips_of(image.shape, "wide block", multiple=TILE):
        near = around(rows, 1)
        part = masked_image(image[near], taken[near])
        missing = (rows.start == 0, rows.stop == len(image))
        part = np.pad(part, (missing, (1, 1)), constant_values=np.nan)
        parts.append(scatter_above_four(_tiles(np.abs(above_four(part)))))
    noise = np.concatenate(parts)
    typical = np.nanmedian(noise) if np.isfinite(noise).any() else np.nan
    noise[np.isnan(noise) | (noise == 0)] = typical
    return noise / ABOVE_FOUR


def _tiles(image):
    """Cut an image into tiles of shape (rows, columns, 256), filled up with NaN."""
    rows, columns = (-(-length // TILE) for length in image.shape)
    fill = rows * TILE - image.shape[0], columns * TILE - image.shape[1]
    image = np.pad(image, ((0, fill[0]), (0, fill[1])), constant_values=np.nan)
    tiles = image.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
    return tiles.reshape(rows, columns, TILE * TILE)


class _Block:
    """Some rows of a band with those around them."""

    def __init__(self, data, taken, band, rows, noise):
        self.data, self.band, self.noise = data, band, noise
        self.n_rows = rows.stop - rows.start
        self.first = rows.start - MARGIN  # the row of the cube that comes first
        inside = slice(max(0, self.first), min(len(data), rows.stop + MARGIN))
        image = masked_image(data[inside, :, band], taken[band, inside])
        outside = inside.start - self.first, rows.stop + MARGIN - inside.stop
        self.image = np.pad(image, (outside, (MARGIN, MARGIN)), constant_values=np.nan)
        self.above = np.full_like(self.image, np.nan)
        self.above[1:-1, 1:-1] = above_four(self.image)

    def outliers(self, narrowest):
        """Return which pixels of the block are outliers."""
        outliers = np.zeros(self.image.shape, dtype=bool)
        for sign in (1, -1):
            found = self._sharp(sign, narrowest)
            for _ in range(GROWTH):
                if not found.any():
                    break
                found |= self._beside(found, sign)
            outliers |= found
        return outliers[MARGIN : MARGIN + self.n_rows, MARGIN:-MARGIN]

    def _sharp(self, sign, narrowest):
        """Return the pixels that stand out more sharply than an image can."""
        places = self._candidates(sign, narrowest[0])
        # The widest choice first, with what is cheap to know.
        places = _chosen(places, self._sharper(places, sign, narrowest[0]))
        noise = self._local_noise(places)
        supported = self._significance_elsewhere(places, FOUR, sign) > SUPPORT
        widths = np.where(supported, narrowest[1], narrowest[0])
        places = _chosen(places, self._sharper(places, sign, widths, noise))
        found = np.zeros(self.image.shape, dtype=bool)
        found[places] = True
        return found

    def _candidates(self, sign, fwhm):
        """Return the places that stand out enough from their four neighbors."""
        least = SIGNIFICANCE * _spread_of_difference(_ratio(fwhm))
        inner = np.s_[MARGIN - GROWTH : GROWTH - MARGIN, HALF:-HALF]
        above = self.above[inner]
        high = sign * above > least * self._noise_image()[inner]
        rows, columns = np.divmod(np.flatnonzero(high), above.shape[1])
        return rows + MARGIN - GROWTH, columns + HALF

    def _sharper(self, places, sign, fwhm, noise=None):
        """Find the places that no point-spread function of a width allows."""
        noise = self._noise_of_tile(places) if noise is None else noise
        ratio = _ratio(fwhm)
        margin = SIGNIFICANCE * noise
        flux, sides = sign * self.image[places], self._around(places, FOUR, sign)
        low, middle, high = self._background(places, RING, sign)
        # Dark places lie between bright sources: for holes take the darker quarter.
        background = middle if sign > 0 else high
        above, below, left, right = sides - background
        mean = np.maximum(_mean_of_pairs(above + below, left + right), 0)
        least = margin * _spread_of_difference(ratio)
        alone = flux - background - mean / ratio > least
        # Beside a bright source the median is no background.
        background = low if sign > 0 else high
        above, below, left, right = np.maximum(sides - background, 0) + margin
        product = np.fmin(above * below, left * right)
        line = flux - background - np.sqrt(product) / ratio > margin
        return (alone | line) & (flux - middle > margin)

    def _background(self, places, ring, sign):
        """Return the quartiles of a ring, NaN if most of it is missing."""
        ordered = np.sort(self._around(places, ring, sign), axis=0)  # NaN goes last
        count = np.isfinite(ordered).sum(axis=0)
        place = np.array([count // 4, count // 2, 3 * count // 4])
        place = np.minimum(place, len(ordered) - 1)
        quartiles = np.take_along_axis(ordered, place, axis=0)
        quartiles[:, 4 * count < len(ordered)] = np.nan
        return quartiles

    def _around(self, places, offsets, sign):
        """Return the fluxes around some places, one row for each offset."""
        rows, columns = places
        return sign * np.array([self.image[rows + i, columns + j] for i, j in offsets])

    def _noise_of_tile(self, places):
        """Return the noise of the tiles in which places lie."""
        return self.noise[(*self._tile(*places), self.band)]

    def _local_noise(self, places):
        """Return the noise of the tiles, or that around the places if it is larger."""
        size = 2 * HALF + 1
        corners = tuple(axis - HALF for axis in places)
        scatter = np.abs(sliding_window_view(self.above, (size, size))[corners])
        noise = noise_from_quarter_above_four(scatter.reshape(-1, size * size))
        return np.fmax(noise, self._noise_of_tile(places))

    def _noise_image(self):
        """Return the noise of the tiles, pixel by pixel."""
        rows, columns = self._tile(*(np.arange(length) for length in self.image.shape))
        tiles = self.noise[:, :, self.band].astype(self.image.dtype)
        return tiles[rows][:, columns]

    def _tile(self, rows, columns):
        """Return in which tile pixels lie."""
        n_rows, n_columns = self.noise.shape[:2]
        return (
            np.clip((rows + self.first) // TILE, 0, n_rows - 1),
            np.clip((columns - MARGIN) // TILE, 0, n_columns - 1),
        )

    def _significance_elsewhere(self, places, offsets, sign):
        """Return by how many deviations another band stands out; inf without one."""
        n_rows, n_columns, n_bands = self.data.shape
        if n_bands == 1:
            return np.full(len(places[0]), np.inf)
        rows, columns = places[0] + self.first, places[1] - MARGIN

        def take(down, right):
            return self.data[
                np.clip(rows + down, 0, n_rows - 1),
                np.clip(columns + right, 0, n_columns - 1),
            ]

        mean = sum(take(*step) for step in offsets) / len(offsets)
        above = sign * (take(0, 0) - mean)
        spread = np.sqrt(1 + 1 / len(offsets)) * self.noise[self._tile(*places)]
        above = np.divide(above, spread, out=np.zeros_like(spread), where=spread > 0)
        above[:, self.band] = np.nan
        return np.fmax.reduce(above, axis=1)

    def _beside(self, found, sign):
        """Return the pixels beside outliers that are far fainter in other bands."""
        around = ndimage.binary_dilation(found, np.ones((3, 3))) & ~found
        around[:HALF] = around[-HALF:] = False
        around[:, :HALF] = around[:, -HALF:] = False
        places = np.nonzero(around)
        _, middle, high = self._background(places, WIDE_RING, sign)
        background = middle if sign > 0 else high
        here = (sign * self.image[places] - background) / self._local_noise(places)
        bright = here > SIGNIFICANCE
        places, here = _chosen(places, bright), here[bright]
        elsewhere = self._significance_elsewhere(places, WIDE_RING, sign)
        beside = np.zeros_like(found)
        alone = elsewhere < np.maximum(SUPPORT, SHARE_ELSEWHERE * here)
        beside[_chosen(places, alone)] = True
        return beside


def _chosen(places, which):
    """Return some of the places."""
    return tuple(axis[which] for axis in places)


def _ratio(fwhm):
    """Return how much a Gaussian falls in one pixel from its peak."""
    return np.exp(-0.5 / (fwhm * gaussian_fwhm_to_sigma) ** 2)


def _spread_of_difference(ratio):
    """Return the deviation of a pixel minus the mean of four others over a ratio."""
    return np.sqrt(1 + 0.25 / ratio**2)
