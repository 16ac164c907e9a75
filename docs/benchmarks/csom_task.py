# SPDX-License-Identifier: BSD-3-Clause
"""One package at one task in a process of its own: what csom_speed.py starts.

``python csom_task.py FOLDER`` works in any environment that has NumPy and the package.
A small task runs first, so that nobody pays for imports, compilation or the start of
threads.
"""

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from csom_peers import PACKAGES

ROWS_TO_WARM_UP = 2000


def memory(what):
    """Return the resident memory of this process in bytes, "RSS" now, "HWM" at most.

    What ``resource`` tells is not below the memory of the process that started this
    one, so the kernel is asked where it can be.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024 * int(lines[f"Vm{what}"].split()[0])


def forget_peak():
    """Let the highest memory be the present one, where that is possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def measure(prepare, n_runs, patience):
    """Return the result of a task, the seconds of its runs and the memory it took.

    It runs again until it has done so often, or has taken so many seconds.
    """
    seconds = {"cpu": [], "wall": []}
    forget_peak()
    before = memory("RSS")
    while True:
        work = prepare()
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        seconds["cpu"].append(time.process_time() - cpu)
        seconds["wall"].append(time.perf_counter() - wall)
        if len(seconds["wall"]) == 1:
            extra = memory("HWM") - before
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
    result, figures = measure(
        prepared(task, X, codebook), task["n_runs"], task["patience"]
    )
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
