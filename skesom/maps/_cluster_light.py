# SPDX-License-Identifier: BSD-3-Clause
"""The light of clusters: median fluxes, their noise, and what both can tell."""

import warnings

import numpy as np

from skesom._common.labels import SKY
from skesom._sky.field_of_view import is_of_the_sky
from skesom._sky.lengths import star_width
from skesom.cube.flux.photometry import Photometry
from skesom.cube.masking.sky_level import sky_level
from skesom.maps._line_light import complete_continua, line_excess
from skesom.maps._saturated_stars import find_star_halos
from skesom.maps.nameless_images import are_of_lines
from skesom.pixels import cluster_table

# Colors tell old stars from young ones between bands on both sides of the break of old
# stars (nm), or from a blue band, as many octaves apart as B - V, which r - i is not:
# docs/names.md, "Where a rule is valid".
_BREAK = 400
_LONGEST_BLUE = 700
_BASELINE = 0.3
# Wavelengths in nm between which such bands are looked for. The optical tells best;
# beyond the last, dust shines.
_OPTICAL = (300, 1000)
_STELLAR = (90, 2500)
_ROUNDED = 1e-9  # part of the largest value of a band that is a rounding error
SIGMAS = 3.0  # errors, of a difference that is significant
# Pixels that noise put into a cluster are up to so many deviations bright, and those
# next to them less than half as much.
_BRIGHTEST_NOISE = 5.0
_LARGEST_ERROR = 0.3  # mag, of what is known
# The standard deviation of Gaussian noise by the median step between two pixels.
_DEVIATION_BY_STEPS = 1.05
# The error of a median of Gaussian noise by that of a mean, and the same in magnitudes
# of an error that is relative.
_ERROR_OF_MEDIAN = 1.25
_MAGNITUDES_OF_MEDIAN = 1.0857 * _ERROR_OF_MEDIAN
MOST_BANDS = 50  # more are the channels of a spectrum
_ENOUGH_PIXELS = 100  # of which medians tell the noise


