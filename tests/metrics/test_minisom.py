# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a map that MiniSom has trained, beside what MiniSom says of them."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from skesom.metrics import quantization_error, topographic_error

minisom = pytest.importorskip("minisom")


@pytest.mark.parametrize(
    ("topology", "reach"), [("rectangular", 1.5), ("hexagonal", 1.1)]
)
def test_the_errors_are_those_of_minisom(topology, reach):
    X = np.random.default_rng(0).normal(size=(600, 4))
    som = minisom.MiniSom(6, 8, 4, sigma=2, topology=topology, random_seed=0)
    som.random_weights_init(X)
    som.train(X, 1500)
    codebook = som.get_weights().reshape(-1, 4)
    assert quantization_error(X, codebook) == pytest.approx(som.quantization_error(X))
    x, y = som.get_euclidean_coordinates()
    positions = np.column_stack([x.ravel(), y.ravel()])
    if topology == "rectangular":
        positions = np.indices((6, 8)).reshape(2, -1).T
    connections = cdist(positions, positions) < reach
    expected = som.topographic_error(X)
    assert expected > 0
    assert topographic_error(X, codebook, connections) == pytest.approx(expected)
