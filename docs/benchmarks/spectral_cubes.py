# SPDX-License-Identifier: BSD-3-Clause
"""What binned channels and principal components win on a cube of spectra.

    python docs/benchmarks/spectral_cubes.py

reports a row for each level of the noise: the adjusted Rand index of six clusters of
one evolving map with the truth, its mean and least of a few seeds. The scene has a disc
of stars and H II regions of a rotating gas in 300 channels around H-alpha; the truth is
sky, disc, regions that come nearer, and regions that recede.
"""

import argparse
import warnings

import numpy as np
from measuring import report
from sklearn.metrics import adjusted_rand_score

from skesom.cube import Cube
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM

SIDE, N_CHANNELS = 60, 300
WAYS = {
    "channels": {"n_components": None},
    "bins of 5": {"bin_bands": 5, "n_components": None},
    "bins of 20": {"bin_bands": 20, "n_components": None},
    "auto": {},
    "5 components": {"n_components": 5},
    "10 components": {"n_components": 10},
    "20 components": {"n_components": 20},
    "bins of 5, 5 components": {"bin_bands": 5, "n_components": 5},
}


def make_scene(noise, seed):
    """Return a cube of spectra and its true classes."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    radius = np.hypot(columns, rows)
    velocity = 150 * columns / np.maximum(radius, 3)  # km/s
    wavelengths = 6400 + 1.25 * np.arange(N_CHANNELS)  # Angstrom
    regions = np.zeros((SIDE, SIDE))
    for row, column in rng.uniform(6, SIDE - 6, (14, 2)) - SIDE / 2:
        regions += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
    places = 6563 * (1 + velocity[:, :, np.newaxis] / 299792)
    line = np.exp(-(((wavelengths - places) / 3) ** 2) / 2)
    disc = np.exp(-radius / 12)
    spectra = disc[:, :, np.newaxis] * (1 + 0.2 * (wavelengths - 6400) / 400)
    spectra += 0.8 * regions[:, :, np.newaxis] * line
    spectra += rng.normal(0, noise, spectra.shape)
    moving = np.where(columns < 0, 2, 3)
    truth = np.where(regions > 0.25, moving, np.where(disc > 0.15, 1, 0))
    return Cube(spectra.astype(np.float32)), truth


def agreement(noise, seed, **options):
    """Return the adjusted Rand index of clusters and truth."""
    cube, truth = make_scene(noise, seed)
    clusterer = ESOM(n_clusters=6, random_state=seed)
    pipeline = make_cluster_pipeline(clusterer, sky="keep", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        labels = pipeline.fit_predict(cube)
    return adjusted_rand_score(truth.ravel(), labels.ravel())


def main():
    """Report a row for each level of the noise of a channel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds, rows = parser.parse_args().seeds, []
    for noise in (0.03, 0.1, 0.3):
        row = {"noise": str(noise)}
        for name, options in WAYS.items():
            found = [agreement(noise, seed, **options) for seed in range(seeds)]
            row[name] = f"{np.mean(found):.2f} ({np.min(found):.2f})"
        rows.append(row)
    title = f"Adjusted Rand index, mean (least), seeds: {seeds}"
    report("spectral_cubes", title, rows)


if __name__ == "__main__":
    main()
