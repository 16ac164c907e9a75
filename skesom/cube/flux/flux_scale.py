# SPDX-License-Identifier: BSD-3-Clause
"""Zero point and noise of each band, as stretches and shapes need them."""

from typing import NamedTuple

import numpy as np

from skesom._common.noise import noise_from_neighbors
from skesom._common.strips import WHOLE
from skesom.cube.bands import numbers_per_band
from skesom.cube.masking.sky import measure_sky
from skesom.cube.masking.sky_tiles import sampled


class FluxScale(NamedTuple):
    """Zero point and noise of the bands of a cube."""

    level: np.ndarray  # what to subtract from each band
    noise: np.ndarray  # standard deviation per pixel; 0 for a constant band
    sky_certainty: float  # that there is sky, from 0 to 1


def measure_flux_scale(cube, sample, *, noise, subtract_sky, n_jobs):
    """Measure the sky and the noise of each band.

    Parameters
    ----------
    cube : Cube
        The cube.
    sample : ndarray of shape (n_sampled_rows, n_columns, n_bands)
        Its representative rows.
    noise : float, array-like of shape (n_bands,) or None
        Standard deviation per pixel; measured if None.
    subtract_sky : "auto" or bool
        Whether the level of the sky becomes the zero point. "auto" takes it times the
        certainty that there is sky.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    scale : FluxScale
    """
    if noise is not None:
        noise = numbers_per_band(noise, cube.band_names, "noise", positive=True)
    sky = measure_sky(sample, n_jobs=n_jobs)
    if np.isnan(sky.level).all():
        raise ValueError(
            "All pixels are masked (NaN), so there is no noise to scale by."
        )
    if noise is None:
        noise = _noise_of_bands(cube, sky)
    share = sky.certainty if subtract_sky == "auto" else float(subtract_sky)
    level = share * np.nan_to_num(sky.level)
    return FluxScale(level, noise, sky.certainty)


def _noise_of_bands(cube, sky):
    """Return the noise of each band, 0 for bands that are constant but for rounding."""
    noise = np.nan_to_num(sky.noise)
    if not noise.all():
        # A scene without noise: its steps from pixel to pixel take its place.
        data = sampled(cube.data, WHOLE)
        for band in np.flatnonzero(noise == 0):
            noise[band] = noise_from_neighbors(data[:, :, band])
    rounding = 16 * np.finfo(cube.dtype).eps * np.abs(np.nan_to_num(sky.level))
    noise[noise <= rounding] = 0
    return noise
