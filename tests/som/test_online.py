# SPDX-License-Identifier: BSD-3-Clause
"""The kernel of online training against plain loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skesom.som import _online
from skesom.som._codebook import by_feature, padded
from skesom.som._lattice import NEIGHBORHOODS, Lattice, Neighborhood
from skesom.som._metric import of_length_one

SHAPE = (4, 5)


def learned(X, codebook, lattice, neighborhood, order, rates, widths, **how):
    """The codebook after the kernel has learned, and what the kernel returns."""
    n_features = X.shape[1]
    weights = by_feature(codebook)
    n_padded = padded(len(codebook))
    totals = _online.learn_one_by_one(
        X,
        order,
        rates,
        widths,
        np.array([neighborhood.squared_reach(width) for width in widths]),
        neighborhood.code,
        lattice.squared_along,
        lattice.squared_across,
        lattice.hexagonal,
        weights,
        np.empty(n_features, dtype=np.intc),
        *(np.empty(n_padded, dtype=X.dtype) for _ in range(2)),
        np.empty((2, lattice.shape[1])),
        **how,
    )
    return weights[:-1, : len(codebook)].T, totals


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("toroidal", [False, True], ids=["flat", "torus"])
@pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
@pytest.mark.parametrize("name", NEIGHBORHOODS)
@pytest.mark.parametrize("diameter", [None, 3.0])
def test_learn_one_by_one(name, diameter, topology, toroidal, missing, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(dtype)
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[::27] = np.nan
    codebook = rng.normal(size=(20, 3)).astype(dtype)
    order = rng.integers(0, len(X), size=200)
    rates = rng.uniform(0.01, 0.5, size=200)
    widths = rng.uniform(0.5, 3, size=200)
    if name == "mexican_hat":
        rates /= 10  # what is pushed away does not come back
    lattice = Lattice(SHAPE, topology, toroidal)
    neighborhood = Neighborhood(name, diameter)
    result, totals = learned(X, codebook, lattice, neighborhood, order, rates, widths)

    # Rounding may decide who wins only when two units are equally near.
    expected = codebook.astype(float)
    units = np.arange(len(codebook))
    squares = n_learned = 0
    for row, rate, width in zip(order, rates, widths, strict=True):
        sample = X[row].astype(float)
        present = ~np.isnan(sample)
        if not present.any():
            continue
        winner = ((sample - expected)[:, present] ** 2).sum(axis=1).argmin()
        squares += ((sample - expected[winner])[present] ** 2).sum()
        n_learned += 1
        h = neighborhood(lattice.squared_distances(units, winner), width)
        step = rate * h[:, None] * (sample - expected)
        expected[:, present] += step[:, present]
    rtol = 1e-11 if dtype == np.float64 else 2e-4
    assert_allclose(result, expected, rtol=rtol, atol=rtol)
    assert totals == (pytest.approx(squares, rel=rtol), n_learned)


def test_units_out_of_reach_keep_their_bits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1, 3))
    codebook = rng.normal(size=(90, 3))
    codebook[0] = X[0] + 0.1
    lattice = Lattice((9, 10), "rectangular")
    for name in ("bubble", "epanechnikov", "cut_gaussian"):
        result, _ = learned(
            X, codebook, lattice, Neighborhood(name),
            np.zeros(1, dtype=np.intp), np.array([0.5]), np.array([1.5]),
        )  # fmt: skip
        moved = np.flatnonzero((result != codebook).any(axis=1))
        assert moved.tolist() == [0, 1, 10, 11]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("name", NEIGHBORHOODS)
def test_angles(name, missing, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(dtype)
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[::27] = np.nan
    X[5] = 0
    X = of_length_one(X)
    codebook = of_length_one(rng.normal(size=(20, 3)).astype(dtype))
    order = rng.integers(0, len(X), size=200)
    rates = rng.uniform(0.01, 0.5, size=200)
    widths = rng.uniform(0.5, 3, size=200)
    lattice, neighborhood = Lattice(SHAPE), Neighborhood(name)
    given = codebook, lattice, neighborhood, order, rates, widths
    result, totals = learned(X, *given, of_angles=True)

    expected = codebook.astype(float)
    units = np.arange(len(codebook))
    squares = n_learned = 0
    for row, rate, width in zip(order, rates, widths, strict=True):
        present = ~np.isnan(X[row])
        if not present.any():
            continue
        sample, seen = X[row, present].astype(float), expected[:, present]
        winner = (seen @ sample / np.linalg.norm(seen, axis=1)).argmax()
        squares += ((sample - seen[winner]) ** 2).sum()
        n_learned += 1
        h = neighborhood(lattice.squared_distances(units, winner), width)
        expected[:, present] += rate * h[:, None] * (sample - seen)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    rtol = 1e-11 if dtype == np.float64 else 2e-4
    assert_allclose(result, expected, rtol=rtol, atol=rtol)
    assert totals == (pytest.approx(squares, rel=rtol), n_learned)
    assert_allclose(np.linalg.norm(result, axis=1), 1, rtol=1e-6)
