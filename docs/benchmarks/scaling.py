# SPDX-License-Identifier: BSD-3-Clause
"""Seconds and memory against rows, units, features, threads and workers.

    python docs/benchmarks/scaling.py rows --most 1e9
    python docs/benchmarks/scaling.py units features threads workers

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
from measuring import memory
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
    """Print figures of lazy tables of 9 features and 10 x 10 units."""
    print("rows        epoch/s  predict/s  ESOM fit/s  us/row (epoch, predict)  MB")
    n_rows = 100_000
    while n_rows <= most:
        X = table(folder, n_rows, 9)
        som = CSOM(8, n_epochs=2).fit(X[:100_000].compute())
        labels = seconds(
            lambda X=X, som=som: da.bincount(som.predict(X) + 3, minlength=16).compute()
        )
        of_epoch = epoch(X, 10) if n_rows <= 1e8 else np.nan
        of_esom = np.nan
        if n_rows <= 1e7:
            of_esom = seconds(lambda X=X: ESOM(8, random_state=0).fit(X))
        each = of_epoch / n_rows * 1e6, labels / n_rows * 1e6
        print(
            f"{n_rows:<10.0e} {of_epoch:8.2f} {labels:10.2f} {of_esom:11.2f}"
            f"  {each[0]:10.3f} {each[1]:10.3f} {memory('HWM') / 2**20:10.0f}",
            flush=True,
        )
        n_rows *= 10


def of_units(folder):
    """Print figures of a table in memory of a million rows of 9 features."""
    print("units   epoch us/row   predict us/row")
    X = table(folder, ROWS, 9).compute()
    for side in (10, 20, 32, 50, 100):
        som = CSOM(None, shape=(side, side), n_epochs=1).fit(X[:100_000])
        labels = min(seconds(lambda som=som: som.predict(X)) for _ in range(3))
        each = epoch(X, side) / ROWS * 1e6, labels / ROWS * 1e6
        print(f"{side**2:<7} {each[0]:12.3f} {each[1]:16.3f}", flush=True)


def of_features(folder):
    """Print figures of a table in memory of 32 x 32 units."""
    print("features   epoch us/row   (ns per row, unit and feature)")
    for n_features in (4, 9, 50, 200):
        X = table(folder, ROWS // 4, n_features, ROWS // 4).compute()
        each = epoch(X, 32) / len(X) * 1e6
        print(
            f"{n_features:<10} {each:12.3f}   {each * 1e3 / 1024 / n_features:.4f}",
            flush=True,
        )


def of_threads(folder):
    """Print figures of a table in memory of 9 and of 50 features, 32 x 32 units."""
    print("features  threads   epoch us/row   gain")
    for n_features in (9, 50):
        X = table(folder, ROWS // 2, n_features, ROWS // 2).compute()
        first = None
        for threads in (1, 2, 4, 8):
            if threads > os.cpu_count():
                break
            with threadpool_limits(threads, user_api="openmp"):
                each = epoch(X, 32) / len(X) * 1e6
            first = first or each
            print(f"{n_features:<9} {threads:<9} {each:12.3f} {first / each:7.2f}")


def of_workers(folder):
    """Print strong and weak scaling over processes of a LocalCluster."""
    from distributed import Client, LocalCluster

    print("workers   rows       epoch/s   gain (strong), efficiency (weak)")
    for name, growth in (("strong", False), ("weak", True)):
        first = None
        for workers in (1, 2, 4, 8):
            if workers > os.cpu_count():
                break
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
            print(f"{workers:<9} {n_rows:<10} {each:8.2f} {first / each:8.2f} {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {
        "rows": None,
        "units": of_units,
        "features": of_features,
        "threads": of_threads,
        "workers": of_workers,
    }
    parser.add_argument("kinds", nargs="+", choices=list(kinds))
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
