# SPDX-License-Identifier: BSD-3-Clause
"""The tree of the second stage, and other methods, on nine shapes.

The shapes are those of the tests, drawn anew for each seed; the true number of clusters
is given. Reported is the mean adjusted Rand index over the points that are no noise.
Run: ``python docs/benchmarks/shapes.py`` from a checkout. Other packages, and harder
point sets: families.py.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from measuring import report
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

sys.path.append(str(Path(__file__).parents[2]))

from tests.helpers.shapes import SHAPES

MAPS = {"ESOM": ESOM, "CSOM": CSOM}


def methods():
    """Return what makes a clusterer of a number of clusters and a seed."""
    made = {
        name: lambda k, seed, Map=Map: Map(n_clusters=k, random_state=seed)
        for name, Map in MAPS.items()
    }
    made["consensus"] = lambda k, seed: ConsensusClusterer(
        ESOM(), n_clusters=k, random_state=seed
    )
    for name, Map in MAPS.items():
        made[f"{name}, KMeans"] = lambda k, seed, Map=Map: Map(
            clusterer=KMeans(k, n_init=10, random_state=seed), random_state=seed
        )
    made["KMeans"] = lambda k, seed: KMeans(k, n_init=10, random_state=seed)
    made["HDBSCAN"] = lambda k, seed: HDBSCAN(copy=True)
    return made


def mean_score(draw, seeds, make):
    """Return the mean index of a method on a shape, over points that are no noise."""
    scores = []
    for seed in seeds:
        X, truth = draw(np.random.default_rng(seed))
        labels = make(int(truth.max()) + 1, seed).fit_predict(X)
        counted = truth >= 0
        scores.append(adjusted_rand_score(truth[counted], labels[counted]))
    return np.mean(scores)


def main():
    """Report a row for each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="drawings of a shape")
    parser.add_argument("--first", type=int, default=400, help="seed of the first")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    seeds, rows = range(options.first, options.first + options.seeds), []
    for name, make in methods().items():
        means = {
            shape.replace("_", " "): mean_score(draw, seeds, make)
            for shape, draw in SHAPES.items()
        }
        rows.append({"method": name} | means | {"mean": np.mean([*means.values()])})
    report("shapes", f"Adjusted Rand index, seeds: {options.seeds}", rows)


if __name__ == "__main__":
    main()
