# SPDX-License-Identifier: BSD-3-Clause
"""Maps of galaxies of which one half is noisier, with and without errors.

The noise of `make_galaxy_cube` is multiplied by 3 in the right half of the frame, as
with a ninth of the exposure. "sky" takes the noise of the sky as error in all pixels,
as weight images do, "all" also that of the photons. Printed are means over six scenes
of the adjusted Rand index with the truth in all pixels and in the noisy half, and of
two maps of the same scene with other noise in the noisy half and in the other. Run:
``python docs/benchmarks/errors_of_pixels.py N_BANDS``
"""

import sys

import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.som import CSOM

SHAPE = 100, 100
FACTOR = 3.0


def make_scene(n_bands, seed):
    """Return a cube without noise, its truth, and two guesses of its noise."""
    how = {"shape": SHAPE, "n_bands": n_bands, "random_state": seed}
    clean, truth = make_galaxy_cube(noise=0, **how)
    noise = make_galaxy_cube(**how)[0].data - clean.data
    of_sky = 1.4826 * np.median(np.abs(noise), axis=(0, 1)) * np.ones(clean.shape)
    of_all = np.empty(clean.shape)
    for band in range(n_bands):  # the variance is a straight line of the flux
        flux, squares = (a[:, :, band].ravel() for a in (clean.data, noise**2))
        weights = 1 / np.maximum(flux, np.median(flux))
        line = np.polynomial.Polynomial.fit(flux, squares, 1, w=weights)
        least = np.median(squares) / 10
        of_all[:, :, band] = np.sqrt(np.maximum(line(flux), least)).reshape(SHAPE)
    factor = np.ones((*SHAPE, 1))
    factor[:, SHAPE[1] // 2 :] = FACTOR
    return clean, truth, {"sky": of_sky * factor, "all": of_all * factor}


def main(n_bands):
    """Print the table."""
    results = {"no errors": [], "sky": [], "all": []}
    noisy = np.zeros(SHAPE, dtype=bool)
    noisy[:, SHAPE[1] // 2 :] = True
    for seed in range(6):
        clean, truth, sigmas = make_scene(n_bands, seed)
        for name, found in results.items():
            maps = []
            for number in range(2):
                rng = np.random.default_rng([seed, number])
                data = clean.data + sigmas["all"] * rng.normal(size=clean.shape)
                cube = clean.replace(data=data, errors=sigmas.get(name))
                pipeline = make_cluster_pipeline(CSOM(random_state=0), sky="keep")
                maps.append(pipeline.fit_predict(cube))
            known = (maps[0] >= 0) & (maps[1] >= 0) & (truth >= 0)
            found.append(
                [
                    adjusted_rand_score(first[pixels], maps[0][pixels])
                    for first, pixels in (
                        (truth, known),
                        (truth, known & noisy),
                        (maps[1], known & noisy),
                        (maps[1], known & ~noisy),
                    )
                ]
            )
    for name, found in results.items():
        numbers = " | ".join(f"{number:.3f}" for number in np.mean(found, axis=0))
        spread = np.std([row[1] for row in found])
        print(f"| {name} | {numbers} | (spread of the noisy half {spread:.3f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
