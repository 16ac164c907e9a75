# SPDX-License-Identifier: BSD-3-Clause
"""The kernels of the classical map against NumPy and plain loops."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from skesom.som import CSOM, _winners
from skesom.som.codebook import nearest_units
from skesom.som.metric import Metric
from tests.helpers.memory import peak_of

DTYPES = [np.float32, np.float64]


def draw(n_samples, n_units, n_features, dtype, *, missing):
    rng = np.random.default_rng(n_samples + n_units)
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[:: max(2, n_samples // 3)] = np.nan
    return X, rng.normal(size=(n_units, n_features)).astype(dtype)


def expected_sums(X, codebook, *, per_feature):
    winners, _ = nearest_units(X, codebook)
    X, winners = X[winners >= 0], winners[winners >= 0]
    sums = np.zeros(codebook.shape)
    counts = np.zeros(codebook.shape)
    np.add.at(sums, winners, np.nan_to_num(X.astype(float)))
    np.add.at(counts, winners, ~np.isnan(X))
    return sums, counts if per_feature else counts[:, :1]


def summed(X, codebook, bounds, n_threads, n_counts):
    n_units, n_features = codebook.shape
    n_chunks = len(bounds) - 1
    sums = np.zeros((n_chunks, n_units, n_features))
    counts = np.zeros((n_chunks, n_units, n_counts))
    _winners.sum_by_winner(
        X,
        nearest_units(X, codebook, measured=False)[0],
        np.asarray(bounds, dtype=np.intp),
        sums,
        counts,
        n_threads,
    )
    return sums, counts


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize(
    ("n_samples", "n_units"), [(1, 1), (2, 1), (5, 2), (257, 17), (1003, 130)]
)
def test_sum_by_winner(n_samples, n_units, missing, dtype):
    X, codebook = draw(n_samples, n_units, 5, dtype, missing=missing)
    expected = expected_sums(X, codebook, per_feature=missing)
    sums, counts = Metric().sums(X, codebook, missing=bool(np.isnan(X).any()))
    assert_allclose(sums, expected[0], rtol=1e-12, atol=1e-12)
    assert_array_equal(counts, expected[1])


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
def test_chunks_add_up_and_threads_change_nothing(missing):
    X, codebook = draw(1003, 30, 4, np.float64, missing=missing)
    n_counts = 4 if missing else 1
    bounds = [0, 1, 8, 8, 500, 1003]
    one = summed(X, codebook, bounds, 1, n_counts)
    two = summed(X, codebook, bounds, 2, n_counts)
    assert_array_equal(one[0], two[0])
    assert_array_equal(one[1], two[1])
    for chunk, (begin, end) in enumerate(pairwise(bounds)):
        sums, counts = expected_sums(X[begin:end], codebook, per_feature=missing)
        assert_allclose(one[0][chunk], sums, rtol=1e-12, atol=1e-12)
        assert_array_equal(one[1][chunk], counts)


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
def test_sums_of_many_rows_do_not_depend_on_threads(missing):
    X, codebook = draw(40_000, 20, 3, np.float32, missing=missing)  # several chunks
    results = []
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="openmp"):
            results.append(Metric().sums(X, codebook, missing=missing))
    assert_array_equal(results[0][0], results[1][0])
    assert_array_equal(results[0][1], results[1][1])
    expected = expected_sums(X, codebook, per_feature=missing)
    assert_allclose(results[0][0], expected[0], rtol=1e-9, atol=1e-9)
    assert_array_equal(results[0][1], expected[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_features", [9, 100])
def test_maps_are_the_same_to_the_bit_for_any_number_of_threads(n_features, dtype):
    X, _ = draw(18_000, 1, n_features, dtype, missing=False)
    X[::2] += 8
    fitted = []
    for limit in (1, 2, 5):
        with threadpool_limits(limit, user_api="openmp"):
            csom = CSOM(None, shape=(9, 8), n_epochs=2).fit(X)
            fitted.append((csom.codebook_, csom.labels_, csom.training_errors_))
    for other in fitted[1:]:
        for one, two in zip(fitted[0], other, strict=True):
            assert_array_equal(one, two)


def test_memory_of_training_is_small_beside_the_samples():
    # Beside labels it is winners and distances, of a million rows at most.
    extra = []
    for n_samples in (50_000, 400_000):
        X = np.tile(draw(50_000, 1, 4, np.float32, missing=False)[0], (8, 1))[
            :n_samples
        ]
        csom = CSOM(None, shape=(10, 10), n_epochs=2)
        peak, _ = peak_of(lambda csom=csom, X=X: csom.fit(X))
        extra.append(peak - csom.labels_.nbytes)
    per_sample = (extra[1] - extra[0]) / 350_000
    assert per_sample < 40
    assert extra[1] < 40e6
