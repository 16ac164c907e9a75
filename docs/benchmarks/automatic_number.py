# SPDX-License-Identifier: BSD-3-Clause
"""How many clusters n_clusters="auto" finds: families of point sets, and noise.

The families are those of the tests (tests/helpers/families.py, shapes.py). A family has
gaps if less than a hundredth of the five nearest neighbors of its points, on the mean,
are of another cluster. Noise is of one kind in all features, as it is or correlated by
random mixing, in 2 to 10 dimensions and 300 to 3000 samples; the right number is then
1. Run: ``python docs/benchmarks/automatic_number.py`` (a few minutes, most of them for
the consensus).
"""

import argparse
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from measuring import report
from sklearn.neighbors import NearestNeighbors

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

sys.path.append(str(Path(__file__).parents[2]))

from tests.helpers.families import CHOOSING, FIRST_REPORTING_SEED, REPORTING
from tests.helpers.shapes import SHAPES

MAPS = {"ESOM": ESOM(), "CSOM": CSOM(), "consensus": ConsensusClusterer()}
PARTS = {
    "choosing": (CHOOSING, 0),
    "reporting": (REPORTING, FIRST_REPORTING_SEED),
    "shapes": (SHAPES, 0),
}
NOISE = {
    "uniform": lambda rng, shape: rng.uniform(size=shape),
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
}
A_GAP = 0.01


def strangers(X, truth):
    """Return the share of the nearest neighbors that are of another cluster."""
    X, truth = X[truth >= 0], truth[truth >= 0]
    nearest = NearestNeighbors(n_neighbors=5).fit(X).kneighbors(return_distance=False)
    return np.mean(truth[nearest] != truth[:, np.newaxis])


def noise_of(draw, seeds):
    """Yield tables of noise, 18 for each seed."""
    for d, n, mixed in product((2, 5, 10), (300, 1000, 3000), (False, True)):
        for seed in range(FIRST_REPORTING_SEED, FIRST_REPORTING_SEED + seeds):
            rng = np.random.default_rng([seed, d, n, mixed])
            X = draw(rng, (n, d))
            yield X @ rng.normal(size=(d, d)) if mixed else X


def numbers(tables, seed):
    """Return how many clusters each of them finds in each table."""
    return {
        name: [
            som.set_params(n_clusters="auto", random_state=seed).fit_predict(X).max()
            + 1
            for X in tables
        ]
        for name, som in MAPS.items()
    }


def main():
    """Report families and noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="drawings of each")
    parser.add_argument("--seed", type=int, default=0, help="of the maps")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for part, (families, first) in PARTS.items():
        for family, draw in families.items():
            seeds = range(first, first + options.seeds)
            sets = [draw(np.random.default_rng(seed)) for seed in seeds]
            far = np.mean([strangers(*drawn) for drawn in sets])
            right = np.array([truth.max() + 1 for _, truth in sets])
            found = numbers([X for X, _ in sets], options.seed)
            row = {"part": part, "family": family.replace("_", " ")}
            row["gaps"] = "yes" if far < A_GAP else "no"
            for name, of_map in found.items():
                off = np.abs(of_map - right)
                row[name] = float(np.mean(off == 0))
                row[f"{name} +-1"] = float(np.mean(off <= 1))
            rows.append(row)
    report("automatic_number_each", "Share of point sets with the right number", rows)
    columns = list(rows[0])[3:]
    means = []
    for part, gaps in product(PARTS, ("yes", "no")):
        some = [row for row in rows if (row["part"], row["gaps"]) == (part, gaps)]
        if some:
            mean = {c: float(np.mean([row[c] for row in some])) for c in columns}
            means.append({"part": part, "gaps": gaps, "families": len(some)} | mean)
    report("automatic_number", "Means over families", means)
    rows = []
    for kind, draw in NOISE.items():
        found = numbers(list(noise_of(draw, options.seeds)), options.seed)
        ones = {name: float(np.mean(np.equal(of, 1))) for name, of in found.items()}
        rows.append({"noise": kind} | ones)
    report("automatic_number_noise", "Share of tables of noise that stay whole", rows)


if __name__ == "__main__":
    main()
