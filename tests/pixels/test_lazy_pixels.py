# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes become lazy tables, and lazy labels lazy maps, with the same values."""

import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom.cube import Cube
from skesom.pixels import (
    CubeFlattener,
    PixelSampler,
    SuperpixelFlattener,
    flatten,
    unflatten,
    valid_pixels,
)


@pytest.fixture
def cube(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    data = rng.normal(size=(90, 40, 3))
    data[rng.random(data.shape) < 0.1] = np.nan
    data[:9] = np.nan  # strips without a pixel
    data[40:47] = np.nan
    sky = np.zeros((90, 40), dtype=bool)
    sky[:, :5] = True
    data[:, :5] = np.nan
    return Cube(data, errors=np.abs(data), sky_mask=sky)


def lazy(cube, height):
    chunks = (height, -1, -1)
    parts = {name: da.from_array(getattr(cube, name), chunks) for name in PARTS}
    return cube.replace(**parts)


PARTS = "data", "errors"
HEIGHTS = [7, 64, 90]


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize(
    ("pattern", "min_bands"), [("pixel", None), ("pixel", 2), ("voxel", None)]
)
def test_there_and_back(cube, height, pattern, min_bands):
    options = {"pattern": pattern, "min_bands": min_bands}
    wanted, valid = flatten(cube, **options)
    table, found = flatten(lazy(cube, height), **options)
    assert_array_equal(found, valid)
    assert table.shape == wanted.shape
    assert 0 not in table.chunks[0]
    assert_array_equal(table.compute(), wanted)
    assert_array_equal(valid_pixels(lazy(cube, height), **options), valid)
    labels = np.arange(len(wanted)) % 7
    for chunks in (table.chunks[0], 100, len(wanted)):
        image = unflatten(da.from_array(labels, (chunks,)), valid)
        assert image.dtype == np.int32
        assert_array_equal(image.compute(), unflatten(labels, valid))
    image = unflatten(table, valid)
    assert_array_equal(image.compute(), unflatten(wanted, valid))


def test_map_has_the_strips_of_the_cube(cube):
    full = cube.replace(data=np.nan_to_num(cube.data))
    table, valid = flatten(full.replace(data=da.from_array(full.data, (32, -1, -1))))
    assert unflatten(table[:, 0], valid).chunks == ((32, 32, 26), (40,))


@pytest.mark.parametrize("height", HEIGHTS)
def test_flattener(cube, height):
    known, flattener = CubeFlattener().fit(cube), CubeFlattener()
    table = flattener.fit_transform(lazy(cube, height))
    assert_array_equal(table.compute(), known.transform(cube))
    errors = flattener.errors(lazy(cube, height))
    assert_array_equal(errors.compute(), known.errors(cube))
    labels = np.arange(len(table)) % 5
    wanted = known.inverse_transform(labels)
    assert {-3, -2} <= set(np.unique(wanted))
    assert_array_equal(flattener.inverse_transform(labels), wanted)
    found = flattener.inverse_transform(da.from_array(labels, table.chunks[:1]))
    assert_array_equal(found.compute(), wanted)


@pytest.mark.parametrize("method", ["random", "brightness", "blocks"])
@pytest.mark.parametrize("each_band", [False, True])
def test_sampler(cube, method, each_band):
    sampler = PixelSampler(0.3, method, each_band=each_band, random_state=0)
    wanted = sampler.sample(cube)
    for height in HEIGHTS:
        assert_array_equal(sampler.sample(lazy(cube, height)), wanted)


def test_lengths_must_fit(cube):
    valid = valid_pixels(cube)
    with pytest.raises(ValueError, match="Got 5 rows for"):
        unflatten(da.zeros(5, dtype=int), valid)
    unknown = da.zeros(valid.sum(), dtype=int)
    unknown = unknown[unknown == 0]
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        unflatten(unknown, valid)


def test_nothing_valid(cube):
    empty = cube.replace(data=np.full_like(cube.data, np.nan), errors=cube.errors)
    with pytest.raises(ValueError, match="All 3600 pixels are masked"):
        flatten(lazy(empty, 64))


def test_superpixels_say_what_to_do(cube):
    with pytest.raises(ValueError, match=r"cube\.compute\(\)"):
        SuperpixelFlattener().fit(lazy(cube, 64))
