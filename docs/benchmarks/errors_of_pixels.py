# SPDX-License-Identifier: BSD-3-Clause
"""Maps of galaxies of which one half is noisier, with and without errors.

The noise of `make_galaxy_cube` is multiplied by 3 in the right half of the frame, as
with a ninth of the exposure. "sky" takes the noise of the sky as error in all pixels,
as weight images do, "sky and photons" also that of the photons. Reported are means over
scenes of the adjusted Rand index with the truth in all pixels and in the noisy half,
and of two maps of the same scene with other noise in the noisy half and in the other.
Run: ``python docs/benchmarks/errors_of_pixels.py``
"""

import argparse

import numpy as np
from measuring import report
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
    return clean, truth, {"sky": of_sky * factor, "sky and photons": of_all * factor}


def rows_of(n_bands, n_scenes):
    """Return a row for each kind of errors."""
    results = {"none": [], "sky": [], "sky and photons": []}
    noisy = np.zeros(SHAPE, dtype=bool)
    noisy[:, SHAPE[1] // 2 :] = True
    for seed in range(n_scenes):
        clean, truth, sigmas = make_scene(n_bands, seed)
        for name, found in results.items():
            maps = []
            for number in range(2):
                rng = np.random.default_rng([seed, number])
                noise = sigmas["sky and photons"] * rng.normal(size=clean.shape)
                cube = clean.replace(data=clean.data + noise, errors=sigmas.get(name))
                pipeline = make_cluster_pipeline(CSOM(random_state=0), sky="keep")
                maps.append(pipeline.fit_predict(cube))
            known = (maps[0] >= 0) & (maps[1] >= 0) & (truth >= 0)
            pairs = {
                "truth": (truth, known),
                "truth, noisy half": (truth, known & noisy),
                "two maps, noisy half": (maps[1], known & noisy),
                "two maps, other half": (maps[1], known & ~noisy),
            }
            found.append(
                {
                    pair: adjusted_rand_score(first[pixels], maps[0][pixels])
                    for pair, (first, pixels) in pairs.items()
                }
            )
    return [
        {"bands": n_bands, "errors": name}
        | {pair: float(np.mean([each[pair] for each in found])) for pair in found[0]}
        for name, found in results.items()
    ]


def main():
    """Report a row for each number of bands and kind of errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bands", type=int, nargs="+", default=[5, 9])
    parser.add_argument("--scenes", type=int, default=6)
    options = parser.parse_args()
    rows = [row for n in options.bands for row in rows_of(n, options.scenes)]
    report("errors_of_pixels", f"Adjusted Rand index, scenes: {options.scenes}", rows)


if __name__ == "__main__":
    main()
