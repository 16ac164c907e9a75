# SPDX-License-Identifier: BSD-3-Clause
"""Brightness per area on the sky, beside that of discs and of dark nights.

Each function takes a `Photometry`, whose planes may be images or lists of clusters, and
returns an array of the shape of a plane, or NaN alone if nothing is known.
"""

import numpy as np

from skesom.maps.stellar_colors import mixture_color

_B_BAND = 440  # nm
_OPTICAL = (300, 1000)  # nm, of bands that may stand for B
_AB = -0.09  # AB magnitudes in B minus those of Vega
# Discs have 21.65 mag per square arcsec in B at their centers, with a deviation of
# 0.30; Freeman (1970, ApJ 160, 811, doi:10.1086/150474). Six deviations brighter is
# chosen in docs/populations.md.
_BRIGHTEST_DISC = 21.65 - 6 * 0.30 + _AB
# The sky of dark nights in B; Patat (2003, A&A 400, 1183,
# doi:10.1051/0004-6361:20030030).
_DARK_SKY = 22.64 + _AB


def brightness_over_discs(photometry):
    """Return by how many magnitudes light is brighter than discs.

    The band nearest to B is taken, with the color of old stars between both.
    """
    surface = _surface_brightness(photometry)
    return np.nan if surface is None else _BRIGHTEST_DISC - surface


def depth_below_sky(photometry, level, errors):
    """Return by how many magnitudes light is at least fainter than the sky.

    Where the surface brightness is known, light must be fainter than a dark sky too.

    Parameters
    ----------
    photometry : Photometry
        Of light above the sky.
    level : ndarray of shape (n_bands,)
        Flux of the sky in each band, NaN where none was set aside.
    errors : ndarray of shape (..., n_bands)
        Errors of the light; what is less than its error counts as much as that.
    """
    name = _band_near_b(photometry)
    if name is None:
        return np.nan
    band = photometry.cube.band_names.index(name)
    sky = level[band]
    if not sky > 0:
        return np.nan
    fluxes = np.asarray(photometry.cube[name], dtype=np.float64)
    least = np.maximum(errors[..., band], np.finfo(np.float32).tiny)
    depth = -2.5 * np.log10(np.maximum(fluxes, least) / sky)
    surface = _surface_brightness(photometry)
    if surface is None:
        return depth
    surface = np.where(fluxes > least, surface, np.inf)
    return np.minimum(depth, surface - _DARK_SKY)


def _band_near_b(photometry):
    """Return the broad band of the optical that is nearest to B, None without one."""
    nm = photometry.wavelengths
    first, last = _OPTICAL
    optical = [name for name in photometry.broad_bands() if first <= nm[name] <= last]
    return min(optical, key=lambda name: abs(np.log(nm[name] / _B_BAND)), default=None)


def _surface_brightness(photometry):
    """Return magnitudes per square arcsec at 440 nm, None if they are not known."""
    name = _band_near_b(photometry)
    if name is None or photometry.cube.pixel_scale is None:
        return None
    if not photometry.is_calibrated(name):
        return None
    color = mixture_color(_B_BAND, photometry.wavelengths[name], 0)
    return photometry.magnitude(name) + color
