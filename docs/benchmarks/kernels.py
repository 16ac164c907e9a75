# SPDX-License-Identifier: BSD-3-Clause
"""What instruction sets and patches bring in searches for the nearest units.

Processes search a float32 table in turn for the nearest units of a map that was trained
on it, so the ratios of a row are comparable though machines are noisy. A ratio is the
time without something, divided by the time with all of it. Run:
``python docs/benchmarks/kernels.py``.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import report

from skesom.som import CSOM, _winners
from skesom.som import codebook as _codebook

WIDTHS = (64, 32, 16)
FEATURES = (9, 50, 784)
UNITS = (100, 400, 1024, 10_000)  # of square maps
N_EPOCHS = 5
N_RUNS = 3


def mixture(n_samples, n_features):
    """Standardized mixture of twelve heavy-tailed components."""
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(12, n_features))
    scales = rng.uniform(0.3, 1, size=12)
    of = rng.integers(0, 12, n_samples)
    X = centers[of] + scales[of, None] * rng.standard_t(3, (n_samples, n_features))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def make(folder, n_features, n_units):
    """Save samples, and the units of a map that has learned them."""
    n_samples = int(np.clip(4e8 / (n_units * n_features), 2048, 30_000))
    X = mixture(n_samples, n_features).astype(np.float32)
    side = math.isqrt(n_units)
    csom = CSOM(shape=(side, side), n_epochs=N_EPOCHS).partial_fit(X)
    np.save(folder / "X.npy", X)
    np.save(folder / "codebook.npy", csom.codebook_)


def seconds(folder, with_patches):
    """Return the least CPU seconds of a few searches, for each sample."""
    X, codebook = (np.load(Path(folder, f"{n}.npy")) for n in ("X", "codebook"))
    stored = _codebook.by_feature(codebook)
    patches = _codebook.by_patches(codebook) if with_patches else {}
    scratch = _codebook.search_scratch(X, len(codebook), 1)
    out = np.empty((len(X), 1), dtype=np.intp), np.empty(len(X), dtype=X.dtype)
    least = np.inf
    for _ in range(N_RUNS):
        start = time.process_time()
        how = {"patches": patches}
        _winners.find_winners(X, stored, len(codebook), *scratch, *out, 1, **how)
        least = min(least, time.process_time() - start)
    return least / len(X)


def ask(width, *work):
    """Let a process with vectors of a width search."""
    environment = {**os.environ, "SKESOM_VECTOR_BYTES": str(width)}
    command = [sys.executable, __file__, json.dumps(work)]
    return float(subprocess.check_output(command, env=environment, text=True))


def compare(n_features, n_units, n_rounds):
    """Return the row of a table."""
    with TemporaryDirectory() as folder:
        make(Path(folder), n_features, n_units)
        rounds = np.array(
            [
                [ask(w, folder, True) for w in WIDTHS] + [ask(64, folder, False)]
                for _ in range(n_rounds)
            ]
        )
    ratios = np.median(rounds / rounds[:, :1], axis=0).tolist()
    row = {"features": n_features, "units": n_units}
    row["ns per sample"] = 1e9 * float(rounds[:, 0].min())
    names = ("without AVX-512", "without AVX2, too", "without patches")
    return row | dict(zip(names, ratios[1:], strict=True))


def main():
    """Report the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, nargs="+", default=UNITS)
    options = parser.parse_args()
    rows = [compare(*work, options.rounds) for work in product(FEATURES, options.units)]
    report("kernels", "Time without, by the time with: nearest unit, one thread", rows)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("["):
        print(seconds(*json.loads(sys.argv[1])))
    else:
        main()
