# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C is heard: calls of compiled code are short, and no length changes a bit."""

import signal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom import CSOM, ESOM
from skesom.som import _lattice, _lattice_training, _network, work_blocks
from skesom.som import codebook as _codebook

MAPS = {
    "esom": ESOM(3, random_state=0),
    "ball": ESOM(3, update_set="ball", pruning_period=1, random_state=0),
    "batch": CSOM(3, shape=(6, 5), n_epochs=3),
    "online": CSOM(3, shape=(6, 5), n_epochs=2, algorithm="online", random_state=0),
    "manhattan": CSOM(None, shape=(6, 5), n_epochs=2, metric="manhattan"),
}
every_map = pytest.mark.parametrize("name", MAPS)
# The arguments of each kernel that say how much it does in one call: rows and units.
KERNELS = {
    (_codebook, "find_winners"): lambda X, stored, n_units, *_: len(X) * n_units,
    (_codebook, "find_distances"): lambda X, stored, n_units, *_: len(X) * n_units,
    (_lattice_training, "learn_one_by_one"): lambda X, order, *_: len(order) * 30,
    (_network, "learn"): lambda X, order, network: len(order) * network.n_nodes,
    (_lattice, "multiply_by_differences"): lambda table, values, wanted, _: (
        len(wanted) * values.size / 7
    ),
}


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(900, 7)) + 5 * rng.integers(0, 3, size=(900, 1))


class Calls(list):
    """Records the products of each call; sends a signal during one of them."""

    interrupted = None

    def around(self, kernel, work):
        def recorded(*args, **how):
            self.append(7 * work(*args))
            result = kernel(*args, **how)
            if len(self) - 1 == self.interrupted:
                signal.raise_signal(signal.SIGINT)
            return result

        return recorded


@pytest.fixture
def calls(monkeypatch):
    calls = Calls()
    for (module, name), work in KERNELS.items():
        kernel = calls.around(getattr(module, name), work)
        monkeypatch.setattr(module, name, kernel)
    monkeypatch.setattr(_codebook, "effective_n_threads", lambda work: 1)
    # A shell lets what it runs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield calls
    signal.signal(signal.SIGINT, before)


def results(som, X):
    return som.codebook_, som.labels_, som.predict(X), som.transform(X)


@every_map
def test_calls_are_short(name, X, calls, monkeypatch):
    monkeypatch.setattr(work_blocks, "WORK", 40_000)
    results(MAPS[name].fit(X), X)
    assert len(calls) > 20
    assert max(calls) <= 40_000


@every_map
@pytest.mark.parametrize("work", [1000, 30_000])
def test_length_of_calls_changes_nothing(name, work, X, monkeypatch):
    expected = results(MAPS[name].fit(X), X)
    monkeypatch.setattr(work_blocks, "WORK", work)
    for one, other in zip(expected, results(MAPS[name].fit(X), X), strict=True):
        assert_array_equal(one, other)


@every_map
@pytest.mark.parametrize("number", [0, 2, 11])
def test_an_interrupt_comes_before_the_next_call(name, number, X, calls, monkeypatch):
    monkeypatch.setattr(work_blocks, "WORK", 20_000)
    som = MAPS[name].fit(X)
    before = results(som, X)
    del calls[:]
    calls.interrupted = number
    learn = som.partial_fit if hasattr(som, "partial_fit") else som.fit
    with pytest.raises(KeyboardInterrupt):
        learn(X[::-1])
    assert len(calls) == number + 1
    calls.interrupted = None
    for one, other in zip(before, results(som, X), strict=True):
        assert_array_equal(one, other)


def test_length_of_calls_changes_no_angle_of_incomplete_rows(X, monkeypatch):
    X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    som = CSOM(None, shape=(6, 5), n_epochs=2, metric="cosine").fit(X)
    expected = som.winners(X), som.transform(X)
    monkeypatch.setattr(work_blocks, "WORK", 9000)
    assert_array_equal(som.winners(X), expected[0])
    assert_array_equal(som.transform(X), expected[1])
