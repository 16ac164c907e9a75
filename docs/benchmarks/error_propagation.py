# SPDX-License-Identifier: BSD-3-Clause
"""Propagated errors of the steps of a cube against the scatter of many realizations.

A scene without noise is transformed with 600 realizations of noise whose standard
deviation changes over the frame. Steps are fitted to the scene, so that all of them go
through the same numbers. Reported is the propagated error (in the scene) divided by the
standard deviation of the realizations: its median over the pixels, and the range of
90 % of them. The realizations alone make a scatter of 3 %. Run:
``python docs/benchmarks/error_propagation.py``
"""

import argparse

import numpy as np
from astropy.wcs import WCS
from measuring import report

from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    Cube,
    CubeAligner,
    FluxShape,
    FWHMConvolver,
)

PIXEL = 0.05  # arcsec


def make_wcs(shape, pixel, shift=0.0, angle=0.0):
    """Return a WCS whose middle lies `shift` pixels beside the place in the sky."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 30, 10
    wcs.wcs.crpix = (shape[1] + 1) / 2 + shift, (shape[0] + 1) / 2 + shift
    wcs.wcs.cdelt = -pixel / 3600, pixel / 3600
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.pc = [[cosine, -sine], [sine, cosine]]
    wcs.array_shape = shape
    return wcs


def make_scene(signal_to_noise, shape=(48, 48)):
    """Return three bands without noise, with errors that rise along the rows."""
    rows, columns = np.indices(shape) / shape[0]
    brightness = 0.2 + np.exp(-((rows - 0.5) ** 2 + (columns - 0.4) ** 2) / 0.05)
    bands = [brightness * (1 + band * columns) for band in (0.0, 0.5, 1.0)]
    data = np.stack(bands, axis=2) * signal_to_noise
    errors = np.broadcast_to((0.6 + 0.8 * columns)[:, :, None], data.shape)
    how = {"wcs": make_wcs(shape, PIXEL), "fwhm": [0.1, 0.12, 0.15]}
    return Cube(data, errors=errors, **how)


def chain(*steps):
    """Return a function that transforms a cube by steps fitted to the scene."""

    def transform(cube, scene):
        for step in steps:
            scene_before, scene = scene, step.fit_transform(scene)
            cube = step.fit(scene_before).transform(cube)
        return cube

    return transform


def compare(transform, scene, n_realizations):
    """Return quantiles of the ratio of propagated and measured errors."""
    rng = np.random.default_rng(0)
    sums = squares = 0.0
    for _ in range(n_realizations):
        noise = rng.normal(size=scene.shape) * scene.errors
        values = transform(scene.replace(data=scene.data + noise), scene).data
        sums, squares = sums + values, squares + values**2
    mean = sums / n_realizations
    measured = np.sqrt(squares / n_realizations - mean**2)
    ratio = (transform(scene, scene).errors / measured)[6:-6, 6:-6]
    return np.nanquantile(ratio, [0.5, 0.05, 0.95])


def main():
    """Report a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--realizations", type=int, default=600)
    n_realizations = parser.parse_args().realizations
    half = make_wcs((46, 46), PIXEL, shift=0.5)
    turned = make_wcs((40, 40), PIXEL, angle=30)
    coarse = make_wcs((24, 24), 2 * PIXEL)
    convolve = FWHMConvolver(target_fwhm=0.2)
    aligners = {
        "interp, half a pixel": (half, "interp"),
        "interp, 30 degrees": (turned, "interp"),
        "adaptive, pixels of twice the size": (coarse, "adaptive"),
        "exact, pixels of twice the size": (coarse, "exact"),
    }
    steps = {
        "FWHMConvolver": chain(convolve),
        "FWHMConvolver twice": chain(convolve, FWHMConvolver(target_fwhm=0.3)),
    }
    for name, (grid, resample) in aligners.items():
        align = CubeAligner(grid, resample=resample, conserve="surface brightness")
        steps[f"CubeAligner, {name}"] = chain(align)
        steps[f"FWHMConvolver and CubeAligner, {name}"] = chain(convolve, align)
    found = {
        name: compare(transform, make_scene(10), n_realizations)
        for name, transform in steps.items()
    }
    for signal_to_noise in (0.5, 2, 10):
        for name, step in {
            "AsinhStretch": AsinhStretch(noise=1.0, subtract_sky=False),
            "ColorScaler": ColorScaler(),
            "FluxShape, shares": FluxShape(noise=1.0, subtract_sky=False),
            "FluxShape, ratios": FluxShape(0, noise=1.0, subtract_sky=False),
        }.items():
            label = f"{name}, signal to noise from {signal_to_noise * 0.2:g}"
            scene = make_scene(signal_to_noise)
            found[label] = compare(chain(step), scene, n_realizations)
    rows = [
        {"step": name, "ratio": f"{middle:.2f}", "range": f"{low:.2f} to {high:.2f}"}
        for name, (middle, low, high) in found.items()
    ]
    title = f"Propagated errors by the scatter of {n_realizations} realizations"
    report("error_propagation", title, rows)


if __name__ == "__main__":
    main()
