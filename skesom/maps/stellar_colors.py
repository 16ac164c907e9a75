# SPDX-License-Identifier: BSD-3-Clause
"""Colors of stars of one age by published models, of mixtures, and behind dust."""

import numpy as np

# Magnitudes (AB) minus that at 550 nm of simple stellar populations of solar
# metallicity by the models of Bruzual & Charlot (2003, MNRAS 344, 1000,
# doi:10.1046/j.1365-8711.2003.06897.x; edition of 2016, Kroupa's initial mass
# function), each the mean over photons in a band of 16 % of its wavelength, 14 % from
# 335 to 480 nm.
_COLUMNS = ("wavelength", "30 Myr", "10 Gyr", "13 Gyr")
_MODELS = (
    (150, 0.14, 6.80, 6.27),
    (190, 0.15, 6.83, 6.31),
    (230, 0.17, 6.40, 6.09),
    (275, 0.24, 4.34, 4.39),
    (335, 0.32, 2.65, 2.71),
    (365, 0.25, 2.27, 2.33),
    (400, -0.02, 1.57, 1.61),
    (435, -0.06, 0.86, 0.88),
    (480, -0.03, 0.38, 0.39),
    (550, 0.00, 0.00, 0.00),
    (625, -0.01, -0.31, -0.32),
    (700, -0.07, -0.53, -0.54),
    (770, -0.18, -0.72, -0.74),
    (900, -0.29, -0.99, -1.01),
    (1030, -0.37, -1.21, -1.24),
    (1240, -0.40, -1.31, -1.34),
    (1650, -0.55, -1.55, -1.59),
    (2190, -0.24, -1.27, -1.31),
)
_COLUMN = dict(zip(_COLUMNS, np.transpose(_MODELS), strict=True))
WAVELENGTHS = _COLUMN["wavelength"]  # nm
_YOUNG = "30 Myr"
_OLD = "10 Gyr"
_OLDEST = "13 Gyr"
NEAR_ULTRAVIOLET = 335  # nm, where shares of light are told
MILKY_WAY = 3.1  # ratio of total to selective extinction, R_V in the law of extinction
# Coefficients of the law of extinction in the optical, of rising powers of y.
_OPTICAL_A = (1, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999)
_OPTICAL_B = (0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002)


def mixture_color(blue, red, young_share):
    """Return the color of old stars with young ones among them.

    Wavelengths are in nm. `young_share` is that of the light at 335 nm which stars of
    30 Myr give; the others have 10 Gyr.
    """
    young = _flux(_YOUNG, NEAR_ULTRAVIOLET)
    old = _flux(_OLD, NEAR_ULTRAVIOLET)
    n_young = young_share / (1 - young_share) * old / young
    blue_flux = _flux(_OLD, blue) + n_young * _flux(_YOUNG, blue)
    red_flux = _flux(_OLD, red) + n_young * _flux(_YOUNG, red)
    return float(-2.5 * np.log10(blue_flux / red_flux))


def bluing(blue, red, young_share):
    """Return by how many magnitudes young stars make old ones bluer."""
    return mixture_color(blue, red, 0) - mixture_color(blue, red, young_share)


def oldest_color(blue, red):
    """Return the color of stars of 13 Gyr, the reddest without dust."""
    return float(-2.5 * np.log10(_flux(_OLDEST, blue) / _flux(_OLDEST, red)))


def extinction(wavelengths):
    """Return the extinction at wavelengths in nm, by that at 550 nm.

    The law of Cardelli, Clayton & Mathis (1989, ApJ 345, 245, doi:10.1086/167900) for
    the Milky Way, a(x) + b(x) / R_V (their equation 1) with x in 1 / um, from 125 nm to
    3.3 um; NaN elsewhere.
    """
    x = 1000 / np.atleast_1d(np.asarray(wavelengths, dtype=np.float64))
    a = np.full(x.shape, np.nan)
    b = np.full(x.shape, np.nan)
    infrared = (x >= 0.3) & (x < 1.1)  # equation 2
    a[infrared] = 0.574 * x[infrared] ** 1.61
    b[infrared] = -0.527 * x[infrared] ** 1.61
    optical = (x >= 1.1) & (x < 3.3)  # equation 3
    y = x[optical] - 1.82
    a[optical] = np.polynomial.polynomial.polyval(y, _OPTICAL_A)
    b[optical] = np.polynomial.polynomial.polyval(y, _OPTICAL_B)
    ultraviolet = (x >= 3.3) & (x <= 8)  # equation 4
    z = x[ultraviolet]
    far = np.maximum(z - 5.9, 0)
    a[ultraviolet] = 1.752 - 0.316 * z - 0.104 / ((z - 4.67) ** 2 + 0.341)
    a[ultraviolet] += -0.04473 * far**2 - 0.009779 * far**3
    b[ultraviolet] = -3.090 + 1.825 * z + 1.206 / ((z - 4.62) ** 2 + 0.263)
    b[ultraviolet] += 0.2130 * far**2 + 0.1207 * far**3
    return a + b / MILKY_WAY


def _flux(population, wavelength):
    """Return the flux per frequency of stars of one age, 1 at 550 nm."""
    magnitude = np.interp(np.log(wavelength), np.log(WAVELENGTHS), _COLUMN[population])
    return 10 ** (-0.4 * magnitude)
