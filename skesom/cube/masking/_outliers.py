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
from skesom.cube.masking._criteria import masked_image
from skesom.cube.masking.sky_tiles import TILE

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
    offsets = []
    for down in steps:
        for right in steps:
            if max(abs(down), abs(right)) == distance:
                offsets.append((down, right))
    return offsets


RING = _square(2)
WIDE_RING = _square(HALF)


def find_outliers(data, criteria, band, rows, noise, narrowest):
    """Return which values of a band are sharper than an image in some rows.

    Parameters
    ----------
    data : array of shape (n_rows, n_columns, n_bands)
    criteria : array of uint8 or PackedCriteria of shape (n_bands, n_rows, n_columns)
        Values that a criterion took before are left out.
    band : int
    rows : slice
    noise : ndarray of shape (n_tile_rows, n_tile_columns, n_bands)
        Of `tile_noise`.
    narrowest : pair of float
        FWHM in pixels, alone and supported by another band, see `narrowest_widths`.

    Returns
    -------
    is_outlier : ndarray of bool of shape (rows.stop - rows.start, n_columns)
    """
    return _Block(data, criteria, band, rows, noise).outliers(narrowest)


def narrowest_widths(cube):
    """Return the smallest FWHM in pixels that each band may have, as two columns."""
    widths = np.tile([NARROWEST, NARROWEST_SUPPORTED], (cube.shape[2], 1))
    if cube.pixel_scale is not None:
        fwhm_in_pixels = cube.fwhm / side_of_pixel(cube.pixel_scale)
        widths = np.fmin(widths, fwhm_in_pixels[:, np.newaxis])
    return widths


def tile_noise(image, criteria):
    """Return the noise of a pixel in each tile of a band."""
    noise_of_strips = []
    for rows in strips_of(image.shape, "wide block", multiple=TILE):
        near = around(rows, 1)
        strip = masked_image(image[near], criteria[near])
        beyond_frame = (int(rows.start == 0), int(rows.stop == len(image)))
        strip = np.pad(strip, (beyond_frame, (1, 1)), constant_values=np.nan)
        noise_of_strips.append(scatter_above_four(_tiles(np.abs(above_four(strip)))))
    noise = np.concatenate(noise_of_strips)
    typical = np.nan
    if np.isfinite(noise).any():
        typical = np.nanmedian(noise)
    noise[np.isnan(noise) | (noise == 0)] = typical
    return noise / ABOVE_FOUR


