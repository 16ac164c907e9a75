# SPDX-License-Identifier: BSD-3-Clause
"""How much the clusters of a galaxy depend on seeds, rows and the order of bands.

For each scene and clusterer, on the rows of the default chain: the mean adjusted Rand
index (ARI) of all pairs of runs with other seeds, with other 1 % of the rows left out,
and with the bands in another order; and beside it the ARI with the truth, its spread
over the seeds, and the mean over the populations of the best cluster's F1. Run from the
root of a checkout: ``python docs/benchmarks/stability.py``. Names of folders of FITS
files add real images, without a truth.
"""

import argparse
import itertools
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skesom import CSOM, ESOM, ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline


def main():
    """Print a table for each scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders", nargs="*", help="folders of FITS files, one per band"
    )
    parser.add_argument("--scenes", type=int, nargs="*", default=[3, 4, 5])
    parser.add_argument("--size", type=int, default=300, help="rows and columns")
    parser.add_argument("--runs", type=int, default=6, help="seeds, and perturbations")
    parser.add_argument("--members", type=int, nargs="*", default=[12, 24])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = {
        "ESOM": lambda seed: ESOM(random_state=seed),
        "CSOM": lambda seed: CSOM(n_clusters=8, random_state=seed),
        "KMeans": lambda seed: KMeans(8, n_init=10, random_state=seed),
        "GaussianMixture": lambda seed: GaussianMixture(8, random_state=seed),
    }
    for name, member, share in (("ESOM", ESOM(), 1.0), ("CSOM", CSOM(), 0.5)):
        for n_members in options.members:
            methods[f"{n_members} {name}"] = (
                lambda seed, member=member, share=share, n=n_members: (
                    ConsensusClusterer(
                        member,
                        n_estimators=n,
                        max_samples=share,
                        random_state=seed,
                        n_jobs=-1,
                    )
                )
            )
    for seed in options.scenes:
        shape = (options.size, options.size)
        cube, truth = make_galaxy_cube(shape, random_state=seed)
        compare(f"galaxy {seed}", *rows_of(cube, truth), methods, options.runs)
    for folder in options.folders:
        files = sorted(path for path in Path(folder).iterdir() if ".fit" in path.name)
        images = read_cube(files)
        compare(Path(folder).name, *rows_of(images), methods, options.runs)


def rows_of(images, truth=None):
    """Return the table that the default chain gives a clusterer, and its truth."""
    pipeline = make_cluster_pipeline(KMeans(2, n_init=1, random_state=0))
    cube = pipeline[:-1].fit_transform(images)
    table, valid = pipeline[-1].table(cube)
    return table, None if truth is None else truth[valid]


def compare(name, X, truth, methods, n_runs):
    """Print a line for each method."""
    print(f"\n{name}, {len(X)} rows of {X.shape[1]}")
    print(
        f"{'':18}{'seeds':>8}{'rows':>8}{'bands':>8}{'truth':>8}{'spread':>8}"
        f"{'F1':>8}{'seconds':>9}"
    )
    for method, make in methods.items():
        start = time.perf_counter()
        by_seed = [make(seed).fit_predict(X) for seed in range(n_runs)]
        seconds = (time.perf_counter() - start) / n_runs
        values = [
            agreement(by_seed),
            without_rows(make, X, n_runs),
            with_bands_permuted(make, X, n_runs),
        ]
        if truth is not None:
            scores = [adjusted_rand_score(truth, labels) for labels in by_seed]
            values += [np.mean(scores), np.std(scores)]
            values.append(np.mean([best_f1(truth, labels) for labels in by_seed]))
        else:
            values += 3 * [np.nan]
        cells = "".join(f"{value:8.3f}" for value in values)
        print(f"{method:18}{cells}{seconds:9.2f}", flush=True)


def agreement(runs):
    """Return the mean ARI of all pairs of runs."""
    pairs = itertools.combinations(runs, 2)
    return np.mean([adjusted_rand_score(*pair) for pair in pairs])


def without_rows(make, X, n_runs):
    """Return the mean ARI of runs of one seed that each leave out 1 % of the rows."""
    runs = []
    for number in range(n_runs):
        kept = np.random.default_rng(number).random(len(X)) >= 0.01
        labels = np.full(len(X), -1)
        labels[kept] = make(0).fit_predict(X[kept])
        runs.append((labels, kept))
    scores = [
        adjusted_rand_score(one[kept & too], other[kept & too])
        for (one, kept), (other, too) in itertools.combinations(runs, 2)
    ]
    return np.mean(scores)


def with_bands_permuted(make, X, n_runs):
    """Return the mean ARI of runs of one seed on other orders of the bands."""
    orders = [
        np.random.default_rng(number).permutation(X.shape[1])
        for number in range(n_runs)
    ]
    return agreement(
        [make(0).fit_predict(np.ascontiguousarray(X[:, order])) for order in orders]
    )


def best_f1(truth, labels):
    """Return the mean over the populations of the best F1 of any cluster."""
    pairs = np.zeros((truth.max() + 1, labels.max() + 1))
    np.add.at(pairs, (truth, labels), 1)
    sizes = pairs.sum(axis=1, keepdims=True) + pairs.sum(axis=0)
    return (2 * pairs / np.maximum(sizes, 1)).max(axis=1)[pairs.any(axis=1)].mean()


if __name__ == "__main__":
    main()
