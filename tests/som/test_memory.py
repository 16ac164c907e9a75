# SPDX-License-Identifier: BSD-3-Clause
"""A table on the disk, mapped to memory, is learned and labeled in bounded memory."""

import gc
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skesom.consensus import ConsensusClusterer
from skesom.metrics import quantization_error, topographic_error
from skesom.som import CSOM, ESOM, MapClassifier
from tests.helpers.block_sizes import cut_tables
from tests.helpers.memory import peak_of

N_ROWS = 1_200_000
N_FEATURES = 12


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.npy"
    shape = N_ROWS, N_FEATURES
    table = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=shape)
    rng = np.random.default_rng(0)
    for rows in range(0, N_ROWS, 100_000):
        part = rng.normal(size=(100_000, N_FEATURES)).astype(np.float32)
        table[rows : rows + 100_000] = part + 5 * (part[:, :1] > 0)
    table.flush()
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize(
    "estimator",
    [
        CSOM(2, shape=(4, 3), n_epochs=1),
        CSOM(2, shape=(4, 3), n_epochs=1, metric="cosine"),
        ESOM(2, epsilon=8.0, random_state=0),
        ConsensusClusterer(
            CSOM(shape=(4, 3), n_epochs=1), n_clusters=2, n_estimators=2, random_state=0
        ),
    ],
    ids=["csom", "cosine", "esom", "consensus"],
)
def test_peak_is_a_part_of_the_table(estimator, table, monkeypatch):
    cut_tables(monkeypatch, 2**16, window=2**17)
    monkeypatch.setattr("skesom.consensus._row_samples._ENOUGH_TO_COMPARE", 50_000)
    per_row = 16  # labels, nearest units, agreement
    allowed = per_row * N_ROWS + 20 * 2**20
    assert allowed < 0.7 * table.nbytes
    peak, fitted = peak_of(lambda: estimator.fit(table))
    assert peak < allowed
    peak, labels = peak_of(lambda: fitted.predict(table))
    assert peak < allowed
    assert_array_equal(labels[:1000], fitted.predict(np.array(table[:1000])))


def test_many_features_take_no_more():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(30_000, 5)) @ rng.normal(size=(5, 500))
    wide = (wide + 0.3 * rng.normal(size=wide.shape)).astype(np.float32)
    som = CSOM(4, shape=(6, 6), n_epochs=1)
    peak, fitted = peak_of(lambda: som.fit(wide))
    assert peak < 1.5 * wide.nbytes
    peak, _ = peak_of(lambda: fitted.predict(wide))
    assert peak < wide.nbytes


def test_scores_need_a_block(table):
    som = CSOM(2, shape=(4, 3), n_epochs=1).fit(table[:10_000])
    for function in (
        lambda: som.score(table),
        lambda: quantization_error(table, som),
        lambda: topographic_error(table, som),
    ):
        peak, _ = peak_of(function)
        assert peak < 20 * 2**20


@pytest.mark.parametrize(
    "estimator",
    [
        ESOM(3, random_state=0),
        CSOM(3, shape=(4, 4), n_epochs=2),
        CSOM(3, shape=(4, 4), n_epochs=1, algorithm="online", random_state=0),
        MapClassifier(ESOM(random_state=0)),
    ],
    ids=["esom", "csom", "online", "classifier"],
)
def test_fits_leave_nothing_behind(estimator):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=2000)
    X = rng.normal(size=(2000, 4)) + 5 * y[:, None]

    def after_fits(count):
        for _ in range(count):
            clone(estimator).fit(X, y).predict(X)
        while gc.collect():
            pass
        return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        rounds = [after_fits(8) for _ in range(4)]
    finally:
        tracemalloc.stop()
    # What a fit leaves grows in each round; other threads of the process keep some now
    # and then, and what is kept once is kept by the first.
    n_objects, n_bytes = np.diff(rounds, axis=0).min(axis=0)
    assert n_objects < 8  # one object for each fit would fail
    assert n_bytes < 8 * 2 * len(X)  # so would half the labels of each
