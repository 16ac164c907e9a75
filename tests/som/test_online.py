# SPDX-License-Identifier: BSD-3-Clause
"""The kernel of online training against plain loops."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skesom.som import _online
from skesom.som._lattice import NEIGHBORHOODS, Lattice, Neighborhood
from skesom.som.codebook import by_feature, padded
from skesom.som.metric import of_length_one
from tests.helpers.reference_maps import distances, learned_online, neighborhood

SHAPE = (4, 5)


def draw(dtype, missing, name):
    """Samples, units, and a course of training."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(dtype)
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[::27] = np.nan
    order, rates = rng.integers(0, len(X), size=200), rng.uniform(0.01, 0.5, size=200)
    if name == "mexican_hat":
        rates /= 10  # what is pushed away does not come back
    codebook = rng.normal(size=(20, 3)).astype(dtype)
    return X, codebook, order, rates, rng.uniform(0.5, 3, size=200)


def learned(X, codebook, order, rates, widths, lattice, rule, **how):
    """The codebook after the kernel has learned, and what the kernel returns."""
    weights = by_feature(codebook)
    n_padded = padded(len(codebook))
    totals = _online.learn_one_by_one(
        X,
        order,
        rates,
        widths,
        np.array([rule.squared_reach(width) for width in widths]),
        rule.code,
        lattice.squared_along,
        lattice.squared_across,
        lattice.hexagonal,
        weights,
        np.empty(X.shape[1], dtype=np.intc),
        *(np.empty(n_padded, dtype=X.dtype) for _ in range(2)),
        np.empty((2, lattice.shape[1])),
        **how,
    )
    return weights[:-1, : len(codebook)].T, totals


def assert_learned(drawn, name, diameter=None, place=("hexagonal", False), **how):
    """Check the kernel; rounding may decide who wins only among units equally near."""
    result, totals = learned(
        *drawn, Lattice(SHAPE, *place), Neighborhood(name, diameter), **how
    )
    X, codebook, order, rates, widths = drawn
    r = distances(SHAPE, *place)
    expected, *sums = learned_online(
        X,
        codebook,
        order,
        rates,
        lambda step, winner: neighborhood(name, r[winner], widths[step], diameter),
        **how,
    )
    rtol = 1e-11 if X.dtype == np.float64 else 2e-4
    assert_allclose(result, expected, rtol=rtol, atol=rtol)
    assert totals == (pytest.approx(sums[0], rel=rtol), sums[1])
    return result


every_table = pytest.mark.parametrize(
    ("missing", "dtype"), list(product([False, True], [np.float32, np.float64]))
)


LATTICES = [*product(["hexagonal", "rectangular"], [False, True])]


@every_table
@pytest.mark.parametrize(
    ("name", "diameter", "topology", "toroidal"),
    [
        (*of, *LATTICES[(n + n // 4) % 4])
        for n, of in enumerate(product(NEIGHBORHOODS, [None, 3.0]))
    ],
)
def test_learn_one_by_one(name, diameter, topology, toroidal, missing, dtype):
    assert_learned(draw(dtype, missing, name), name, diameter, (topology, toroidal))


def test_units_out_of_reach_keep_their_bits():
    rng = np.random.default_rng(0)
    X, codebook = rng.normal(size=(1, 3)), rng.normal(size=(90, 3))
    codebook[0] = X[0] + 0.1
    step = np.zeros(1, dtype=np.intp), np.array([0.5]), np.array([1.5])
    lattice = Lattice((9, 10), "rectangular")
    for name in ("bubble", "epanechnikov", "cut_gaussian"):
        result, _ = learned(X, codebook, *step, lattice, Neighborhood(name))
        moved = np.flatnonzero((result != codebook).any(axis=1))
        assert moved.tolist() == [0, 1, 10, 11]


@every_table
@pytest.mark.parametrize("name", NEIGHBORHOODS)
def test_angles(name, missing, dtype):
    X, codebook, *course = draw(dtype, missing, "")
    X[5] = 0
    drawn = of_length_one(X), of_length_one(codebook), *course
    result = assert_learned(drawn, name, of_angles=True)
    assert_allclose(np.linalg.norm(result, axis=1), 1, rtol=1e-6)
