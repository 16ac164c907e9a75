# SPDX-License-Identifier: BSD-3-Clause
"""What instruction sets and patches bring in searches for the nearest units.

Processes search the same float32 table in turn, so the ratios of a row are comparable
though machines are noisy. A ratio is the time without something, divided by the time
with all of it. Run: ``python docs/benchmarks/kernels.py``.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import product

import numpy as np
from measuring import report

from skesom.som import _codebook, _winners

WIDTHS = (64, 32, 16)
FEATURES = (9, 50, 784)
UNITS = (100, 400, 1024, 10_000)


def mixture(n_samples, n_features):
    """Standardized mixture of twelve heavy-tailed components."""
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(12, n_features))
    scales = rng.uniform(0.3, 1, size=12)
    of = rng.integers(0, 12, n_samples)
    X = centers[of] + scales[of, None] * rng.standard_t(3, (n_samples, n_features))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def seconds(n_features, n_units, with_patches):
    """Return the CPU seconds of a search, for each sample."""
    n_samples = int(np.clip(2e8 / (n_units * n_features), 320, 30_000)) // 32 * 32
    X = mixture(n_samples + n_units, n_features).astype(np.float32)
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
    """Report the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--units", type=int, nargs="+", default=UNITS)
    options, rows = parser.parse_args(), []
    for work in product(FEATURES, options.units):
        rounds = np.array(
            [
                [ask(width, *work, True) for width in WIDTHS] + [ask(64, *work, False)]
                for _ in range(options.rounds)
            ]
        )
        ratios = np.median(rounds / rounds[:, :1], axis=0).tolist()
        row = {"features": work[0], "units": work[1]}
        row["ns per sample"] = 1e9 * float(rounds[:, 0].min())
        names = ("without AVX-512", "without AVX2, too", "without patches")
        rows.append(row | dict(zip(names, ratios[1:], strict=True)))
    report("kernels", "Time without, by the time with: nearest unit, one thread", rows)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("["):
        print(seconds(*json.loads(sys.argv[1])))
    else:
        main()
