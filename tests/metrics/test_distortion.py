# SPDX-License-Identifier: BSD-3-Clause
"""Distortion against sums by hand and plain loops."""

from collections import deque

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom import metrics
from tests.helpers.block_sizes import set_size


def steps(links):
    """Connections to pass from each unit to each, by a search in breadth."""
    n_units = len(links)
    distances = np.full((n_units, n_units), np.inf)
    for start in range(n_units):
        distances[start, start] = 0
        queue = deque([start])
        while queue:
            unit = queue.popleft()
            for other in np.flatnonzero(links[unit]):
                if distances[start, other] == np.inf:
                    distances[start, other] = distances[start, unit] + 1
                    queue.append(other)
    return distances


def plain_distortion(X, codebook, on_map, sigma):
    """Distortion of each sample, and its winner; samples without features are left."""
    values, winners = [], []
    for x in X:
        present = ~np.isnan(x)
        if not present.any():
            continue
        squares = ((codebook[:, present] - x[present]) ** 2).sum(axis=1)
        squares *= len(x) / present.sum()
        winner = int(np.argmin(squares))
        weights = [np.exp(-(r**2) / (2 * sigma**2)) for r in on_map[winner]]
        values.append(sum(w * d for w, d in zip(weights, squares, strict=True)))
        winners.append(winner)
    return np.array(values), np.array(winners)


def test_by_hand():
    # On a chain of three units with h(1) = exp(-1/2) and h(2) = exp(-2).
    codebook = [[0.0, 0], [2, 0], [2, 2]]
    X = [[0.0, 1], [3, 0], [np.nan, np.nan]]
    one, two = np.exp(-0.5), np.exp(-2)
    first = 1 + one * (4 + 1) + two * (4 + 1)
    second = one * 9 + 1 + one * (1 + 4)
    chain = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    distortion = metrics.distortion(X, codebook, chain)
    assert distortion == pytest.approx((first + second) / 2, rel=1e-14)
    per_unit = metrics.distortion(X, codebook, chain, per_unit=True)
    assert_allclose(per_unit, [first, second, np.nan], rtol=1e-14)


@pytest.mark.parametrize(
    ("kind", "sigma", "dtype"),
    [
        ("connections", 1, np.float64),
        ("connections", 3.0, np.float32),
        ("positions", 0.5, np.float64),
        ("distances", 3.0, np.float64),
    ],
)
def test_plain_loops(kind, sigma, dtype, monkeypatch):
    rng = np.random.default_rng(0)
    codebook = rng.normal(size=(17, 4)).astype(dtype)
    X = (1e-3 + rng.normal(size=(90, 4))).astype(dtype)
    X[::6, 2] = np.nan
    X[::10, :3] = np.nan
    X[5] = np.nan
    if kind == "connections":
        given = np.triu(rng.random((17, 17)) < 0.15, 1)
        on_map = steps(given | given.T)
        assert np.isinf(on_map).any()  # a unit apart
    elif kind == "positions":
        given = rng.normal(size=(17, 2))
        on_map = np.linalg.norm(given[:, None] - given, axis=2)
    else:
        given = on_map = rng.random((17, 17)) * (1 - np.eye(17))
    expected, winners = plain_distortion(
        X.astype(float), codebook.astype(float), on_map, sigma
    )
    options = {kind: given, "sigma": sigma}
    assert metrics.distortion(X, codebook, **options) == pytest.approx(
        expected.mean(), rel=1e-12
    )
    per_unit = metrics.distortion(X, codebook, per_unit=True, **options)
    for unit in range(17):
        own = expected[winners == unit]
        value = own.mean() if len(own) else np.nan
        assert per_unit[unit] == pytest.approx(value, rel=1e-12, nan_ok=True)
    set_size(monkeypatch, "matrix", values=40)  # two units at a time
    in_blocks = metrics.distortion(X, codebook, per_unit=True, **options)
    assert_array_equal(in_blocks, per_unit)


def test_other_neighborhoods():
    codebook, X = [[0.0], [2.0], [5.0]], [[0.5], [2.0]]
    chain = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]  # unit 2 is apart, infinitely far

    def bubble(distances, sigma):
        return (distances <= sigma).astype(float)

    def epanechnikov(distances, sigma):
        return np.maximum(1 - (distances / sigma) ** 2, 0)

    # .25 + 2.25 for the first sample, 4 + 0 for the second.
    options = {"neighborhood": bubble, "sigma": 1}
    assert metrics.distortion(X, codebook, chain, **options) == 3.25
    options = {"neighborhood": epanechnikov, "sigma": 2}
    assert metrics.distortion(X, codebook, chain, **options) == (0.25 + 1.6875 + 3) / 2


def test_far_from_the_origin():
    # All numbers are exact in binary, so an offset must not change a digit.
    rng = np.random.default_rng(0)
    X, codebook = rng.integers(0, 64, (40, 3)), rng.integers(0, 64, (6, 3))
    chain = np.diag(np.ones(5), 1)
    expected = metrics.distortion(X, codebook, chain)
    shifted = metrics.distortion(X + 2.0**40, codebook + 2.0**40, chain)
    assert shifted == pytest.approx(expected, rel=1e-5)
    values, _ = plain_distortion(X.astype(float), codebook, steps(chain + chain.T), 1)
    assert expected == pytest.approx(values.mean(), rel=1e-12)


def test_few_units_and_samples():
    assert metrics.distortion([[1.0]], [[3.0]], [[0]]) == 4
    assert metrics.distortion([[3.0]], [[3.0]], positions=[[0.0]]) == 0
    assert np.isnan(metrics.distortion([[np.nan]], [[3.0]], [[0]]))
    nothing = metrics.distortion([[np.nan]], [[3.0], [1.0]], np.eye(2), per_unit=True)
    assert_array_equal(nothing, [np.nan, np.nan])
    # Units at one place: the lower number wins, and the other counts as a neighbor.
    twins = metrics.distortion([[2.0]] * 3, [[1.0], [1.0]], [[0, 1], [1, 0]])
    assert twins == pytest.approx(1 + np.exp(-0.5))


@pytest.mark.parametrize(
    "wrong", [{"sigma": 0}, {"sigma": "1"}, {"sigma": None}, {"neighborhood": "wide"}]
)
def test_refused_options(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"The '{name}' parameter of distortion must"):
        metrics.distortion([[1.0]], [[3.0]], [[0]], **wrong)
