# SPDX-License-Identifier: BSD-3-Clause
"""Maps in child processes: of os.fork after a fit with threads, and of joblib."""

import os
import subprocess
import sys

SETUP = """
import os, signal, threading
import joblib
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from skesom import CSOM, ESOM, ConsensusClusterer
from skesom._common import threads

X = make_blobs(3000, 5, centers=5, random_state=0)[0]
maps = {
    "ESOM": ESOM(4, random_state=0),
    "CSOM": CSOM(4, shape=(6, 6)),
    "online": CSOM(4, shape=(4, 4), algorithm="online", random_state=0),
    "consensus": ConsensusClusterer(
        KMeans(4, n_init=1), n_clusters=4, n_estimators=3, random_state=0
    ),
}

def labels(name):
    return maps[name].fit(X).labels_
"""

FORKED = """
def differing(name):
    found = [labels(name), maps[name].predict(X)]
    other = threading.Thread(target=lambda: found.append(labels(name)))
    other.start()
    other.join()
    return sum((here[name] != there).any() for there in found)

here = {name: labels(name) for name in maps}
children = {}
for name in maps:
    children[name] = os.fork()
    if children[name] == 0:
        signal.alarm(60)  # a child that hangs ends, and so does this test
        os._exit(differing(name))
with threads._lock:  # as if another thread were about to use BLAS
    children["consensus in BLAS"] = os.fork()
    if children["consensus in BLAS"] == 0:
        signal.alarm(60)
        os._exit(differing("consensus"))
for name, child in children.items():
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, name
"""

PARALLEL = """
here = {name: labels(name) for name in maps}
for backend in ("loky", "multiprocessing", "threading"):
    found = joblib.Parallel(2, backend=backend)(
        joblib.delayed(labels)(name) for name in maps
    )
    for name, there in zip(maps, found, strict=True):
        assert (here[name] == there).all(), (backend, name)
"""


def test_children_fit_as_their_parent():
    """With two threads of OpenMP; a script that hangs is an error."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    script = SETUP + (FORKED if hasattr(os, "fork") else "") + PARALLEL
    command = [sys.executable, "-c", script]
    subprocess.run(command, env=environment, check=True, timeout=300)
