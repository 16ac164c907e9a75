# SPDX-License-Identifier: BSD-3-Clause
"""What instruction sets and patches bring in searches for the nearest units.

Run from anywhere: ``python docs/benchmarks/kernels.py``. Processes search the same
table in turn, so the ratios of a line are comparable though machines are noisy. The
last column is the search without patches.
"""

import json
import os
import subprocess
import sys
import time
from itertools import product

import numpy as np

from skesom.som import _codebook, _winners

WIDTHS = (64, 32, 16)
FEATURES = (9, 50, 784)
UNITS = (100, 400, 1024, 10_000)
N_ROUNDS = 7


def mixture(n_samples, n_features):
    """Standardized mixture of twelve heavy-tailed components."""
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(12, n_features))
    scales = rng.uniform(0.3, 1, size=12)
    of = rng.integers(0, 12, n_samples)
    X = centers[of] + scales[of, None] * rng.standard_t(3, (n_samples, n_features))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def seconds(dtype, n_features, n_units, with_patches):
    """Return the CPU seconds of a search, for each sample."""
    n_samples = int(np.clip(2e8 / (n_units * n_features), 320, 30_000)) // 32 * 32
    X = mixture(n_samples + n_units, n_features).astype(dtype)
    codebook = np.ascontiguousarray(X[n_samples:] * X.dtype.type(0.8))
    X = X[:n_samples]
    stored = _codebook.by_feature(codebook)
    patches = _codebook.by_patches(codebook) if with_patches else {}
    scratch = _codebook.search_scratch(X, n_units, 1)
    out = np.empty((n_samples, 1), dtype=np.intp), np.empty(n_samples, dtype=X.dtype)
    start = time.process_time()
    _winners.find_winners(X, stored, n_units, *scratch, *out, 1, patches=patches)
    return (time.process_time() - start) / n_samples


def ask(width, *work):
    """Let a process with vectors of a width search once."""
    environment = {**os.environ, "SKESOM_VECTOR_BYTES": str(width)}
    command = [sys.executable, __file__, json.dumps(work)]
    return float(subprocess.check_output(command, env=environment, text=True))


def main():
    """Print the ratios."""
    print(f"{'':26}{'ns/sample':>10}{'AVX2':>8}{'16 bytes':>10}{'no patches':>12}")
    for work in product(("float32", "float64"), FEATURES, UNITS):
        rounds = np.array(
            [
                [ask(width, *work, True) for width in WIDTHS] + [ask(64, *work, False)]
                for _ in range(N_ROUNDS)
            ]
        )
        ratios = np.median(rounds / rounds[:, :1], axis=0)
        print(
            "{:8}{:5} x {:<10}".format(*work)
            + f"{1e9 * rounds[:, 0].min():10.0f}{ratios[1]:8.2f}"
            + f"{ratios[2]:10.2f}{ratios[3]:12.2f}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(seconds(*json.loads(sys.argv[1])))
    else:
        main()
