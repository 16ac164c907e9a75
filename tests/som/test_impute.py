# SPDX-License-Identifier: BSD-3-Clause
"""Missing features filled in from the units of a map."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import KNeighborsRegressor

from skesom.som import CSOM, ESOM
from tests.helpers.block_sizes import cut_tables


def two_units(**parameters):
    """Units that stay where they are put: at (0, 0, 1) and (10, 20, 5)."""
    init = np.array([[0.0, 0, 1], [10, 20, 5]])
    X = np.repeat(init, [1, 3], axis=0)
    csom = CSOM(None, shape=2, init=init, sigma=0.02, n_epochs=1, **parameters)
    return csom.fit(X)


def test_by_hand():
    nan = np.nan
    X = np.array(
        [[1, nan, nan], [nan, 19, 4], [nan, nan, nan], [6, 11, 3.5], [9, nan, 1]]
    )
    expected = [
        [1, 0, 1],
        [10, 19, 4],
        [7.5, 15, 4],  # the mean of the units by their hits, 1 and 3
        [6, 11, 3.5],
        [9, 20, 1],
    ]
    before = X.copy()
    assert_allclose(two_units().impute(X), expected)
    assert_array_equal(X, before)


def test_errors_decide_which_unit_is_near():
    X = np.array([[2.0, 19.0, np.nan]])
    errors = np.array([[0.1, 50.0, 1.0]])
    assert_allclose(two_units().impute(X), [[2, 19, 5]])
    assert_allclose(two_units().impute(X, errors=errors), [[2, 19, 1]])


@pytest.mark.parametrize("metric", ["cosine", "spectral_angle"])
def test_angles_give_values_of_the_brightness_of_the_sample(metric):
    init = np.array([[3.0, 4, 0], [0, 3, 4]]) / 5
    csom = CSOM(None, shape=2, metric=metric, init=init, sigma=0.02, n_epochs=1)
    csom.fit(np.vstack([init, init]))
    X = [[np.nan, 400.0, 0], [0, np.nan, 8], [np.nan, 0, 0]]
    assert_allclose(csom.impute(X), [[300, 400, 0], [0, 6, 8], [0, 0, 0]], atol=1e-12)


def test_weights_of_features_count_for_angles():
    csom = CSOM(
        None, shape=1, metric="cosine", feature_weights=[4, 1, 1], init=[[1.0, 1, 1]]
    )
    csom.fit([[1.0, 1, 1]])
    # Least squares over the present features: (4 * 2 + 1 * 7) / (4 + 1).
    assert_allclose(csom.impute([[2.0, 7.0, np.nan]]), [[2, 7, 3]])


def curve(n_samples, seed):
    """Five fluxes that one quantity rules, and that quantity."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 1, n_samples)
    places = np.linspace(0, 1, 5)
    X = np.exp(-((t[:, None] - places) ** 2) / 0.1)
    return X + rng.normal(0, 0.03, X.shape), t


@pytest.mark.parametrize(
    "estimator",
    [
        CSOM(None, shape=(10, 10)),
        ESOM(random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_values_come_back_better_than_as_means(estimator):
    X, t = curve(2000, seed=0)
    holes = np.random.default_rng(1).random(X.shape) < 0.2
    incomplete = np.where(holes, np.nan, X)
    filled = estimator.fit(incomplete, t > 0.5).impute(incomplete)
    assert_array_equal(filled[~holes], X[~holes])
    means = np.broadcast_to(np.nanmean(incomplete, axis=0), X.shape)
    error, of_means = (
        np.sqrt(np.mean((values - X)[holes] ** 2)) for values in (filled, means)
    )
    assert error < 0.5 * of_means


@pytest.mark.parametrize("seed", range(3))
def test_filling_beats_dropping_where_few_objects_are_complete(seed):
    # Faint objects (a large t) are seldom seen in all bands, as in real catalogs.
    # Dropping them leaves nothing to learn from there.
    X, t = curve(1500, seed)
    rng = np.random.default_rng(seed + 100)
    incomplete = X.copy()
    missing = rng.random(1500) < np.where(t > 0.5, 0.99, 0.3)
    incomplete[missing, rng.integers(0, 5, 1500)[missing]] = np.nan
    complete = ~np.isnan(incomplete).any(axis=1)
    filled = CSOM(None, shape=(10, 10)).fit(incomplete).impute(incomplete)
    new, truth = curve(1000, seed + 200)
    errors = []
    for table, target in ((filled, t), (X[complete], t[complete])):
        predicted = KNeighborsRegressor(5).fit(table, target).predict(new)
        errors.append(np.mean(np.abs(predicted - truth)))
    assert errors[0] < 0.8 * errors[1]


def test_in_blocks_as_at_once(monkeypatch):
    X, _ = curve(300, seed=0)
    X[::2, 1] = np.nan
    csom = CSOM(None, shape=(5, 5)).fit(X)
    expected = csom.impute(X)
    cut_tables(monkeypatch, 7)
    assert_array_equal(csom.impute(X), expected)
