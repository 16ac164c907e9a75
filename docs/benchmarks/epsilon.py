# SPDX-License-Identifier: BSD-3-Clause
"""How near the automatic epsilon comes to the number of units that it aims at.

Run from anywhere: ``python docs/benchmarks/epsilon.py``. Each line is a kind of data,
its features, and the units after fits of more and more samples, with the target in
front. A cell with a star is off by more than a factor of two. ``--samples`` names the
sizes, ``--features`` the numbers of features, ``--sides`` the sides of galaxies.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM
from skesom.som._epsilon import target_nodes

SAMPLES = (1000, 10_000, 100_000, 1_000_000)
FEATURES = (1, 2, 3, 9, 50)


def blobs(rng, n_samples, n_features):
    """Eight round groups of normal scatter."""
    centers = rng.uniform(-10, 10, (8, n_features))
    of = rng.integers(0, 8, n_samples)
    return centers[of] + rng.normal(size=(n_samples, n_features))


def uniform(rng, n_samples, n_features):
    """Numbers from 0 to 1."""
    return rng.uniform(size=(n_samples, n_features))


def lognormal(rng, n_samples, n_features):
    """Powers of e with normal exponents."""
    return rng.lognormal(size=(n_samples, n_features))


def pareto(rng, n_samples, n_features):
    """Numbers whose mean exists and whose variance does not."""
    return rng.pareto(1.5, size=(n_samples, n_features))


def duplicated(rng, n_samples, n_features):
    """Four copies of each row, in the mean."""
    rows = rng.normal(size=(n_samples // 4, n_features))
    return rows[rng.integers(0, len(rows), n_samples)]


def integers(rng, n_samples, n_features):
    """Counts of photons."""
    return rng.poisson(10, size=(n_samples, n_features)).astype(float)


def galaxy(side, scaling):
    """Pixels of a synthetic galaxy in nine bands."""
    cube, _ = make_galaxy_cube((side, side), random_state=0)
    if scaling == "stretched":
        cube = AsinhStretch().fit_transform(cube)
    table = flatten(cube)[0]
    return StandardScaler().fit_transform(table) if scaling != "raw" else table


def count_distinct(X):
    """Return how many of the rows differ, for there cannot be more units."""
    return len(np.unique(X[:100_000].view(f"V{X[0].nbytes}")))


def cell(X):
    """Print the units and the seconds of a fit, and return the units by the target."""
    start = time.process_time()
    esom = ESOM(n_clusters=None, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nodes = len(esom.fit(X).codebook_)
    target = min(target_nodes(len(X), esom.max_nodes), count_distinct(X))
    mark = "" if target / 2 <= nodes <= 2 * target else "*"
    mark += "!" if caught else ""
    seconds = time.process_time() - start
    print(f"{nodes:7}/{target}{mark:3}{seconds:7.2f} s", end="", flush=True)
    return nodes / target


def main():
    """Print a line for each kind of data and each number of features."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="+", default=SAMPLES)
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES)
    parser.add_argument("--sides", type=int, nargs="+", default=(100, 300, 1000))
    chosen, ratios = parser.parse_args(), []
    for draw in (blobs, uniform, lognormal, pareto, duplicated, integers):
        for n_features in chosen.features:
            print(f"{draw.__name__:12}{n_features:3}", end="", flush=True)
            for n_samples in chosen.samples:
                X = draw(np.random.default_rng(n_features), n_samples, n_features)
                ratios.append(cell(X.astype(np.float32)))
            print()
    for scaling in ("raw", "scaled", "stretched"):
        print(f"galaxy {scaling:10}", end="", flush=True)
        for side in chosen.sides:
            ratios.append(cell(galaxy(side, scaling)))
        print()
    print(f"units by the target: {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
