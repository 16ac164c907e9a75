# SPDX-License-Identifier: BSD-3-Clause
"""Light of saturated stars: halos and trails, which tell nothing about a galaxy."""

from itertools import pairwise

import numpy as np
from scipy import ndimage

_EIGHT = np.ones((3, 3))
# A core without a mask is flat: more than so many times as many pixels are within 10 %
# of the highest flux as in the next 10 %, where a peak has about as many.
_FLAT, _TOP = 3.0, 0.9
_BRIGHT = 20.0  # times the noise, which the rim of a saturated core exceeds
# Halos of stars fall as r^-2 or steeper; King (1971, PASP 83, 199,
# doi:10.1086/129100). They end where light falls more slowly than r^-1, half-way to
# what is flat, and are told from other light by a fall to a quarter or less.
_SLOWEST, _LEAST_FALL = 1.0, 4.0
_OTHER = 3.0  # times as bright as the halo at that distance is something else
_TRAIL = 2.0  # times as bright as on both sides
_MOST_CORES = 30
_FARTHEST = 512  # pixels from a core
_GAP = 2  # pixels without light, over which a trail goes on


def find_star_halos(images, lost, noise, star_area):
    """Return where the light is that of saturated stars, shape (n_rows, n_columns).

    `images` are bands above the sky, first the one that is measured, `lost` are pixels
    without data. Light counts if it falls away from a core as the halo of a star does:
    the core is without data, or as bright as no pixel can be. Trails lie along the rows
    and columns of a core. `star_area` is that of a circle with a radius of the FWHM, in
    pixels.
    """
    plane = images[0]
    is_core = lost.copy()
    for image in images:
        is_core |= _flat_tops(image, star_area / 4)
    found = np.zeros(plane.shape, dtype=bool)
    cores, n_cores = ndimage.label(is_core, structure=_EIGHT)
    if n_cores == 0:
        return found
    sizes = np.bincount(cores.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:_MOST_CORES]
    boxes = ndimage.find_objects(cores)
    for number in largest[sizes[largest] >= star_area / 4]:
        window = _around(boxes[number - 1], plane.shape)
        own = cores[window] == number
        # Of a star with trails, where the star is.
        middle, reach = _widest_part(own)
        halo = _halo_of(middle, reach, plane[window], is_core[window], noise)
        if halo is not None:
            trails = _trails_of(middle, reach, plane[window], noise)
            found[window] |= halo | own | trails
    return found


def _flat_tops(image, least):
    """Return the pixels at the highest flux of an image if it cannot be a peak."""
    highest = np.nanmax(image, initial=0)
    top = image >= _TOP * highest
    n_top = np.count_nonzero(top)
    n_next = np.count_nonzero(image >= (2 * _TOP - 1) * highest) - n_top
    is_flat = highest > 0 and n_top >= max(least, _FLAT * n_next)
    return top if is_flat else np.zeros(image.shape, dtype=bool)


def _around(box, shape):
    """Return the window around a core in which its light is looked for."""
    return tuple(
        slice(max(0, side.start - _FARTHEST), min(length, side.stop + _FARTHEST))
        for side, length in zip(box, shape, strict=True)
    )


def _widest_part(core):
    """Return the middle of the widest part of a core, and half of its width."""
    depth = ndimage.distance_transform_edt(np.pad(core, 1))[1:-1, 1:-1]
    middle = np.unravel_index(depth.argmax(), depth.shape)
    return tuple(map(int, middle)), float(depth.max())


def _halo_of(middle, reach, plane, is_core, noise):
    """Return the pixels of the halo around a core, None if it is no star."""
    rows, columns = np.ogrid[: plane.shape[0], : plane.shape[1]]
    distance = np.hypot(rows - middle[0], columns - middle[1])
    known = np.isfinite(plane) & ~is_core
    edges = reach + np.unique(np.round(np.geomspace(1, _FARTHEST, 19)))
    radii, fluxes, end = [], [], 0.0
    for inner, outer in pairwise(edges):
        ring = plane[known & (distance >= inner) & (distance < outer)]
        flux = np.median(ring) if len(ring) else np.nan
        if not flux > noise:
            break
        place = np.sqrt(inner * outer)
        if fluxes:
            fall = np.log(fluxes[-1] / flux) / np.log(place / radii[-1])
            if fall < _SLOWEST:
                break
        radii.append(place)
        fluxes.append(flux)
        end = outer
    is_star = (
        len(fluxes) > 2
        and fluxes[0] > _BRIGHT * noise
        and fluxes[0] > _LEAST_FALL * fluxes[-1]
    )
    if not is_star:
        return None
    places = np.log(np.maximum(distance, radii[0]))
    expected = np.exp(np.interp(places, np.log(radii), np.log(fluxes)))
    with np.errstate(invalid="ignore"):
        return (distance < end) & (plane < _OTHER * expected)


def _trails_of(middle, reach, plane, noise):
    """Return the trails of a core along its rows and columns, until they end."""
    found = np.zeros(plane.shape, dtype=bool)
    row, column = middle
    for start, place, light, trails in (
        (row, column, plane, found),
        (column, row, plane.T, found.T),
    ):
        first = max(0, int(place - reach))
        last = int(place + reach) + 1
        width = last - first
        beside = np.hstack(
            [
                light[:, max(0, first - width - 2) : max(0, first - 2)],
                light[:, last + 2 : last + 2 + width],
            ]
        )
        if beside.shape[1] == 0:
            continue
        level = np.median(np.nan_to_num(beside), axis=1)[:, np.newaxis]
        inside = light[:, first:last]
        with np.errstate(invalid="ignore"):
            is_bright = inside > _TRAIL * np.maximum(level, noise)
        is_bright |= np.isnan(inside)
        for step in (-1, 1):
            number, n_dark = start, 0
            while 0 <= number < len(light) and n_dark <= _GAP:
                trails[number, first:last] |= is_bright[number]
                n_dark = 0 if is_bright[number].any() else n_dark + 1
                number += step
    return found
