# SPDX-License-Identifier: BSD-3-Clause
"""Several Python threads that use maps at once find what one thread finds."""

import os
import subprocess
import sys
import sysconfig
import threading

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs

import skesom.som
from skesom import CSOM, ESOM, ConsensusClusterer

N_THREADS = 8
MAPS = {
    "ESOM": ESOM(4, random_state=0),
    "batch": CSOM(4, shape=(5, 6), n_epochs=3),
    "online": CSOM(4, shape=(5, 6), algorithm="online", n_epochs=2, random_state=0),
}


def table(seed):
    X = make_blobs(600, 5, centers=5, random_state=seed)[0]
    X[seed::31, 1] = np.nan
    return X.astype([np.float32, np.float64][seed % 2])


def at_once(work):
    """Return what the threads compute, each with its number, from one start."""
    start = threading.Barrier(N_THREADS)
    found = [None] * N_THREADS

    def one(number):
        start.wait()
        try:
            found[number] = work(number)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(i,)) for i in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        if isinstance(result, Exception):
            raise result
    return found


def same(found, expected):
    for there, here in zip(found, expected, strict=True):
        for array, other in zip(there, here, strict=True):
            np.testing.assert_array_equal(array, other, strict=True)


@pytest.mark.parametrize("name", MAPS)
def test_each_thread_has_a_map_and_a_table(name):
    def work(number):
        X = table(number)
        model = clone(MAPS[name]).fit(X)
        return model.labels_, model.codebook_, model.winners(X)

    same(at_once(work), [work(number) for number in range(N_THREADS)])


@pytest.mark.parametrize("name", MAPS)
def test_threads_share_a_fitted_map(name):
    model = clone(MAPS[name]).fit(table(0))

    def work(number):
        X = table(number).astype(np.float64)
        return model.predict(X), model.transform(X)

    same(at_once(work), [work(number) for number in range(N_THREADS)])


@pytest.fixture
def _often_switched():
    """Python goes to another thread after a microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_often_switched")
@pytest.mark.parametrize("name", MAPS)
def test_threads_ask_at_once_for_what_waits_after_a_stream(name):
    whole = clone(MAPS[name]).partial_fit(table(0)).partial_fit(table(1))
    expected = whole.labels_, whole.hits_, whole.cluster_centers_
    for _ in range(5):
        model = clone(MAPS[name]).partial_fit(table(0)).partial_fit(table(1))

        def work(number, model=model):
            # Each thread begins with another attribute.
            names = ["labels_", "hits_", "cluster_centers_", "inertia_"]
            for attribute in names[number % 4 :]:
                getattr(model, attribute)
            return model.labels_, model.hits_, model.cluster_centers_

        same(at_once(work), [expected] * N_THREADS)


@pytest.mark.usefixtures("_often_switched")
def test_threads_cut_one_consensus():
    X = table(0)
    consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0).fit(X)

    def work(number):
        return [consensus.labels_at(n) for n in (2, 3, 4, 6)], consensus.predict(X)

    for found in at_once(work):
        np.testing.assert_array_equal(found[0], work(0)[0])
        np.testing.assert_array_equal(found[1], consensus.labels_)


# Without the package, which imports libraries that may turn the lock on.
LOAD_KERNELS = """
import importlib, sys, types
package = types.ModuleType("skesom.som")
package.__path__ = [sys.argv[1]]
sys.modules["skesom.som"] = package
for name in ["_learning", "_online", "_patches", "_vectors", "_winners"]:
    importlib.import_module("skesom.som." + name)
assert not sys._is_gil_enabled()
"""


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python has its lock always"
)
def test_kernels_leave_the_lock_of_a_free_threaded_python_off():
    unforced = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
    command = [sys.executable, "-c", LOAD_KERNELS, *skesom.som.__path__]
    subprocess.run(command, env=unforced, check=True)
