# SPDX-License-Identifier: BSD-3-Clause
"""The telescope in front of the synthetic galaxy: blur, mosaic and noise."""

import numpy as np
from scipy import fft, ndimage, sparse

from skesom.datasets._galaxy_spectra import (
    PIXEL_SCALE,
    STUDY_BANDS,
    attenuation,
    population_rate,
    starlight_rate,
)

SIGMA_PER_FWHM = 1.0 / np.sqrt(8.0 * np.log(2.0))
READ_NOISE = 5.4  # electrons: three exposures of 3.1
SHORTEST = np.float32(1e-3)  # keeps empty pixels out of divisions
FULL, BORDER = np.float32(1.0), np.float32(1.0 / 3.0)
COVERED = 0.8  # share of the light that lies behind the dust


def light(scene, band, parts=None, *, fwhm=None):
    """Return noise-free electrons per second of some parts of a scene, sky excluded."""
    sigma = (band.fwhm if fwhm is None else fwhm) * SIGMA_PER_FWHM / PIXEL_SCALE
    passed = transmission(scene.optical_depth, band)
    extended = scene.starlight | scene.gas
    wanted = [*extended, "clusters", "stars"] if parts is None else parts
    total = np.zeros_like(scene.optical_depth)
    for name, flux in extended.items():
        rate = population_rate(name, band) if name in wanted else 0.0
        if rate > 0.0:
            total += np.float32(rate) * flux
    if total.any():
        total = blur(total * passed, sigma)
    if "clusters" in wanted:
        total += render(scene.clusters, band, sigma, passed)
    if "stars" in wanted:
        total += render(scene.stars, band, sigma, np.ones_like(passed))
    return total


def transmission(optical_depth, band):
    """Return the share of the light of a band that the dust lets through."""
    passed = attenuation(optical_depth, band.wavelength)
    passed *= np.float32(COVERED)
    passed += np.float32(1.0 - COVERED)
    return passed


def blur(image, sigma):
    """Convolve with a Gaussian by its exact Fourier transform (periodic edges)."""
    fast = [fft.next_fast_len(length, real=True) for length in image.shape]
    padding = [(0, long - short) for long, short in zip(fast, image.shape, strict=True)]
    spectrum = fft.rfft2(np.pad(image, padding, mode="symmetric"))
    ndimage.fourier_gaussian(spectrum, sigma, n=fast[1], output=spectrum)
    image = fft.irfft2(spectrum, s=fast)[: image.shape[0], : image.shape[1]]
    return np.maximum(image, 0.0)


def render(sources, band, sigma, passed):
    """Return the image of compact sources, each a Gaussian at its sub-pixel place."""
    rate = sources.flux * starlight_rate(sources.temperature, band)
    nearest = [
        np.clip(np.rint(places).astype(int), 0, length - 1)
        for places, length in zip(
            (sources.rows, sources.columns), passed.shape, strict=True
        )
    ]
    rate *= passed[tuple(nearest)]
    widths = np.hypot(sigma, sources.size)
    rows = _profiles(sources.rows, widths, passed.shape[0])
    columns = _profiles(sources.columns, widths, passed.shape[1])
    image = rows.multiply(rate.astype(np.float32)).tocsr() @ columns.T
    return image.toarray()


def _profiles(centers, widths, length):
    """Return Gaussians of unit sum as the columns of a sparse matrix."""
    reach = int(np.ceil(6.0 * widths.max()))
    offsets = np.arange(-reach, reach + 1)
    pixels = np.rint(centers).astype(int)[:, np.newaxis] + offsets
    widths = widths[:, np.newaxis]
    values = np.exp(-0.5 * ((pixels - centers[:, np.newaxis]) / widths) ** 2)
    values /= np.sqrt(2.0 * np.pi) * widths
    inside = (pixels >= 0) & (pixels < length)
    sources = np.broadcast_to(np.arange(len(centers))[:, np.newaxis], pixels.shape)
    return sparse.coo_array(
        (values[inside].astype(np.float32), (pixels[inside], sources[inside])),
        shape=(length, len(centers)),
    )


class Mosaic:
    """Where the telescope looks: two overlapping rectangles, turned against the frame.

    Corners and edge strips stay empty, and a gap between the detectors crosses the
    frame. The borders have a third of the exposure, as mosaics of shifted images do.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the frame.
    missing : float
        Share of the pixels that at least one of the nine bands does not reach.
    """

    def __init__(self, shape, missing):
        self.shape = shape
        self.missing = missing
        self.size = self._find_size() if missing > 0.0 else np.inf

    def coverage(self, band_number, step=1):
        """Return how many times the exposure reaches every step-th pixel."""
        if self.missing == 0.0:
            return np.ones(self.shape, dtype=np.float32)
        half = np.array(self.shape) / 2
        along, across = self._turned_offsets(band_number, step)
        border = 0.02 * min(half)
        times = np.zeros(along.shape, dtype=np.float32)
        for side in (-1.0, 1.0):
            inside = np.minimum(
                self.size * 0.58 * half[0]
                - abs(along - side * self.size * 0.42 * half[0]),
                self.size * 0.90 * half[1] - abs(across + side * 0.1 * half[1]),
            )
            times += np.where(inside > border, FULL, BORDER) * (inside > 0.0)
        gap = min(0.012, self.missing / 4) * half[1]
        times[abs(across - 0.22 * half[1]) < gap] = 0.0
        return times

    def _turned_offsets(self, band_number, step):
        """Return the offsets from the center of the frame along the pointing's axes."""
        number = band_number % len(STUDY_BANDS)
        n_rows, n_columns = self.shape
        y = np.arange(0.0, n_rows, step)[:, np.newaxis] - (n_rows - 1) / 2
        x = np.arange(0.0, n_columns, step) - (n_columns - 1) / 2
        y += 0.003 * n_rows * np.sin(2.4 * number)
        x += 0.003 * n_columns * np.cos(2.4 * number)
        turn = np.deg2rad(11.0 + 0.15 * np.sin(1.7 * number))
        along = np.cos(turn) * y + np.sin(turn) * x
        return along, np.cos(turn) * x - np.sin(turn) * y

    def _find_size(self):
        """Return the size of the rectangles that leaves the wanted share empty."""
        step = max(1, int(np.sqrt(self.shape[0] * self.shape[1]) / 200))
        low, high = 0.0, 4.0
        for _ in range(25):
            self.size = 0.5 * (low + high)
            seen = True
            for number in range(len(STUDY_BANDS)):
                seen = seen & (self.coverage(number, step) > 0.0)
            if 1.0 - seen.mean() > self.missing:
                low = self.size
            else:
                high = self.size
        return high


def expose(rate, band, times, noise, rng):
    """Return the image that a detector makes of noise-free electrons per second."""
    if noise == 0.0:
        return rate
    exposure = np.float32(band.exposure) * np.maximum(times, SHORTEST)
    quanta = exposure / np.float32(noise**2)
    image = rng.poisson(rate * quanta).astype(np.float32)
    image /= quanta
    readout = rng.standard_normal(rate.shape, dtype=np.float32)
    readout *= np.float32(noise * READ_NOISE) * np.sqrt(times)
    image += readout / exposure
    return image
