# SPDX-License-Identifier: BSD-3-Clause
"""
A table that is larger than the memory
======================================

A map learns from a file of more rows than a process may hold. The table is a memory
map or a dask array; class and call are those of a table in memory, and the result is
the same, bit for bit. Each way works in a process of its own. The table in memory has
no limit, and shows what it takes. The other two may not take more than a bound, which
the system enforces. This needs Linux, which reports and limits the memory of a process.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

BOUND = 100  # megabytes that a process may take beyond Python and its libraries
SIZES = [250_000, 500_000, 1_000_000, 2_000_000]
N_FEATURES = 16

# %%
# This program fits a map to each file and labels all rows. A thread notes the most
# memory that the process takes. Pages of a memory map do not count: the system takes
# them back when it needs them. The SHA-256 of all units and labels tells whether two
# results are the same. The dask array is made of parts that are read when they are
# needed; ``dask.array.from_array`` would copy a memory map into memory (dask 2026.8).

PROGRAM = """
import hashlib, json, resource, sys, threading, time
from itertools import pairwise
import dask, numpy as np
import dask.array as da
from skesom.som import CSOM

def megabytes(kind):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if kind in line) / 1024

def watch():
    while True:
        peak[0] = max(peak[0], megabytes("RssAnon"))
        time.sleep(0.005)

def read(path, start, stop):
    return np.load(path, mmap_mode="r")[start:stop]

def from_parts(path, n_rows, n_features):
    edges = [*range(0, n_rows, 65_536), n_rows]
    parts = [
        da.from_delayed(
            dask.delayed(read)(path, *edge), (edge[1] - edge[0], n_features), "f4"
        )
        for edge in pairwise(edges)
    ]
    return da.concatenate(parts)

dask.config.set(scheduler="threads", num_workers=2)
way, bound, *paths = sys.argv[1:]
CSOM(2, shape=(2, 2)).fit(da.from_array(np.eye(4))).labels_.compute()  # imports
start, peak, found = megabytes("RssAnon"), [0], []
threading.Thread(target=watch, daemon=True).start()
if float(bound):
    limit = int((megabytes("VmData") + float(bound)) * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
for path in paths:
    peak[0] = 0
    X = np.load(path, mmap_mode=None if way == "in memory" else "r")
    if way == "dask array":
        X = from_parts(path, *X.shape)
    csom = CSOM(8, shape=(6, 8), n_epochs=3).fit(X)
    digest = hashlib.sha256(csom.codebook_)
    labels = csom.labels_
    for block in labels.blocks if way == "dask array" else [labels]:
        digest.update(np.asarray(block))
    found.append((peak[0] - start, digest.hexdigest()))
    del X, csom, labels
print(json.dumps(found))
"""


def measure(way, bound, paths):
    """Return the most memory in megabytes and the SHA-256 for each file."""
    command = [sys.executable, "-c", PROGRAM, way, str(bound), *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# %%
# The files are written in parts: no table is ever in the memory of this process.


def write_table(path, n_rows):
    """Write a table of eight normal groups."""
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=3, size=(8, N_FEATURES))
    table = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, N_FEATURES))
    for start in range(0, n_rows, 65_536):
        part = table[start : start + 65_536]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
        part += centers[rng.integers(8, size=len(part))]


WAYS = {"in memory": 0, "memory map": BOUND, "dask array": BOUND}
with tempfile.TemporaryDirectory() as folder:
    paths = [Path(folder) / f"{n_rows}.npy" for n_rows in SIZES]
    for path, n_rows in zip(paths, SIZES, strict=True):
        write_table(path, n_rows)
    found = {way: measure(way, bound, paths) for way, bound in WAYS.items()}

print(f"{'rows':>9} {'file':>7}" + "".join(f"{way:>12}" for way in WAYS) + "  results")
for index, n_rows in enumerate(SIZES):
    memory = [found[way][index][0] for way in WAYS]
    same = len({found[way][index][1] for way in WAYS}) == 1
    print(
        f"{n_rows:9} {4 * N_FEATURES * n_rows / 2**20:4.0f} MB"
        + "".join(f"{each:9.0f} MB" for each in memory)
        + ("  the same" if same else "  DIFFERENT")
    )

# %%
# A table in memory takes its own size and what the fit needs. The other two take blocks
# of rows at work, and the memory map also the labels of all rows, while those of the
# dask array are made when they are needed.

figure, ax = plt.subplots(figsize=(8, 4.8), layout="constrained")
rows = np.array(SIZES) / 1e6
ax.plot(rows, 4 * N_FEATURES * np.array(SIZES) / 2**20, ":", color="0.5", label="table")
for (way, results), marker in zip(found.items(), "osD", strict=True):
    ax.plot(rows, [memory for memory, _ in results], marker=marker, label=way)
ax.axhline(BOUND, color="black", linestyle="--", label="bound of the last two")
ax.set(xlabel="rows in millions", ylabel="most memory (MB)", ylim=0)
ax.legend(frameon=False)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
