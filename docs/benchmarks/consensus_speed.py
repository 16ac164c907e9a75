# SPDX-License-Identifier: BSD-3-Clause
"""What the consensus of many runs takes, beside one run, and rows to learn from.

Rows are those of a synthetic galaxy in nine bands, stretched and scaled, repeated with
a little noise where more are wanted. The second table tells how well the consensus
agrees with the true populations if its members learn from fewer or more rows. Run:
``python docs/benchmarks/consensus_speed.py``; 42500000 rows need 6 GB.
"""

import argparse
import os
import warnings

import numpy as np
from measuring import cost, measure, report
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from skesom import ESOM, AsinhStretch, ConsensusClusterer
from skesom.datasets import make_galaxy_cube

LEARNED = 12_500, 25_000, 50_000, 100_000  # rows


def main():
    """Report seconds and memory, and what more rows win."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [366_025, 42_500_000]
    parser.add_argument("rows", type=int, nargs="*", default=sizes)
    parser.add_argument("--side", type=int, default=605, help="of the galaxies")
    options, rows = parser.parse_args(), []
    warnings.simplefilter("ignore")
    galaxy, truth = pixels(3, options.side)
    for n_rows in options.rows:
        X = repeated(galaxy, n_rows)
        for name, clusterer in {
            "one ESOM": ESOM(random_state=0),
            "consensus of 12": ConsensusClusterer(ESOM(), random_state=0, n_jobs=-1),
        }.items():
            _, took = measure(lambda fit=clusterer.fit, X=X: fit(X))
            rows.append({"rows": str(n_rows), "clusterer": name} | cost(took))
    report("consensus_speed", f"Nine features, {os.cpu_count()} cores", rows)
    galaxies = {"galaxy 3": (galaxy, truth), "galaxy 4": pixels(4, options.side)}
    rows = [
        {"rows": str(most)}
        | {name: agreement(*of, most) for name, of in galaxies.items()}
        for most in LEARNED
    ]
    title = "Agreement with the truth by the rows that each member learns from"
    report("consensus_rows", title, rows)


def pixels(seed, side):
    """Return float32 rows of a galaxy, stretched and scaled, and their truth."""
    cube, truth = make_galaxy_cube((side, side), random_state=seed)
    rows = AsinhStretch().fit_transform(cube).data.reshape(-1, 9)
    return StandardScaler().fit_transform(rows).astype(np.float32), truth.ravel()


def agreement(X, truth, n_rows):
    """Return the mean adjusted Rand index of consensuses of other seeds."""
    scores = []
    for seed in range(3):
        how = {"max_samples": n_rows, "random_state": seed, "n_jobs": -1}
        labels = ConsensusClusterer(ESOM(), **how).fit_predict(X)
        scores.append(adjusted_rand_score(truth, labels))
    return float(np.mean(scores))


def repeated(rows, n_rows):
    """Return so many rows: the same again and again, with a little noise."""
    X = np.empty((n_rows, 9), dtype=np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, len(rows)):
        part = X[start : start + len(rows)]
        part[:] = rows[: len(part)]
        if start:
            part += 0.02 * rng.standard_normal(part.shape, dtype=np.float32)
    return X


if __name__ == "__main__":
    main()
