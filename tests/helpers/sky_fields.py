# SPDX-License-Identifier: BSD-3-Clause
"""Fields of sky, fields without any, and fields in which the background slopes."""

import numpy as np
from astropy.io import fits
from scipy import ndimage

from skesom.datasets._galaxy_scene import fractal_noise

COLORS = np.array([1.0, 0.7, 1.3])


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


def star_cloud(rng, *, size=256, n_bands=3, noise=1.0):
    """Make a cloud of stars that fills the frame, with dark nebulae before it."""
    shape = size, size, n_bands
    density = np.exp(0.4 * fractal_noise((size, size), 3, rng))
    dust = np.exp(1.2 * fractal_noise((size, size), 3, rng))
    extinction = 0.8 * np.array([1.0, 0.6, 0.35])[:n_bands]
    light = stars(rng, shape, size * size // 12, faintest=1.5) + 6
    light *= density[:, :, np.newaxis] * np.exp(-dust[:, :, np.newaxis] * extinction)
    return light + noise * rng.normal(size=shape)


def nebula(rng, *, size=200):
    """Make the light of a nebula that fills the frame, in three bands."""
    return 20 * np.exp(0.8 * fractal_noise((size, size), 3, rng))[:, :, None] * COLORS


def corner(share, size=200):
    """Make light in three bands that leaves sky in a share of the frame, a corner."""
    rows, columns = np.indices((size, size)) / size
    rise = np.maximum((rows + columns) / 2 - np.sqrt(share / 2), 0)
    texture = 1 + 0.3 * np.sin(40 * rows) * np.cos(33 * columns)
    return (40 * np.sqrt(rise) * texture)[:, :, np.newaxis] * COLORS


def gradient(shape, rise):
    """Make a slope of the background along the rows, in all bands."""
    return np.linspace(-rise / 2, rise / 2, shape[0])[:, np.newaxis, np.newaxis]


def disc(size, half_light, peak):
    """Make an exponential disc in the middle of a square frame."""
    rows, columns = np.indices((size, size)) - size / 2
    return peak * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / half_light)


def scene(rng, *, size=200, half_light=12, peak=60, noise=1.0):
    """Make three bands of a galaxy on noise."""
    galaxy = disc(size, half_light, peak)[:, :, np.newaxis] * COLORS
    cube = galaxy + rng.normal(0, noise, galaxy.shape)
    return cube.astype(np.float32), galaxy


def spiral(rng, size=200):
    """Make a galaxy with arms and clumps that fills the frame, in three bands."""
    rows, columns = np.indices((size, size)) - size / 2 + 0.5
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    arms = 1 + 0.6 * np.cos(2 * (angle - np.log(radius) * 3))
    clumps = ndimage.gaussian_filter(rng.random((size, size)) ** 20, 1.5)
    light = 90 * np.exp(-radius / 120) * arms + 300 * clumps * arms + 20
    return light[:, :, np.newaxis] * COLORS


def read_bands(folder):
    """Read the nine bands of the field with the spiral galaxy."""
    bands = []
    for name in "u g r i Z Y J H Ks".split():
        with fits.open(folder / "kids_viking9" / f"{name}.fits") as file:
            bands.append(file[1].data)
    return np.stack(bands, axis=-1).astype(np.float32)
