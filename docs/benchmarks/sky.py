# SPDX-License-Identifier: BSD-3-Clause
"""What `SkyMasker` decides on fields of many kinds, and what it measures.

    python docs/benchmarks/sky.py

prints a row for each field and seed: the share of the pixels that do not stand out, the
unevenness of these, the slope of the background, and the decision, in fluxes and after
the stretch of the pipeline. The synthetic fields are those of the tests. With the
environment variable SKESOM_TEST_DATA, the images of each folder in there come after
them, every file of one band on its own.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy import ndimage

from skesom.cube import AsinhStretch, BackgroundSubtractor, CubeMasker, SkyMasker
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "cube"))
from _sky_fields import few_sources, gradient, star_cloud

LINE = "{:<34} {:>6} {:>10} {:>8} {:>10} {:>10}"


def galaxy_in_sky(rng, half_light=15):
    """Make a galaxy with sky around it."""
    rows, columns = np.indices((256, 256)) - 128
    light = 60 * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / half_light)
    return light[:, :, np.newaxis] * [1.0, 0.7, 1.3] + rng.normal(size=(256, 256, 3))


def spiral(rng):
    """Make a galaxy with arms and clumps that fills the frame."""
    rows, columns = np.indices((256, 256)) - 127.5
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    arms = 1 + 0.6 * np.cos(2 * (angle - np.log(radius) * 3))
    clumps = ndimage.gaussian_filter(rng.random((256, 256)) ** 20, 1.5)
    light = 90 * np.exp(-radius / 150) * arms + 300 * clumps * arms + 20
    return light[:, :, np.newaxis] * [1.0, 0.7, 1.3] + rng.normal(0, 2, (256, 256, 3))


def sloping(rng, rise):
    """Make a field of few sources on a background that slopes."""
    data = few_sources(rng, n_bands=3)
    return data + gradient(data.shape, rise)


FIELDS = {
    "few sources, five bands": few_sources,
    "few sources, one band": lambda rng: few_sources(rng, n_bands=1),
    "far infrared, 8 sources": lambda rng: few_sources(
        rng, size=200, correlation=2, n_stars=8
    ),
    "galaxy in sky": galaxy_in_sky,
    "large galaxy in sky": lambda rng: galaxy_in_sky(rng, 40),
    "star cloud with dark nebulae": star_cloud,
    "spiral that fills the frame": spiral,
    "demo galaxy": lambda rng: np.asarray(
        make_galaxy_cube((256, 256), random_state=int(rng.integers(1000)))[0]
    ),
    "nothing but noise": lambda rng: rng.normal(size=(256, 256, 3)),
    "slope of .5 noise": lambda rng: sloping(rng, 0.5),
    "slope of 5 noise": lambda rng: sloping(rng, 5),
    "slope of 50 noise": lambda rng: sloping(rng, 50),
    "slope of 50 noise, subtracted": lambda rng: BackgroundSubtractor().fit_transform(
        sloping(rng, 50)
    ),
}


def show(name, data):
    """Print the row of a field."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        masker = CubeMasker()
        gaps = masker.fit_transform(data)
        plain = SkyMasker().fit(gaps)
        after = SkyMasker().fit(AsinhStretch().fit_transform(gaps))
    decisions = ["aside" if each.masks_sky_ else "kept" for each in (plain, after)]
    slope = np.nanmax(masker.background_gradient_)
    numbers = f"{plain.share_:.3f}", f"{plain.unevenness_:.2f}", f"{slope:.1f}"
    print(LINE.format(name[:34], *numbers, *decisions), flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    n_seeds = parser.parse_args().seeds
    print(LINE.format("field", "share", "unevenness", "slope", "fluxes", "stretched"))
    for name, make in FIELDS.items():
        for seed in range(n_seeds):
            show(name, make(np.random.default_rng(seed)))
    folder = os.environ.get("SKESOM_TEST_DATA")
    if folder is None:
        return
    for path in sorted(Path(folder).glob("*/*.fits")):
        try:
            cube = read_cube(path)
        except (OSError, ValueError) as error:
            print(f"{path.name}: left out, {str(error)[:60]}")
            continue
        if min(cube.shape[:2]) >= 64:
            show(f"{path.parent.name}/{path.stem}", cube)


if __name__ == "__main__":
    main()
