# SPDX-License-Identifier: BSD-3-Clause
"""Colors of stars of one age by published models, of mixtures, and behind dust."""

import numpy as np

# Magnitudes (AB) minus that at 550 nm of simple stellar populations of solar
# metallicity by the models of Bruzual & Charlot (2003, MNRAS 344, 1000,
# doi:10.1046/j.1365-8711.2003.06897.x; edition of 2016, Kroupa's initial mass
# function), each the mean over photons in a band of 16 % of its wavelength, 14 % from
# 335 to 480 nm.
WAVELENGTHS = (  # nm
    *(150, 190, 230, 275, 335, 365, 400, 435, 480),
    *(550, 625, 700, 770, 900, 1030, 1240, 1650, 2190),
)
_MAGNITUDES = {
    "30 Myr": (
        *(0.14, 0.15, 0.17, 0.24, 0.32, 0.25, -0.02, -0.06, -0.03),
        *(0.00, -0.01, -0.07, -0.18, -0.29, -0.37, -0.40, -0.55, -0.24),
    ),
    "10 Gyr": (
        *(6.80, 6.83, 6.40, 4.34, 2.65, 2.27, 1.57, 0.86, 0.38),
        *(0.00, -0.31, -0.53, -0.72, -0.99, -1.21, -1.31, -1.55, -1.27),
    ),
    "13 Gyr": (
        *(6.27, 6.31, 6.09, 4.39, 2.71, 2.33, 1.61, 0.88, 0.39),
        *(0.00, -0.32, -0.54, -0.74, -1.01, -1.24, -1.34, -1.59, -1.31),
    ),
}
_OLD, _YOUNG, _OLDEST = "10 Gyr", "30 Myr", "13 Gyr"
NEAR_ULTRAVIOLET = 335  # nm, where shares of light are told
MILKY_WAY = 3.1  # ratio of total to selective extinction; Cardelli et al. (1989)


def mixture_color(blue, red, young_share):
    """Return the color of old stars with young ones among them.

    Wavelengths are in nm. `young_share` is that of the light at 335 nm which stars of
    30 Myr give; the others have 10 Gyr.
    """
    young = _flux(_YOUNG, NEAR_ULTRAVIOLET)
    old = _flux(_OLD, NEAR_ULTRAVIOLET)
    n_young = young_share / (1 - young_share) * old / young
    fluxes = [_flux(_OLD, nm) + n_young * _flux(_YOUNG, nm) for nm in (blue, red)]
    return float(-2.5 * np.log10(fluxes[0] / fluxes[1]))


def bluing(blue, red, young_share):
    """Return by how many magnitudes young stars make old ones bluer."""
    return mixture_color(blue, red, 0) - mixture_color(blue, red, young_share)


def oldest_color(blue, red):
    """Return the color of stars of 13 Gyr, the reddest without dust."""
    return float(-2.5 * np.log10(_flux(_OLDEST, blue) / _flux(_OLDEST, red)))


def extinction(wavelengths):
    """Return the extinction at wavelengths in nm, by that at 550 nm.

    The law of Cardelli, Clayton & Mathis (1989, ApJ 345, 245, doi:10.1086/167900) for
    the Milky Way, from 125 nm to 3.3 um; NaN elsewhere.
    """
    x = 1000 / np.atleast_1d(np.asarray(wavelengths, dtype=np.float64))
    a, b = np.full((2, *x.shape), np.nan)
    infrared = (x >= 0.3) & (x < 1.1)
    a[infrared] = 0.574 * x[infrared] ** 1.61
    b[infrared] = -0.527 * x[infrared] ** 1.61
    optical = (x >= 1.1) & (x < 3.3)
    y = x[optical] - 1.82
    of_a = 1, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999
    of_b = 0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002
    a[optical] = np.polynomial.polynomial.polyval(y, of_a)
    b[optical] = np.polynomial.polynomial.polyval(y, of_b)
    ultraviolet = (x >= 3.3) & (x <= 8)
    z = x[ultraviolet]
    far = np.maximum(z - 5.9, 0)
    a[ultraviolet] = 1.752 - 0.316 * z - 0.104 / ((z - 4.67) ** 2 + 0.341)
    a[ultraviolet] += -0.04473 * far**2 - 0.009779 * far**3
    b[ultraviolet] = -3.090 + 1.825 * z + 1.206 / ((z - 4.62) ** 2 + 0.263)
    b[ultraviolet] += 0.2130 * far**2 + 0.1207 * far**3
    return a + b / MILKY_WAY


def _flux(population, wavelength):
    """Return the flux per frequency of stars of one age, 1 at 550 nm."""
    magnitude = np.interp(
        np.log(wavelength), np.log(WAVELENGTHS), _MAGNITUDES[population]
    )
    return 10 ** (-0.4 * magnitude)
