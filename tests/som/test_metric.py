# SPDX-License-Identifier: BSD-3-Clause
"""Distances, winners and sums of every metric are those of SciPy and plain NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from skesom.som import metric as _metric
from skesom.som.metric import METRICS, Metric
from tests.helpers.block_sizes import cut_wide_tables

DTYPES = [np.float32, np.float64]
SCIPY_NAMES = {
    "euclidean": "euclidean",
    "manhattan": "cityblock",
    "cosine": "cosine",
    "spectral_angle": "cosine",
}


def draw(dtype, n_samples=70, n_units=11, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    return X, rng.normal(size=(n_units, n_features)).astype(dtype)


def expected_distances(name, X, codebook, feature_weights=None, errors=None):
    """Row by row over the present features, in float64."""
    expected = np.full((len(X), len(codebook)), np.nan)
    weights = np.ones(X.shape[1]) if feature_weights is None else feature_weights
    for row, sample in enumerate(X.astype(float)):
        present = ~np.isnan(sample)
        if not present.any():
            continue
        w = weights[present]
        if errors is not None:
            w = w / errors[row, present].astype(float) ** 2
        distances = cdist(
            sample[None, present],
            codebook[:, present].astype(float),
            SCIPY_NAMES[name],
            w=w,
        )[0]
        scale = X.shape[1] / present.sum()
        if name == "euclidean":
            distances = distances * np.sqrt(scale)
        elif name == "manhattan":
            distances = distances * scale
        elif name == "spectral_angle":
            distances = np.arccos(1 - distances)
        expected[row] = distances
    return expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_distances_and_winners(name, weighted, missing, dtype, monkeypatch):
    cut_wide_tables(monkeypatch, 200)  # parts of 40 rows
    X, codebook = draw(dtype)
    if missing:
        X[::3, 1] = np.nan
        X[::4, 2:4] = np.nan
        X[50] = np.nan
    # In one dimension all angles are equal, so a row with gaps keeps two that count.
    least = 0.25 if missing else 0.0
    feature_weights = np.array([2.0, 0.5, 1.0, 3.0, least]) if weighted else None
    expected = expected_distances(name, X, codebook, feature_weights)
    metric = Metric(name, feature_weights)
    rtol = 1e-12 if dtype == np.float64 else 2e-5

    distances = metric.distances(X, codebook)
    assert distances.dtype == dtype
    assert_allclose(distances, expected, rtol=rtol, atol=10 * rtol)
    known = ~np.isnan(X).all(axis=1)
    winners, nearest = metric.nearest(X, codebook)
    assert_array_equal(winners[known], expected[known].argmin(axis=1))
    assert_array_equal(winners[~known], -1)
    assert_allclose(nearest, expected.min(axis=1), rtol=rtol, atol=10 * rtol)
    both, nearest = metric.nearest(X, codebook, second=True)
    order = np.argsort(expected[known], axis=1)
    assert_array_equal(both[known], order[:, :2])
    assert_array_equal(both[~known], -1)
    assert_allclose(nearest, expected.min(axis=1), rtol=rtol, atol=10 * rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
def test_errors_divide_the_differences(missing, dtype):
    X, codebook = draw(dtype, seed=1)
    errors = np.random.default_rng(2).uniform(0.1, 3, X.shape).astype(dtype)
    if missing:
        X[::3, 1] = np.nan
    expected = expected_distances("euclidean", X, codebook, errors=errors)
    rtol = 1e-12 if dtype == np.float64 else 2e-5
    assert_allclose(Metric().distances(X, codebook, errors=errors), expected, rtol=rtol)
    winners, distances = Metric().nearest(X, codebook, errors=errors)
    assert_array_equal(winners, expected.argmin(axis=1))
    assert_allclose(distances, expected.min(axis=1), rtol=rtol)
    # An error large enough to hide a feature makes it count for nothing.
    errors[:, 0] = 1e15
    hidden = expected_distances("euclidean", X, codebook, errors=errors)
    assert_array_equal(
        Metric().nearest(X, codebook, errors=errors)[0], hidden.argmin(axis=1)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize(
    ("name", "with_errors"),
    [*((name, False) for name in METRICS), ("euclidean", True)],
)
def test_sums(name, with_errors, missing, dtype, monkeypatch):
    cut_wide_tables(monkeypatch, 200)  # parts of 40 rows
    X, codebook = draw(dtype, seed=3)
    rng = np.random.default_rng(4)
    if missing:
        X[::3, 1] = np.nan
        X[50] = np.nan
    errors = rng.uniform(0.1, 3, X.shape).astype(dtype) if with_errors else None
    sample_weight = rng.uniform(0, 2, len(X))
    metric = Metric(name)
    sums, counts = metric.sums(X, codebook, sample_weight=sample_weight, errors=errors)

    winners, _ = metric.nearest(X, codebook, errors=errors)
    expected_sums, expected_counts = np.zeros((2, *codebook.shape))
    for row, winner in enumerate(winners):
        values = X[row].astype(float)
        present = ~np.isnan(values)
        if metric.of_angles and present.any():
            values = values / np.linalg.norm(values[present])
        weights = sample_weight[row] * present
        if with_errors:
            weights = weights / errors[row].astype(float) ** 2
        if winner >= 0:
            expected_sums[winner] += weights * np.where(present, values, 0)
            expected_counts[winner] += weights
    rtol = 1e-11 if dtype == np.float64 else 1e-4
    assert_allclose(sums, expected_sums, rtol=rtol, atol=rtol)
    assert_allclose(
        np.broadcast_to(counts, sums.shape), expected_counts, rtol=rtol, atol=rtol
    )


def test_units_of_angles_have_length_one():
    _, codebook = draw(np.float64)
    lengths = np.linalg.norm(Metric("cosine").normalized(codebook), axis=1)
    assert_allclose(lengths, 1, rtol=1e-14)
    assert_array_equal(Metric().normalized(codebook), codebook)


def test_rows_of_length_one_have_it_in_their_present_features():
    rows = np.array([[3.0, 4, np.nan], [0, 0, 0], [np.nan] * 3])
    expected = [[0.6, 0.8, np.nan], [0, 0, 0], [np.nan] * 3]
    assert_allclose(_metric.of_length_one(rows), expected)
