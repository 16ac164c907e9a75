# SPDX-License-Identifier: BSD-3-Clause
"""Fits on a cluster of processes: the same bits, whatever of it dies in between."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from subprocess import Popen
from types import FunctionType

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from numpy.testing import assert_array_equal

from skesom.som import CSOM, ESOM, ConsensusClusterer

N_ROWS = 150_000  # three blocks by which sums are added up
WORKERS = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"}
MODULES = {"os": os, "signal": signal, "time": time, "Path": Path}
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

    What they do is pickled by value: no process but this one could import this module.
    """
    if die is not None:
        die = FunctionType(die.__code__, MODULES)

    def counted(block, folder, n_runs, die):
        with open(f"{folder}/runs", "ab") as file:
            file.write(b".")
        if os.path.getsize(f"{folder}/runs") > n_runs:
            die(folder)
        return block

    how = {"folder": str(folder), "n_runs": n_runs, "die": die, "dtype": X.dtype}
    return cut(X).map_blocks(counted, **how)


def half_of_a_fit(som, X, folder):
    """Return how many blocks are made until the middle of a fit."""
    folder = folder / "counted"
    folder.mkdir()
    with dask.config.set(scheduler="threads"):
        som.fit(deadly(X, folder, np.inf, None))
    return (folder / "runs").stat().st_size // 2


def test_worker_that_is_killed_costs_a_retry(X, client, tmp_path):
    def once(folder):
        with open(f"{folder}/killed", "a+") as file:
            file.write(f"{os.getpid()}\n")
            file.seek(0)
            first = len(file.readlines()) == 1
        if first:
            os.kill(os.getpid(), signal.SIGKILL)

    som = CSOM(3, shape=(4, 3), n_epochs=2)
    expected = som.fit(X).codebook_, som.hits_, som.training_errors_
    half = half_of_a_fit(som, X, tmp_path)
    som.fit(deadly(X, tmp_path, half, once))
    assert (tmp_path / "killed").exists()
    for one, other in zip(
        expected, (som.codebook_, som.hits_, som.training_errors_), strict=True
    ):
        assert_array_equal(one, other)


def saved_epoch(path, n_epochs=12):
    """Return what the message must say, and that something was saved."""
    header = path.read_bytes().split(b"\n", 2)[1]
    (done,) = (n for n in range(1, n_epochs) if f'"done": {n},'.encode() in header)
    return f"Saved in checkpoint={path} is epoch {done}: start a cluster"


def killed(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def reached(folder):
    """Tell the test that the middle of a fit was reached, and wait."""
    Path(folder, "reached").touch()
    time.sleep(1)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_task_that_kills_every_worker(checkpoint, X, tmp_path):
    som = CSOM(3, shape=(4, 3), n_epochs=12)
    half = half_of_a_fit(som, X, tmp_path)
    expected = som.codebook_
    path = tmp_path / "fit.checkpoint"
    som.set_params(checkpoint=path if checkpoint else None)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, **WORKERS) as cluster,
        Client(cluster),
        pytest.raises(RuntimeError, match=r"CSOM\.fit .*KilledWorker") as caught,
    ):
        som.fit(deadly(X, tmp_path, half, killed))
    if not checkpoint:
        assert "Saved in checkpoint=None is nothing: start a clus" in str(caught.value)
        return
    assert saved_epoch(path) in str(caught.value)
    assert_array_equal(som.fit(cut(X)).codebook_, expected)
    assert not path.exists()


@contextmanager
def local_cluster(folder):
    """Give a client, and what ends its cluster."""
    with LocalCluster(n_workers=1, **WORKERS) as cluster, Client(cluster) as client:
        yield client, cluster.close


@contextmanager
def cluster_of_others(folder):
    """Give a client of a scheduler in another process, and what kills that."""
    file = f"{folder}/scheduler.json"
    program = [sys.executable, "-m", "dask"]
    options = ["--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard"]
    scheduler = Popen([*program, "scheduler", "--port", "0", *options])
    worker = Popen([*program, "worker", *options, "--no-nanny", "--nthreads", "1"])
    with scheduler, worker, Client(scheduler_file=file) as client:
        try:
            client.wait_for_workers(1, timeout=60)
            yield client, scheduler.kill
        finally:
            worker.kill()
            scheduler.kill()


@pytest.mark.parametrize("start", [local_cluster, cluster_of_others])
def test_cluster_that_is_gone(start, X, tmp_path):
    som = CSOM(3, shape=(4, 3), n_epochs=12)
    half = half_of_a_fit(som, X, tmp_path)
    expected = som.codebook_
    path = tmp_path / "fit.checkpoint"
    som.set_params(checkpoint=path)

    def watch(end):
        while not (tmp_path / "reached").exists():
            time.sleep(0.02)
        end()

    with start(tmp_path) as (_, end):
        ending = threading.Thread(target=watch, args=[end])
        ending.start()
        with pytest.raises(RuntimeError, match=r"CSOM\.fit .*Cancelled") as caught:
            som.fit(deadly(X, tmp_path, half, reached))
        ending.join()
    assert saved_epoch(path) in str(caught.value)
    assert_array_equal(som.fit(cut(X)).codebook_, expected)
    assert not path.exists()


BAD = {
    "X": "X is inf in row 123456, column 1",
    "errors": "'errors' must be positive .* -1.0 in row 123456, column 1",
    "sample_weight": "'sample_weight' is wrong in a row from 120000 on. Negative",
}


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield {"scheduler": "processes", "pool": pool}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("scheduler", ["threads", "processes", "client"])
def test_bad_block_names_itself(scheduler, name, X, request):
    how = {"scheduler": "threads"}
    if scheduler != "threads":
        how = request.getfixturevalue(scheduler)
    tables = {"X": X.copy()}
    if name != "X":
        tables[name] = np.ones(X.shape[: 1 + (name == "errors")])
    tables[name][(123456, 1)[: tables[name].ndim]] = np.inf if name == "X" else -1
    tables = {name: cut(table) for name, table in tables.items()}
    with dask.config.set({} if scheduler == "client" else how):
        with pytest.raises(ValueError, match=BAD[name]):
            CSOM(3, shape=(4, 3)).fit(**tables)
