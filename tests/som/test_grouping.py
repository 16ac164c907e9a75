# SPDX-License-Identifier: BSD-3-Clause
"""Normals, moments and votes against plain references, and the grouping of units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som._grouping import add_moments, count_votes, most_probable, rows_abreast
from skesom.som._metric import Metric
from skesom.som._second_stage import Grouping, NormalMixture

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
threads = pytest.mark.parametrize("n_threads", [1, 2, 3])


def normals(n_normals, n_features, *, full, seed=0):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(n_normals, n_features))
    height = n_features if full else 1
    factors = np.triu(rng.normal(size=(n_normals, n_features, n_features)))
    return means, factors[:, :height].copy(), rng.normal(size=n_normals)


def log_densities(row, means, factors, constants):
    """Return the log density of one row in each normal, term by term."""
    densities = []
    for mean, factor, constant in zip(means, factors, constants, strict=True):
        apart = row.astype(float) - mean
        lengths = factor @ apart if len(factor) == len(apart) else factor[0] * apart
        densities.append(constant - 0.5 * sum(length**2 for length in lengths))
    return densities


def found_by_kernel(X, parts, n_threads=1):
    numbers = np.full(len(X), 99, dtype=np.int32)
    room = np.empty((n_threads, 2 * X.shape[1], rows_abreast))
    most_probable(X, *parts, room, numbers, n_threads)
    return numbers


@dtypes
@threads
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("n_rows", "n_features"), [(1, 1), (15, 2), (200, 9), (33, 40)]
)
def test_most_probable_normal(dtype, n_threads, full, n_rows, n_features):
    X = np.random.default_rng(1).normal(size=(n_rows, n_features)).astype(dtype)
    parts = normals(5, n_features, full=full)
    expected = [np.argmax(log_densities(row, *parts)) for row in X]
    assert_array_equal(found_by_kernel(X, parts, n_threads), expected)


def test_rows_without_a_density_have_no_normal():
    X = np.zeros((40, 3))
    X[5, 1], X[17, 0], X[38] = np.nan, 1e200, np.nan
    numbers = found_by_kernel(X, normals(4, 3, full=True))
    assert_array_equal(np.flatnonzero(numbers < 0), [5, 17, 38])


def test_first_of_equal_normals():
    means, factors, constants = normals(1, 3, full=True)
    twice = np.repeat(means, 2, 0), np.repeat(factors, 2, 0), np.repeat(constants, 2)
    X = np.random.default_rng(0).normal(size=(50, 3))
    assert_array_equal(found_by_kernel(X, twice), 0)


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
def test_votes(n_threads):
    rng = np.random.default_rng(0)
    first = np.array([0, 4, 6, 11])
    votes, bias = rng.integers(-8, 9, (11, 3)) / 8.0, np.array([-0.25, 0.0, -0.5])
    overlaps = rng.random((11, 4)).astype(np.float32)
    labels = rng.integers(-3, 6, (3, 5000)).astype(np.int32)
    winner, agreement = np.empty(5000, np.int32), np.empty(5000, np.float32)
    room = np.empty((n_threads, 3))
    count_votes(
        labels, first, votes, overlaps, bias, room, winner, agreement, n_threads
    )
    expected = counted_one_by_one(labels, first, votes, overlaps, bias)
    assert {-3, -2, -1, 0, 1, 2} == set(winner.tolist())
    assert_array_equal(winner, expected[0])
    assert_array_equal(agreement, expected[1])


def one_normal_each(*places):
    """Return a mixture of narrow normals of one feature, labeled in their order."""
    means = np.array(places, dtype=float)[:, np.newaxis]
    labels = np.arange(len(means), dtype=np.int32)
    ones = np.ones(len(means))
    return NormalMixture(means, ones[:, np.newaxis, np.newaxis], 0 * ones, labels)


def labeled(grouping, X, errors=None, winners=None):
    codebook = np.array([[0.0], [4.0], [9.0]])
    return grouping.label(X, errors, winners, metric=Metric(), codebook=codebook)


def test_normals_label_complete_rows_and_units_the_others():
    X = np.array([[0.0], [3.0], [np.nan], [8.0]])
    units = np.array([1, 1, 0], dtype=np.int32)
    assert_array_equal(labeled(Grouping(units), X), [1, 1, -3, 0])
    both = Grouping(units, one_normal_each(9.0, 2.5))
    assert_array_equal(labeled(both, X), [1, 1, -3, 0])
    both = Grouping(units, one_normal_each(2.5, 9.0))
    assert_array_equal(labeled(both, X), [0, 0, -3, 1])
    assert_array_equal(labeled(both, X, errors=np.ones((4, 1))), [1, 1, -3, 0])
    known = np.array([2, 2, -1, 1])
    assert_array_equal(labeled(Grouping(units), X, winners=known), [0, 0, -3, 1])


def test_new_numbers_are_those_of_units_and_normals():
    units = np.array([1, 1, 0], dtype=np.int32)
    grouping = Grouping(units, one_normal_each(2.5, 9.0))
    numbers = np.array([4, 7], dtype=np.int32)
    turned = grouping.renumbered(numbers)
    assert turned.n_clusters == 8
    X = np.array([[0.0], [9.0], [np.nan]])
    assert_array_equal(labeled(turned, X), [4, 7, -3])
    assert_array_equal(turned.unit_labels, [7, 7, 4])


def test_units_and_normals_take_the_labels_of_their_samples():
    grouping = Grouping(np.zeros(3, dtype=np.int32), one_normal_each(0.0, 9.0))
    X = np.array([[0.0], [0.5], [8.0], [9.0], [10.0]])
    winners, labels = np.array([0, 0, 2, 2, 2]), np.array([5, 5, 1, 1, 5])
    codebook = np.array([[0.0], [4.0], [9.0]])
    alike = grouping.alike(X, winners, labels, metric=Metric(), codebook=codebook)
    assert_array_equal(alike.unit_labels, [5, 5, 1])
    assert_array_equal(alike.mixture.labels, [5, 1])
