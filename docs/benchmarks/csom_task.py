# SPDX-License-Identifier: BSD-3-Clause
"""One package at one task in a process of its own: what csom_speed.py starts.

``python csom_task.py FOLDER`` works in any environment that has NumPy and the package.
A small task runs first, so that nobody pays for imports, compilation or the start of
threads.
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from csom_peers import PACKAGES
from measuring import measure

ROWS_TO_WARM_UP = 2000


def repeat(prepare, n_runs, patience):
    """Return the result of a task, the seconds of its runs and the memory it took.

    It runs again until it has done so often, or has taken so many seconds.
    """
    seconds = {"cpu": [], "wall": []}
    while True:
        result, figures = measure(prepare())
        for clock, runs in seconds.items():
            runs.append(figures[clock])
        if len(seconds["wall"]) == 1:
            extra = figures["memory"]
        if len(seconds["wall"]) == n_runs or sum(seconds["wall"]) > patience:
            return result, {**seconds, "memory": extra}


def prepared(task, X, codebook):
    """Return the preparation of a task, for some samples."""
    package, shape = PACKAGES[task["package"]], tuple(task["shape"])
    if task["job"] == "train":
        return lambda: package.train(X, codebook, shape, np.array(task["widths"]))
    if task["job"] == "search":
        return lambda: package.search(X, codebook, shape)
    return lambda: package.train_by_default(X, shape)


def run(folder):
    """Do the task, save the codebook or the winners, and return what it took."""
    task = json.loads((folder / "task.json").read_text())
    X, codebook = np.load(folder / "X.npy"), np.load(folder / "codebook.npy")
    try:
        prepared(task, X[:ROWS_TO_WARM_UP].copy(), codebook)()()
    except ImportError as error:
        return {"missing": str(error)}
    result, figures = repeat(
        prepared(task, X, codebook), task["n_runs"], task["patience"]
    )
    distribution = PACKAGES[task["package"]].distribution
    if distribution:
        figures["version"] = version(distribution)
    result = np.asarray(result)
    if task["job"] == "search":
        if result.ndim == 2:  # rows and columns on the lattice
            result = np.ravel_multi_index(result.T, task["shape"])
        result = result.astype(np.int32)
    else:
        result = result.reshape(-1, X.shape[1]).astype(np.float32)
    np.save(folder / "result.npy", result)
    return figures


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    (folder / "figures.json").write_text(json.dumps(run(folder)))
