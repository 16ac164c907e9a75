# SPDX-License-Identifier: BSD-3-Clause
"""Fits on a cluster of processes: the same bits, whatever of it dies in between."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import FunctionType

import dask
import dask.array as da
import joblib
import numpy as np
import pytest
from distributed import Client, KilledWorker, LocalCluster
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

N_ROWS = 150_000  # three blocks by which sums are added up
WORKERS = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"}
MODULES = {"os": os, "signal": signal}
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


@pytest.mark.long
@pytest.mark.parametrize("name", MAPS)
def test_results_of_a_cluster_are_those_in_memory(name, X, client):
    def results(som, X):
        som.fit(X)
        yield from (som.labels_, som.predict(X))
        if name == "consensus":
            yield from (som.distances_, som.agreement_, som.agreement(X))
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


@pytest.mark.long
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


def killed(folder):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.long
def test_task_that_kills_every_worker(X, tmp_path):
    """The error of dask ends the fit, and the same fit goes on another cluster."""
    som = CSOM(3, shape=(4, 3), n_epochs=12)
    half = half_of_a_fit(som, X, tmp_path)
    expected = som.codebook_
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, **WORKERS) as cluster,
        Client(cluster),
        pytest.raises(KilledWorker),
    ):
        som.fit(deadly(X, tmp_path, half, killed))
    assert_array_equal(som.fit(cut(X)).codebook_, expected)


@pytest.mark.parametrize("name", ["batch", "esom"])
def test_stream_goes_on_from_a_file(name, X, tmp_path):
    """To the bits of one that was not stopped."""
    expected, som = clone(MAPS[name]), clone(MAPS[name])
    for number, block in enumerate(np.array_split(X[:6000], 4)):
        expected.partial_fit(block)
        joblib.dump(som.partial_fit(block), tmp_path / f"{number}")
        som = joblib.load(tmp_path / f"{number}")
    assert_array_equal(som.codebook_, expected.codebook_)
    assert_array_equal(som.predict(X), expected.predict(X))


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
@pytest.mark.parametrize(
    "scheduler",
    [
        "threads",
        pytest.param("processes", marks=pytest.mark.long),
        pytest.param("client", marks=pytest.mark.long),
    ],
)
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
