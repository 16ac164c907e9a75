# SPDX-License-Identifier: BSD-3-Clause
"""What one noisy band does to a map: much more noise, or few photons.

Galaxies of which the populations are known are seen in four broad bands. F336W stays as
it is, gets twenty times its noise, or is replaced by photons of its light, 0.05 per
pixel on the average. "Before" gives all bands the same weight and leaves photons as
they are. "Without" has the other three bands only. The columns are the share of the map
in connected pieces of fewer than 15 pixels, the adjusted Rand index with the
populations, and the mean over the populations of the best cluster's F1, means over
seeds of one map. Choices were made on the scenes in CHOOSE of ``features.py``; those in
REPORT only report. Run: ``python docs/benchmarks/noisy_bands.py`` (ten minutes).
"""

import argparse
import warnings
from unittest import mock

import numpy as np
from features import BROAD, CHOOSE, REPORT, best_f1
from measuring import report
from sklearn.metrics import adjusted_rand_score

from skesom.cube.flux import color
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.maps.pieces import share_in_small_pieces
from skesom.som import ESOM

BAND = "F336W"
MORE_NOISE = 20
PHOTONS = 0.05  # per pixel
CASES = "as it is", "noise times 20", "photons"
GALAXY = 5  # the seed of its scene


def broad_bands(options, size, noise):
    """Return a scene in four bands, and its populations."""
    options = {"noise": 1.0} | options
    options.pop("bands", None)
    options.pop("n_bands", None)
    options["noise"] *= noise
    cube, truth = make_galaxy_cube((size, size), **options, random_state=GALAXY)
    return cube[list(BROAD)], truth


def spoiled(options, size, case):
    """Return a scene of which a band is spoiled, and its populations."""
    cube, truth = broad_bands(options, size, 1)
    place = cube.band_names.index(BAND)
    data = cube.data.copy()
    if case == "noise times 20":
        other, _ = broad_bands(options, size, MORE_NOISE)
        data[:, :, place] = other.data[:, :, place]
    elif case == "photons":
        clean, _ = broad_bands(options, size, 0)
        light = clean.data[:, :, place].astype(np.float64)
        light = np.maximum(light - np.quantile(light, 0.01), 0)
        rate = PHOTONS * light / light.mean()
        data[:, :, place] = np.random.default_rng(GALAXY).poisson(rate)
    return cube.replace(data=data), truth


def equal_weights(data, errors, mean, deviation):
    """Give all bands the same weight, as before."""
    return np.ones(len(mean))


def scores(cube, truth, n_seeds, *, smooth_counts):
    """Return the share in small pieces, index and F1 of maps of some seeds."""
    first = make_cluster_pipeline(ESOM(), n_jobs=1, smooth_counts=smooth_counts)
    ready = first[:-1].fit_transform(cube)
    found = []
    for seed in range(n_seeds):
        step = first[-1].set_params(estimator=ESOM(random_state=seed))
        labels = step.fit_predict(ready)
        inside = labels >= 0
        pair = truth[inside], labels[inside]
        small = share_in_small_pieces(labels)
        found.append([small, adjusted_rand_score(*pair), best_f1(*pair)])
    return np.mean(found, axis=0)


def of_scene(options, size, n_seeds):
    """Yield a row for each case."""
    for case in CASES:
        cube, truth = spoiled(options, size, case)
        with mock.patch.object(color, "weigh_bands", equal_weights):
            before = scores(cube, truth, n_seeds, smooth_counts=False)
        now = scores(cube, truth, n_seeds, smooth_counts=True)
        others = [name for name in cube.band_names if name != BAND]
        without = scores(cube[others], truth, n_seeds, smooth_counts=True)
        row = {"case": case}
        for name, values in (("before", before), ("now", now), ("without", without)):
            for column, value in zip(("small", "ARI", "F1"), values, strict=True):
                row[f"{column} {name}"] = float(value)
        yield row


def mean_of(rows):
    """Return the means of the rows of each part and case."""
    means = []
    for part in ("choose", "report"):
        for case in CASES:
            some = [row for row in rows if (row["part"], row["case"]) == (part, case)]
            if some:
                mean = {"scene": "mean", "part": part, "case": case}
                for column in list(some[0])[3:]:
                    mean[column] = float(np.mean([row[column] for row in some]))
                means.append(mean)
    return means


def main():
    """Report a row for each scene and case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenes = CHOOSE | REPORT
    usual = [name for name in scenes if name not in ("broad bands", "20 bands")]
    parser.add_argument("--scenes", nargs="+", default=usual, choices=scenes)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in options.scenes:
        part = "choose" if name in CHOOSE else "report"
        for row in of_scene(scenes[name], options.size, options.seeds):
            rows.append({"scene": name, "part": part} | row)
            print(rows[-1], flush=True)
    title = f"{options.size} x {options.size} pixels, four bands, {BAND} spoiled"
    report("noisy_bands", title, [*rows, *mean_of(rows)])


if __name__ == "__main__":
    main()
