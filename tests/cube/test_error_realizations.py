# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a chain of steps against the scatter of many realizations of the noise."""

import numpy as np
from numpy.testing import assert_allclose

from skesom.cube import AsinhStretch, ColorScaler, Cube, FWHMConvolver


def test_errors_of_a_chain_are_the_scatter_of_realizations(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    rows, columns = np.indices((24, 24)) / 24
    flux = 20 * np.exp(-((rows - 0.5) ** 2 + (columns - 0.4) ** 2) / 0.1) + 4
    scene = Cube(
        np.dstack([flux, flux * (0.5 + columns), flux * (1.2 - rows)]),
        errors=np.broadcast_to((0.6 + columns)[:, :, None], (24, 24, 3)),
        fwhm=[0.1, 0.1, 0.2],  # the last is not convolved
    )
    steps = [
        FWHMConvolver(target_fwhm=0.2, pixel_scale=0.05),
        AsinhStretch(noise=1.0, subtract_sky=False),
        ColorScaler(signal_to_noise=0),  # averages take neighbors to be independent
    ]
    known = scene
    for step in steps:
        known = step.fit_transform(known)
    values = []
    for _ in range(300):
        noise = rng.normal(size=scene.shape) * scene.errors
        cube = scene.replace(data=scene.data + noise)
        for step in steps:
            cube = step.transform(cube)
        values.append(cube.data)
    ratio = known.errors / np.std(values, axis=0)
    assert_allclose(np.median(ratio, axis=(0, 1)), 1, rtol=0.02)
    assert_allclose(ratio, 1, rtol=0.2)  # five standard deviations of the scatter
