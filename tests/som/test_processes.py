# SPDX-License-Identifier: BSD-3-Clause
"""Maps in child processes: of os.fork after a fit with threads, and of joblib."""

import os
import subprocess
import sys

import pytest

SETUP = """
import os, threading
import joblib
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from skesom import CSOM, ESOM, ConsensusClusterer

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
here = labels("{name}")
child = os.fork()
if child == 0:
    found = [labels("{name}"), maps["{name}"].predict(X)]
    other = threading.Thread(target=lambda: found.append(labels("{name}")))
    other.start()
    other.join()
    os._exit(sum((here != there).any() for there in found))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

PARALLEL = """
here = {{name: labels(name) for name in maps}}
found = joblib.Parallel(2, backend="{backend}")(
    joblib.delayed(labels)(name) for name in maps
)
for name, there in zip(maps, found, strict=True):
    assert (here[name] == there).all(), name
"""


def run(script):
    """Run a script with two threads of OpenMP; one that hangs is an error."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", SETUP + script]
    subprocess.run(command, env=environment, check=True, timeout=300)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no os.fork")
@pytest.mark.parametrize("name", ["ESOM", "CSOM", "online", "consensus"])
def test_a_forked_child_fits_as_its_parent(name):
    run(FORKED.format(name=name))


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_every_backend_of_joblib_gives_the_same(backend):
    run(PARALLEL.format(backend=backend))
