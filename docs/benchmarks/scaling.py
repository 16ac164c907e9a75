# SPDX-License-Identifier: BSD-3-Clause
"""Seconds and memory against rows, units, features, threads and workers.

    python docs/benchmarks/scaling.py
    python docs/benchmarks/scaling.py --kinds rows --most 1e9

Tables of more than a million rows are the same million rows again and again, in a file
that each task reads. An epoch is the difference of fits of three epochs and of one.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from measuring import memory, report
from threadpoolctl import threadpool_limits

from skesom.som import CSOM, ESOM

ROWS = 2**20


def read(path, n_rows):
    return np.load(path, mmap_mode="r")[:n_rows]


def table(folder, n_rows, n_features, height=ROWS):
    """Return a dask array of rows of many blobs, from a file of a million."""
    path = folder / f"table_{n_features}.npy"
    if not path.exists():
        rng = np.random.default_rng(0)
        centers = rng.normal(scale=2, size=(50, n_features))
        X = centers[rng.integers(50, size=ROWS)]
        X += rng.normal(size=X.shape) * rng.uniform(0.3, 1.5, size=(ROWS, 1))
        np.save(path, X.astype(np.float32))
    heights = [height] * (n_rows // height) + [n_rows % height] * (n_rows % height > 0)
    parts = [
        da.from_delayed(
            dask.delayed(read)(path, rows), (rows, n_features), dtype=np.float32
        )
        for rows in heights
    ]
    return da.concatenate(parts)


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def epoch(X, side):
    """Return the seconds of one epoch of a square map."""
    one, three = (
        min(
            seconds(lambda n=n: CSOM(None, shape=(side, side), n_epochs=n).fit(X))
            for _ in range(2 if len(X) < 3e6 else 1)
        )
        for n in (1, 3)
    )
    return (three - one) / 2


def of_rows(folder, most):
    """Report lazy tables of 9 features and 10 x 10 units."""
    rows, n_rows = [], 100_000
    while n_rows <= most:
        X = table(folder, n_rows, 9)
        som = CSOM(8, n_epochs=2).fit(X[:100_000].compute())
        row = {"rows": n_rows}
        if n_rows <= 1e8:
            row["seconds of an epoch"] = epoch(X, 10)
        row["predict"] = seconds(
            lambda X=X, som=som: da.bincount(som.predict(X) + 3, minlength=16).compute()
        )
        if n_rows <= 1e7:
            row["fit of an `ESOM`"] = seconds(
                lambda X=X: ESOM(8, random_state=0).fit(X)
            )
        rows.append(row | {"MB of the process": memory("HWM") / 1e6})
        n_rows *= 10
    report("scaling_rows", "Dask arrays of nine features, 10 x 10 units", rows)


def of_units(folder):
    """Report a table in memory of a million rows of 9 features."""
    rows = []
    X = table(folder, ROWS, 9).compute()
    for side in (10, 20, 32, 50, 100):
        som = CSOM(None, shape=(side, side), n_epochs=1).fit(X[:100_000])
        labels = min(seconds(lambda som=som: som.predict(X)) for _ in range(3))
        row = {"units": side**2, "epoch": epoch(X, side) / ROWS * 1e6}
        rows.append(row | {"predict": labels / ROWS * 1e6})
    report("scaling_units", "Nine features, microseconds per row", rows)


def of_features(folder):
    """Report tables in memory and 32 x 32 units."""
    rows = []
    for n_features in (4, 9, 50, 200):
        X = table(folder, ROWS // 4, n_features, ROWS // 4).compute()
        rows.append({"features": n_features, "epoch": epoch(X, 32) / len(X) * 1e6})
    report("scaling_features", "1024 units, by features, microseconds per row", rows)


def of_threads(folder):
    """Report tables in memory of 9 and of 50 features, 32 x 32 units."""
    rows = []
    for n_features in (9, 50):
        X = table(folder, ROWS // 2, n_features, ROWS // 2).compute()
        first = None
        for threads in counts():
            with threadpool_limits(threads, user_api="openmp"):
                each = epoch(X, 32) / len(X) * 1e6
            first = first or each
            row = {"features": n_features, "threads": threads, "epoch": each}
            rows.append(row | {"faster by": first / each})
    report("scaling_threads", "1024 units, by threads, microseconds per row", rows)


def of_workers(folder):
    """Report strong and weak scaling over processes of a LocalCluster."""
    from distributed import Client, LocalCluster

    rows = []
    for name, growth in (("the same rows", False), ("as many for each", True)):
        first = None
        for workers in counts():
            n_rows = 8 * ROWS * (workers if growth else 1)
            with (
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None
                ) as cluster,
                Client(cluster),
            ):
                X = table(folder, n_rows, 9)
                epoch(X[:ROWS], 32)  # workers import
                each = epoch(X, 32)
            first = first or each
            row = {"scaling": name, "workers": workers, "rows": n_rows}
            gain = first / each * (workers if growth else 1)
            rows.append(row | {"seconds of an epoch": each, "faster by": gain})
    title = "Workers of a LocalCluster with one thread each, 1024 units, nine features"
    report("scaling_workers", title, rows)


def counts():
    """Return numbers of threads or workers that this machine has processors for."""
    return [number for number in (1, 2, 4, 8) if number <= os.cpu_count()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {
        "rows": None,
        "units": of_units,
        "features": of_features,
        "threads": of_threads,
        "workers": of_workers,
    }
    parser.add_argument("--kinds", nargs="+", choices=list(kinds), default=list(kinds))
    parser.add_argument("--most", type=float, default=1e7, help="rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            if kind == "rows":
                of_rows(Path(folder), options.most)
            else:
                kinds[kind](Path(folder))


if __name__ == "__main__":
    main()
