# SPDX-License-Identifier: BSD-3-Clause
"""The classical map: what its definition says, and the numbers it must give."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris, load_wine, make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM
from skesom.som._initial_codebook import _drawn_samples, principal_plane
from skesom.som._lattice import Lattice
from skesom.som._row_order import order_by_content

# Ten epochs from 3 to 1, then forty at 1.
WIDTHS = np.r_[np.linspace(3, 1, 10), np.ones(40)]


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
    csom = CSOM(
        shape=shape, topology=topology, n_epochs=50, sigma=WIDTHS, n_clusters=None
    ).fit(X)
    assert csom.quantization_error_ == pytest.approx(quantization, abs=6e-5)
    assert topographic_error(csom, X) == pytest.approx(topographic, abs=6e-5)
    assert csom.u_matrix().mean() == pytest.approx(mean_u, abs=6e-5)
    assert csom.u_matrix().shape == shape


def batch_epoch(X, codebook, positions, sigma):
    """One epoch by the formula, feature by feature over those that are present."""
    present = ~np.isnan(X)
    difference = np.where(present[:, None], X[:, None] - codebook, 0)
    winners = (difference**2).sum(axis=2).argmin(axis=1)
    moved = codebook.copy()
    for unit in range(len(codebook)):
        distance = np.hypot(*(positions[winners] - positions[unit]).T)
        weight = np.exp(-(distance**2) / (2 * sigma**2))[:, None] * present
        total = weight.sum(axis=0)
        mean = (weight * np.nan_to_num(X)).sum(axis=0) / np.where(total > 0, total, 1)
        moved[unit] = np.where(total > 0, mean, codebook[unit])
    return moved


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
def test_batch_is_the_definition(topology, missing):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X = X[~np.isnan(X).all(axis=1)]
    init = rng.normal(size=(15, 3))
    widths = [2.0, 1.0, 0.6]
    csom = CSOM(
        shape=(3, 5),
        topology=topology,
        n_epochs=3,
        sigma=widths,
        init=init,
        n_clusters=None,
    ).fit(X)
    expected = init
    for sigma in widths:
        expected = batch_epoch(X, expected, csom.positions_, sigma)
    assert_allclose(csom.codebook_, expected, rtol=1e-11)


def test_online_is_the_definition():
    X = np.random.default_rng(0).normal(size=(60, 3))
    init = np.random.default_rng(1).normal(size=(12, 3))
    csom = CSOM(
        shape=(3, 4),
        algorithm="online",
        n_epochs=3,
        sigma=2.0,
        init=init,
        random_state=5,
        n_clusters=None,
    ).fit(X)
    random_state = np.random.RandomState(5)
    rows = order_by_content(X)
    order = np.concatenate([rows[random_state.permutation(60)] for _ in range(3)])
    expected = init.copy()
    for step, row in enumerate(order):
        progress = step / 179
        rate = 0.5 + (0.01 - 0.5) * progress
        sigma = 2.0 * (0.7 / 2.0) ** progress
        winner = ((X[row] - expected) ** 2).sum(axis=1).argmin()
        distance = np.hypot(*(csom.positions_ - csom.positions_[winner]).T)
        pull = rate * np.exp(-(distance**2) / (2 * sigma**2))
        expected += pull[:, None] * (X[row] - expected)
    assert_allclose(csom.codebook_, expected, rtol=1e-11)


def test_online_with_a_width_for_each_epoch_and_missing_features():
    X = np.random.default_rng(0).normal(size=(40, 2))
    X[::5, 0] = np.nan
    init = np.random.default_rng(1).normal(size=(4, 2))
    csom = CSOM(
        shape=(2, 2), algorithm="online", n_epochs=2, sigma=[1.5, 0.5], init=init,
        random_state=0,
    n_clusters=None).fit(X)  # fmt: skip
    random_state = np.random.RandomState(0)
    rows = order_by_content(X)
    order = np.concatenate([rows[random_state.permutation(40)] for _ in range(2)])
    expected = init.copy()
    for step, row in enumerate(order):
        rate = 0.5 + (0.01 - 0.5) * step / 79
        sigma = 1.5 if step < 40 else 0.5
        difference = np.nan_to_num(X[row] - expected)
        winner = (difference**2).sum(axis=1).argmin()
        distance = np.hypot(*(csom.positions_ - csom.positions_[winner]).T)
        expected += (rate * np.exp(-(distance**2) / (2 * sigma**2)))[
            :, None
        ] * difference
    assert_allclose(csom.codebook_, expected, rtol=1e-11)


def test_default_width_shrinks_geometrically_from_half_the_longer_side():
    X = np.random.default_rng(0).normal(size=(100, 2))
    csom = CSOM(shape=(4, 10), n_epochs=4, n_clusters=None).fit(X)
    widths = 5 * (0.7 / 5) ** (np.arange(4) / 3)
    explicit = CSOM(shape=(4, 10), n_epochs=4, sigma=widths, n_clusters=None).fit(X)
    assert_allclose(csom.codebook_, explicit.codebook_, rtol=1e-9)


def test_units_without_weight_stay():
    # The far unit is out of reach: exp(-40^2 / (2 0.5^2)) underflows to 0.
    init = np.zeros((41, 1))
    init[40] = 100.0
    csom = CSOM(shape=(1, 41), n_epochs=1, sigma=0.5, init=init, n_clusters=None)
    csom.fit(np.full((5, 1), -1.0))
    assert csom.codebook_[0, 0] == pytest.approx(-1)
    assert csom.codebook_[40, 0] == 100


def test_pca_initialization():
    # With one tiny width nothing is smoothed, so look at the plane before training.
    X = np.random.default_rng(0).normal(size=(300, 4)) * [5, 2, 1, 0.5] + [1, 2, 3, 4]
    plane = principal_plane(X, None, (4, 3)).reshape(4, 3, 4)
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
    expected = principal_plane(X, None, (4, 3))
    for _ in range(20):
        changed = generator.permutation(X) * (1 + generator.normal(size=2) * 1e-14)
        assert_allclose(principal_plane(changed, None, (4, 3)), expected, atol=1e-9)


def test_pca_initialization_of_one_feature_and_one_sample():
    X = np.linspace(0, 1, 50)[:, None]
    csom = CSOM(shape=(5, 1), n_epochs=10, n_clusters=None).fit(X)
    assert (np.diff(csom.codebook_[:, 0]) > 0).all()
    assert_array_equal(
        CSOM(shape=(3, 3), n_clusters=None).fit([[1.0, 2.0]]).codebook_, 9 * [[1, 2]]
    )


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


def test_given_initialization_is_not_changed():
    init = np.random.default_rng(0).normal(size=(4, 2))
    before = init.copy()
    X = np.random.default_rng(1).normal(size=(50, 2))
    for algorithm in ("batch", "online"):
        CSOM(
            shape=(2, 2),
            algorithm=algorithm,
            init=init,
            random_state=0,
            n_clusters=None,
        ).fit(X)
        assert_array_equal(init, before)


def test_maps_unfold():
    # A square of points: neighbors on the lattice end as neighbors in the plane.
    X = np.random.default_rng(0).uniform(size=(4000, 2))
    for algorithm in ("batch", "online"):
        csom = CSOM(
            shape=(8, 8), algorithm=algorithm, random_state=0, n_clusters=None
        ).fit(X)
        assert topographic_error(csom, X) < 0.05
        assert csom.quantization_error_ < 0.08
        assert csom.hits_.min() > 10


@pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
def test_connections_and_positions_are_the_lattice(topology):
    X = np.random.default_rng(0).normal(size=(50, 2))
    csom = CSOM(shape=(3, 4), topology=topology, n_clusters=None).fit(X)
    lattice = Lattice((3, 4), topology)
    assert_array_equal(csom.positions_, lattice.positions)
    assert (csom.connections_ != lattice.connections()).nnz == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 1), [3, 2]])
def test_small_lattices(shape):
    X = np.random.default_rng(0).normal(size=(60, 3))
    for algorithm in ("batch", "online"):
        csom = CSOM(
            shape=shape, algorithm=algorithm, random_state=0, n_clusters=None
        ).fit(X)
        assert csom.u_matrix().shape == tuple(shape)
        assert_array_equal(csom.predict(X), csom.labels_)
        assert np.isfinite(csom.codebook_).all()


def test_no_number_of_clusters_makes_each_unit_with_samples_a_cluster():
    X = np.random.default_rng(0).normal(size=(300, 2))
    csom = CSOM(shape=(6, 6), n_clusters=None).fit(X)
    assert csom.labels_.max() + 1 == np.count_nonzero(csom.hits_)
    for unit in np.flatnonzero(csom.hits_):
        assert (
            np.count_nonzero(csom.labels_ == csom.unit_labels_[unit])
            == (csom.hits_[unit])
        )


def test_number_of_clusters():
    X, truth = make_blobs(800, centers=5, cluster_std=0.5, random_state=1)
    for n_clusters in (1, 2, 5, 8):
        csom = CSOM(n_clusters=n_clusters).fit(X)
        assert_array_equal(np.unique(csom.labels_), np.arange(n_clusters))
    assert (
        adjusted_rand_score(truth, csom.set_params(n_clusters=5).fit(X).labels_) > 0.9
    )


def test_fewer_units_than_clusters_warns_once():
    X = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.warns(ConvergenceWarning, match="The 4 units of the map gave"):
        CSOM(shape=(2, 2), n_clusters=6).fit(X)


def test_first_partial_fit_is_fit():
    X = np.random.default_rng(0).normal(size=(200, 3))
    fitted = CSOM(shape=(4, 4), n_clusters=3, random_state=0).fit(X)
    streamed = CSOM(shape=(4, 4), n_clusters=3, random_state=0).partial_fit(X)
    assert_array_equal(streamed.codebook_, fitted.codebook_)
    assert_array_equal(streamed.labels_, fitted.labels_)


def test_partial_fit_weighs_the_calls():
    # Units too far apart to share. The t-th call counts t^-0.6 of all, the first all.
    csom = CSOM(
        shape=(1, 2), n_epochs=1, sigma=0.05, init=[[0.0], [10.0]], n_clusters=None
    )
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
    csom = CSOM(shape=(4, 4), random_state=0, n_clusters=None).fit(X)
    for _ in range(60):
        csom.partial_fit(X)
    settled = batch_epoch(X, csom.codebook_, csom.positions_, 0.7)
    assert_allclose(csom.codebook_, settled, atol=0.01)


def test_partial_fit_follows_a_stream():
    rng = np.random.default_rng(0)
    csom = CSOM(shape=(4, 4), random_state=0, n_clusters=None).partial_fit(
        rng.normal(size=(300, 2))
    )
    for _ in range(30):
        csom.partial_fit(rng.normal(size=(100, 2)) + 10)
    assert len(csom.labels_) == 100
    assert csom.quantization_error_ < 1.0
    chunk = rng.normal(size=(100, 2)) + 10
    chunk[::3, 1] = np.nan  # features may begin to be missing
    assert np.isfinite(csom.partial_fit(chunk).codebook_).all()


def test_verbose_shows_a_bar(capsys):
    X = np.random.default_rng(0).normal(size=(50, 2))
    for algorithm in ("batch", "online"):
        CSOM(
            shape=(2, 2),
            algorithm=algorithm,
            verbose=1,
            random_state=0,
            n_clusters=None,
        ).fit(X)
        assert "CSOM" in capsys.readouterr().err
        CSOM(shape=(2, 2), algorithm=algorithm, random_state=0, n_clusters=None).fit(X)
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shape": (3,)}, r"'shape' .* Got \(3,\)"),
        ({"shape": (2.5, 3)}, r"'shape' .* Got \(2.5, 3\)"),
        ({"n_epochs": 0}, r"The 'n_epochs' parameter of CSOM must be an int in"),
        ({"sigma": 0}, r"The 'sigma' parameter of CSOM must be a float in the range"),
        (
            {"sigma": -1.0},
            r"The 'sigma' parameter of CSOM must be a float in the range",
        ),
        ({"sigma": [1.0, 2.0]}, r"n_epochs=20 of them, got an array of shape \(2,\)"),
        (
            {"sigma": np.zeros(20)},
            r"'sigma' must be one positive number or n_epochs=20",
        ),
        ({"init": "plane"}, "The 'init' parameter of CSOM must be a str among"),
        (
            {"init": np.ones((3, 2)), "shape": (10, 10)},
            r"'init' must .* \(100, 2\) .* got shape \(3, 2\)",
        ),
        (
            {"init": np.full((100, 2), np.nan), "shape": (10, 10)},
            "'init' must hold finite weights",
        ),
        (
            {"clusterer": "ward"},
            "The 'clusterer' parameter of CSOM must be a str among",
        ),
    ],
)
def test_refused_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        CSOM(**parameters).fit(np.ones((30, 2)))
