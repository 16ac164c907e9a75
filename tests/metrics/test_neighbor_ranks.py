# SPDX-License-Identifier: BSD-3-Clause
"""Trustworthiness and continuity against scikit-learn and all orders of ties."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import manifold
from sklearn.datasets import make_blobs

from skesom import metrics
from skesom.metrics._preservation import _mean_over_orders as mean_over_orders
from skesom.som import CSOM, ESOM
from tests.helpers.block_sizes import set_size

both = pytest.mark.parametrize("measure", [metrics.trustworthiness, metrics.continuity])


def orders(distances):
    """All orders of the others by their distance, ties in every order."""
    groups = [np.flatnonzero(distances == value) for value in np.unique(distances)]
    for parts in product(*(permutations(group) for group in groups)):
        yield [other for part in parts for other in part]


def plain_preservation(near, far, k):
    """One minus the penalties, the mean over all orders; distances between samples."""
    n = len(near)
    total = 0.0
    for i in range(n):
        others = np.delete(np.arange(n), i)
        near_orders = list(orders(near[i, others]))
        far_orders = list(orders(far[i, others]))
        penalties = [
            sum(max(in_far.index(other) + 1 - k, 0) for other in in_near[:k])
            for in_near in near_orders
            for in_far in far_orders
        ]
        total += np.mean(penalties)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


@pytest.mark.parametrize(
    ("k", "dtype"), [(1, np.float64), (5, np.float32), (20, np.float64)]
)
def test_scikit_learn(k, dtype, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4)).astype(dtype)
    positions = X[:, :2] + 0.5 * rng.normal(size=(90, 2)).astype(dtype)
    expected = manifold.trustworthiness(X, positions, n_neighbors=k)
    backward = manifold.trustworthiness(positions, X, n_neighbors=k)
    assert expected != backward
    given = {"positions": positions, "n_neighbors": k}  # each sample is a unit
    assert metrics.trustworthiness(X, X, **given) == pytest.approx(expected, rel=1e-12)
    assert metrics.continuity(X, X, **given) == pytest.approx(backward, rel=1e-12)
    set_size(monkeypatch, "matrix", values=300)  # three samples at a time
    assert metrics.trustworthiness(X, X, **given) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_ties_count_in_every_order(seed, k):
    rng = np.random.default_rng(seed)
    codebook = np.arange(6.0).reshape(3, 2) + 0.1 * rng.normal(size=(3, 2))
    X = codebook[[0, 0, 1, 1, 1, 2, 2]] + 0.1 * rng.normal(size=(7, 2))
    X[1] = X[0]  # duplicates: a tie in the data
    winners = [0, 0, 1, 1, 1, 2, 2]
    on_map = np.abs(np.subtract.outer(range(3), range(3)))[winners][:, winners]
    in_data = np.linalg.norm(X[:, None] - X, axis=2)
    chain = np.diag(np.ones(2), 1)
    value = metrics.trustworthiness(X, codebook, chain, n_neighbors=k)
    assert value == pytest.approx(plain_preservation(on_map, in_data, k), rel=1e-12)
    value = metrics.continuity(X, codebook, chain, n_neighbors=k)
    assert value == pytest.approx(plain_preservation(in_data, on_map, k), rel=1e-12)


@both
def test_samples_between_which_no_path_leads(measure):
    X = np.array([[0.0], [1.0], [2.1], [3.3], [4.6], [6.0]])
    links = np.zeros((6, 6))
    links[0, 1] = links[2, 4] = 1
    on_map = np.full((6, 6), 9.0)  # farther than any path
    on_map[0, 1] = on_map[1, 0] = on_map[2, 4] = on_map[4, 2] = 1
    in_data = np.abs(X - X.T)
    near, far = on_map, in_data
    if measure is metrics.continuity:
        near, far = far, near
    value = measure(X, X, links, n_neighbors=2)
    assert value == pytest.approx(plain_preservation(near, far, 2), rel=1e-12)


@both
@pytest.mark.parametrize("k", [1, 4, 7])
def test_a_map_of_one_unit_is_chance(measure, k):
    n = 16
    X = np.random.default_rng(0).normal(size=(n, 3))
    # Any other sample is as likely a neighbor: k / (n - 1) of all excesses.
    excesses = sum(range(1, n - k))
    expected = 1 - 2 / (k * (2 * n - 3 * k - 1)) * k / (n - 1) * excesses
    assert measure(X, [[0.0] * 3], [[0]], n_neighbors=k) == pytest.approx(expected)


@both
def test_best_and_worst(measure):
    X = np.arange(12.0)[:, None]
    assert measure(X, X, positions=-3 * X, n_neighbors=4) == 1
    assert measure(X, X, np.diag(np.ones(11), 1), n_neighbors=4) == 1
    # By definition 0 is the least for any number of samples: far and near exchanged.
    flipped = (20 - np.abs(X - X.T)) * (1 - np.eye(12))
    worst = measure(X, X, distances=flipped, n_neighbors=5)
    assert 0 <= worst < 0.2
    noise = np.random.default_rng(0).normal(size=(400, 1))
    unrelated = measure(noise, noise, positions=np.roll(noise, 7), n_neighbors=5)
    assert unrelated == pytest.approx(0.5, abs=0.03)


@both
def test_the_numbering_of_units_does_not_count(measure):
    X = make_blobs(120, 3, centers=3, random_state=0)[0]
    csom = CSOM(None, shape=(5, 4), topology="hexagonal").fit(X)
    expected = measure(X, csom.codebook_, positions=csom.positions_)
    other = np.random.default_rng(0).permutation(20)
    # Turned and moved, so that distances that tie differ by rounding.
    angle = np.array([[np.cos(1), np.sin(1)], [-np.sin(1), np.cos(1)]])
    positions = csom.positions_ @ angle / 3 + 17.1
    shuffled = measure(X, csom.codebook_[other], positions=positions[other])
    assert shuffled == pytest.approx(expected, rel=1e-12)
    assert measure(X[::-1], csom.codebook_, positions=csom.positions_) == pytest.approx(
        expected, rel=1e-12
    )


@both
@pytest.mark.parametrize("estimator", [CSOM(None, shape=(5, 5)), ESOM(random_state=0)])
def test_the_units_together_are_the_map(measure, estimator):
    X = make_blobs(150, 3, centers=3, random_state=0)[0]
    fitted = estimator.fit(X)
    per_unit = measure(X, fitted, per_unit=True)
    hits = np.bincount(fitted.winners(X), minlength=len(fitted.codebook_))
    assert_array_equal(np.isnan(per_unit), hits == 0)
    assert np.nansum(per_unit * hits) / 150 == pytest.approx(measure(X, fitted))


@both
def test_too_few_complete_samples_and_wrong_numbers(measure):
    X = np.random.default_rng(0).normal(size=(60, 2))
    holes = np.vstack([X, [[np.nan, 0]]])  # this one is left out
    given = {"codebook": X[:4], "positions": X[:4]}
    assert measure(holes, **given) == measure(X, **given)
    assert 0 < measure(holes, n_neighbors=29, **given) <= 1
    for n_neighbors in (30, 100):
        with pytest.raises(ValueError, match=f"n_neighbors={n_neighbors} must .*60"):
            measure(holes, n_neighbors=n_neighbors, **given)
    with pytest.raises(ValueError, match=r"missing features, of which there are 0\."):
        measure(X * np.nan, **given)
    for wrong in (0, -1, 2.5, None):
        with pytest.raises(ValueError, match="The 'n_neighbors' parameter of"):
            measure(X, n_neighbors=wrong, **given)


def test_mean_over_orders():
    distances = np.array([[0.3, 0.1 + 0.2, 1, 0.1], [np.inf, 5, np.inf, np.inf]])
    means = mean_over_orders(distances, np.array([1.0, 2, 4, 8]))
    assert_allclose(means, [[3, 3, 8, 1], [14 / 3, 1, 14 / 3, 14 / 3]])
    spread = np.random.default_rng(0).permutation(30)
    assert_array_equal(mean_over_orders(spread[None], np.arange(30.0))[0], spread)
    assert all(one != other for one, other in pairwise(spread))
