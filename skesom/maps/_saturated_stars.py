# SPDX-License-Identifier: BSD-3-Clause
"""Light of saturated stars: halos and trails, which tell nothing about a galaxy.

docs/names.md tells what is taken as such light, and what is not found.
"""

from itertools import pairwise

import numpy as np
from scipy import ndimage

_EIGHT_NEIGHBORS = np.ones((3, 3))
# A core without a mask is flat: more than so many times as many pixels are within 10 %
# of the highest flux as in the next 10 %, where a peak has about as many.
_FLAT = 3.0
_TOP = 0.9
_BRIGHT = 20.0  # times the noise, which the rim of a saturated core exceeds
# Halos of stars fall as r^-2 or steeper; King (1971, PASP 83, 199,
# doi:10.1086/129100). They end where light falls more slowly than r^-1, half-way to
# what is flat, and are told from other light by a fall to a quarter or less.
_SLOWEST = 1.0
_LEAST_FALL = 4.0
_OTHER = 3.0  # times as bright as the halo at that distance is something else
_TRAIL = 2.0  # times as bright as on both sides
_MOST_CORES = 30
_FARTHEST = 512  # pixels from a core
_N_RINGS = 18  # in which the light around a core is measured
_GAP = 2  # pixels without light, over which a trail goes on


def find_star_halos(images, lost, noise, star_area):
    """Return where the light is that of saturated stars.

    Light counts if it falls away from a core as the halo of a star does: the core is
    without data, or as bright as no pixel can be. Trails lie along the rows and columns
    of a core.

    Parameters
    ----------
    images : list of ndarray of shape (n_rows, n_columns)
        Bands above the sky, first the one that is measured.
    lost : ndarray of bool of shape (n_rows, n_columns)
        Pixels without data.
    noise : float
        Of a pixel of the first band.
    star_area : float
        Of a circle with a radius of the FWHM, in pixels.

    Returns
    -------
    halos : ndarray of bool of shape (n_rows, n_columns)
        Cores, halos and trails.
    """
    image = images[0]
    halos = np.zeros(image.shape, dtype=bool)
    smallest = star_area / 4  # pixels, of a core
    is_core = lost.copy()
    for band in images:
        is_core |= _find_flat_top(band, smallest)
    cores, n_cores = ndimage.label(is_core, structure=_EIGHT_NEIGHBORS)
    if n_cores == 0:
        return halos
    sizes = np.bincount(cores.ravel())
    sizes[0] = 0  # what is in no core
    largest = np.argsort(-sizes, kind="stable")[:_MOST_CORES]
    boxes = ndimage.find_objects(cores)
    for number in largest[sizes[largest] >= smallest]:
        window = _window_around(boxes[number - 1], image.shape)
        light = image[window]
        core = cores[window] == number
        # Of a star with trails, the widest part is where the star is.
        middle, radius = _find_widest_part(core)
        halo = _find_halo(light, is_core[window], middle, radius, noise)
        if halo is None:
            continue
        row, column = middle
        halos[window] |= core | halo
        halos[window] |= _find_trail(light, row, column, radius, noise)
        halos[window] |= _find_trail(light.T, column, row, radius, noise).T
    return halos


def _find_flat_top(image, least):
    """Return the pixels at the highest flux of an image if it cannot be a peak."""
    highest = np.nanmax(image, initial=0)
    is_top = image >= _TOP * highest
    n_top = np.count_nonzero(is_top)
    n_next = np.count_nonzero(image >= (2 * _TOP - 1) * highest) - n_top
    if highest > 0 and n_top >= max(least, _FLAT * n_next):
        return is_top
    return np.zeros(image.shape, dtype=bool)


def _window_around(box, shape):
    """Return the window around a core in which its light is looked for."""
    return tuple(
        slice(max(0, side.start - _FARTHEST), min(length, side.stop + _FARTHEST))
        for side, length in zip(box, shape, strict=True)
    )


def _find_widest_part(core):
    """Return the middle of the widest part of a core, and half of its width."""
    depth = ndimage.distance_transform_edt(np.pad(core, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return (int(row), int(column)), float(depth.max())


def _find_halo(light, is_core, middle, radius, noise):
    """Return the pixels of the halo around a core, None if it is not a star.

    The median flux in rings tells how light falls. The halo goes on until light is
    noise or falls too slowly.
    """
    rows, columns = np.ogrid[: light.shape[0], : light.shape[1]]
    distance = np.hypot(rows - middle[0], columns - middle[1])
    is_known = np.isfinite(light) & ~is_core
    steps = np.unique(np.round(np.geomspace(1, _FARTHEST, _N_RINGS + 1)))
    radii = []
    fluxes = []
    end = 0.0
    for inner, outer in pairwise(radius + steps):
        ring = light[is_known & (distance >= inner) & (distance < outer)]
        flux = np.median(ring) if len(ring) else np.nan
        if not flux > noise:
            break
        ring_radius = np.sqrt(inner * outer)
        if fluxes:
            exponent = np.log(fluxes[-1] / flux) / np.log(ring_radius / radii[-1])
            if exponent < _SLOWEST:
                break
        radii.append(ring_radius)
        fluxes.append(flux)
        end = outer
    is_star = (
        len(fluxes) > 2
        and fluxes[0] > _BRIGHT * noise
        and fluxes[0] > _LEAST_FALL * fluxes[-1]
    )
    if not is_star:
        return None
    log_distance = np.log(np.maximum(distance, radii[0]))
    expected = np.exp(np.interp(log_distance, np.log(radii), np.log(fluxes)))
    with np.errstate(invalid="ignore"):
        return (distance < end) & (light < _OTHER * expected)


def _find_trail(light, row, column, radius, noise):
    """Return the trail along the columns through a core, until it ends.

    It is as wide as the core, brighter than what is on both sides, or without data.
    """
    trail = np.zeros(light.shape, dtype=bool)
    first = max(0, int(column - radius))
    last = int(column + radius) + 1
    width = last - first
    left = light[:, max(0, first - width - 2) : max(0, first - 2)]
    right = light[:, last + 2 : last + 2 + width]
    sides = np.hstack([left, right])
    if sides.shape[1] == 0:
        return trail
    level = np.median(np.nan_to_num(sides), axis=1)[:, np.newaxis]
    inside = light[:, first:last]
    with np.errstate(invalid="ignore"):
        is_bright = inside > _TRAIL * np.maximum(level, noise)
    is_bright |= np.isnan(inside)
    for step in (-1, 1):
        number = row
        n_dark = 0
        while 0 <= number < len(light) and n_dark <= _GAP:
            trail[number, first:last] |= is_bright[number]
            n_dark = 0 if is_bright[number].any() else n_dark + 1
            number += step
    return trail
