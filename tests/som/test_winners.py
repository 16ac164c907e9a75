# SPDX-License-Identifier: BSD-3-Clause
"""Nearest units and distances are those of NumPy, whatever the vector code does."""

import importlib.util
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

import skesom.som
from skesom.som import _vectors, _winners
from skesom.som._codebook import by_feature, distances_to_units, nearest_units, padded

DTYPES = [np.float32, np.float64]


def squared_distances(X, codebook):
    """Sums over the features in their order, in the dtype of the data."""
    total = np.zeros((len(X), len(codebook)), dtype=X.dtype)
    for feature in range(X.shape[1]):
        total += (X[:, feature, None] - codebook[:, feature]) ** 2
    return total


def expected_winners(squared):
    """The nearest two units, the lowest first among equals; -1 where there is none."""
    order = np.argsort(squared, axis=1, kind="stable")[:, :2]
    return np.column_stack([order, np.full((len(order), 2 - order.shape[1]), -1)])


def draw(seed, n_samples, n_units, n_features, dtype):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    return X, rng.normal(size=(n_units, n_features)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "n_units", [1, 2, 3, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129, 500]
)
@pytest.mark.parametrize("n_samples", [1, 3, 4, 263])
def test_complete_rows(n_samples, n_units, dtype):
    for n_features in (1, 2, 9, 50):
        X, codebook = draw(n_units, n_samples, n_units, n_features, dtype)
        squared = squared_distances(X, codebook)
        expected = expected_winners(squared)

        winners, distances = nearest_units(X, codebook)
        assert winners.dtype == np.intp
        assert distances.dtype == dtype
        assert_array_equal(winners, expected[:, 0])
        assert_array_equal(distances, np.sqrt(squared.min(axis=1)))

        both, distances_too = nearest_units(X, codebook, second=True)
        assert_array_equal(both, expected)
        assert_array_equal(distances_too, distances)

        all_distances = distances_to_units(X, codebook)
        assert all_distances.dtype == dtype
        assert_array_equal(all_distances, np.sqrt(squared))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [1, 2, 40, 64, 65, 200])
