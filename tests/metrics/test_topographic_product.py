# SPDX-License-Identifier: BSD-3-Clause
"""The topographic product against its definition, with ties in all orders."""

import tracemalloc
from itertools import permutations, product
from math import log, prod

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom import metrics
from tests.helpers.block_sizes import set_size


def orders(distances, others):
    """All orders of some units by distance, ties in every order."""
    values = np.unique(distances[others])
    groups = [[i for i in others if distances[i] == value] for value in values]
    for parts in product(*(permutations(group) for group in groups)):
        yield [other for part in parts for other in part]


def plain_products(in_data, on_map):
    """The product of each unit as Bauer & Pawelzik define it, the mean over orders."""
    products = []
    for d, D in zip(in_data, on_map, strict=True):
        others = [i for i in range(len(d)) if d[i] > 0 and 0 < D[i] < np.inf]
        if not others:
            products.append(np.nan)
            continue
        values = []
        for v in orders(d, others):
            for a in orders(D, others):
                ratios = [
                    d[a[k]] / d[v[k]] * (D[a[k]] / D[v[k]]) for k in range(len(others))
                ]
                logs = [
                    log(prod(ratios[:k]) ** (1 / (2 * k)))
                    for k in range(1, len(others) + 1)
                ]
                values.append(np.mean(logs))
        products.append(np.mean(values))
    return np.array(products)


def distances_between(places):
    return np.linalg.norm(places[:, None] - places, axis=2)


def test_by_hand():
    # Of the corners of a square on a chain only the ends lose: their neighbors along
    # the sides tie in the data but are 1 and 3 steps away on the chain.
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    chain = np.diag(np.ones(3), 1)
    end = (0.75 * log(2) - log(3)) / 6
    per_unit = metrics.topographic_product(corners, chain, per_unit=True)
    assert_allclose(per_unit, [end, 0, 0, end], atol=1e-15)
    assert metrics.topographic_product(corners, chain) == pytest.approx(end / 2)


@pytest.mark.parametrize(("seed", "dtype"), [(0, np.float32), (1, np.float64)])
def test_definition_without_ties(seed, dtype, monkeypatch):
    rng = np.random.default_rng(seed)
    codebook = rng.normal(size=(23, 3)).astype(dtype)
    positions = rng.normal(size=(23, 2))
    in_data = distances_between(codebook.astype(float))
    on_map = distances_between(positions)
    expected = plain_products(in_data, on_map)
    for given in ({"positions": positions}, {"distances": on_map}):
        per_unit = metrics.topographic_product(codebook, per_unit=True, **given)
        assert_allclose(per_unit, expected, rtol=1e-12, atol=1e-14)
        value = metrics.topographic_product(codebook, **given)
        assert value == pytest.approx(expected.mean(), rel=1e-12)
    set_size(monkeypatch, "matrix", values=60)  # two units at a time
    in_blocks = metrics.topographic_product(
        codebook, positions=positions, per_unit=True
    )
    assert_allclose(in_blocks, expected, rtol=1e-12, atol=1e-14)


def test_ties_count_in_every_order():
    rows, columns = np.divmod(np.arange(6), 3)
    lattice = np.column_stack([rows, columns]).astype(float)
    codebook = np.array([[0, 0], [0, 1], [1, 1], [2, 1], [2, 0], [1, 0]])
    on_map = distances_between(lattice)
    expected = plain_products(distances_between(codebook), on_map)
    per_unit = metrics.topographic_product(codebook, positions=lattice, per_unit=True)
    assert_allclose(per_unit, expected, atol=1e-14)
    steps = np.abs(lattice[:, None] - lattice).sum(axis=2)
    expected = plain_products(distances_between(codebook), steps)
    per_unit = metrics.topographic_product(codebook, steps == 1, per_unit=True)
    assert_allclose(per_unit, expected, atol=1e-14)


def test_pairs_without_a_ratio_are_left_out():
    # Units 1 and 2 are at one place of the data, 3 and 4 of the map, 5 is apart.
    codebook = np.array([[0.0], [1.0], [1.0], [2.5], [0.25], [9.0], [0.75]])
    on_map = distances_between(np.array([[0.0], [1], [2.2], [3.5], [3.5], [5], [7]]))
    on_map[5, :] = on_map[:, 5] = np.inf
    on_map[5, 5] = 0
    expected = plain_products(distances_between(codebook), on_map)
    assert_array_equal(np.isnan(expected), np.arange(7) == 5)
    per_unit = metrics.topographic_product(codebook, distances=on_map, per_unit=True)
    assert_allclose(per_unit, expected, atol=1e-14)
    value = metrics.topographic_product(codebook, distances=on_map)
    assert value == pytest.approx(np.nanmean(expected))


def test_few_units():
    assert np.isnan(metrics.topographic_product([[1.0]], [[0]]))
    assert np.isnan(metrics.topographic_product([[1.0], [1.0]], [[0, 1], [1, 0]]))
    assert np.isnan(metrics.topographic_product([[1.0], [2.0]], np.zeros((2, 2))))
    assert metrics.topographic_product([[1.0], [2.0]], [[0, 1], [1, 0]]) == 0
    empty = metrics.topographic_product([[1.0]], positions=[[0.0]], per_unit=True)
    assert_array_equal(empty, [np.nan])


def test_memory_is_that_of_blocks():
    rng = np.random.default_rng(0)
    codebook, positions = rng.random((2000, 2)), rng.random((2000, 2))
    tracemalloc.start()
    metrics.topographic_product(codebook, positions=positions)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2000 * 2000 * 8 / 2  # bytes of one matrix of all distances
