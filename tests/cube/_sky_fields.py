# SPDX-License-Identifier: BSD-3-Clause
"""Fields of sky, fields without any, and fields in which the background slopes."""

import numpy as np
from scipy import ndimage

from skesom.datasets._galaxy_scene import fractal_noise


def stars(rng, shape, n_stars, *, fwhm=3.0, faintest=5.0):
    """Make stars of many brightnesses in three to five bands; peaks in flux."""
    light = np.zeros(shape)
    rows, columns = (
        rng.integers(0, shape[0], n_stars),
        rng.integers(0, shape[1], n_stars),
    )
    peaks = faintest * (1 - rng.random(n_stars)) ** (-1 / 1.7)
    sigma = fwhm / 2.355
    for band in range(shape[2]):
        flux = peaks * rng.lognormal(0, 0.3, n_stars) * 2 * np.pi * sigma**2
        np.add.at(light[:, :, band], (rows, columns), flux)
    return ndimage.gaussian_filter(light, (sigma, sigma, 0))


def few_sources(rng, *, size=256, n_bands=5, correlation=0.0, n_stars=30):
    """Make a field of sky of noise 1, as smooth as far-infrared maps if wanted."""
    noise = rng.normal(size=(size, size, n_bands))
    if correlation:
        noise = ndimage.gaussian_filter(noise, (correlation, correlation, 0))
        noise /= noise.std()
    fwhm = max(3.0, 2.355 * correlation)
    faintest = 2.5 if correlation else 5.0
    sources = stars(rng, noise.shape, n_stars, fwhm=fwhm, faintest=faintest)
    return noise + sources


def star_cloud(rng, *, size=256, n_bands=3):
    """Make a cloud of stars that fills the frame, with dark nebulae before it."""
    shape = size, size, n_bands
    density = np.exp(0.4 * fractal_noise((size, size), 3, rng))
    dust = np.exp(1.2 * fractal_noise((size, size), 3, rng))
    extinction = 0.8 * np.array([1.0, 0.6, 0.35])[:n_bands]
    light = stars(rng, shape, size * size // 12, faintest=1.5) + 6
    light *= density[:, :, np.newaxis] * np.exp(-dust[:, :, np.newaxis] * extinction)
    return light + rng.normal(size=shape)


def gradient(shape, rise):
    """Make a slope of the background along the rows, in all bands."""
    return np.linspace(-rise / 2, rise / 2, shape[0])[:, np.newaxis, np.newaxis]
