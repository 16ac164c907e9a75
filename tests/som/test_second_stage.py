# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the parts by hand, the whole on shapes whose truth is known.

The lower bounds on the shapes follow from what spectral clustering of the relative
co-activation reached when the rule was designed (mean adjusted Rand index 0.937 for
both maps over nine shapes).
"""

import numpy as np
import pytest
from _shapes import SHAPES
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from skesom.som import CSOM, ESOM, _second_stage


def test_count_pairs():
    winners = np.array([[0, 1], [0, 1], [1, 0], [2, 1], [2, -1], [-1, -1]])
    counts = _second_stage.count_pairs(winners, 4)
    assert counts.dtype == np.int64
    assert_array_equal(
        counts.toarray(), [[0, 2, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    )


def test_count_pairs_of_many():
    winners = np.random.default_rng(0).integers(0, 9, size=(2_100_000, 2))
    expected = np.zeros((9, 9), dtype=int)
    np.add.at(expected, tuple(winners.T), 1)
    assert_array_equal(_second_stage.count_pairs(winners, 9).toarray(), expected)


def test_relative_coactivation():
    # (3 + 1) samples between units of 10 and 4 hits, 2 between units of 4 and 2.
    counts = sparse.csr_array(np.array([[0, 3, 0], [1, 0, 2], [0, 0, 0]]))
    affinity = _second_stage._relative_coactivation(counts, np.array([10, 4, 2]))
    assert_allclose(affinity.toarray(), [[0, 1, 0], [1, 0, 1], [0, 1, 0]])


def test_labels_by_size():
    codebook = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    hits = np.array([3, 0, 1, 9, 0])
    # Group 7 holds 4 samples, group 5 holds 9; group 6 none: it joins its nearest.
    labels = _second_stage.labels_by_size(np.array([7, 7, 7, 5, 6]), codebook, hits)
    assert labels.dtype == np.int32
    assert_array_equal(labels, [1, 1, 1, 0, 0])
    # Equal sizes keep the order of the groups.
    labels = _second_stage.labels_by_size(np.arange(5), codebook, np.full(5, 2))
    assert_array_equal(labels, np.arange(5))


def test_component_clusters():
    codebook = np.array([[0.0], [1.0], [5.0], [6.0]])
    links = sparse.csr_array(
        (
            np.array([0.5, 0.5, 0.0, 0.0, 0.9, 0.9]),
            ([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]),
        ),
        shape=(4, 4),
    )
    groups = _second_stage.component_clusters(codebook, links, 2.0)
    assert groups[0] == groups[1] != groups[2] == groups[3]
    # A link whose strength underflowed to 0 is a link.
    assert len(set(_second_stage.component_clusters(codebook, links, np.inf))) == 1
    assert len(set(_second_stage.component_clusters(codebook, links, 0.5))) == 4


def chain(n_units, cuts):
    """A line of units with 10 hits each, neighbours tied except weakly at the cuts."""
    codebook = np.arange(n_units, dtype=float)[:, None]
    strength = np.full(n_units - 1, 10)
    for cut in cuts:
        strength[cut - 1] = 1
    counts = sparse.csr_array(sparse.diags_array(strength, offsets=1, dtype=np.int64))
    return (
        codebook,
        sparse.csr_array(counts, shape=(n_units, n_units)),
        np.full(n_units, 10),
    )


@pytest.mark.parametrize("dense_units", [0, 10**6], ids=["sparse", "dense"])
def test_graph_is_cut_where_it_is_weak(dense_units, monkeypatch):
    monkeypatch.setattr(_second_stage, "_DENSE_UNITS", dense_units)
    codebook, counts, hits = chain(40, cuts=[12, 25])
    groups = _second_stage.graph_clusters(codebook, counts, hits, 3)
    assert_array_equal(np.flatnonzero(np.diff(groups)) + 1, [12, 25])
    assert len(set(groups)) == 3


def test_eigenpairs_agree_between_solvers(monkeypatch):
    rng = np.random.default_rng(0)
    affinity = sparse.random_array((80, 80), density=0.2, rng=rng)
    affinity = sparse.csr_array(affinity + affinity.T)
    found = []
    for dense_units in (10**6, 0):
        monkeypatch.setattr(_second_stage, "_DENSE_UNITS", dense_units)
        found.append(_second_stage._smallest_eigenpairs(affinity, 6))
    degree = affinity.sum(axis=1)
    normalised = affinity.toarray() / np.sqrt(degree[:, None] * degree)
    expected = np.linalg.eigvalsh(np.eye(80) - normalised)[:6]
    for values, vectors in found:
        assert_allclose(values, expected, atol=1e-10)
        assert_allclose(vectors, found[0][1], atol=1e-8)


def test_components_are_clusters_when_they_are_as_many():
    codebook, counts, hits = chain(30, cuts=[])
    counts = counts.tolil()
    counts[9, 10] = counts[19, 20] = 0
    counts = sparse.csr_array(counts)
    groups = _second_stage.graph_clusters(codebook, counts, hits, 3)
    assert_array_equal(groups, np.repeat([0, 1, 2], 10))
    assert len(set(_second_stage.graph_clusters(codebook, counts, hits, 2))) == 2
    assert len(set(_second_stage.graph_clusters(codebook, counts, hits, 1))) == 1
    assert len(set(_second_stage.graph_clusters(codebook, counts, hits, 5))) == 5


def test_tiny_component_joins_its_nearest_units():
    # Unit 30 is tied to nobody and holds less than 0.2 % of the samples.
    codebook, counts, hits = chain(30, cuts=[15])
    codebook = np.vstack([codebook, [[40.0]]])
    counts = sparse.csr_array(
        sparse.block_diag([counts, sparse.csr_array((1, 1))]), dtype=np.int64
    )
    hits = np.append(hits * 100, 1)
    groups = _second_stage.graph_clusters(codebook, counts, hits, 2)
    assert groups[30] == groups[29] != groups[0]


def test_grouping_is_reproducible_and_leaves_its_input():
    codebook, counts, hits = chain(40, cuts=[7, 30])
    before = codebook.copy(), counts.copy(), hits.copy()
    one = _second_stage.graph_clusters(codebook, counts, hits, 5)
    assert_array_equal(one, _second_stage.graph_clusters(codebook, counts, hits, 5))
    assert_array_equal(codebook, before[0])
    assert (counts != before[1]).nnz == 0
    assert_array_equal(hits, before[2])


def mean_score(make, shape):
    scores = []
    for seed in range(5):
        X, truth = SHAPES[shape](np.random.default_rng(seed))
        found = make(n_clusters=truth.max() + 1, random_state=seed).fit(X).labels_
        scores.append(adjusted_rand_score(truth, found))
    return np.mean(scores)


@pytest.mark.parametrize(
    ("make", "shape", "least"),
    [
        (ESOM, "hepta", 0.97),
        (ESOM, "lsun", 0.97),
        (ESOM, "tetra", 0.97),
        (ESOM, "two_diamonds", 0.95),
        (ESOM, "chainlink", 0.97),
        (ESOM, "atom", 0.94),
        (ESOM, "target", 0.55),
        (ESOM, "wingnut", 0.97),
        (ESOM, "engytime", 0.9),
        (CSOM, "hepta", 0.97),
        (CSOM, "lsun", 0.97),
        (CSOM, "tetra", 0.94),
        (CSOM, "two_diamonds", 0.95),
        (CSOM, "chainlink", 0.97),
        (CSOM, "atom", 0.95),
        (CSOM, "target", 0.5),
        (CSOM, "wingnut", 0.93),
        (CSOM, "engytime", 0.9),
    ],
)
def test_shapes(make, shape, least):
    assert mean_score(make, shape) > least
