# SPDX-License-Identifier: BSD-3-Clause
"""How well clusters of cells find the gates, beside FlowSOM.

Cells are synthetic: populations that branch from each other like a tree, from a quarter
of the cells to one in 250, with markers of other widths in each; one cell in
twenty is two that were measured as one, and is in no gate. The mean F1 matches clusters
and gates one to one (Weber & Robinson 2016, Cytometry A 89, 1084); cells outside of
gates do not count. Each method makes as many clusters as there are gates, then half
more. FlowSOM works in a process of another environment (``--peers-python``), after a
first run that compiles it. Run (``NUMBA_NUM_THREADS=1`` for one thread of FlowSOM):
``python docs/benchmarks/cytometry.py --peers-python PATH``.

``--cells TABLE.csv --gates NAMES.csv`` measures a table of your own in the same way: a
row for each cell with a header, transformed; and the name of its gate in each row,
without a header, where "Unlabeled" is none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import measure, report

N_GATES, N_MARKERS = 16, 14


def make_cells(n_cells, seed):
    """Return cells (counts after arcsinh), and their gates, -1 for none."""
    rng = np.random.default_rng(seed)
    level = np.zeros((N_GATES, N_MARKERS))
    level[0] = rng.choice([0.3, 3.0], N_MARKERS)
    for gate in range(1, N_GATES):  # each differs from an earlier one by 2 to 4 markers
        level[gate] = level[rng.integers(gate)]
        changed = rng.choice(N_MARKERS, rng.integers(2, 5), replace=False)
        level[gate, changed] = rng.choice([0.3, 1.8, 3.0, 4.2], len(changed))
    widths = rng.uniform(0.25, 0.75, level.shape)
    shares = np.geomspace(1, 1 / 60, N_GATES)
    gates = rng.choice(N_GATES, n_cells, p=shares / shares.sum())
    cells = level[gates] + widths[gates] * rng.normal(size=(n_cells, N_MARKERS))
    counts = 5 * np.sinh(cells).clip(0) + rng.exponential(0.8, cells.shape)
    pairs = rng.random(n_cells) < 0.05
    counts[pairs] += rng.permutation(counts)[pairs]
    gates[pairs] = -1
    return np.arcsinh(counts / 5).astype(np.float32), gates


def read_cells(table, names):
    """Return the cells of a file, and their gates, -1 for none."""
    import pandas as pd

    gates, found = pd.factorize(pd.read_csv(names, header=None)[0])
    no_gate = np.flatnonzero(found == "Unlabeled")
    gates = np.where(np.isin(gates, no_gate), -1, gates)
    gates[gates >= 0] = np.unique(gates[gates >= 0], return_inverse=True)[1]
    return pd.read_csv(table).to_numpy(np.float32), gates


def by_skesom(name, n_clusters, seed):
    """Return a clusterer of this environment."""
    from sklearn.cluster import AgglomerativeClustering, KMeans

    from skesom import CSOM, ESOM, ConsensusClusterer

    lattice = {"shape": (10, 10), "random_state": seed}
    narrow = {"sigma": np.geomspace(5, 0.3, 20), **lattice}
    average = AgglomerativeClustering(n_clusters, linkage="average")
    ward = AgglomerativeClustering(n_clusters)
    return {
        "CSOM": CSOM(n_clusters, **lattice),
        "CSOM, average linkage": CSOM(clusterer=average, **lattice),
        "the same, down to a width of 0.3": CSOM(clusterer=average, **narrow),
        "ESOM": ESOM(n_clusters, random_state=seed),
        "ESOM, Ward": ESOM(clusterer=ward, random_state=seed),
        "consensus of 12 ESOM": ConsensusClusterer(ESOM(n_clusters), random_state=seed),
        "KMeans": KMeans(n_clusters, random_state=seed),
    }[name]


METHODS = (
    "CSOM",
    "CSOM, average linkage",
    "the same, down to a width of 0.3",
    "ESOM",
    "ESOM, Ward",
    "consensus of 12 ESOM",
    "KMeans",
    "FlowSOM",
)


def by_flowsom(folder, n_clusters, seed):
    """Cluster FOLDER/cells.npy by FlowSOM; this is the other process."""
    from importlib.metadata import version

    from flowsom.models import FlowSOMEstimator

    cells = np.load(folder / "cells.npy")
    FlowSOMEstimator(n_clusters=5, seed=seed).fit_predict(cells[:500])  # compiles
    estimator = FlowSOMEstimator(n_clusters=n_clusters, seed=seed)
    labels, cost = measure(lambda: estimator.fit_predict(cells))
    np.save(folder / "labels.npy", np.asarray(labels, dtype=np.int64))
    print(json.dumps(cost | {"version": f"flowsom {version('flowsom')}"}))


def labels_of(method, cells, n_clusters, seed, peers_python):
    """Return labels, cost and version of a method, None if it is not installed."""
    if method != "FlowSOM":
        from importlib.metadata import version

        estimator = by_skesom(method, n_clusters, seed)
        labels, cost = measure(lambda: estimator.fit_predict(cells))
        package = "scikit-learn" if method == "KMeans" else "skesom"
        return labels, cost | {"version": f"{package} {version(package)}"}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "cells.npy", cells)
        command = [peers_python, __file__, "--flowsom", folder, n_clusters, seed]
        done = subprocess.run(list(map(str, command)), capture_output=True)
        if done.returncode:
            print(f"FlowSOM: {done.stderr.decode().strip().splitlines()[-1]}")
            return None
        cost = json.loads(done.stdout.splitlines()[-1])
        return np.load(Path(folder) / "labels.npy"), cost


def mean_f1(gates, labels):
    """Return the mean F1 of the gates, each with at most one cluster."""
    from scipy.optimize import linear_sum_assignment

    from skesom.maps import compare_clusterings

    both = compare_clusterings(gates, labels).contingency
    f1 = 2 * both / (both.sum(axis=0) + both.sum(axis=1, keepdims=True))
    return f1[linear_sum_assignment(f1, maximize=True)].sum() / len(f1)


def row_of(method, tables, times, peers_python):
    """Return a row: mean and spread over tables of cells and their seeds."""
    from sklearn.metrics import adjusted_rand_score

    found = []
    for seed, (cells, gates) in enumerate(tables):
        n_clusters = round(times * (gates.max() + 1))
        done = labels_of(method, cells, n_clusters, seed, peers_python)
        if done is None:
            return {"method": method, "package": "not installed"}
        labels, cost = done
        known = gates >= 0
        rand = adjusted_rand_score(gates[known], labels[known])
        found.append((mean_f1(gates, labels), rand, cost["cpu"]))
    f1, rand, cpu = np.transpose(found)
    return {
        "method": method,
        "package": cost["version"],
        "mean F1": f"{f1.mean():.2f}",
        "least to most": f"{f1.min():.2f} to {f1.max():.2f}",
        "adjusted Rand index": f"{rand.mean():.2f}",
        "CPU s": float(cpu.mean()),
    }


def main():
    """Report each method, with as many clusters as gates, and with half more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=100_000, help="of cells")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cells", type=Path, metavar="TABLE.csv")
    parser.add_argument("--gates", type=Path, metavar="NAMES.csv")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--flowsom", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flowsom:
        folder, *numbers = options.flowsom
        by_flowsom(Path(folder), *map(int, numbers))
        return
    if options.cells:
        tables = options.seeds * [read_cells(options.cells, options.gates)]
    else:
        tables = [make_cells(options.number, seed) for seed in range(options.seeds)]
    (n_cells, n_markers), n_gates = tables[0][0].shape, tables[0][1].max() + 1
    title = f"{n_cells} cells x {n_markers} markers in {n_gates} gates"
    for name, times in (("cytometry_gates", 1), ("cytometry_more", 1.5)):
        rows = [row_of(each, tables, times, options.peers_python) for each in METHODS]
        ends = f"{round(times * n_gates)} clusters, seeds: {options.seeds}"
        report(name, f"{title}, {ends}", rows)


if __name__ == "__main__":
    main()