def _tiles(image):
    """Cut an image into tiles of shape (rows, columns, 256), filled up with NaN."""
    n_rows, n_columns = image.shape
    n_tile_rows = -(-n_rows // TILE)
    n_tile_columns = -(-n_columns // TILE)
    filling = (
        (0, n_tile_rows * TILE - n_rows),
        (0, n_tile_columns * TILE - n_columns),
    )
    image = np.pad(image, filling, constant_values=np.nan)
    tiles = image.reshape(n_tile_rows, TILE, n_tile_columns, TILE).swapaxes(1, 2)
    return tiles.reshape(n_tile_rows, n_tile_columns, TILE * TILE)


class _Block:
    """Some rows of a band with those around them, in which outliers are looked for.

    Pixels are pairs of arrays, their rows and columns in the block. A sign of -1 looks
    for holes: all fluxes are turned over.
    """

    def __init__(self, data, criteria, band, rows, noise):
        self.data = data
        self.band = band
        self.noise = noise
        self.n_rows = rows.stop - rows.start
        self.first = rows.start - MARGIN  # the row of the cube that comes first
        inside = slice(max(0, self.first), min(len(data), rows.stop + MARGIN))
        image = masked_image(data[inside, :, band], criteria[band, inside])
        beyond_frame = (inside.start - self.first, rows.stop + MARGIN - inside.stop)
        self.image = np.pad(
            image, (beyond_frame, (MARGIN, MARGIN)), constant_values=np.nan
        )
        self.above = np.full_like(self.image, np.nan)
        self.above[1:-1, 1:-1] = above_four(self.image)

    def outliers(self, narrowest):
        """Return which pixels of the block are outliers."""
        outliers = np.zeros(self.image.shape, dtype=bool)
        for sign in (1, -1):
            of_sign = self._sharp(sign, narrowest)
            for _ in range(GROWTH):
                if not of_sign.any():
                    break
                of_sign |= self._beside(of_sign, sign)
            outliers |= of_sign
        return outliers[MARGIN : MARGIN + self.n_rows, MARGIN:-MARGIN]

    def _sharp(self, sign, narrowest):
        """Return the pixels that stand out more sharply than an image can."""
        alone, supported = narrowest
        pixels = self._candidates(sign, alone)
        # The widest choice first, with what is cheap to know.
        noise = self._noise_of_tile(pixels)
        pixels = _select(pixels, self._is_sharper(pixels, sign, alone, noise))
        noise = self._local_noise(pixels)
        is_supported = self._significance_elsewhere(pixels, FOUR, sign) > SUPPORT
        widths = np.where(is_supported, supported, alone)
        pixels = _select(pixels, self._is_sharper(pixels, sign, widths, noise))
        is_sharp = np.zeros(self.image.shape, dtype=bool)
        is_sharp[pixels] = True
        return is_sharp

    def _candidates(self, sign, fwhm):
        """Return the pixels that stand out enough from their four neighbors."""
        least = SIGNIFICANCE * _spread_of_difference(_ratio(fwhm))
        inner = np.s_[MARGIN - GROWTH : GROWTH - MARGIN, HALF:-HALF]
        above = self.above[inner]
        stands_out = sign * above > least * self._noise_image()[inner]
        rows, columns = np.divmod(np.flatnonzero(stands_out), above.shape[1])
        return rows + MARGIN - GROWTH, columns + HALF

    def _is_sharper(self, pixels, sign, fwhm, noise):
        """Tell which pixels no point-spread function of a width allows."""
        ratio = _ratio(fwhm)
        margin = SIGNIFICANCE * noise
        flux = sign * self.image[pixels]
        sides = self._around(pixels, FOUR, sign)
        low, middle, high = self._background(pixels, RING, sign)
        # Dark places lie between bright sources: for holes take the darker quarter.
        background = middle if sign > 0 else high
        above, below, left, right = sides - background
        mean = np.maximum(_mean_of_pairs(above + below, left + right), 0)
        least = margin * _spread_of_difference(ratio)
        is_above_mean = flux - background - mean / ratio > least
        # Beside a bright source the median is no background.
        background = low if sign > 0 else high
        above, below, left, right = np.maximum(sides - background, 0) + margin
        product = np.fmin(above * below, left * right)
        is_above_line = flux - background - np.sqrt(product) / ratio > margin
        return (is_above_mean | is_above_line) & (flux - middle > margin)

    def _background(self, pixels, ring, sign):
        """Return the quartiles of a ring, NaN if most of it is missing."""
        ordered = np.sort(self._around(pixels, ring, sign), axis=0)  # NaN goes last
        count = np.isfinite(ordered).sum(axis=0)
        ranks = np.array([count // 4, count // 2, 3 * count // 4])
        ranks = np.minimum(ranks, len(ordered) - 1)
        quartiles = np.take_along_axis(ordered, ranks, axis=0)
        quartiles[:, 4 * count < len(ordered)] = np.nan
        return quartiles

    def _around(self, pixels, offsets, sign):
        """Return the fluxes around some pixels, one row for each offset."""
        rows, columns = pixels
        fluxes = [self.image[rows + down, columns + right] for down, right in offsets]
        return sign * np.array(fluxes)

    def _noise_of_tile(self, pixels):
        """Return the noise of the tiles in which pixels lie."""
        tile_rows, tile_columns = self._tile(*pixels)
        return self.noise[tile_rows, tile_columns, self.band]

    def _local_noise(self, pixels):
        """Return the noise of the tiles, or that around the pixels if it is larger."""
        size = 2 * HALF + 1
        rows, columns = pixels
        windows = sliding_window_view(self.above, (size, size))
        scatter = np.abs(windows[rows - HALF, columns - HALF])
        noise = noise_from_quarter_above_four(scatter.reshape(-1, size * size))
        return np.fmax(noise, self._noise_of_tile(pixels))

    def _noise_image(self):
        """Return the noise of the tiles, pixel by pixel."""
        n_rows, n_columns = self.image.shape
        tile_rows, tile_columns = self._tile(np.arange(n_rows), np.arange(n_columns))
        noise = self.noise[:, :, self.band].astype(self.image.dtype)
        return noise[tile_rows][:, tile_columns]

    def _tile(self, rows, columns):
        """Return in which tile pixels lie."""
        n_rows, n_columns = self.noise.shape[:2]
        return (
            np.clip((rows + self.first) // TILE, 0, n_rows - 1),
            np.clip((columns - MARGIN) // TILE, 0, n_columns - 1),
        )

    def _significance_elsewhere(self, pixels, offsets, sign):
        """Return by how many deviations another band stands out; inf without one."""
        n_rows, n_columns, n_bands = self.data.shape
        rows, columns = pixels
        if n_bands == 1:
            return np.full(len(rows), np.inf)
        rows = rows + self.first
        columns = columns - MARGIN

        def fluxes_at(down, right):
            return self.data[
                np.clip(rows + down, 0, n_rows - 1),
                np.clip(columns + right, 0, n_columns - 1),
            ]

        mean = sum(fluxes_at(down, right) for down, right in offsets) / len(offsets)
        above = sign * (fluxes_at(0, 0) - mean)
        spread = np.sqrt(1 + 1 / len(offsets)) * self.noise[self._tile(*pixels)]
        above = np.divide(above, spread, out=np.zeros_like(spread), where=spread > 0)
        above[:, self.band] = np.nan
        return np.fmax.reduce(above, axis=1)

    def _beside(self, is_outlier, sign):
        """Return the pixels beside outliers that are far fainter in other bands."""
        dilated = ndimage.binary_dilation(is_outlier, np.ones((3, 3)))
        is_around = dilated & ~is_outlier
        is_around[:HALF] = False
        is_around[-HALF:] = False
        is_around[:, :HALF] = False
        is_around[:, -HALF:] = False
        pixels = np.nonzero(is_around)
        _, middle, high = self._background(pixels, WIDE_RING, sign)
        background = middle if sign > 0 else high
        above = sign * self.image[pixels] - background
        significance = above / self._local_noise(pixels)
        is_bright = significance > SIGNIFICANCE
        pixels = _select(pixels, is_bright)
        most_elsewhere = np.maximum(SUPPORT, SHARE_ELSEWHERE * significance[is_bright])
        elsewhere = self._significance_elsewhere(pixels, WIDE_RING, sign)
        is_beside = np.zeros_like(is_outlier)
        is_beside[_select(pixels, elsewhere < most_elsewhere)] = True
        return is_beside


def _select(pixels, is_selected):
    """Return the pixels of which a condition holds."""
    rows, columns = pixels
    return rows[is_selected], columns[is_selected]


def _mean_of_pairs(first, second):
    """Return the mean of pairs from their sums, leaving out those that are NaN."""
    both = ~(np.isnan(first) | np.isnan(second))
    return np.where(both, (first + second) / 4, np.fmin(first, second) / 2)


def _ratio(fwhm):
    """Return how much a Gaussian falls in one pixel from its peak."""
    return np.exp(-0.5 / (fwhm * gaussian_fwhm_to_sigma) ** 2)


def _spread_of_difference(ratio):
    """Return the deviation of a pixel minus the mean of four others over a ratio."""
    return np.sqrt(1 + 0.25 / ratio**2)
