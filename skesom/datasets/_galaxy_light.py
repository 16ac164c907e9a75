# SPDX-License-Identifier: BSD-3-Clause
"""Images of the synthetic galaxy: filters, spectra, blur, mosaic and noise.

The scene has two units of light: the flux density at 550 nm of a source of V = 25 for
the continuum, and the same over one nanometer for the line H beta.
"""

from collections import namedtuple

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import fft, ndimage, sparse

READ_NOISE = 5.4  # electrons: three exposures of 3.1
COVERED = 0.8  # share of the light that lies behind the dust
FLUX_UNIT = 3.63e-18  # erg / s / cm2 / nm: V = 25 (V = 0 is 3.63e-9 per Angstrom)
MIRROR_AREA = 45239.0  # cm2: an unobstructed mirror of 2.4 m
LIGHT_QUANTUM = 1.98645e-9  # erg nm: h c, the energy of a photon times its wavelength
REDSHIFT = 0.00171  # of Messier 83 (513 km/s)
PIXEL_SCALE = 0.0396  # arcsec per pixel
BORDER = np.float32(1 / 3)  # exposure near the edge of a mosaic


# A filter: wavelengths in nm, peak throughput of telescope and detector, exposure in s,
# FWHM of the images in arcsec. Filters: Dopita et al. (2010), ApJ 710, 964; widths and
# throughputs: Wide Field Camera 3 Instrument Handbook, section 6.5.
Band = namedtuple("Band", "name wavelength width throughput exposure fwhm line")
STUDY_BANDS = (
    Band("F225W", 235.9, 46.7, 0.10, 1800.0, 0.083, "ultraviolet, wide"),
    Band("F336W", 335.5, 51.1, 0.20, 1900.0, 0.075, "Stromgren u"),
    Band("F373N", 373.0, 5.0, 0.18, 2400.0, 0.070, "[O II]"),
    Band("F438W", 432.5, 61.8, 0.24, 1900.0, 0.070, "B"),
    Band("F487N", 487.1, 6.0, 0.25, 2700.0, 0.067, "H beta"),
    Band("F502N", 501.0, 6.5, 0.26, 2500.0, 0.067, "[O III]"),
    Band("F657N", 656.7, 12.1, 0.27, 1500.0, 0.070, "H alpha + [N II]"),
    Band("F673N", 676.6, 11.8, 0.25, 1850.0, 0.070, "[S II]"),
    Band("F814W", 802.4, 153.6, 0.23, 1200.0, 0.074, "I"),
)
# Fewer bands than nine: the first ones of this list, in order of wavelength.
BANDS_BY_VALUE = "F814W F336W F657N F438W F502N F673N F225W F373N F487N".split()
MAX_BANDS = 100  # each with its own stream of noise

# Each population is a sum of black bodies: (temperature in K, share at 550 nm).
STARLIGHT = {
    "disc": ((4400.0, 0.90), (7500.0, 0.10)),
    "bulge": ((4000.0, 0.97), (6000.0, 0.03)),
    "young": ((13000.0, 0.70), (4500.0, 0.30)),
    "sky": ((5800.0, 1.0),),
}
# Fluxes of [O II], H beta, [O III], H alpha, [N II], [S II] relative to H beta, each
# doublet as one line. The core resembles the Orion nebula, the shell its outskirts.
# H alpha is that of recombination at 10^4 K (case B, 2.86).
LINE_WAVELENGTHS = (372.7, 486.1, 500.7, 656.3, 658.3, 672.4)
LINE_RATIOS = {
    "nebula core": (1.3, 1.0, 3.0, 2.86, 0.8, 0.40),
    "nebula shell": (2.2, 1.0, 0.8, 2.86, 1.2, 0.75),
    "diffuse gas": (2.5, 1.0, 0.3, 2.86, 1.4, 1.00),
    "remnant": (5.0, 1.0, 2.2, 3.00, 2.6, 2.60),
}


def select_bands(n_bands):
    """Return n_bands bands in order of wavelength; after nine, wide ones to 1700 nm."""
    names = BANDS_BY_VALUE[:n_bands]
    bands = [band for band in STUDY_BANDS if band.name in names]
    reddest = STUDY_BANDS[-1]
    wavelengths = np.geomspace(reddest.wavelength, 1700.0, max(n_bands - 8, 1))
    for wavelength in wavelengths[1:].tolist():
        band = Band(
            name=f"IR{wavelength:.0f}",
            wavelength=wavelength,
            width=0.2 * wavelength,
            throughput=reddest.throughput,
            exposure=reddest.exposure,
            fwhm=reddest.fwhm * wavelength / reddest.wavelength,
            line="near infrared, interpolated",
        )
        bands.append(band)
    return bands


def black_body(wavelength, temperature):
    """Return Planck's flux density per wavelength (nm), 1 at 550 nm."""
    steepness = 1.438777e7 / np.asarray(temperature, dtype=np.float64)
    ratio = np.expm1(steepness / 550.0) / np.expm1(steepness / wavelength)
    return (550.0 / wavelength) ** 5 * ratio


def attenuation(optical_depth, wavelength):
    """Return the share of light that passes dust of this optical depth at 550 nm."""
    return np.exp(optical_depth * -((wavelength / 550.0) ** -0.7))


def transmission(optical_depth, band):
    """Return the share of the light of a band that the dust lets through."""
    return attenuation(optical_depth, band.wavelength) * COVERED + (1 - COVERED)


def electrons(flux, wavelength, band):
    """Return electrons per second for a flux (in the unit times nm) in a band."""
    photons = FLUX_UNIT * MIRROR_AREA * wavelength / LIGHT_QUANTUM
    return flux * photons * band.throughput


