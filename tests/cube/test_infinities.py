# SPDX-License-Identifier: BSD-3-Clause
"""Infinite values are refused, and looked for once in each array."""

import numpy as np
import pytest

from skesom.cube import AsinhStretch, Cube, CubeMasker
from skesom.cube import base as cube_base
from skesom.cube.base import check_cube


@pytest.fixture
def cube():
    return Cube(np.random.default_rng(0).normal(size=(20, 30, 2)))


@pytest.fixture
def scanned(monkeypatch):
    """How many values were looked at."""
    sizes = []

    class Counted:
        def __getattr__(self, name):
            return getattr(np, name)

        def isinf(self, values):
            sizes.append(values.size)
            return np.isinf(values)

    monkeypatch.setattr(cube_base, "np", Counted())
    return sizes


def test_steps_look_once_at_each_array(cube, scanned):
    masker = CubeMasker(mask_outliers=False)
    stretch = AsinhStretch().fit(masker.fit(cube).transform(cube))
    stretch.transform(masker.transform(cube))
    masker.transform(cube.replace(fwhm=[1.0, 2.0]))
    # The cube, and what the masker made of it, twice.
    assert sum(scanned) == 3 * cube.data.size


def test_other_data_are_looked_at(cube):
    check_cube(cube)
    data = cube.data.copy()
    data[3, 4, 1] = np.inf
    for other in (cube.replace(data=data), Cube(data)):
        with pytest.raises(ValueError, match="row 3, column 4"):
            check_cube(other)
    cube.data = data
    with pytest.raises(ValueError, match="row 3, column 4"):
        check_cube(cube)


def test_data_that_are_replaced_are_not_kept(cube):
    check_cube(cube)
    other = cube.replace(data=cube.data + 1)
    assert other._without_infinities is None
