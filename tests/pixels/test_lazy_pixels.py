# SPDX-License-Identifier: BSD-3-Clause
"""Strips and messages of lazy tables; tests/cube/test_lazy_contract.py has values."""

import dask.array as da
import numpy as np
import pytest

from skesom.cube import Cube
from skesom.pixels import SuperpixelFlattener, flatten, unflatten
from skesom.pixels.flattening import valid_pixels


@pytest.fixture
def cube(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    data = rng.normal(size=(90, 40, 3))
    data[rng.random(data.shape) < 0.1] = np.nan
    return Cube(data)


def lazy(cube, height):
    return cube.replace(data=da.from_array(cube.data, (height, -1, -1)))


def test_map_has_the_strips_of_the_cube(cube):
    full = cube.replace(data=np.nan_to_num(cube.data))
    table, valid = flatten(full.replace(data=da.from_array(full.data, (32, -1, -1))))
    assert unflatten(table[:, 0], valid).chunks == ((32, 32, 26), (40,))


def test_lengths_must_fit(cube):
    valid = valid_pixels(cube)
    with pytest.raises(ValueError, match="Got 5 rows for"):
        unflatten(da.zeros(5, dtype=int), valid)
    unknown = da.zeros(valid.sum(), dtype=int)
    unknown = unknown[unknown == 0]
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        unflatten(unknown, valid)


def test_nothing_valid(cube):
    empty = cube.replace(data=np.full_like(cube.data, np.nan))
    with pytest.raises(ValueError, match="All 3600 pixels are masked"):
        flatten(lazy(empty, 64))


def test_superpixels_say_what_to_do(cube):
    with pytest.raises(ValueError, match=r"cube\.compute\(\)"):
        SuperpixelFlattener().fit(lazy(cube, 64))
