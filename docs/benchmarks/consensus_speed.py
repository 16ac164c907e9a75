# SPDX-License-Identifier: BSD-3-Clause
"""What the consensus of many runs takes, beside one run, in seconds and memory.

Rows are those of a synthetic galaxy in nine bands, stretched and scaled, repeated with
a little noise where more are wanted. Run from the root of a checkout:
``python docs/benchmarks/consensus_speed.py 366025``; 42500000 rows need 6 GB.
"""

import argparse
import warnings

import numpy as np
from measuring import measure
from sklearn.preprocessing import StandardScaler

from skesom import ESOM, AsinhStretch, ConsensusClusterer
from skesom.datasets import make_galaxy_cube


def main():
    """Print a line for each clusterer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=366_025)
    parser.add_argument("--only", choices=["one", "consensus"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X = table(options.rows)
    clusterers = {
        "one": ESOM(random_state=0),
        "consensus": ConsensusClusterer(ESOM(), random_state=0, n_jobs=-1),
    }
    for name, clusterer in clusterers.items():
        if options.only in (None, name):
            _, took = measure(lambda fit=clusterer.fit: fit(X))
            more = took["memory"] / 2**30
            print(
                f"{name}: {took['wall']:.2f} s, {took['cpu']:.2f} CPU s, "
                f"{more:.2f} GB more"
            )


def table(n_rows):
    """Return so many rows of float32."""
    cube, _ = make_galaxy_cube((605, 605), random_state=3)
    rows = AsinhStretch().fit_transform(cube).data.reshape(-1, 9)
    rows = StandardScaler().fit_transform(rows).astype(np.float32)
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
