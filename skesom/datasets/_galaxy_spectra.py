# SPDX-License-Identifier: BSD-3-Clause
"""Spectra of the synthetic galaxy: what each population sends into each filter.

Light is counted in two units that the whole scene shares. Continuum: the flux density
at 550 nm of a source of magnitude V = 25. Lines: the flux of H beta, as the same flux
density over one nanometer.
"""

from dataclasses import dataclass

import numpy as np

FLUX_UNIT = 3.63e-18  # erg / s / cm2 / nm: V = 25 (V = 0 is 3.63e-9 per Angstrom)
MIRROR_AREA = 45239.0  # cm2: an unobstructed mirror of 2.4 m
LIGHT_QUANTUM = 1.98645e-9  # erg nm: h c, the energy of a photon times its wavelength
REDSHIFT = 0.00171  # of Messier 83 (513 km/s)
PIXEL_SCALE = 0.0396  # arcsec per pixel


@dataclass(frozen=True)
class Band:
    """A filter: wavelengths in nm, exposure in s, FWHM of the images in arcsec."""

    name: str
    wavelength: float
    width: float
    throughput: float
    exposure: float
    fwhm: float
    line: str


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
BANDS_BY_VALUE = (
    "F814W",
    "F336W",
    "F657N",
    "F438W",
    "F502N",
    "F673N",
    "F225W",
    "F373N",
    "F487N",
)
MAX_BANDS = 100

# Each population is a sum of black bodies: (temperature in K, share at 550 nm).
STARLIGHT = {
    "disc": ((4400.0, 0.90), (7500.0, 0.10)),
    "bulge": ((4000.0, 0.97), (6000.0, 0.03)),
    "young": ((13000.0, 0.70), (4500.0, 0.30)),
    "sky": ((5800.0, 1.0),),
}
LINE_WAVELENGTHS = {
    "[O II]": 372.7,
    "H beta": 486.1,
    "[O III]": 500.7,
    "H alpha": 656.3,
    "[N II]": 658.3,
    "[S II]": 672.4,
}
# Line fluxes relative to H beta, in the order of LINE_WAVELENGTHS; each doublet as one
# line. The core resembles the Orion nebula, the shell its outskirts. H alpha is that of
# recombination at 10^4 K (case B, 2.86).
LINE_RATIOS = {
    "nebula core": (1.3, 1.0, 3.0, 2.86, 0.8, 0.40),
    "nebula shell": (2.2, 1.0, 0.8, 2.86, 1.2, 0.75),
    "diffuse gas": (2.5, 1.0, 0.3, 2.86, 1.4, 1.00),
    "remnant": (5.0, 1.0, 2.2, 3.00, 2.6, 2.60),
}


def select_bands(n_bands):
    """Return n_bands bands in order of wavelength.

    Up to nine come from the study's table, picked so that few bands still cover blue,
    red and H alpha. The further ones continue into the near infrared, to 1700 nm in
    equal steps of the logarithm, 20 % wide, with the FWHM growing as the wavelength.
    """
    if n_bands <= len(STUDY_BANDS):
        wanted = BANDS_BY_VALUE[:n_bands]
        return [band for band in STUDY_BANDS if band.name in wanted]
    last = STUDY_BANDS[-1]
    wavelengths = np.geomspace(last.wavelength, 1700.0, n_bands - 8)[1:]
    return [
        *STUDY_BANDS,
        *(
            Band(
                f"IR{wavelength:.0f}",
                float(wavelength),
                0.2 * float(wavelength),
                last.throughput,
                last.exposure,
                last.fwhm * float(wavelength) / last.wavelength,
                "near infrared, interpolated",
            )
            for wavelength in wavelengths
        ),
    ]


def black_body(wavelength, temperature):
    """Return Planck's flux density per wavelength (nm), 1 at 550 nm."""
    steepness = 1.438777e7 / np.asarray(temperature, dtype=np.float64)
    return (550.0 / wavelength) ** 5 * (
        np.expm1(steepness / 550.0) / np.expm1(steepness / wavelength)
    )


def attenuation(optical_depth, wavelength):
    """Return the share of light that passes dust of this optical depth at 550 nm."""
    return np.exp(optical_depth * -((wavelength / 550.0) ** -0.7))


def electrons(flux, wavelength, band):
    """Return electrons per second for a flux (in the unit times nm) in a band."""
    photons = FLUX_UNIT * MIRROR_AREA * wavelength / LIGHT_QUANTUM
    return flux * photons * band.throughput


def starlight_rate(temperature, band):
    """Return electrons per second per unit of continuum for a black body."""
    flux = black_body(band.wavelength, temperature) * band.width
    return electrons(flux, band.wavelength, band)


def population_rate(name, band):
    """Return electrons per second per unit of light of a population in a band."""
    if name in STARLIGHT:
        return sum(
            share * starlight_rate(temperature, band)
            for temperature, share in STARLIGHT[name]
        )
    rate = 0.0
    lines = zip(LINE_WAVELENGTHS.values(), LINE_RATIOS[name], strict=True)
    for rest_wavelength, ratio in lines:
        wavelength = rest_wavelength * (1.0 + REDSHIFT)
        if abs(wavelength - band.wavelength) < band.width / 2:
            rate += electrons(ratio, wavelength, band)
    return rate
