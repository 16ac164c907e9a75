# SPDX-License-Identifier: BSD-3-Clause
"""What `SkyMasker` sets aside of frames of many kinds, and how steady that is.

    python docs/benchmarks/sky.py --draws 20

prints a row for each scene, of which each draw has other noise: the share of the frame
that is set aside, its least and largest, the adjusted Rand index of the masks of two
draws (1 if both are empty), the share of the sky that is found (pixels whose light is
below a tenth of the noise of a band, if there are any), and the share of the other
pixels (light of at least the noise in each band, above the darkest of the frame) that
is lost. The synthetic fields are those of the tests. With the environment variable
SKESOM_TEST_DATA, the images of each folder in there come after them, every file of one
band on its own.
"""

import argparse
import os
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from measuring import report
from scipy import ndimage
from sklearn.metrics import adjusted_rand_score

from skesom.cube import AsinhStretch, BackgroundSubtractor, CubeMasker, SkyMasker
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube

sys.path.append(str(Path(__file__).resolve().parents[2]))
from tests.helpers.sky_fields import corner, gradient, nebula, spiral, star_cloud, stars


def galaxy(kind, extent, noise=1.0, *, size=256, n_bands=5):
    """Return the light of a galaxy above its sky, in units of the noise of the sky."""
    options = {"kind": kind, "extent": extent, "random_state": 0}
    shape = size, size
    clean = make_galaxy_cube(shape, n_bands, noise=0, **options)[0].data.astype(float)
    noisy = make_galaxy_cube(shape, n_bands, **options)[0].data
    empty = make_galaxy_cube(shape, n_bands, noise=0, **{**options, "extent": 0.1})[0]
    level = np.quantile(empty.data, 0.01, axis=(0, 1))
    error = (noisy - clean) / np.sqrt(clean / level)  # of photons
    deviation = 1.4826 * np.median(np.abs(error), axis=(0, 1))
    return (clean - level) / (noise * deviation)


def field(seed, n_bands, n_stars, size=256, **options):
    """Return the light of stars alone."""
    return stars(np.random.default_rng(seed), (size, size, n_bands), n_stars, **options)


def filled(seed=0):
    """Return the light of a spiral that fills the frame."""
    return spiral(np.random.default_rng(seed))


# Light without noise, and over how many pixels the noise is smooth.
SCENES = {
    **{
        f"{kind}, extent {extent}": (galaxy(kind, extent), 0)
        for kind in ("spiral", "edge-on", "elliptical", "merger")
        for extent in (0.2, 0.5, 1.0, 1.5, 2.5)
    },
    **{
        f"spiral, extent {extent}, noise x {noise}": (
            galaxy("spiral", extent, noise),
            0,
        )
        for extent in (0.5, 1.0)
        for noise in (0.3, 3, 8)
    },
    **{
        f"spiral, extent 0.5, {n} bands": (
            galaxy("spiral", 0.5, 1, n_bands=n, size=s),
            0,
        )
        for n, s in ((1, 256), (2, 256), (9, 256), (100, 128))
    },
    **{f"sky in a corner, {s:.0%}": (corner(s), 0) for s in (0.02, 0.05, 0.15, 0.4)},
    "30 stars, one band": (field(1, 1, 30), 0),
    "30 stars, five bands": (field(1, 5, 30), 0),
    "deep field, 400 sources": (field(5, 3, 400, fwhm=4), 0),
    "deep field, smooth noise": (field(5, 3, 400, fwhm=4), 1.0),
    "far infrared, 8 sources": (field(3, 5, 8, 200, fwhm=4.7, faintest=2.5), 2.0),
    "star cloud with dark nebulae": (star_cloud(np.random.default_rng(0), noise=0), 0),
    "nebula": (nebula(np.random.default_rng(0)), 0),
    "nebula, noise x 4": (nebula(np.random.default_rng(0)) / 4, 0),
    "spiral that fills the frame": (filled(), 0),
    "nothing but noise": (np.zeros((200, 200, 3)), 0),
    **{
        f"stars, slope of {rise} noise": (
            field(1, 3, 30) + gradient((256, 1, 1), rise),
            0,
        )
        for rise in (0.5, 1, 2, 10, 30)
    },
}


def draw(light, correlation, seed):
    """Return a frame of some light with noise of 1."""
    noise = np.random.default_rng(seed).normal(size=light.shape)
    if correlation:
        noise = ndimage.gaussian_filter(noise, (correlation, correlation, 0))
        noise /= noise.std()
    return (light + noise).astype(np.float32)


def sky_of(data):
    """Return the mask of the steps of the pipeline."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CubeMasker(mask_outliers=False).fit_transform(data)
        data = BackgroundSubtractor(bands="uneven").fit_transform(data)
        return SkyMasker().fit(AsinhStretch().fit_transform(data)).sky_mask_


def row(name, masks, light=None):
    """Return the row of a scene."""
    masks = np.array(masks)
    shares = masks.mean(axis=(1, 2))
    pairs = pairwise(masks)
    same = [adjusted_rand_score(a.ravel(), b.ravel()) for a, b in pairs]
    found = lost = np.nan
    if light is not None:
        found = _mean(masks[:, np.all(np.abs(light) < 0.1, axis=2)])
        dark = np.quantile(ndimage.gaussian_filter(light, (4, 4, 0)), 0.02, axis=(0, 1))
        lost = _mean(masks[:, np.all(light > dark + 1, axis=2)])
    span = f"{shares.min():.2f}-{shares.max():.2f}"
    figures = {"share": shares.mean(), "range": span, "ARI": _mean(same)}
    return {"scene": name, **figures, "found": found, "lost": lost}


def _mean(values):
    return float(np.mean(values)) if np.size(values) else np.nan


def real_images(folder):
    """Yield the row of each image that is large enough."""
    for path in sorted(Path(folder).glob("*/*.fits")):
        try:
            cube = read_cube(path)
        except (OSError, ValueError) as error:
            print(f"{path.name}: left out, {str(error)[:60]}")
            continue
        if min(cube.shape[:2]) >= 64:
            yield row(f"{path.parent.name}/{path.stem}", [sky_of(cube)])


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--only", default="", help="scenes whose names hold this")
    options = parser.parse_args()
    rows = []
    for name, (light, correlation) in SCENES.items():
        if options.only in name:
            frames = (draw(light, correlation, seed) for seed in range(options.draws))
            rows.append(row(name, [sky_of(frame) for frame in frames], light))
    report("sky", "Share of scenes that is set aside", rows)
    if folder := os.environ.get("SKESOM_TEST_DATA"):
        rows = list(real_images(folder))
        report("sky_images", "Share of real images that is set aside", rows)


if __name__ == "__main__":
    main()
