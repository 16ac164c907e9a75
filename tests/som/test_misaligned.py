# SPDX-License-Identifier: BSD-3-Clause
"""Arrays may lie at any address, as those in messages do; kernels get none of them."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs

from skesom import CSOM, ESOM, MapClassifier
from skesom.som import _lattice, _lattice_training, _network
from skesom.som import codebook as _codebook
from skesom.som import metric as _metric
from skesom.som._network import Network

KERNELS = [
    (_codebook, "find_winners"),
    (_codebook, "find_distances"),
    (_codebook, "arrange"),
    (_codebook, "store"),
    (_lattice, "multiply_by_differences"),
    (_lattice_training, "learn_one_by_one"),
    (_metric, "sum_by_winner"),
    (_network, "learn"),
]
MAPS = {
    "ESOM": ESOM(4, epsilon=1.0, random_state=0),
    "batch": CSOM(4, shape=(8, 9), n_epochs=2),
    "online": CSOM(4, shape=(8, 9), algorithm="online", n_epochs=2, random_state=0),
    "angles": CSOM(4, shape=(4, 5), metric="cosine", n_epochs=2),
}
LEARNS = {"ESOM": "learn", "batch": "sum_by_winner", "online": "learn_one_by_one"}
LEARNS |= {"angles": "find_winners"}


@pytest.fixture
def asked(monkeypatch):
    """Return the names of the kernels that are called; refuse misaligned arrays."""
    names = set()

    def watch(name, kernel):
        def watched(*args, **kwargs):
            names.add(name)
            given = [*args, *kwargs.values(), *(kwargs.get("patches") or {}).values()]
            for network in args:
                if isinstance(network, Network):
                    given += vars(network).values()
            arrays = [value for value in given if isinstance(value, np.ndarray)]
            assert arrays
            assert all(array.flags.aligned for array in arrays)
            return kernel(*args, **kwargs)

        return watched

    for module, name in KERNELS:
        monkeypatch.setattr(module, name, watch(name, getattr(module, name)))
    return names


def misaligned(array):
    array = np.asarray(array)
    room = np.empty(array.nbytes + 1, dtype=np.uint8)
    moved = room[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


def sent(model):
    """Return a model as it arrives in a message: its arrays are views of the bytes."""
    buffers = []
    text = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    moved = [memoryview(b"." + bytes(buffer))[1:] for buffer in buffers]
    assert moved
    return pickle.loads(text, buffers=moved)


def table(dtype):
    X, y = make_blobs(400, 5, centers=4, random_state=0)
    X[::31, 1] = np.nan
    return X.astype(dtype), y, np.random.default_rng(0).uniform(1, 2, size=len(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MAPS)
def test_maps_read_arrays_at_any_address(name, dtype, asked):
    X, _, _ = table(dtype)
    plain = clone(MAPS[name]).fit(X)
    moved = clone(MAPS[name]).fit(misaligned(X))
    assert_array_equal(moved.codebook_, plain.codebook_)
    assert LEARNS[name] in asked
    asked.clear()
    assert_array_equal(sent(moved).predict(misaligned(X)), plain.predict(X))
    assert_array_equal(sent(moved).transform(misaligned(X)), plain.transform(X))
    assert {"find_winners", "find_distances"} <= asked


def test_errors_and_weights_at_any_address(asked):
    X, _, weights = table(np.float32)
    errors = np.full_like(X, 0.5)
    for of_rows in ({"errors": errors}, {"sample_weight": weights}):
        asked.clear()
        plain = clone(MAPS["batch"]).fit(X, **of_rows)
        of_rows = {name: misaligned(values) for name, values in of_rows.items()}
        moved = clone(MAPS["batch"]).fit(misaligned(X), **of_rows)
        assert_array_equal(moved.codebook_, plain.codebook_)
        assert "find_winners" in asked


def test_a_map_that_was_sent_goes_on_to_learn(asked):
    X, _, _ = table(np.float32)
    plain = clone(MAPS["ESOM"]).fit(X)
    moved = sent(plain).partial_fit(misaligned(X))
    assert_array_equal(moved.codebook_, plain.partial_fit(X).codebook_)
    assert "learn" in asked


def test_classes_at_any_address(asked):
    X, y, _ = table(np.float64)
    model = MapClassifier(ESOM(epsilon=1.0, random_state=0))
    plain = clone(model).fit(X, y)
    moved = clone(model).fit(misaligned(X), misaligned(y))
    assert_array_equal(moved.predict(misaligned(X)), plain.predict(X))
    assert "learn" in asked
