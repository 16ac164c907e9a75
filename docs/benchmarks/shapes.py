# SPDX-License-Identifier: BSD-3-Clause
"""Adjusted Rand index of ESOM and CSOM on the nine shapes of the tests.

Run from the root of a checkout: ``python docs/benchmarks/shapes.py``.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.som import CSOM, ESOM

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "som"))

import _shapes

SHAPES = (
    "atom",
    "chainlink",
    "engytime",
    "hepta",
    "lsun",
    "target",
    "tetra",
    "two_diamonds",
    "wingnut",
)


def main(n_seeds=5):
    """Print a line for each shape, then the means."""
    print(f"{'shape':14}{'ESOM':>16}{'CSOM 10 x 10':>16}")
    means = []
    for name in SHAPES:
        scores = np.array([scores_of(name, seed) for seed in range(n_seeds)])
        cells = zip(scores.mean(axis=0), scores.std(axis=0), strict=True)
        print(
            f"{name:14}" + "".join(f"{mean:9.3f} +-{std:5.3f}" for mean, std in cells)
        )
        means.append(scores.mean(axis=0))
    print(f"{'mean':14}" + "".join(f"{mean:9.3f}       " for mean in np.mean(means, 0)))


def scores_of(name, seed):
    """Return the index of each map for one drawing of a shape."""
    X, truth = getattr(_shapes, name)(np.random.default_rng(seed))
    n_clusters = truth.max() + 1
    maps = [
        ESOM(n_clusters=n_clusters, random_state=seed),
        CSOM(n_clusters=n_clusters, random_state=seed),
    ]
    return [adjusted_rand_score(truth, som.fit_predict(X)) for som in maps]


if __name__ == "__main__":
    main()
