# SPDX-License-Identifier: BSD-3-Clause
"""The level of the sky that a label map sets aside, from which light counts."""

import math

import numpy as np

from skesom._common.labels import SKY
from skesom._common.lazy import computed, is_lazy
from skesom._sky.field_of_view import is_of_the_sky

_ENOUGH_SKY = 100  # pixels, of which the median is the level of the sky
_MOST_PIXELS = 2_000_000  # of larger images, every second, third, ... row and column


def sky_level(label_map, cube):
    """Return the median flux in each band of the pixels set aside as sky, or NaN.

    This is the one level from which names, tables, spectra and colors count. Labels
    have the shape (n_rows, n_columns), or with bands as third axis. Nothing is known
    of fewer than 100 pixels, and of images that are not of the sky: what is dark and
    flat there is water, or glass.
    """
    n_bands = cube.shape[2]
    level = np.full(n_bands, np.nan)
    if not is_of_the_sky(cube):
        return level
    step = max(1, math.ceil(math.sqrt(math.prod(cube.shape[:2]) / _MOST_PIXELS)))
    labels = label_map[::step, ::step]
    data = cube.data[::step, ::step]
    if is_lazy(labels):
        (labels,) = computed(labels)
    is_sky = labels == SKY
    if np.count_nonzero(is_sky) < _ENOUGH_SKY:
        return level
    if is_lazy(data):
        (data,) = computed(data)
    for band in range(n_bands):
        inside = is_sky[:, :, band] if is_sky.ndim == 3 else is_sky
        fluxes = data[:, :, band][inside]
        fluxes = fluxes[~np.isnan(fluxes)]
        if len(fluxes) >= _ENOUGH_SKY:
            level[band] = np.median(fluxes)
    return level


def known_level(level, dtype):
    """Return a level as numbers to subtract: 0 in bands where it is not known."""
    return np.nan_to_num(level).astype(dtype)


def above_sky(cube, level):
    """Return a cube whose fluxes count from a level of the sky; errors stay."""
    if np.isnan(level).all():
        return cube
    data = cube.data - known_level(level, cube.dtype)
    return cube.replace(data=data, errors=cube.errors, sky_mask=cube.sky_mask)