def test_ties_go_to_the_lowest_unit(n_units, dtype):
    rng = np.random.default_rng(n_units)
    X = rng.integers(0, 3, size=(300, 2)).astype(dtype)
    codebook = rng.integers(0, 3, size=(n_units, 2)).astype(dtype)
    expected = expected_winners(squared_distances(X, codebook))
    assert_array_equal(nearest_units(X, codebook, second=True)[0], expected)
    assert_array_equal(nearest_units(X, codebook)[0], expected[:, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [1, 2, 3, 16, 64, 65, 200])
def test_equal_units(n_units, dtype):
    X = np.zeros((9, 3), dtype=dtype)
    codebook = np.ones((n_units, 3), dtype=dtype)
    winners, distances = nearest_units(X, codebook, second=True)
    assert_array_equal(winners, 9 * [[0, 1 if n_units > 1 else -1]])
    assert_array_equal(distances, np.full(9, np.sqrt(dtype(3))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [1, 2, 17, 130])
def test_missing_features(n_units, dtype):
    X, codebook = draw(3, 300, n_units, 6, dtype)
    rng = np.random.default_rng(4)
    X[rng.random(X.shape) < 0.4] = np.nan
    X[17:30:4] = np.nan
    absent = np.isnan(X).all(axis=1)
    assert absent.any()
    present = np.maximum((~np.isnan(X)).sum(axis=1), 1)
    difference = X[:, None].astype(float) - codebook
    distances = np.sqrt(np.nansum(difference**2, axis=2) * (6 / present)[:, None])
    expected = expected_winners(distances)
    expected[absent] = -1
    distances[absent] = np.nan
    rtol = 1e-12 if dtype == np.float64 else 3e-6

    winners, nearest = nearest_units(X, codebook)
    assert_array_equal(winners, expected[:, 0])
    assert_allclose(nearest, distances.min(axis=1), rtol=rtol)
    assert_array_equal(nearest_units(X, codebook, second=True)[0], expected)
    assert_allclose(distances_to_units(X, codebook), distances, rtol=rtol)


@pytest.mark.parametrize("n_units", [17, 130])
def test_distances_that_are_not_wanted(n_units):
    X, codebook = draw(8, 300, n_units, 6, np.float32)
    X[::7, 2] = np.nan
    X[50] = np.nan
    for second in (False, True):
        winners, distances = nearest_units(X, codebook, second=second, measured=False)
        assert_array_equal(winners, nearest_units(X, codebook, second=second)[0])
        assert len(distances) == 0


def test_missing_feature_is_scaled_up():
    # One of four features is there, 3 away: sqrt(3^2 * 4 / 1).
    X = np.array([[np.nan, 5.0, np.nan, np.nan]])
    assert nearest_units(X, np.array([[0.0, 2.0, 0.0, 0.0]]))[1] == [6.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_do_not_depend_on_their_neighbors(dtype):
    # Complete rows are taken four at a time, others alone: the bits must agree.
    X, codebook = draw(5, 601, 70, 9, dtype)
    X[::7, 3] = np.nan
    winners, distances = nearest_units(X, codebook)
    for begin, end in ((0, 1), (1, 4), (2, 6), (5, 260), (255, 258), (600, 601)):
        some = nearest_units(np.ascontiguousarray(X[begin:end]), codebook)
        assert_array_equal(some[0], winners[begin:end])
        assert_array_equal(some[1], distances[begin:end])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("magnitude", ["huge", "tiny"])
def test_magnitudes_near_the_end_of_the_range(magnitude, dtype):
    # A power of two, so that ties stay ties; squares fit with a little to spare.
    limits = np.finfo(dtype)
    exponent = limits.maxexp // 2 - 5 if magnitude == "huge" else limits.minexp // 2 + 1
    unit = dtype(2.0**exponent)
    rng = np.random.default_rng(0)
    X = (rng.integers(-4, 5, size=(100, 3)) * unit).astype(dtype)
    codebook = (rng.integers(-4, 5, size=(33, 3)) * unit).astype(dtype)
    expected = expected_winners(squared_distances(X / unit, codebook / unit))
    assert_array_equal(nearest_units(X, codebook, second=True)[0], expected)
    assert_array_equal(nearest_units(X, codebook)[0], expected[:, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [1, 2, 5, 31, 63])
def test_padding_never_wins(n_units, dtype):
    # The samples lie exactly where the padding stands, and far from every unit.
    X, codebook = draw(1, 9, n_units, 2, dtype)
    X[:] = 0
    codebook += 100
    stored = by_feature(codebook, 2 * _vectors.unit_padding)
    assert stored.shape == (3, 2 * _vectors.unit_padding)
    expected = expected_winners(squared_distances(X, codebook))
    for n_columns in (1, 2):
        winners = np.empty((9, n_columns), dtype=np.intp)
        _winners.find_winners(
            X, stored, n_units, *room(X, 1, 300), winners, np.empty(9, dtype), 1
        )
        assert_array_equal(winners, expected[:, :n_columns])


def room(X, n_threads, n_units):
    features = np.empty((n_threads, X.shape[1]), dtype=np.intc)
    return features, np.empty(
        (n_threads, _vectors.screened * padded(n_units)), dtype=X.dtype
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_nothing(dtype):
    X, codebook = draw(2, 1500, 77, 5, dtype)
    X[::11, 2] = np.nan
    X[500:700:9] = np.nan
    results = []
    for n_threads in (1, 2):
        scratch = room(X, n_threads, 77)
        winners = np.empty((len(X), 1), dtype=np.intp)
        both = np.empty((len(X), 2), dtype=np.intp)
        distances = np.empty(len(X), dtype)
        all_distances = np.empty((len(X), 77), dtype)
        stored = by_feature(codebook)
        _winners.find_winners(X, stored, 77, *scratch, both, distances, n_threads)
        _winners.find_winners(X, stored, 77, *scratch, winners, distances, n_threads)
        _winners.find_distances(X, stored, 77, *scratch, all_distances, n_threads)
        results.append((winners, both, distances, all_distances))
    for one, two in zip(*results, strict=True):
        assert_array_equal(one, two)
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="openmp"):
            assert_array_equal(nearest_units(X, codebook)[0], results[0][0][:, 0])
            assert_array_equal(distances_to_units(X, codebook), results[0][3])


@pytest.mark.parametrize("dtype", DTYPES)
def test_codebook_is_stored_by_feature_and_aligned(dtype):
    codebook = draw(0, 1, 70, 3, dtype)[1]
    stored = by_feature(codebook)
    assert stored.shape == (4, 2 * _vectors.unit_padding)
    assert stored.flags.c_contiguous
    assert stored.dtype == dtype
    assert stored.ctypes.data % 64 == 0
    assert_array_equal(stored[:-1, :70].T, codebook)
    assert_allclose(stored[-1, :70], (codebook.astype(float) ** 2).sum(axis=1) / 2)
    assert_array_equal(stored[-1, 70:], np.finfo(dtype).max)


@pytest.mark.parametrize(
    ("n_units", "columns"), [(0, 1), (1, 1), (64, 1), (65, 2), (128, 2), (129, 3)]
)
def test_padded(n_units, columns):
    assert padded(n_units) == columns * _vectors.unit_padding


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("near", [None, 0, 1, 20, 64, 69])
def test_second_unit_is_another_one_when_squares_overflow(near, dtype):
    X = np.zeros((1, 1), dtype=dtype)
    codebook = np.full((70, 1), np.finfo(dtype).max / 4, dtype=dtype)
    if near is not None:
        codebook[near] = 1
    winners, _ = nearest_units(X, codebook, second=True)
    assert_array_equal(winners, [[near or 0, 0 if near else 1]])


def test_kernels_that_are_not_compiled(monkeypatch):
    monkeypatch.setitem(sys.modules, "skesom.som._vectors", None)
    spec = importlib.util.spec_from_file_location("som_once_more", skesom.som.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.raises(ImportError, match=r"not compiled in .*pip install -e \."):
        spec.loader.exec_module(module)
