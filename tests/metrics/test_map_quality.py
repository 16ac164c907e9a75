# SPDX-License-Identifier: BSD-3-Clause
"""Quantization, topographic and Kaski-Lagus error against sums by hand and loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import make_blobs

from skesom import metrics
from skesom.som import CSOM, ESOM
from tests.helpers.block_sizes import set_size

LINE = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]  # 0 - 1 - 2
every_error = pytest.mark.parametrize(
    "error",
    [
        lambda X, codebook, connections, **options: metrics.quantization_error(
            X, codebook, **options
        ),
        metrics.topographic_error,
        metrics.kaski_lagus_error,
    ],
    ids=["quantization", "topographic", "kaski_lagus"],
)


@pytest.fixture
def X():
    return make_blobs(150, 3, centers=3, random_state=0)[0]


def random_map(seed, n_units=14, n_features=3):
    """A connected graph of units at random places, as a dense matrix of links."""
    rng = np.random.default_rng(seed)
    codebook = rng.normal(size=(n_units, n_features))
    links = np.zeros((n_units, n_units))
    for unit in range(1, n_units):
        links[unit, rng.integers(unit)] = 1
    for _ in range(n_units // 3):
        links[tuple(rng.integers(n_units, size=2))] = 1
    return codebook, np.maximum(links, links.T)


def two_nearest(x, codebook):
    """Nearest and second nearest unit of one sample, and the distance to the first."""
    present = ~np.isnan(x)
    squares = ((codebook[:, present] - x[present]) ** 2).sum(axis=1)
    squares *= len(x) / present.sum()
    first, second = np.argsort(squares, kind="stable")[:2]
    return first, second, np.sqrt(squares[first])


def shortest_paths(codebook, links):
    """Floyd's algorithm on the graph of the units, lengths as in the data."""
    paths = np.where(links != 0, cdist(codebook, codebook), np.inf)
    np.fill_diagonal(paths, 0)
    for middle in range(len(codebook)):
        paths = np.minimum(paths, paths[:, [middle]] + paths[[middle]])
    return paths


