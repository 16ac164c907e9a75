# SPDX-License-Identifier: BSD-3-Clause
"""Fits on a cluster of processes: the same bits, whatever of it dies in between."""

import os
import signal
import threading
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster, SubprocessCluster
from numpy.testing import assert_array_equal

from skesom.som import CSOM, ESOM, ConsensusClusterer

N_ROWS = 150_000  # three blocks by which sums are added up
WORKERS = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
MAPS = {
    "batch": CSOM(3, shape=(4, 3), n_epochs=3),
    "esom": ESOM(3, epsilon=1.0, random_state=0),
    "consensus": ConsensusClusterer(
        CSOM(shape=(3, 3), n_epochs=2), n_clusters=3, n_estimators=3, random_state=0
    ),
}


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=2, **WORKERS) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=4, size=(3, 3))
    X = centers[rng.integers(3, size=N_ROWS)] + rng.normal(size=(N_ROWS, 3))
    return X.astype(np.float32)


def cut(array, height=40_000):
    return da.from_array(array, chunks=(height, -1)[: array.ndim])


@pytest.mark.parametrize("name", MAPS)
def test_results_of_a_cluster_are_those_in_memory(name, X, client):
    def results(som, X):
        som.fit(X)
        yield from (som.labels_, som.predict(X))
        if name == "consensus":
            yield from (som.spectrum_, som.agreement_, som.agreement(X))
        else:
            yield from (som.codebook_, som.hits_, som.connections_.toarray())
            yield from (som.transform(X[:1000]), som.score(X), som.winners(X))

    expected = list(results(MAPS[name], X))
    for number, found in enumerate(results(MAPS[name], cut(X))):
        assert_array_equal(found, expected[number], err_msg=str(number))


def deadly(X, folder, n_runs, die):
    """Return rows whose blocks count how often they were made, and then do something.

    What they do is not defined in a module: no process but this one could import it.
    """

    def counted(block, folder, n_runs, die):
        with open(f"{folder}/runs", "ab") as file:
            file.write(b".")
        if os.path.getsize(f"{folder}/runs") > n_runs:
            die(folder)
        return block

    how = {"folder": str(folder), "n_runs": n_runs, "die": die, "dtype": X.dtype}
    return cut(X).map_blocks(counted, **how)


def runs_of_a_fit(som, X, folder):
    """Return how many blocks a fit makes."""
    folder.mkdir()
    som.fit(deadly(X, folder, np.inf, None))
    return (folder / "runs").stat().st_size


def test_worker_that_is_killed_costs_a_retry(X, client, tmp_path):
    def once(folder):
        with open(f"{folder}/killed", "a+") as file:
            file.write(f"{os.getpid()}\n")
            file.seek(0)
            first = len(file.readlines()) == 1
        if first:
            os.kill(os.getpid(), signal.SIGKILL)

    som = CSOM(3, shape=(4, 3), n_epochs=4)
    expected = som.fit(X).codebook_, som.hits_, som.training_errors_
    half = runs_of_a_fit(som, X, tmp_path / "counted") // 2
    som.fit(deadly(X, tmp_path, half, once))
    assert (tmp_path / "killed").exists()
    for one, other in zip(
        expected, (som.codebook_, som.hits_, som.training_errors_), strict=True
    ):
        assert_array_equal(one, other)


def saved_epoch(path, n_epochs=6):
    """Return what the message must say, and that something was saved."""
    header = path.read_bytes().split(b"\n", 2)[1]
    (done,) = (n for n in range(1, n_epochs) if f'"done": {n},'.encode() in header)
    return f"Saved in {path} is the state after epoch {done}: start a cluster"


class Fatal:
    """What blocks do from the middle of a fit on: tell this process, and wait."""

    def __init__(self, folder):
        self.folder = folder

    def wait_for(self, end):
        """Do something as soon as a block was reached."""

        def watch():
            while not (self.folder / "reached").exists():
                time.sleep(0.02)
            end()

        self.thread = threading.Thread(target=watch)
        self.thread.start()


def reached(folder):
    Path(folder, "reached").touch()
    time.sleep(1)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_task_that_kills_every_worker(checkpoint, X, tmp_path):
    som = CSOM(3, shape=(4, 3), n_epochs=6)
    expected = som.fit(X).codebook_
    half = runs_of_a_fit(som, X, tmp_path / "counted") // 2
    path = tmp_path / "fit.checkpoint"
    som.set_params(checkpoint=path if checkpoint else None)
    die = lambda folder: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, **WORKERS) as cluster,
        Client(cluster),
        pytest.raises(RuntimeError, match=r"CSOM\.fit .*KilledWorker") as caught,
    ):
        som.fit(deadly(X, tmp_path, half, die))
    if not checkpoint:
        assert "Nothing was saved: give 'checkpoint'" in str(caught.value)
        return
    assert saved_epoch(path) in str(caught.value)
    assert_array_equal(som.fit(cut(X)).codebook_, expected)
    assert not path.exists()
