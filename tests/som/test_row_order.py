# SPDX-License-Identifier: BSD-3-Clause
"""Rows in random order, wherever they stand in the table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som import CSOM, _row_order
from skesom.som._row_order import Epochs, Windows, order_by_content, some_rows
from tests.helpers.block_sizes import cut_tables


@pytest.fixture(params=[np.float32, np.float64])
def X(request):
    rng = np.random.default_rng(0)
    X = rng.integers(-3, 4, size=(500, 3)).astype(request.param)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("scale", [1.0, 1e-20])
def test_the_order_depends_on_what_rows_hold(X, scale):
    X *= X.dtype.type(scale)
    X[0] = 1
    order = order_by_content(X)
    assert_array_equal(np.sort(order), np.arange(len(X)))
    elsewhere = np.random.default_rng(1).permutation(len(X))
    assert_array_equal(X[elsewhere][order_by_content(X[elsewhere])], X[order])
    sorted_rows = np.nan_to_num(X[order], nan=9)
    changes = (np.diff(sorted_rows, axis=0) != 0).any(axis=1)
    assert changes.sum() + 1 == len(np.unique(sorted_rows, axis=0))


def test_some_rows_hold_about_as_many_values_as_show_their_size(monkeypatch):
    monkeypatch.setattr(_row_order, "_ENOUGH_VALUES", 100)
    rows = some_rows(np.arange(1500.0).reshape(500, 3))
    assert 100 <= rows.size <= 200
    assert rows[0, 0] == 0
    assert rows[-1, 0] > 1400


def test_rows_are_drawn_as_often_as_their_weights():
    weights = np.array([1, 2, 0, 2, 1])
    epochs = Epochs(np.arange(5.0)[:, np.newaxis], weights)
    drawn = epochs.draw(np.random.RandomState(0))
    assert_array_equal(np.bincount(drawn), weights)


def test_windows_hold_each_row_once(monkeypatch):
    cut_tables(monkeypatch, 10, window=30)
    X = np.arange(100.0)[:, np.newaxis]
    windows = Windows(X, 2, np.random.RandomState(0))
    parts = [samples[:, 0] for (samples,) in windows.rows()]
    assert len(parts) == 8
    assert max(map(len, parts)) <= 30
    assert_array_equal(np.sort(np.concatenate(parts[:4])), X[:, 0])
    assert_array_equal(Windows(X, 1).first(35), X[:35])


def test_the_order_is_neither_that_of_the_table_nor_sorted():
    X = np.arange(1000.0)[:, np.newaxis]
    order = order_by_content(X)
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


def test_equal_numbers_of_other_bits_are_equal():
    other_nan = np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0]
    X = np.array([[0.0, np.nan], [1, 2], [-0.0, other_nan], [3, 4]])
    order = order_by_content(X).tolist()
    assert abs(order.index(0) - order.index(2)) == 1


def times_drawn(X, sample_weight, n_epochs=1):
    epochs, random_state = Epochs(X, sample_weight), np.random.RandomState(0)
    rows = np.concatenate([epochs.draw(random_state) for _ in range(n_epochs)])
    assert len(rows) == n_epochs * epochs.n_rows
    return np.bincount(rows, minlength=len(X))


X_DISTINCT = np.random.default_rng(0).normal(size=(40, 2))


@pytest.mark.parametrize(
    ("sample_weight", "times"),
    [
        (None, np.ones(40)),
        (np.full(40, 0.3), np.ones(40)),
        (np.arange(40) % 3 + 1.0, np.arange(40) % 3 + 1),
        (10.0 * (np.arange(40) % 3 + 1), np.arange(40) % 3 + 1),
        (2.0**60 * np.r_[np.ones(20), np.full(20, 3)], None),
        (np.r_[np.ones(20), np.full(20, 3.0)] * 100 + np.arange(40) % 2, None),
    ],
)
def test_how_often_a_sample_comes(sample_weight, times):
    drawn = times_drawn(X_DISTINCT, sample_weight)
    if times is not None:
        assert_array_equal(drawn, times)
    else:  # too many to be repetitions: as many as samples, in proportion
        wanted = 40 * sample_weight / sample_weight.sum()
        assert drawn.sum() == 40
        assert ((np.floor(wanted) <= drawn) & (drawn <= np.ceil(wanted))).all()


def test_fractions_come_in_the_mean_of_many_epochs():
    sample_weight = np.linspace(0.1, 2.7, 40)
    drawn = times_drawn(X_DISTINCT, sample_weight, 2000)
    wanted = 2000 * 40 * sample_weight / sample_weight.sum()
    assert_allclose(drawn, wanted, rtol=0.15)


def test_epochs_differ():
    epochs, random_state = Epochs(X_DISTINCT, None), np.random.RandomState(0)
    assert (epochs.draw(random_state) != epochs.draw(random_state)).any()


@pytest.mark.parametrize(
    "setting", [{"algorithm": "online"}, {"init": "random"}, {"init": "pca"}]
)
def test_maps_do_not_depend_on_the_order_of_rows(setting):
    X = np.random.default_rng(2).normal(size=(300, 3))
    elsewhere = np.random.default_rng(3).permutation(300)
    one = CSOM(shape=(4, 4), random_state=0, **setting).fit(X)
    other = CSOM(shape=(4, 4), random_state=0, **setting).fit(X[elsewhere])
    assert_allclose(other.codebook_, one.codebook_, rtol=1e-9, atol=1e-12)
    assert_array_equal(other.labels_, one.labels_[elsewhere])


@pytest.mark.parametrize("setting", [{"algorithm": "online"}, {"init": "random"}])
def test_a_whole_weight_is_a_repetition(setting):
    X = np.random.default_rng(4).normal(size=(200, 3))
    times = np.random.default_rng(5).integers(0, 4, 200)
    weighted = CSOM(shape=(4, 4), random_state=0, **setting).fit(X, sample_weight=times)
    repeated = CSOM(shape=(4, 4), random_state=0, **setting).fit(np.repeat(X, times, 0))
    assert_allclose(weighted.codebook_, repeated.codebook_, rtol=1e-9, atol=1e-12)
