# SPDX-License-Identifier: BSD-3-Clause
"""Single precision makes maps like those of double precision.

One rounding can turn a match into a new node, and from there on two runs differ as two
orders of the samples do. So the numbers of nodes and the quantization errors are
compared after averaging over orders.
"""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM

N_ORDERS = 6


def blobs(rng):
    return make_blobs(5000, 9, centers=12, random_state=rng.integers(2**31))[0]


def uniform(rng):
    return rng.uniform(size=(5000, 2))


def far_from_zero(rng):
    return 1000 + rng.normal(size=(5000, 3))


def integers(rng):
    return rng.poisson(9, size=(5000, 4)).astype(np.float64)


def missing(rng):
    X = rng.normal(size=(5000, 5))
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def lognormal(rng):
    return rng.lognormal(size=(5000, 4))


def pareto(rng):
    return rng.pareto(2, size=(5000, 3))


def galaxy(rng):
    cube, _ = make_galaxy_cube((80, 80), random_state=int(rng.integers(2**31)))
    pixels, _ = flatten(AsinhStretch().fit_transform(cube))
    return StandardScaler().fit_transform(pixels.astype(np.float64))


@pytest.mark.parametrize(
    ("draw", "epsilon", "update_set"),
    [
        (blobs, 4.0, "neighbors"),
        (uniform, 0.04, "ball"),
        (far_from_zero, 0.4, "neighbors"),
        (integers, 3.0, "ball"),
        (missing, 1.2, "neighbors"),
        (lognormal, 1.0, "ball"),
        (pareto, 0.3, "neighbors"),
        (galaxy, 1.2, "ball"),
    ],
)
def test_single_precision_agrees_with_double(
    draw, epsilon, update_set, global_random_seed
):
    X = draw(np.random.default_rng(global_random_seed))
    nodes, errors = [], []
    for samples in (X, X.astype(np.float32)):
        maps = [
            ESOM(None, epsilon=epsilon, update_set=update_set, random_state=order)
            for order in range(N_ORDERS)
        ]
        maps = [esom.fit(samples) for esom in maps]
        assert maps[0].codebook_.dtype == samples.dtype
        nodes.append(np.mean([len(esom.codebook_) for esom in maps]))
        errors.append(np.mean([esom.quantization_error_ for esom in maps]))
    assert nodes[1] == pytest.approx(nodes[0], rel=0.02)
    assert errors[1] == pytest.approx(errors[0], rel=0.01)
