# SPDX-License-Identifier: BSD-3-Clause
"""What measures of maps refuse, and what a fitted map brings along."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

from skesom import metrics
from skesom.som import CSOM, ESOM

X = make_blobs(60, 3, centers=3, random_state=0)[0]
CODEBOOK = X[:6]
RING = np.roll(np.eye(6), 1, axis=0)
OF_LATTICES = [
    metrics.distortion,
    metrics.trustworthiness,
    metrics.continuity,
    lambda X, *given, **options: metrics.topographic_product(*given, **options),
]
takes_distances = pytest.mark.parametrize("measure", OF_LATTICES)
takes_connections = pytest.mark.parametrize(
    "measure", [metrics.topographic_error, metrics.kaski_lagus_error, *OF_LATTICES]
)


def test_arrays_that_do_not_fit():
    with pytest.raises(ValueError, match="X has 2 features, but the codebook has 3"):
        metrics.quantization_error(np.ones((4, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="Input codebook contains NaN"):
        metrics.quantization_error(np.ones((4, 2)), np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        metrics.topographic_error([[np.inf]], [[1.0]], [[0]])


@takes_connections
@pytest.mark.parametrize(
    ("connections", "message"),
    [
        (np.ones((3, 3)), r"'connections' .*shape \(6, 6\) for the 6 units.*\(3, 3\)"),
        (np.ones(6), r"'connections' must have the shape \(6, 6\).* got \(6,\)"),
        (1.0, r"'connections' must have the shape \(6, 6\).* got \(\)"),
        (np.full((6, 6), np.nan), "'connections' contains NaN"),
        (None, "A codebook alone does not say .*: give 'connections'"),
    ],
)
def test_connections_that_do_not_fit(measure, connections, message):
    with pytest.raises(ValueError, match=message):
        measure(X, CODEBOOK, connections)


@takes_distances
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"positions": np.ones((3, 2))}, r"'positions' must .*\(6, 2\) .*\(3, 2\)"),
        ({"positions": np.full((6, 2), np.nan)}, "Input positions contains NaN"),
        ({"distances": np.ones((3, 3))}, r"'distances' must .*\(6, 6\) .*\(3, 3\)"),
        ({"distances": -1 + np.eye(6)}, "'distances' must not be negative or NaN"),
        ({"distances": np.full((6, 6), np.nan)}, "must not be negative or NaN"),
        ({"distances": np.ones((6, 6))}, "must be 0 from each unit to itself"),
        ({"distances": RING, "positions": CODEBOOK}, "only one of 'connections'"),
        ({"distances": RING, "connections": RING}, "only one of 'connections'"),
        ({}, "give 'connections', 'positions' or 'distances'"),
    ],
)
def test_distances_that_do_not_fit(measure, given, message):
    with pytest.raises(ValueError, match=message):
        measure(X, CODEBOOK, **given)


@takes_connections
@pytest.mark.parametrize("estimator", [CSOM(None, shape=(4, 3)), ESOM(random_state=0)])
def test_a_fitted_map_brings_its_connections(measure, estimator):
    fitted = estimator.fit(X)
    expected = measure(X, fitted.codebook_, fitted.connections_)
    assert measure(X, fitted) == expected
    assert measure(X, fitted, fitted.connections_) == expected


@takes_distances
def test_lattice_distances_count_before_the_connections_of_a_map(measure):
    csom = CSOM(None, shape=(7, 5), topology="rectangular").fit(X)
    expected = measure(X, csom.codebook_, positions=csom.positions_)
    assert measure(X, csom, positions=csom.positions_) == expected
    assert measure(X, csom) != expected  # diagonals are two connections long
    straight = np.linalg.norm(csom.positions_[:, None] - csom.positions_, axis=2)
    assert measure(X, csom, distances=straight) == pytest.approx(expected)


@takes_connections
def test_estimators_that_are_no_maps(measure):
    with pytest.raises(NotFittedError, match="This CSOM instance is not fitted yet"):
        measure(X, CSOM(None))
    with pytest.raises(TypeError, match="GaussianMixture has neither codebook_ nor"):
        measure(X, GaussianMixture(2, random_state=0).fit(X))
    kmeans = KMeans(6, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"KMeans does not say .*: give 'connections'"):
        measure(X, kmeans)
    assert measure(X, kmeans, RING) == measure(X, kmeans.cluster_centers_, RING)


@takes_distances
def test_distances_of_any_kind(measure):
    distances = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    expected = measure(X, CODEBOOK, distances=distances.astype(float))
    assert measure(X, CODEBOOK, distances=distances.tolist()) == expected
    kept = distances.astype(">f4")
    kept.flags.writeable = False
    assert measure(X, CODEBOOK, distances=kept) == expected
    assert measure(X, CODEBOOK, np.diag(np.ones(5), 1)) == expected
    assert measure(X, CODEBOOK, positions=np.arange(6)[:, None]) == expected
