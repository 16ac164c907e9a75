# SPDX-License-Identifier: BSD-3-Clause
"""What the classical map refuses, and what it warns about, alone and supervised."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skesom.som import CSOM, MapClassifier, MapRegressor


def alone(**parameters):
    return CSOM(None, **parameters)


def classifier(**parameters):
    return MapClassifier(CSOM(**parameters))


def regressor(**parameters):
    return MapRegressor(CSOM(**parameters))


every_map = pytest.mark.parametrize("kind", [alone, classifier, regressor])


def map_of(estimator):
    return getattr(estimator, "estimator_", estimator)


def draw(n_samples=60, n_features=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_samples, n_features)), rng.integers(0, 2, n_samples)


@every_map
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"topology": "cubic"}, "The 'topology' parameter of .* must be a str among"),
        ({"neighborhood": "box"}, "The 'neighborhood' parameter of .* a str among"),
        ({"sigma": "step"}, "The 'sigma' parameter of .* an array-like, a callable"),
        ({"learning_rate": 3}, "The 'learning_rate' parameter of .* a callable or"),
        ({"metric": "hamming"}, "The 'metric' parameter of .* must be a str among"),
        ({"algorithm": "minibatch"}, "The 'algorithm' parameter of .* a str among"),
        ({"shape": (0, 3)}, r"'shape' .* must be two integers >= 1.* Got \(0, 3\)"),
        ({"shape": (3, -1)}, r"'shape' .* must be two integers >= 1.* Got \(3, -1\)"),
        ({"shape": 0}, "The 'shape' parameter of .* must be an int in the range"),
        ({"shape": "large"}, "The 'shape' parameter of"),
        ({"shape": (2, 3, 4)}, r"'shape' .* Got \(2, 3, 4\)"),
        ({"shape": (5, 4), "toroidal": True}, "an even number of rows.* take 6 rows"),
        (
            {"diameter": 0},
            "The 'diameter' parameter of .* must be a float in the range",
        ),
        ({"learning_rate": 1.5}, "The 'learning_rate' parameter of"),
        ({"neighborhood": "mexican_hat"}, 'needs algorithm="online"'),
        ({"shape": (3,)}, r"'shape' .* Got \(3,\)"),
        ({"shape": (2.5, 3)}, r"'shape' .* Got \(2.5, 3\)"),
        ({"n_epochs": 0}, "The 'n_epochs' parameter of .* must be an int in"),
        ({"sigma": 0}, "The 'sigma' parameter of .* must be a float in the range"),
        ({"sigma": [1.0, 2.0]}, r"n_epochs=20 of them, got an array of shape \(2,\)"),
        ({"sigma": np.zeros(20)}, "'sigma' must be one positive number or n_epochs=20"),
        ({"clusterer": "ward"}, "The 'clusterer' parameter of .* must be a str among"),
        ({"init": "plane"}, "The 'init' parameter of .* must be a str among"),
        (
            {"init": np.ones((3, 2)), "shape": 9},
            r"'init' must .* \(9, 3\) .* got shape \(3, 2\)",
        ),
        (
            {"init": np.full((9, 3), np.nan), "shape": 9},
            "'init' must hold finite weights",
        ),
    ],
)
def test_refused_parameters(kind, parameters, message):
    with pytest.raises(ValueError, match=message):
        kind(**parameters).fit(*draw())


@every_map
def test_a_toroidal_hexagonal_chain_needs_no_even_rows(kind):
    assert map_of(kind(shape=5, toroidal=True).fit(*draw())).shape_ == (1, 5)


@every_map
@pytest.mark.parametrize("algorithm", ["batch", "online"])
def test_more_units_than_samples(kind, algorithm):
    X, y = draw(7)
    som = map_of(kind(shape=(6, 5), algorithm=algorithm, random_state=0).fit(X, y))
    assert np.isfinite(som.codebook_).all()
    assert som.codebook_.min() >= X.min()
    assert som.codebook_.max() <= X.max()
    assert som.hits_.sum() == 7
    assert np.count_nonzero(som.hits_) == 7  # as fine as the samples are


@every_map
@pytest.mark.parametrize("n_features", [1, 3])
def test_a_plane_for_data_along_a_line_warns_and_goes_on(kind, n_features):
    X = np.linspace(0, 1, 60)[:, None] * np.arange(1, n_features + 1)
    message = rf"one direction only \(n_features={n_features}\).*two: its units were"
    with pytest.warns(UserWarning, match=message) as caught:
        som = kind(shape=(4, 4)).fit(X, X[:, 0] > 0.5)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # the line of the user
    assert np.isfinite(map_of(som).codebook_).all()
    assert map_of(som).quantization_error_ < 0.1 * n_features


def test_no_warning_for_a_chain():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CSOM(None, shape=5).fit(np.linspace(0, 1, 60)[:, None])


def test_warnings_point_through_pipelines():
    X = np.linspace(0, 1, 60)[:, None]
    with pytest.warns(UserWarning, match="one direction") as caught:
        make_pipeline(PCA(1), CSOM(None, shape=(3, 3))).fit(X)
    assert caught[0].filename == __file__


def test_more_clusters_than_units_with_samples():
    X = np.repeat([[0.0, 0], [9, 0], [0, 9]], 10, axis=0)
    with pytest.warns(ConvergenceWarning, match="3 units with samples, fewer"):
        csom = CSOM(5, shape=(4, 4)).fit(X)
    assert_array_equal(np.unique(csom.labels_), [0, 1, 2])


@every_map
def test_no_weight_at_all(kind):
    X, y = draw()
    with pytest.raises(ValueError, match=r"zero weight|at least one non-zero"):
        kind().fit(X, y, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        kind().fit(X, y, sample_weight=np.linspace(-1, 1, 60))
    X[:30] = np.nan
    weights = np.repeat([1, 0], 30)
    with pytest.raises(ValueError, match="any present feature have zero weight"):
        kind().fit(X, y, sample_weight=weights)


@every_map
def test_columns_without_a_value(kind):
    X, y = draw()
    X[:, [0, 2]] = np.nan
    message = r"CSOM got 2 features that are NaN in all 60 samples: .*0, 2"
    with pytest.raises(ValueError, match=message):
        kind().fit(X, y)
    X[:30, [0, 2]] = 1
    weights = np.repeat([0, 1], 30)
    with pytest.raises(ValueError, match="2 features that are NaN in all 30 samples"):
        kind().fit(X, y, sample_weight=weights)


@every_map
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities(kind, value):
    X, y = draw()
    X[3, 1] = value
    with pytest.raises(ValueError, match="Input X contains infinity"):
        kind().fit(X, y)
