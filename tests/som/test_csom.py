# SPDX-License-Identifier: BSD-3-Clause
"""The classical map: what its definition says, and the numbers it must give."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, _csom
from skesom.som._initial_codebook import (
    _drawn_samples,
    principal_axes,
    principal_plane,
)
from tests.helpers.reference_maps import batch_epoch, distances, neighborhood

# Ten epochs from 3 to 1, then forty at 1.
WIDTHS = np.r_[np.linspace(3, 1, 10), np.ones(40)]


def plane_of(X, shape):
    """Units on the plane of the principal components of a table."""
    return principal_plane(partial(principal_axes, X), X, shape)


def topographic_error(csom, X):
    """Share of samples whose nearest two units are not neighbors, by brute force."""
    nearest = np.argsort(cdist(X, csom.codebook_), axis=1, kind="stable")[:, :2]
    connected = csom.connections_.toarray()[nearest[:, 0], nearest[:, 1]]
    return 1 - connected.mean()


@pytest.mark.parametrize(
    ("load", "shape", "topology", "quantization", "topographic", "mean_u"),
    [
        (load_iris, (11, 6), "hexagonal", 0.3932, 0.0067, 0.4792),
        (load_iris, (11, 6), "rectangular", 0.3790, 0.1333, 0.4552),
        (load_iris, (10, 10), "hexagonal", 0.3461, 0.0267, 0.4494),
        (load_wine, (11, 6), "hexagonal", 1.8884, 0.0225, 0.9316),
    ],
)
def test_golden_numbers(load, shape, topology, quantization, topographic, mean_u):
    X = StandardScaler().fit_transform(load().data)
    csom = CSOM(None, shape=shape, topology=topology, n_epochs=50, sigma=WIDTHS).fit(X)
    assert csom.quantization_error_ == pytest.approx(quantization, abs=6e-5)
    assert topographic_error(csom, X) == pytest.approx(topographic, abs=6e-5)
    assert csom.u_matrix().mean() == pytest.approx(mean_u, abs=6e-5)
    assert csom.u_matrix().shape == shape


def test_units_without_weight_stay():
    # The far unit is out of reach: exp(-40^2 / (2 0.5^2)) underflows to 0.
    init = np.zeros((41, 1))
    init[40] = 100.0
    csom = CSOM(None, shape=(1, 41), n_epochs=1, sigma=0.5, init=init)
    csom.fit(np.full((5, 1), -1.0))
    assert csom.codebook_[0, 0] == pytest.approx(-1)
    assert csom.codebook_[40, 0] == 100


def test_pca_initialization():
    # With one tiny width nothing is smoothed, so look at the plane before training.
    X = np.random.default_rng(0).normal(size=(300, 4)) * [5, 2, 1, 0.5] + [1, 2, 3, 4]
    plane = plane_of(X, (4, 3)).reshape(4, 3, 4)
    pca = PCA(2).fit(X)
    deviations = np.sqrt(pca.explained_variance_)
    assert_allclose(plane.mean(axis=(0, 1)), X.mean(axis=0))
    for step, axis in (
        (plane[-1, 0] - plane[0, 0], 0),
        (plane[0, -1] - plane[0, 0], 1),
    ):
        along = step @ pca.components_[axis]
        assert abs(along) == pytest.approx(2 * deviations[axis])
        assert_allclose(np.abs(step), np.abs(along * pca.components_[axis]), atol=1e-12)
        assert step[np.abs(step).argmax()] > 0  # a sign that does not depend on LAPACK


@pytest.mark.parametrize("correlation", [0.5, -0.5])
def test_signs_of_equal_loadings_do_not_depend_on_rounding(correlation):
    # Components of two standardized features are (1, 1) and (1, -1), over sqrt(2).
    generator = np.random.default_rng(0)
    covariance = [[1, correlation], [correlation, 1]]
    X = StandardScaler().fit_transform(
        generator.multivariate_normal([0, 0], covariance, 200)
    )
    expected = plane_of(X, (4, 3))
    for _ in range(20):
        changed = generator.permutation(X) * (1 + generator.normal(size=2) * 1e-14)
        assert_allclose(plane_of(changed, (4, 3)), expected, atol=1e-9)


def test_shape_and_units_take_the_same_principal_axes(monkeypatch):
    calls = []

    def counted(X, sample_weight):
        calls.append(len(X))
        return principal_axes(X, sample_weight)

    monkeypatch.setattr(_csom, "principal_axes", counted)
    X = load_iris().data
    CSOM(None, n_epochs=1).fit(X)
    CSOM(None, n_epochs=1, shape=(5, 4), init=X[:20]).fit(X)
    assert calls == [len(X)]


def test_random_initialization_draws_samples():
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[:50, 1] = np.nan
    drawn = _drawn_samples(X, None, 20, np.random.RandomState(0))
    means = np.nanmean(X, axis=0)
    rows = {tuple(row) for row in np.where(np.isnan(X), means, X)}
    assert {tuple(row) for row in drawn} <= rows
    assert len({tuple(row) for row in drawn}) == 20  # each sample once
    few = _drawn_samples(X[50:53], None, 20, np.random.RandomState(0))
    assert few.shape == (20, 3)


@pytest.mark.parametrize("algorithm", ["batch", "online"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 1), [3, 2]])
def test_small_lattices(shape, algorithm):
    X = np.random.default_rng(0).normal(size=(60, 3))
    csom = CSOM(None, shape=shape, algorithm=algorithm, random_state=0).fit(X)
    assert csom.u_matrix().shape == tuple(shape)
    assert_array_equal(csom.predict(X), csom.labels_)
    assert np.isfinite(csom.codebook_).all()
    line = np.linspace(0, 1, 50)[:, None]
    if 1 in shape and algorithm == "batch":
        units = CSOM(None, shape=shape, n_epochs=10).fit(line).codebook_
        assert (np.diff(units[:, 0]) > 0).all()


def test_first_partial_fit_is_fit():
    X = np.random.default_rng(0).normal(size=(200, 3))
    fitted = CSOM(3, shape=(4, 4), random_state=0).fit(X)
    streamed = CSOM(3, shape=(4, 4), random_state=0).partial_fit(X)
    assert_array_equal(streamed.codebook_, fitted.codebook_)
    assert_array_equal(streamed.labels_, fitted.labels_)


def test_partial_fit_weighs_the_calls():
    # Units too far apart to share. The t-th call counts t^-0.6 of all, the first all.
    csom = CSOM(None, shape=(1, 2), n_epochs=1, sigma=0.05, init=[[0.0], [10.0]])
    csom.partial_fit([[1.0], [1.0], [1.0], [9.0]])
    assert_allclose(csom.codebook_, [[1], [9]])
    csom.partial_fit([[2.0], [12.0]])
    new = 2**-0.6
    sums = (1 - new) * np.array([3, 9]) / 4 + new * np.array([2, 12]) / 2
    counts = (1 - new) * np.array([3, 1]) / 4 + new * np.array([1, 1]) / 2
    assert_allclose(csom.codebook_[:, 0], sums / counts)
    csom.partial_fit([[4.0]])
    new = 3**-0.6
    sums = (1 - new) * sums + new * np.array([4, 0])
    counts = (1 - new) * counts + new * np.array([1, 0])
    assert_allclose(csom.codebook_[:, 0], sums / counts)


def test_partial_fit_of_the_same_samples_settles():
    # On the same samples again and again, the stream's sums become those of a batch.
    X = np.random.default_rng(0).normal(size=(500, 2))
    csom = CSOM(None, shape=(4, 4), random_state=0).fit(X)
    for _ in range(60):
        csom.partial_fit(X)
    h = neighborhood("gaussian", distances((4, 4), "hexagonal", False), 0.7)
    settled = batch_epoch(X, csom.codebook_, h)
    assert_allclose(csom.codebook_, settled, atol=0.01)


def test_partial_fit_follows_a_stream():
    rng = np.random.default_rng(0)
    csom = CSOM(None, shape=(4, 4), random_state=0).partial_fit(
        rng.normal(size=(300, 2))
    )
    for _ in range(30):
        csom.partial_fit(rng.normal(size=(100, 2)) + 10)
    assert len(csom.labels_) == 100
    assert csom.quantization_error_ < 1.0
    chunk = rng.normal(size=(100, 2)) + 10
    chunk[::3, 1] = np.nan  # features may begin to be missing
    assert np.isfinite(csom.partial_fit(chunk).codebook_).all()
