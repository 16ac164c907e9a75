# SPDX-License-Identifier: BSD-3-Clause
"""The lattice against matrices of units by units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som import work_blocks
from skesom.som._lattice import NEIGHBORHOODS, Lattice, Neighborhood
from tests.helpers.memory import peak_of
from tests.helpers.reference_maps import distances, neighborhood, places

SHAPES = [(1, 1), (1, 6), (6, 1), (2, 2), (2, 5), (5, 2), (4, 4), (5, 7), (6, 3)]
LATTICES = [
    (shape, topology, toroidal)
    for shape in SHAPES
    for topology in ("hexagonal", "rectangular")
    for toroidal in (False, True)
    if not (toroidal and topology == "hexagonal" and shape[0] % 2 and shape[0] > 1)
]
every_lattice = pytest.mark.parametrize(("shape", "topology", "toroidal"), LATTICES)


@every_lattice
def test_positions(shape, topology, toroidal):
    lattice = Lattice(shape, topology, toroidal)
    assert_allclose(lattice.positions, places(shape, topology))


@every_lattice
def test_connections(shape, topology, toroidal):
    connections = Lattice(shape, topology, toroidal).connections()
    assert connections.format == "csr"
    assert connections.has_canonical_format
    expected = np.isclose(distances(shape, topology, toroidal), 1)
    np.fill_diagonal(expected, False)  # a torus of one column: around, to itself
    assert_array_equal(connections.toarray(), expected)


def test_odd_rows_do_not_close_a_hexagonal_torus():
    with pytest.raises(ValueError, match=r"even number of rows.*\(5, 4\): take 6 rows"):
        Lattice((5, 4), "hexagonal", toroidal=True)
    Lattice((5, 4), "rectangular", toroidal=True)
    Lattice((1, 4), "hexagonal", toroidal=True)


@every_lattice
@pytest.mark.parametrize(
    ("name", "diameter"),
    [
        *((name, None) for name in NEIGHBORHOODS[:4]),
        ("gaussian", 4.0),
        ("gaussian", 2 * np.sqrt(3)),
        ("bubble", 3.0),
    ],
)
def test_smooth(shape, topology, toroidal, name, diameter):
    values = np.random.default_rng(0).uniform(size=(shape[0] * shape[1], 4))
    values[:, 1] = np.arange(len(values)) == len(values) // 2  # one unit alone
    values[:, 2] **= 20  # large beside small
    r = distances(shape, topology, toroidal)
    for sigma in (0.05, 0.7, 1.0, np.sqrt(3), 3.0, 1e3):
        lattice = Lattice(shape, topology, toroidal)
        smoothed = lattice.smooth(values, sigma, Neighborhood(name, diameter))
        expected = neighborhood(name, r, sigma, diameter) @ values
        assert smoothed.shape == values.shape
        assert_array_equal(smoothed == 0, expected == 0)
        assert_allclose(smoothed, expected, rtol=1e-12)


@pytest.mark.parametrize("toroidal", [False, True])
@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (4, 30), (30, 4)])
@pytest.mark.parametrize("work", [1, 3000])
def test_smooth_in_blocks(shape, toroidal, work, monkeypatch):
    monkeypatch.setattr(work_blocks, "WORK", work)
    values = np.random.default_rng(0).uniform(size=(shape[0] * shape[1], 2))
    r = distances(shape, "hexagonal", toroidal)
    lattice = Lattice(shape, "hexagonal", toroidal)
    for name in ("gaussian", "bubble"):
        for sigma in (0.1, 1.0, 300.0):
            smoothed = lattice.smooth(values, sigma, Neighborhood(name))
            expected = neighborhood(name, r, sigma) @ values
            assert_allclose(smoothed, expected, rtol=1e-12)


@pytest.mark.parametrize("toroidal", [False, True])
@pytest.mark.parametrize("name", ["gaussian", "bubble"])
def test_large_lattices_need_no_matrix_of_units_by_units(name, toroidal):
    values = np.ones((200 * 200, 2))
    for shape in ((200, 200), (1, 40_000)):
        lattice = Lattice(shape, "hexagonal", toroidal)
        peak, _ = peak_of(
            lambda lattice=lattice: (
                lattice.smooth(values, 5.0, Neighborhood(name)),
                lattice.connections(),
            )
        )
        assert peak < 32e6 < 8 * 40_000**2 / 100


def test_smooth_keeps_its_input():
    values = np.ones((6, 1))
    values.flags.writeable = False
    Lattice((2, 3), "hexagonal").smooth(values, 1.0)
    assert (values == 1).all()


@pytest.mark.parametrize("name", NEIGHBORHOODS)
@pytest.mark.parametrize("diameter", [None, 2.0, 5.5])
def test_neighborhoods(name, diameter):
    r = np.r_[0, np.arange(0.013, 6, 0.05)]
    for sigma in (0.7, 1.0, 2.5):
        h = Neighborhood(name, diameter)(r**2, sigma)
        assert_allclose(
            h, neighborhood(name, r, sigma, diameter), rtol=1e-12, atol=1e-15
        )
        assert h[0] == 1


@pytest.mark.parametrize("name", ["gaussian", "cut_gaussian", "bubble"])
def test_a_huge_width_weighs_all_units_alike(name):
    assert_allclose(Neighborhood(name)(np.arange(5.0), 1e300), np.ones(5))
