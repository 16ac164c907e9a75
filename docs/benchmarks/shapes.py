# SPDX-License-Identifier: BSD-3-Clause
"""Adjusted Rand index of ESOM and CSOM on the point sets of the tests.

Run from the root of a checkout: ``python docs/benchmarks/shapes.py`` for the nine
shapes. With ``--rules`` it compares the rules of the second stage and other methods on
them. Other packages, and harder point sets: families.py.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skesom.som import CSOM, ESOM

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "som"))

from _shapes import SHAPES, golf_ball

MAPS = {"ESOM": ESOM, "CSOM": CSOM}


def main():
    """Print a line for each shape, then the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", action="store_true", help="compare the rules")
    parser.add_argument("--seeds", type=int, default=10, help="drawings of a shape")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    seeds = range(options.first, options.first + options.seeds)
    if options.rules:
        print_rules(seeds)
    else:
        print_shapes(seeds)


def print_shapes(seeds):
    """Print the index with the number of clusters given, and the number found."""
    print(f"{'shape':14}" + "".join(f"{name:>16}  found" + 12 * " " for name in MAPS))
    scores, right = [], []
    for name, draw in SHAPES.items():
        of_shape, found = measure(draw, seeds)
        truth = draw(np.random.default_rng(0))[1].max() + 1
        scores.append(of_shape)
        right.append(found == truth)
        print(f"{name:14}" + "".join(map(cell, of_shape.T, found.T)))
    print_means(np.array(scores), np.array(right))
    found = measure(golf_ball, seeds)[1]
    print(f"{'golf_ball':14}" + "".join(cell(None, column) for column in found.T))


def measure(draw, seeds):
    """Return an index and a number of clusters for each seed and map."""
    scores, found = [], []
    for seed in seeds:
        X, truth = draw(np.random.default_rng(seed))
        n_clusters = int(truth.max()) + 1
        given = [Map(n_clusters=n_clusters, random_state=seed) for Map in MAPS.values()]
        free = [Map(n_clusters="auto", random_state=seed) for Map in MAPS.values()]
        scores.append([adjusted_rand_score(truth, som.fit_predict(X)) for som in given])
        found.append([som.fit_predict(X).max() + 1 for som in free])
    return np.array(scores), np.array(found)


def cell(scores, found):
    """Format the scores and the numbers of clusters of a shape."""
    numbers = " ".join(map(str, found))
    if scores is None:
        return f"{'':16}  {numbers:17}"
    return f"{scores.mean():9.3f} +-{scores.std():5.3f}  {numbers:17}"


def print_means(scores, right):
    """Print means over shapes, and how many numbers of clusters were right."""
    for index, name in enumerate(MAPS):
        means = scores[:, :, index].mean(axis=0)
        numbers = " ".join(map(str, right[:, :, index].sum(axis=0)))
        print(
            f"{name}: mean {means.mean():.3f}, standard deviation over seeds "
            f"{means.std():.3f}; numbers right of {len(SHAPES)} by seed: {numbers}"
        )


def print_rules(seeds):
    """Print the mean index of every rule and of other methods, number given."""
    methods = {
        f"{name}, {rule}": lambda k, seed, Map=Map, rule=rule: Map(
            n_clusters=k, clusterer=rule, random_state=seed
        )
        for name, Map in MAPS.items()
        for rule in ("graph", "umatrix", "two-winners")
    }
    for name, Map in MAPS.items():
        methods[f"{name}, KMeans"] = lambda k, seed, Map=Map: Map(
            clusterer=KMeans(k, n_init=10, random_state=seed), random_state=seed
        )
    methods["KMeans"] = lambda k, seed: KMeans(k, n_init=10, random_state=seed)
    methods["HDBSCAN"] = lambda k, seed: HDBSCAN(copy=True)
    print(f"{'':20}" + "".join(f"{name[:9]:>10}" for name in (*SHAPES, "mean")))
    for name, make in methods.items():
        means = [mean_score(draw, seeds, make) for draw in SHAPES.values()]
        means.append(np.mean(means))
        print(f"{name:20}" + "".join(f"{mean:10.3f}" for mean in means))


def mean_score(draw, seeds, make):
    """Return the mean index of a method on a shape, over points that are no noise."""
    scores = []
    for seed in seeds:
        X, truth = draw(np.random.default_rng(seed))
        labels = make(int(truth.max()) + 1, seed).fit_predict(X)
        counted = truth >= 0
        scores.append(adjusted_rand_score(truth[counted], labels[counted]))
    return np.mean(scores)


if __name__ == "__main__":
    main()