def test_quantization_error_by_hand():
    # Distances 0, 5 and 1; the row without a feature does not count.
    X = [[0, 0], [3, 4], [10, 1], [np.nan, np.nan]]
    codebook = [[0, 0], [10, 0], [99, 0]]
    assert metrics.quantization_error(X, codebook) == 2
    per_unit = metrics.quantization_error(X, codebook, per_unit=True)
    assert_array_equal(per_unit, [2.5, 1, np.nan])
    # One of two features is present, 3 away: 3 sqrt(2 / 1).
    error = metrics.quantization_error([[3, np.nan]], [[0.0, 7.0]])
    assert error == pytest.approx(3 * np.sqrt(2))
    assert np.isnan(metrics.quantization_error([[np.nan]], [[1.0]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4", int])
def test_quantization_error_is_the_mean_distance(X, dtype):
    X = (10 * X).astype(dtype)
    csom = CSOM(None, shape=(4, 4)).fit(X)
    error = metrics.quantization_error(X, csom.codebook_)
    assert error == csom.quantization_error_
    assert error == metrics.quantization_error(X, csom)
    distances = cdist(X.astype(float), csom.codebook_.astype(float)).min(axis=1)
    assert error == pytest.approx(distances.mean(), rel=1e-5)


def test_topographic_error_by_hand():
    codebook = np.array([[0.0], [1.0], [2.0], [3.0]])
    X = [[0.1], [0.9], [1.2], [2.9], [np.nan]]  # nearest two: 01, 10, 12, 32, none
    links = np.zeros((4, 4))
    links[0, 1] = links[1, 0] = 1
    assert metrics.topographic_error(X, codebook, links) == 0.5
    per_unit = metrics.topographic_error(X, codebook, links, per_unit=True)
    assert_array_equal(per_unit, [0, 0.5, np.nan, 1])
    links[2, 3] = links[3, 2] = 1
    assert metrics.topographic_error(X, codebook, links) == 0.25
    links[1, 2] = links[2, 1] = 1
    assert metrics.topographic_error(X, codebook, links) == 0
    assert metrics.topographic_error(X, codebook, np.zeros((4, 4))) == 1


def test_connections_are_stored_entries():
    dense, codebook = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]), [[0.0], [1], [2]]
    for form in ("csr_array", "coo_array", "csc_matrix", "lil_array"):
        links = getattr(sparse, form)(dense)
        assert metrics.topographic_error([[0.0], [1.9]], codebook, links) == 0.5
    links = sparse.csr_array((np.zeros(2), ([0, 1], [1, 0])), shape=(2, 2))
    assert metrics.topographic_error([[0.0]], codebook[:2], links) == 0
    assert metrics.topographic_error([[0.0]], codebook[:2], links.toarray()) == 1
    assert metrics.kaski_lagus_error([[0.0]], codebook[:2], links) == 1


@every_error
def test_half_of_the_connections_says_it_all(error):
    codebook, links = random_map(0)
    X = np.random.default_rng(1).normal(size=(60, 3))
    expected = error(X, codebook, links)
    assert error(X, codebook, np.triu(links)) == expected
    assert error(X, codebook, np.tril(links).astype(bool)) == expected
    assert error(X, codebook, links + 3 * np.eye(len(links))) == expected
    rows, columns = np.nonzero(links)
    twice = np.tile([rows, columns], 2)
    twice = sparse.coo_array((np.ones(twice.shape[1]), tuple(twice)), links.shape)
    assert error(X, codebook, twice) == expected


@pytest.mark.parametrize("estimator", [CSOM(None, shape=(6, 5)), ESOM(random_state=0)])
def test_topographic_error_of_a_map(estimator, X):
    fitted = estimator.fit(X)
    nearest = np.argsort(cdist(X, fitted.codebook_), axis=1, kind="stable")[:, :2]
    linked = fitted.connections_.toarray() != 0
    expected = 1 - linked[nearest[:, 0], nearest[:, 1]].mean()
    error = metrics.topographic_error(X, fitted.codebook_, fitted.connections_)
    assert error == pytest.approx(expected)
    assert metrics.topographic_error(X, fitted) == error


def test_kaski_lagus_error_by_hand():
    # Units 0, 2, 1 on a line of the data are connected 0 - 1 - 2.
    codebook = [[0.0], [2.0], [1.0]]
    # From 0 over 2 to 1: .25 + 2 + 1. From 2 to 1: .125 + 1. From 1 to 2: 0 + 1.
    X = [[0.25], [1.875], [1.0 + 1e-300], [np.nan]]
    per_unit = metrics.kaski_lagus_error(X, codebook, LINE, per_unit=True)
    assert_array_equal(per_unit[:2], [3.25, 1.125])
    # Units 0 and 1 of the data are as near to a sample at 1: the lower number wins.
    assert per_unit[2] == 3
    assert metrics.kaski_lagus_error(X, codebook, LINE) == (3.25 + 1.125 + 3) / 3


@pytest.mark.parametrize(
    ("seed", "dtype"), [(0, np.float32), (1, np.float64), (2, np.float64)]
)
def test_kaski_lagus_error_is_that_of_plain_loops(seed, dtype, monkeypatch):
    codebook, links = random_map(seed)
    codebook = codebook.astype(dtype)
    X = np.random.default_rng(seed + 100).normal(size=(80, 3)).astype(dtype)
    X[::7, 1] = np.nan
    X[3] = np.nan
    paths = shortest_paths(codebook.astype(float), links)
    ways, winners = [], []
    for x in X.astype(float):
        if not np.isnan(x).all():
            first, second, distance = two_nearest(x, codebook.astype(float))
            ways.append(distance + paths[first, second])
            winners.append(first)
    rel = 1e-12 if dtype == np.float64 else 1e-6
    error = metrics.kaski_lagus_error(X, codebook, links)
    assert error == pytest.approx(np.mean(ways), rel=rel)
    per_unit = metrics.kaski_lagus_error(X, codebook, links, per_unit=True)
    for unit in range(len(codebook)):
        own = [way for way, winner in zip(ways, winners, strict=True) if winner == unit]
        expected = np.mean(own) if own else np.nan
        assert per_unit[unit] == pytest.approx(expected, rel=rel, nan_ok=True)
    set_size(monkeypatch, "matrix", values=30)  # two units at a time
    in_blocks = metrics.kaski_lagus_error(X, codebook, links, per_unit=True)
    assert_array_equal(in_blocks, per_unit)


def test_paths_over_units_at_the_same_place():
    # 0 - 1 - 2 - 3 with 1 and 2 at one place: from 0 to 3 it is 5 + 0 + 4.
    codebook = [[0, 0], [5, 0], [5, 0], [1, 0]]
    links = np.diag(np.ones(3), 1)
    assert metrics.kaski_lagus_error([[0.25, 0]], codebook, links) == 0.25 + 5 + 4
    assert metrics.kaski_lagus_error([[5.5, 0]], codebook, links) == 0.5
    assert metrics.topographic_error([[5.5, 0]], codebook, links) == 0


def test_a_torn_map_has_no_way():
    codebook = [[0.0], [1.0], [10.0], [11.0]]
    torn = np.zeros((4, 4))
    torn[0, 2] = torn[1, 3] = 1
    per_unit = metrics.kaski_lagus_error([[0.0]], codebook, torn, per_unit=True)
    assert_array_equal(per_unit, [np.inf, np.nan, np.nan, np.nan])
    assert metrics.kaski_lagus_error([[0.0], [0.1]], codebook, torn) == np.inf
    torn[0, 1] = 1
    assert metrics.kaski_lagus_error([[0.0], [0.1]], codebook, torn) == 1.05


def test_without_a_second_unit():
    for error in (metrics.topographic_error, metrics.kaski_lagus_error):
        assert np.isnan(error([[1.0]], [[1.0]], [[0.0]]))
        assert_array_equal(error([[1.0]], [[1.0]], [[0.0]], per_unit=True), [np.nan])
        assert np.isnan(error([[np.nan]], [[1.0], [2.0]], np.ones((2, 2))))
        assert error([[1.0]], [[1.0], [1.0]], np.ones((2, 2))) == 0


@every_error
def test_the_units_together_are_the_map(error, X):
    X[::5, 0] = np.nan
    csom = CSOM(None, shape=(5, 4)).fit(X)
    per_unit = error(X, csom.codebook_, csom.connections_, per_unit=True)
    assert per_unit.shape == (20,)
    assert per_unit.dtype == np.float64
    assert_array_equal(np.isnan(per_unit), csom.hits_ == 0)
    total = np.nansum(per_unit * csom.hits_) / csom.hits_.sum()
    assert_allclose(error(X, csom.codebook_, csom.connections_), total)


@every_error
def test_input_is_read_only(error):
    codebook, links = random_map(2)
    X = np.random.default_rng(3).normal(size=(20, 3))
    links = sparse.csr_array(links)
    for array in (X, codebook, links.data, links.indices, links.indptr):
        array.flags.writeable = False
    expected = error(X.copy(), codebook.copy(), links.toarray())
    assert error(X, codebook, links) == expected
    assert error(np.asfortranarray(X), codebook.astype(">f8"), links) == expected
