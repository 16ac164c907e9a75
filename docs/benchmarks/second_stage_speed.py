# SPDX-License-Identifier: BSD-3-Clause
"""What it takes to group units into clusters and to label rows, beside training.

"training" is `partial_fit`, which groups nothing; "with clusters" is `fit` with eight
clusters. Then the labels of all rows by `predict`, and their nearest units. The second
table has whole fits of small tables, where threads would cost more than they bring.
CPU seconds, the least of some runs. Run: ``python docs/benchmarks/second_stage_speed.py
--threads 1``; machines are noisy: compare the ratios of one run.
"""

import argparse
import time
import warnings

import numpy as np
from esom_speed import mixture
from measuring import report
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine
from threadpoolctl import threadpool_limits

from skesom.som import CSOM, ESOM

WORK = {  # rows, features, and a map
    "CSOM, 20 x 20": (1_000_000, 9, CSOM(shape=(20, 20), n_epochs=10)),
    "CSOM, 20 x 20, wide": (10_000, 784, CSOM(shape=(20, 20), n_epochs=10)),
    "CSOM, 30 x 30": (50_000, 50, CSOM(shape=(30, 30), n_epochs=10)),
    "ESOM": (200_000, 9, ESOM(random_state=0)),
}
SMALL = {
    "CSOM(3)": CSOM(3),
    "ESOM(3)": ESOM(3, random_state=0),
    "KMeans(3)": KMeans(3, n_init=1, random_state=0),
}


def seconds(work, n_runs):
    """Return the least CPU seconds of some runs."""
    found = []
    for _ in range(n_runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    with threadpool_limits(options.threads):
        for name, (n_rows, n_features, som) in WORK.items():
            X = mixture(max(2000, int(options.scale * n_rows)), n_features)
            work = {
                "training": lambda X=X, som=som: _forgotten(som).partial_fit(X),
                "with clusters": lambda X=X, som=som: som.fit(X),
                "labels": lambda X=X, som=som: som.predict(X),
                "nearest units": lambda X=X, som=som: som.winners(X),
            }
            took = {each: seconds(of, options.runs) for each, of in work.items()}
            ratio = took["with clusters"] / took["training"]
            row = {"map": name, "rows": str(len(X)), "features": str(n_features)}
            rows.append(row | took | {"with clusters / training": ratio})
    report("second_stage_speed", f"CPU s, threads: {options.threads}", rows)
    rows = [
        {"clusterer": name}
        | {
            table: seconds(lambda X=X, fit=clusterer.fit: fit(X), 4 * options.runs)
            for table, X in (("iris", load_iris().data), ("wine", load_wine().data))
        }
        for name, clusterer in SMALL.items()
    ]
    report("second_stage_small", "CPU s of a fit, as many threads as there are", rows)


def _forgotten(som):
    """Return a map of the same parameters that has learned nothing."""
    return type(som)(**som.get_params(deep=False))


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
