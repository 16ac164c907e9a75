# SPDX-License-Identifier: BSD-3-Clause
"""MapRegressor: units that hold the mean target of their samples."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, make_friedman2
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, MapClassifier, MapRegressor
from tests.helpers.supervised_maps import csom_regressor, esom_regressor


def three_units(**parameters):
    """Units at 0, 4 and 10 that do not move each other."""
    parameters = {"smoothing": 0, **parameters}
    return csom_regressor(3, init=[[0.0], [4.0], [10.0]], sigma=0.02, **parameters)


X = np.array([0.0, 0, 0, 10, 10])[:, np.newaxis]
y = np.array([1.0, 2, 6, 10, 20])


class TestMeansByHand:
    """Three samples at the first unit, none at the second, two at the third."""

    @pytest.mark.parametrize(
        ("n_neighbors", "expected"),
        # A unit without samples has the mean, and the weight, of the nearest with some.
        [(1, [3, 3, 15]), (2, [3, 3, (9 + 30) / 5]), (9, [(9 + 9 + 30) / 8] * 3)],
    )
    def test_prediction(self, n_neighbors, expected):
        regressor = three_units(n_neighbors=n_neighbors).fit(X, y)
        assert_allclose(regressor.predict([[0.0], [4.0], [9.0]]), expected)
        assert_allclose(regressor.unit_targets_, [3, 3, 15])
        assert_array_equal(regressor.target_hits_, [3, 0, 2])

    def test_neighbors_share_their_targets(self):
        regressor = three_units(smoothing=0.5).fit(X, y)
        h, g = np.exp(-2), np.exp(-8)
        expected = [
            (9 + g * 30) / (3 + g * 2),
            (h * 9 + h * 30) / (h * 3 + h * 2),
            (30 + g * 9) / (2 + g * 3),
        ]
        assert_allclose(regressor.unit_targets_, expected)
        assert_allclose(regressor.predict([[0.0], [4.0], [9.0]]), expected)
        assert_array_equal(regressor.target_hits_, [3, 0, 2])

    def test_without_any_feature_it_is_the_mean_of_all(self):
        assert three_units().fit(X, y).predict([[np.nan]]) == [39 / 5]

    def test_weights(self):
        regressor = three_units().fit(X, y, sample_weight=[1, 3, 0, 2, 2])
        assert_allclose(regressor.predict([[0.0], [9.0]]), [7 / 4, 15])
        repeated = np.repeat(np.arange(5), [1, 3, 0, 2, 2])
        same = three_units().fit(X[repeated], y[repeated])
        assert_allclose(same.unit_targets_, regressor.unit_targets_)

    def test_several_targets_known_for_different_samples(self):
        targets = np.column_stack([y, [np.nan, np.nan, np.nan, 7, 9]])
        regressor = three_units(unlabeled=np.nan).fit(X, targets)
        assert_allclose(regressor.unit_targets_, [[3, 8], [3, 8], [15, 8]])
        assert_allclose(regressor.predict([[0.0], [9.0]]), [[3, 8], [15, 8]])
        assert_array_equal(regressor.target_hits_, [[3, 0], [0, 0], [2, 2]])

    def test_stream(self):
        regressor = three_units(unlabeled=-99).partial_fit(X, y)
        regressor.partial_fit([[10.0], [10.0]], [30.0, -99])
        assert_allclose(regressor.unit_targets_, [3, 3, 20])
        again = pickle.loads(pickle.dumps(regressor))
        assert_array_equal(again.predict(X), regressor.predict(X))
        with pytest.raises(ValueError, match=r"not that of the first call, \(5,\)"):
            regressor.partial_fit(X, np.ones((5, 2)))


def friedman(n_samples):
    X, y = make_friedman2(n_samples, random_state=0)
    return StandardScaler().fit_transform(X), y


def test_the_map_is_that_without_targets():
    X, y = friedman(300)
    regressor = csom_regressor((5, 6), smoothing=0).fit(X, y)
    plain = CSOM(None, shape=(5, 6)).fit(X)
    assert_array_equal(regressor.estimator_.codebook_, plain.codebook_)
    assert_array_equal(regressor.estimator_.hit_map(), plain.hit_map())


@pytest.mark.parametrize(
    "regressor", [csom_regressor((5, 6), smoothing=0), esom_regressor(random_state=0)]
)
def test_a_unit_has_the_mean_of_its_samples(regressor):
    X, y = friedman(300)
    winners = regressor.fit(X, y).estimator_.winners(X)
    expected = [y[winners == unit].mean() for unit in winners]
    assert_allclose(regressor.predict(X), expected)


def test_maps_come_close_to_nearest_neighbors():
    X, y = make_friedman2(1000, random_state=0)
    of_nodes, of_units, of_neighbors = (
        cross_val_score(make_pipeline(StandardScaler(), regressor), X, y).mean()
        for regressor in (
            esom_regressor(n_neighbors=3, random_state=0),
            csom_regressor("auto", n_neighbors=3),
            KNeighborsRegressor(10),
        )
    )
    assert 0.75 < of_nodes
    assert 0.8 < of_units < of_neighbors


def test_few_targets_among_many_samples():
    # Colors of one parameter, few of which are measured: the map follows the curve.
    rng = np.random.default_rng(0)
    z = rng.uniform(0, 1, 1500)
    colors = np.column_stack([np.sin(4 * z), np.cos(4 * z), z**2])
    colors += rng.normal(0, 0.03, colors.shape)
    known = np.where(np.arange(1500) < 20, z, np.nan)
    many = csom_regressor(60, unlabeled=np.nan).fit(colors, known)
    few = csom_regressor(60).fit(colors[:20], z[:20])
    errors = [np.abs(each.predict(colors) - z)[20:].mean() for each in (many, few)]
    assert errors[0] < 0.03
    assert errors[0] < errors[1]


@pytest.mark.parametrize(
    ("parameters", "targets", "message"),
    [
        ({}, np.where(y > 5, np.nan, y), "Input y contains NaN"),
        ({"unlabeled": -1}, np.where(y > 5, np.inf, y), "Input y contains infinity"),
        ({"unlabeled": np.nan}, np.where(y > 5, np.inf, y), "y contains infinity"),
        ({"unlabeled": np.nan}, y * np.nan, "A target is nan in all 5 samples"),
        ({"unlabeled": "?"}, y, "The 'unlabeled' parameter of MapRegressor"),
        ({"n_neighbors": 0}, y, "The 'n_neighbors' parameter of MapRegressor"),
        ({"smoothing": -1}, y, "The 'smoothing' parameter of MapRegressor"),
        ({}, y[:-1], "inconsistent numbers of samples"),
    ],
)
def test_refusals(parameters, targets, message):
    with pytest.raises(ValueError, match=message):
        csom_regressor((2, 2), **parameters).fit(X, targets)


def test_targets_known_only_where_nothing_weighs():
    regressor = csom_regressor((2, 2), unlabeled=-1)
    targets = np.where(y > 5, -1, y)
    with pytest.raises(ValueError, match="A target is -1 in all 2 samples that have"):
        regressor.fit(X, targets, sample_weight=[0, 0, 0, 1, 2])


def test_sharing_helps_where_units_have_few_samples():
    X, y = load_diabetes(return_X_y=True)
    scores = [
        cross_val_score(
            make_pipeline(StandardScaler(), csom_regressor(smoothing=smoothing)), X, y
        ).mean()
        for smoothing in (0, 0.5)
    ]
    assert scores[1] > scores[0] + 0.05


def test_targets_outlive_their_nodes():
    X, y = friedman(600)
    regressor = esom_regressor(0.8, pruning_period=2).partial_fit(X[:300], y[:300])
    before = regressor.estimator_._network.identity[: len(regressor.unit_targets_)]
    regressor.partial_fit(X[300:], y[300:])
    after = regressor.estimator_._network.identity[: len(regressor.unit_targets_)]
    assert not set(before) <= set(after)
    assert regressor.target_hits_.sum() == 600
    assert_allclose(regressor._target_sums.sum(), y.sum())
    assert regressor.score(X, y) > 0.7


def test_default_is_an_esom():
    X, y = make_friedman2(100, random_state=0)
    esom = MapRegressor().fit(X, y).estimator_
    assert type(esom).__name__ == "ESOM"
    assert esom.n_clusters is None


@pytest.mark.parametrize(
    "front", [MapClassifier(CSOM(shape=4)), MapRegressor(CSOM(shape=4))]
)
def test_columns_with_names_can_be_learned_again(front):
    X = pd.DataFrame({"u": [0.0, 1.0, 5.0, 6.0], "g": [0.0, 1.0, 5.0, 6.0]})
    y = [0, 0, 1, 1]
    for learn in (front.fit, front.fit, front.partial_fit):
        learn(X, y)
        assert list(front.feature_names_in_) == ["u", "g"]
    front.fit(X.rename(columns={"u": "r"}), y)
    assert list(front.feature_names_in_) == ["r", "g"]
    front.fit(X.to_numpy(), y)
    assert not hasattr(front, "feature_names_in_")
