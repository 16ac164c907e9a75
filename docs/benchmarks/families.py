# SPDX-License-Identifier: BSD-3-Clause
"""Clustering of families of point sets: skesom beside other packages.

The true number of clusters is given to whoever takes one. The families, whose sizes and
gaps are drawn anew for each seed, are those of tests/helpers/families.py; no
choice was made on them. Reported are the mean adjusted Rand index over the points that
are no noise, and its standard deviation over seeds in the last table. DBSCAN has no
number of clusters: its radius is the 95 % quantile of the distance to the 10th
neighbor. hdbscan and genieclust (its license is the AGPL) are no part of skesom: they
run in a process of another environment, `--peers-python`. Run:
``python docs/benchmarks/families.py --peers-python PATH`` from a checkout.
"""

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from subprocess import run

import numpy as np
from families_peers import METHODS as PEERS
from measuring import report
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    AgglomerativeClustering,
    Birch,
    KMeans,
    SpectralClustering,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

sys.path.append(str(Path(__file__).parents[2]))

from tests.helpers.families import CHOOSING, FIRST_REPORTING_SEED, REPORTING
from tests.helpers.shapes import SHAPES


def dbscan(X, k, seed):
    """Cluster by DBSCAN with a radius from the distances to the 10th neighbors."""
    distances = NearestNeighbors(n_neighbors=10).fit(X).kneighbors()[0][:, -1]
    return DBSCAN(eps=np.quantile(distances, 0.95), min_samples=10).fit_predict(X)


def methods(n_members):
    """Return what gives labels to points, a number of clusters and a seed."""
    made = {
        "ESOM": lambda k, seed: ESOM(n_clusters=k, random_state=seed),
        "CSOM": lambda k, seed: CSOM(n_clusters=k, random_state=seed),
        "consensus": lambda k, seed: ConsensusClusterer(
            ESOM(), n_estimators=n_members, n_clusters=k, random_state=seed
        ),
        "KMeans": lambda k, seed: KMeans(k, n_init=5, random_state=seed),
        "mixture": lambda k, seed: GaussianMixture(k, n_init=3, random_state=seed),
        "spectral": lambda k, seed: SpectralClustering(
            k, affinity="nearest_neighbors", random_state=seed
        ),
        "Ward": lambda k, seed: AgglomerativeClustering(k),
        "Birch": lambda k, seed: Birch(n_clusters=k),
        "HDBSCAN": lambda k, seed: HDBSCAN(copy=True),
    }
    fitted = {
        name: lambda X, k, seed, make=make: make(k, seed).fit_predict(X)
        for name, make in made.items()
    }
    return fitted | {"DBSCAN": dbscan}


def of_peer(name, X, k, python):
    """Return the labels of a package of another environment, or None without it."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        script = Path(__file__).with_name("families_peers.py")
        done = run(
            [python, script, name, folder, str(k)], capture_output=True, text=True
        )
        if done.returncode:
            if "ModuleNotFoundError" in done.stderr:
                return None
            raise RuntimeError(f"{name} failed:\n{done.stderr}")
        return np.load(Path(folder) / "labels.npy")


def scores_of(draw, first, options):
    """Return the index of each method and seed, NaN for what is not installed."""
    scores = {}
    for seed in range(first, first + options.seeds):
        X, truth = draw(np.random.default_rng(seed))
        k, counted = int(truth.max()) + 1, truth >= 0
        found = {
            name: fit_predict(X, k, seed)
            for name, fit_predict in methods(options.members).items()
        }
        found |= {name: of_peer(name, X, k, options.peers_python) for name in PEERS}
        for name, labels in found.items():
            score = np.nan
            if labels is not None:
                score = adjusted_rand_score(truth[counted], labels[counted])
            scores.setdefault(name, []).append(float(score))
    return scores


def main():
    """Report a row for each family, and one for each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = REPORTING | CHOOSING | SHAPES
    parser.add_argument("--families", nargs="+", default=REPORTING, choices=every)
    parser.add_argument("--members", type=int, default=12, help="of the consensus")
    parser.add_argument("--seeds", type=int, default=5, help="drawings of a family")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="Graph is not fully connected")
    warnings.filterwarnings("ignore", message="The number of connected components")
    start, scores = time.perf_counter(), {}
    for name in options.families:
        scores[name] = scores_of(every[name], FIRST_REPORTING_SEED, options)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    names = list(next(iter(scores.values())))
    rows = [
        {"family": family.replace("_", " ")}
        | {name: float(np.mean(of_family[name])) for name in names}
        for family, of_family in scores.items()
    ]
    report("families_each", f"Adjusted Rand index, seeds: {options.seeds}", rows)
    rows = []
    for name in names:
        of_method = np.array([of_family[name] for of_family in scores.values()])
        best = [
            np.mean(each[name]) >= max(map(np.nanmean, each.values())) - 0.01
            for each in scores.values()
            if not np.isnan(each[name]).any()
        ]
        summary = {
            "mean ARI": float(of_method.mean()),
            "deviation over seeds": float(of_method.mean(axis=0).std()),
            "least family": float(of_method.mean(axis=1).min()),
            "families at the best": f"{sum(best)} of {len(scores)}",
        }
        note = {"note": "not installed"} if np.isnan(of_method).all() else {}
        rows.append({"method": name} | (note or summary))
    title = "All families; best: up to .01 below the best of all"
    report("families_all", title, rows)


if __name__ == "__main__":
    main()
