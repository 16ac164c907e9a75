# SPDX-License-Identifier: BSD-3-Clause
"""How much the clusters of a galaxy depend on seeds, rows and the order of bands.

For each scene and clusterer, on the rows of the default chain: the mean adjusted Rand
index (ARI) of all pairs of runs with other seeds, with other 1 % of the rows left out,
and with the bands in another order; and beside it the ARI with the truth, its spread
over the seeds, and the mean over the populations of the best cluster's F1. Run:
``python docs/benchmarks/stability.py``. Names of folders of FITS files add real images,
without a truth. With the environment variable SKESOM_TEST_DATA, the nine bands of
examples/images/plot_nine_real_bands.py come after the galaxies.
"""

import argparse
import itertools
import os
import warnings
from pathlib import Path

import numpy as np
from measuring import report
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skesom import CSOM, ESOM, ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline


def main():
    """Report a row for each scene and clusterer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders", nargs="*", help="folders of FITS files, one per band"
    )
    parser.add_argument("--scenes", type=int, nargs="*", default=[3, 4, 5])
    parser.add_argument("--size", type=int, default=300, help="rows and columns")
    parser.add_argument("--runs", type=int, default=6, help="seeds, and perturbations")
    parser.add_argument("--members", type=int, nargs="*", default=[12])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    methods = {
        "ESOM": lambda seed: ESOM(random_state=seed),
        "CSOM": lambda seed: CSOM(n_clusters=8, random_state=seed),
        "`KMeans`, 10 starts": lambda seed: KMeans(8, n_init=10, random_state=seed),
        "`GaussianMixture`": lambda seed: GaussianMixture(8, random_state=seed),
    }
    for name, member, share in (("ESOMs", ESOM(), 1.0), ("CSOMs", CSOM(), 0.5)):
        for n_members in options.members:
            methods[f"consensus of {n_members} {name}"] = (
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
    rows = []
    for seed in options.scenes:
        shape = (options.size, options.size)
        cube, truth = make_galaxy_cube(shape, random_state=seed)
        table = rows_of(cube, truth)
        rows += compare(f"galaxy {seed}", *table, methods, options.runs)
    folders = options.folders
    if not folders and "SKESOM_TEST_DATA" in os.environ:
        folders = [Path(os.environ["SKESOM_TEST_DATA"]) / "kids_viking9"]
    for folder in folders:
        files = sorted(path for path in Path(folder).iterdir() if ".fit" in path.name)
        images = read_cube(files)
        table = rows_of(images)
        rows += compare(Path(folder).name, *table, methods, options.runs)
    title = f"Eight clusters, pairs of {options.runs} runs"
    report("stability", title, rows)


def rows_of(images, truth=None):
    """Return the table that the default chain gives a clusterer, and its truth."""
    pipeline = make_cluster_pipeline(KMeans(2, n_init=1, random_state=0))
    cube = pipeline[:-1].fit_transform(images)
    table, valid = pipeline[-1].table(cube)
    return table, None if truth is None else truth[valid]


def compare(name, X, truth, methods, n_runs):
    """Yield a row for each method."""
    print(f"{name}, {len(X)} rows of {X.shape[1]}", flush=True)
    for method, make in methods.items():
        by_seed = [make(seed).fit_predict(X) for seed in range(n_runs)]
        row = {
            "scene": name,
            "clusterer": method,
            "seeds": agreement(by_seed),
            "rows": without_rows(make, X, n_runs),
            "bands": with_bands_permuted(make, X, n_runs),
        }
        if truth is not None:
            scores = [adjusted_rand_score(truth, labels) for labels in by_seed]
            row |= {"truth": np.mean(scores), "spread": np.std(scores)}
            row["F1"] = np.mean([best_f1(truth, labels) for labels in by_seed])
        yield {
            key: float(value) if isinstance(value, np.floating) else value
            for key, value in row.items()
        }


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
