# SPDX-License-Identifier: BSD-3-Clause
"""Moments and votes against plain references."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som.grouping import add_moments, count_votes

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
threads = pytest.mark.parametrize("n_threads", [1, 2, 3])


@dtypes
@threads
@pytest.mark.parametrize("full", [True, False])
def test_moments_around_units(dtype, n_threads, full):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(dtype)
    X[7, 2] = np.nan
    codebook = rng.normal(size=(6, 4)).astype(dtype)
    weights, own = rng.random(300), rng.integers(0, 5, 300)  # none of unit 5
    order = np.argsort(own, kind="stable")
    bounds = np.append(0, np.bincount(own, minlength=6).cumsum())
    first, second = np.zeros((6, 4)), np.zeros((6, 4 if full else 1, 4))
    scratch = np.empty((n_threads, 4))
    add_moments(X, weights, order, bounds, codebook, first, second, scratch, n_threads)
    apart = np.nan_to_num(X.astype(float) - codebook[own])
    for unit in range(6):
        rows, weight = apart[own == unit], weights[own == unit]
        assert_allclose(first[unit], weight @ rows, atol=1e-12)
        products = (rows * weight[:, None]).T @ rows
        if full:
            assert_allclose(second[unit], np.tril(products), atol=1e-12)
        else:
            assert_allclose(second[unit, 0], np.diagonal(products), atol=1e-12)


def counted_one_by_one(labels, first, votes, overlaps, bias):
    """Return winner and agreement of each row, as the definition reads."""
    n_members = len(labels)
    winners, agreements = [], []
    for row in labels.T:
        own = []
        for member, label in enumerate(row):
            last = first[member + 1] - 1
            own.append(last if label < 0 else min(first[member] + label, last))
        voters = sum(row >= 0)
        winner = int(np.argmax(voters * bias + sum(votes[place] for place in own)))
        if 2 * voters < n_members:
            winner = min(max(row), -1)
        agree = sum(
            float(overlaps[place, winner if winner >= 0 else -1]) for place in own
        )
        winners.append(winner)
        agreements.append(np.nan if max(row) < -1 else agree / n_members)
    return winners, np.float32(agreements)


@threads
@pytest.mark.parametrize("n_members", [3, 4])  # half of 4 members may vote
def test_votes(n_members, n_threads):
    rng = np.random.default_rng(0)
    first = np.array([0, 4, 6, 11, 14])[: n_members + 1]
    n_places = first[-1]
    votes = rng.integers(-8, 9, (n_places, 3)) / 8.0
    bias = np.array([-0.25, 0.0, -0.5])
    overlaps = rng.random((n_places, 4)).astype(np.float32)
    labels = rng.integers(-3, 6, (n_members, 5000)).astype(np.int32)
    labels[:, 0] = -3
    winner, agreement = np.empty(5000, np.int32), np.empty(5000, np.float32)
    room = np.empty((n_threads, 3))
    count_votes(
        labels, first, votes, overlaps, bias, room, winner, agreement, n_threads
    )
    expected = counted_one_by_one(labels, first, votes, overlaps, bias)
    assert {-3, -2, -1, 0, 1, 2} == set(winner.tolist())
    assert_array_equal(winner, expected[0])
    assert_array_equal(agreement, expected[1])
