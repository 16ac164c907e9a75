# SPDX-License-Identifier: BSD-3-Clause
"""The lattice against matrices of units by units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from skesom.som._lattice import Lattice

SHAPES = [(1, 1), (1, 6), (6, 1), (2, 2), (2, 5), (5, 2), (4, 4), (5, 7), (6, 3)]
TOPOLOGIES = ["hexagonal", "rectangular"]


def places(shape, topology):
    """x and y of each unit, one by one."""
    return np.array(
        [
            (column + row % 2 / 2, row * np.sqrt(3) / 2)
            if topology == "hexagonal"
            else (column, row)
            for row in range(shape[0])
            for column in range(shape[1])
        ]
    )


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_positions(shape, topology):
    assert_allclose(Lattice(shape, topology).positions, places(shape, topology))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_connections(shape, topology):
    distances = cdist(places(shape, topology), places(shape, topology))
    connections = Lattice(shape, topology).connections()
    assert connections.format == "csr"
    assert connections.has_canonical_format
    assert_array_equal(connections.toarray(), np.isclose(distances, 1))


def test_inner_units_have_six_or_four_neighbours():
    for topology, n_neighbours in (("hexagonal", 6), ("rectangular", 4)):
        degree = Lattice((5, 6), topology).connections().sum(axis=1).reshape(5, 6)
        assert (degree[1:-1, 1:-1] == n_neighbours).all()
        assert degree[0, 0] == 2


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0.05, 0.7, 3.0, 1e3])
def test_smooth(shape, topology, sigma):
    values = np.random.default_rng(0).normal(size=(shape[0] * shape[1], 4))
    squared = cdist(*2 * [places(shape, topology)], "sqeuclidean")
    expected = np.exp(-squared / (2 * sigma**2)) @ values
    smoothed = Lattice(shape, topology).smooth(values, sigma)
    assert smoothed.shape == values.shape
    assert_allclose(smoothed, expected, rtol=1e-12, atol=1e-12)


def test_smooth_keeps_its_input():
    values = np.ones((6, 1))
    values.flags.writeable = False
    Lattice((2, 3), "hexagonal").smooth(values, 1.0)
    assert (values == 1).all()
