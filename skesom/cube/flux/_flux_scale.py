# SPDX-License-Identifier: BSD-3-Clause
"""Where the flux of each band begins, and how much of it is noise."""

from typing import NamedTuple

import numpy as np

from skesom.cube.flux._per_band import numbers_per_band
from skesom.cube.masking._noise import measure_sky, pixel_noise


class FluxScale(NamedTuple):
    """Zero point and noise of the bands of a cube."""

    level: np.ndarray
    """What to subtract from each band."""
    noise: np.ndarray
    """Standard deviation per pixel in each band; 0 for a constant band."""
    sky_dominated: bool
    """Whether most of the frame is sky."""


def measure_flux_scale(cube, noise, subtract_sky, n_jobs=None):
    """Measure sky and noise of a cube, where the user does not tell them."""
    if noise is not None:
        noise = numbers_per_band(noise, cube.band_names, "noise", positive=True)
    sky = measure_sky(cube.data, n_jobs=n_jobs)
    if np.isnan(sky.level).all():
        raise ValueError(
            "All pixels are masked (NaN), so there is no noise to scale by."
        )
    subtract = sky.dominates if subtract_sky == "auto" else subtract_sky
    level = np.nan_to_num(sky.level) if subtract else np.zeros(cube.shape[2])
    if noise is None:
        noise = _measured_noise(cube, sky)
    return FluxScale(level, noise, sky.dominates)


def _measured_noise(cube, sky):
    """Return the noise of each band."""
    noise = np.nan_to_num(sky.noise)
    for band in np.flatnonzero(noise == 0):
        # A scene without noise: its steps from pixel to pixel have to do.
        noise[band] = pixel_noise(cube.data[:, :, band])
    rounding = 16 * np.finfo(cube.dtype).eps * np.abs(np.nan_to_num(sky.level))
    noise[noise <= rounding] = 0
    return noise