def zero_point(band):
    """Return the AB magnitude of an electron per second in a band."""
    per_electron = FLUX_UNIT / electrons(band.width, band.wavelength, band)
    density = per_electron * units.erg / units.s / units.cm**2 / units.nm
    same = units.spectral_density(band.wavelength * units.nm)
    return float(density.to(units.Jy, same).to_value(units.ABmag))


def starlight_rate(temperature, band):
    """Return electrons per second per unit of continuum for a black body."""
    flux = black_body(band.wavelength, temperature) * band.width
    return electrons(flux, band.wavelength, band)


def population_rate(name, band):
    """Return electrons per second per unit of light of a population in a band."""
    if name in STARLIGHT:
        return sum(
            part * starlight_rate(kelvin, band) for kelvin, part in STARLIGHT[name]
        )
    shifted = [wavelength * (1.0 + REDSHIFT) for wavelength in LINE_WAVELENGTHS]
    return sum(
        electrons(ratio, wavelength, band)
        for wavelength, ratio in zip(shifted, LINE_RATIOS[name], strict=True)
        if abs(wavelength - band.wavelength) < band.width / 2
    )


def light(scene, band, parts=None, *, fwhm=None):
    """Return noise-free electrons per second of some parts of a scene, sky excluded."""
    sigma = (band.fwhm if fwhm is None else fwhm) * gaussian_fwhm_to_sigma / PIXEL_SCALE
    passed = transmission(scene.optical_depth, band)
    extended = scene.starlight | scene.gas
    wanted = [*extended, "clusters", "stars"] if parts is None else parts
    total = np.zeros_like(scene.optical_depth)
    for name, flux in extended.items():
        if name in wanted:
            total += np.float32(population_rate(name, band)) * flux
    if total.any():
        total = blur(total * passed, sigma)
    if "clusters" in wanted:
        total += render(scene.clusters, band, sigma, passed)
    if "stars" in wanted:
        total += render(scene.stars, band, sigma, np.ones_like(passed))
    return total


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
    places = np.stack([sources.rows, sources.columns])
    nearest = np.rint(places).astype(int)
    last = np.array(passed.shape)[:, np.newaxis] - 1
    rate *= passed[tuple(np.clip(nearest, 0, last))]
    widths = np.hypot(sigma, sources.size)
    axes = zip(places, nearest, passed.shape, strict=True)
    rows, columns = (_profiles(*axis, widths) for axis in axes)
    return (rows.multiply(rate.astype(np.float32)).tocsr() @ columns.T).toarray()


def _profiles(centers, nearest, length, widths):
    """Return Gaussians of unit sum as the columns of a sparse matrix."""
    reach = int(np.ceil(6.0 * widths.max()))
    pixels = nearest[:, np.newaxis] + np.arange(-reach, reach + 1)
    centers, widths = centers[:, np.newaxis], widths[:, np.newaxis]
    values = np.exp(-0.5 * ((pixels - centers) / widths) ** 2)
    values /= np.sqrt(2.0 * np.pi) * widths
    inside = (pixels >= 0) & (pixels < length)
    places = pixels[inside], np.nonzero(inside)[0]
    shape = length, len(centers)
    return sparse.coo_array((values[inside].astype(np.float32), places), shape=shape)


def coverage(shape, missing, number, size, step=1):
    """Return the exposure of every step-th pixel of a band, in that of one exposure.

    Exposures are two overlapping, turned rectangles of a relative size, with a gap and
    thinner borders, unless no pixel is missing.
    """
    half, number = np.array(shape) / 2, number % len(STUDY_BANDS)
    y, x = (np.arange(0.0, length, step) - (length - 1) / 2 for length in shape)
    y = y[:, np.newaxis] + 0.003 * shape[0] * np.sin(2.4 * number)
    x = x + 0.003 * shape[1] * np.cos(2.4 * number)
    turn = np.deg2rad(11.0 + 0.15 * np.sin(1.7 * number))
    along = np.cos(turn) * y + np.sin(turn) * x
    across = np.cos(turn) * x - np.sin(turn) * y
    times = np.zeros(along.shape, dtype=np.float32)
    if missing == 0:
        return times + 1
    for side in (-1.0, 1.0):
        depth = size * 0.58 * half[0] - abs(along - side * size * 0.42 * half[0])
        aside = size * 0.90 * half[1] - abs(across + side * 0.1 * half[1])
        inside = np.minimum(depth, aside)
        full = inside > 0.02 * min(half)
        times += np.where(full, np.float32(1), BORDER) * (inside > 0.0)
    gap = min(0.012, missing / 4) * half[1]
    times[abs(across - 0.22 * half[1]) < gap] = 0.0
    return times


def find_size(shape, missing):
    """Return the size of rectangles that leaves a share of pixels empty in any band."""
    step = max(1, int(np.sqrt(shape[0] * shape[1]) / 200))
    low, high = 0.0, 4.0
    for _ in range(25 if missing else 0):
        size = 0.5 * (low + high)
        all_times = (coverage(shape, missing, n, size, step) for n in range(9))
        seen = np.all([times > 0.0 for times in all_times], axis=0)
        low, high = (size, high) if 1.0 - seen.mean() > missing else (low, size)
    return high


def expose(rate, band, times, noise, rng):
    """Return the image that a detector makes of noise-free electrons per second."""
    if noise == 0.0:
        return rate
    exposure = np.float32(band.exposure) * np.maximum(times, np.float32(1e-3))  # not 0
    quanta = exposure / np.float32(noise**2)
    image = rng.poisson(rate * quanta).astype(np.float32) / quanta
    readout = rng.standard_normal(rate.shape, dtype=np.float32)
    readout *= np.float32(noise * READ_NOISE) * np.sqrt(times)
    return image + readout / exposure