class ClusterLight:
    """Median fluxes of clusters, with their noise and errors.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are no clusters.
    cube : Cube of shape (n_rows, n_columns, n_bands)
        Images, from which the level of the sky is subtracted.
    continua : dict of str to sequence of str, "none" or None
        Continuum bands of narrow bands.

    Attributes
    ----------
    ids, n_pixels : ndarray of int of shape (n_clusters,)
        Clusters with pixels, and how many each has.
    level : ndarray of shape (n_bands,)
        Flux of the sky that was set aside, NaN where none was.
    fluxes, flux_errors : ndarray of shape (n_clusters, n_bands)
        Medians of the pixels and their errors, in the units of the bands.
    noise : ndarray of shape (n_bands,)
        Standard deviation of the noise of a pixel.
    magnitude_errors : ndarray of shape (n_clusters, n_bands)
        Errors of the medians in magnitudes, NaN where the noise hides a band.
    photometry : Photometry
        Of a cube of one row for each cluster: its median flux, and beside it that of
        the pixels next to the cluster's.
    wavelengths : dict of str to float
        Of each band, in nm, NaN if it is not known.
    broad_bands : list of str
        Bands that are not narrow, blue ones first.
    color_bands : tuple of str, or None
        A blue and a red band whose color tells old stars from young ones.
    brightest_band : int
        Number of the band that tells how bright clusters are.
    can_be_named, is_of_lines : bool
        Whether images are of the sky in known bands, and in emission lines only.
    is_noise, is_of_star : ndarray of bool of shape (n_clusters,)
        Clusters of noise, and of light of saturated stars.
    shows_structure : bool
        Whether any clusters differ by more than the noise of a pixel.
    star_halos : ndarray of bool of shape (n_rows, n_columns)
        Pixels in which light is that of saturated stars.
    """

    def __init__(self, labels, cube, continua):
        self.labels = labels
        self.cube = cube
        self.band_names = cube.band_names
        self.level = sky_level(labels, cube)
        above_sky = cube.data - np.nan_to_num(self.level)
        fluxes_beside, noise = self._measure_medians(above_sky)
        self.noise = self._noise_of_faintest(noise)
        seen = np.where(self.fluxes > self.noise, self.fluxes, np.nan)
        root = np.sqrt(self.n_pixels)[:, np.newaxis]
        self.flux_errors = _ERROR_OF_MEDIAN * noise / root
        self.magnitude_errors = _MAGNITUDES_OF_MEDIAN * noise / seen / root
        rows = cube.replace(
            data=np.stack([self.fluxes, fluxes_beside]),
            wcs=None,
            pixel_scale=cube.pixel_scale,
            sky_mask=None,
        )
        self.photometry = Photometry(rows, continua)
        complete_continua(self.photometry)
        self.wavelengths = self.photometry.wavelengths
        self.broad_bands = self.photometry.broad_bands()
        is_known = any(np.isfinite(nm) for nm in self.wavelengths.values())
        self.can_be_named = is_known and is_of_the_sky(cube)
        self.is_of_lines = are_of_lines(cube, continua)
        self.is_noise = self._find_noise(fluxes_beside)
        self.shows_structure = self._compare_with_noise(fluxes_beside)
        self.color_bands = self._find_color_bands()
        self.brightest_band = self._find_brightest_band(np.abs(above_sky[labels >= 0]))
        self.star_halos = self._find_star_halos(above_sky)
        self.is_of_star = self._are_mostly(self.star_halos)

    def _measure_medians(self, above_sky):
        """Set `ids`, `n_pixels` and `fluxes`; return fluxes beside clusters, and noise.

        The noise of each cluster is told by the steps to the next pixels of the rows,
        as the slope of light from pixel to pixel is small.
        """
        inside = np.where(self.labels[:, :, np.newaxis] < 0, np.nan, above_sky)
        beside = np.roll(inside, -1, axis=1)
        medians = []
        for data in (inside, beside, abs(beside - inside)):
            cube = self.cube.replace(data=data)
            table = cluster_table(self.labels, cube, subtract_sky=False)
            columns = [table[f"{name}_median"] for name in self.band_names]
            medians.append(np.array(columns, dtype=np.float64).T)
        self.ids = np.asarray(table["id"])
        self.n_pixels = np.asarray(table["pixels"])
        self.fluxes, fluxes_beside, steps = medians
        return fluxes_beside, _DEVIATION_BY_STEPS * np.nan_to_num(steps)

    def _noise_of_faintest(self, noise):
        """Return the noise of a pixel in each band: that of the faintest cluster.

        Bright light is steeper than noise. A few pixels do not tell the noise: those
        beside a star may be the faintest.
        """
        is_large = self.n_pixels >= min(_ENOUGH_PIXELS, self.n_pixels.max())
        fluxes = np.where(is_large[:, np.newaxis], self.fluxes, np.inf)
        faintest = np.nan_to_num(fluxes, nan=np.inf).argmin(axis=0)
        return noise[faintest, np.arange(len(self.band_names))]

    def _find_noise(self, fluxes_beside):
        """Return which clusters are noise.

        The pixels next to those of a cluster, which are not in it for their noise, do
        not show its light.
        """
        is_seen = self.fluxes > self.noise
        with np.errstate(invalid="ignore"):
            is_by_noise = fluxes_beside < 0.5 * self.fluxes
        is_by_noise &= self.fluxes < _BRIGHTEST_NOISE * self.noise
        return is_seen.any(axis=1) & (is_by_noise | ~is_seen).all(axis=1)

    def _compare_with_noise(self, fluxes_beside):
        """Return whether any clusters differ by more than the noise of a pixel.

        Nothing is known of the contrast of a cluster that is alone.
        """
        if len(self.ids) == 1:
            return True
        with warnings.catch_warnings(action="ignore"):  # of bands without data
            lowest = np.nanmin(fluxes_beside, axis=0)
            highest = np.nanmax(fluxes_beside, axis=0)
        contrast = highest - np.where(np.isnan(self.level), lowest, 0)
        return bool((contrast > self.noise).any())

    def _find_color_bands(self):
        """Return two bands whose color tells old stars from young ones, or None."""
        for first, last in (_OPTICAL, _STELLAR):
            bands = [
                name
                for name in self.broad_bands
                if first <= self.wavelengths[name] <= last
            ]
            if len(bands) < 2:
                continue
            blue = self.wavelengths[bands[0]]
            red = self.wavelengths[bands[-1]]
            is_wide = blue <= _LONGEST_BLUE and np.log2(red / blue) >= _BASELINE
            if is_wide or blue <= _BREAK < red:
                return bands[0], bands[-1]
        return None

    def _find_brightest_band(self, sizes):
        """Return the number of the band that tells how bright clusters are.

        A band of which most values are 0, or rounding errors of it, as of few photons,
        does not: medians of these are not light, and their differences not noise.
        `sizes` are the absolute values of the pixels in clusters.
        """
        with warnings.catch_warnings(action="ignore"):  # of bands without data
            typical = np.nanmedian(sizes, axis=0)
            largest = np.nanmax(sizes, axis=0)
        is_zero = ~(typical > _ROUNDED * largest)
        if self.color_bands is not None:
            red = self.band_names.index(self.color_bands[1])
            if not is_zero[red]:
                return red
        contrasts = np.ptp(np.nan_to_num(self.fluxes), axis=0) / (self.noise + 1e-99)
        return int(np.where(is_zero, -1.0, contrasts).argmax())

    def _find_star_halos(self, above_sky):
        """Return the pixels in which light is that of saturated stars."""
        first = self.brightest_band
        others = [band for band in range(len(self.band_names)) if band != first]
        images = [above_sky[:, :, band] for band in [first, *others]]
        lost = np.isnan(self.cube.data).any(axis=2) & (self.labels != SKY)
        return find_star_halos(images, lost, self.noise[first], star_area(self.cube))

    def _are_mostly(self, mask):
        """Return the clusters of which most pixels are in a mask."""
        inside = self.labels[mask & (self.labels >= 0)]
        counts = np.bincount(inside, minlength=int(self.labels.max()) + 1)
        return counts[self.ids] > 0.5 * self.n_pixels

    def magnitude(self):
        """Return magnitudes of the clusters in the brightest band."""
        return self.photometry.magnitude(self.band_names[self.brightest_band])[0]

    def color(self, blue, red):
        """Return a color relative to its mean over the area, and its error.

        Both are in magnitudes, of shape (n_clusters,); the color is NaN where noise
        hides a band or the error is large. Pixels are in a cluster for their noise too,
        the pixels next to them are not: of what these do not show by half, the error is
        too large for any rule.
        """
        color, color_beside = self.photometry.color(blue, red)
        error = np.maximum(
            self._error_of([blue, red]), 2 / SIGMAS * np.abs(color - color_beside)
        )
        return self._relative_to_mean(color, error), error

    def excess(self, line):
        """Return the excess of a line relative to its mean, and its error, as `color`.

        It is that of the band of the line above its continuum.
        """
        excess = line_excess(self.photometry, line)[0]
        error = self._error_of([line, *self.photometry.continua[line]])
        return self._relative_to_mean(excess, error), error

    def stellar_colors(self, stars):
        """Return the colors of `StarLight`, NaN where they are not known, and errors.

        Both have the shape (n_colors, n_clusters).
        """
        colors = stars.colors(self.photometry)[:, 0]
        errors = np.array([self.color(*pair)[1] for pair in stars.pairs])
        return np.where(errors < _LARGEST_ERROR, colors, np.nan), errors

    def _error_of(self, names):
        """Return the error of a difference of bands, in magnitudes."""
        numbers = [self.band_names.index(name) for name in names]
        return np.sqrt((self.magnitude_errors[:, numbers] ** 2).sum(axis=1))

    def _relative_to_mean(self, values, errors):
        """Return values relative to their mean over the area; NaN if errors are large.

        Only what is known counts in the mean.
        """
        values = np.where(errors < _LARGEST_ERROR, values, np.nan)
        is_known = np.isfinite(values) & (self.n_pixels > 0)
        if not is_known.any():
            return values
        mean = np.average(values[is_known], weights=self.n_pixels[is_known])
        return values - mean


def star_area(cube):
    """Return the area of a star's image, 2 FWHM wide, in pixels."""
    width, _ = star_width(cube)
    return np.pi * width**2
