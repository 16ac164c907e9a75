# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of dask arrays, and how they are compared with those in memory."""

import dask
import dask.array as da
from numpy.testing import assert_array_equal


def lazy(cube, height):
    """Return a cube whose planes are lazy, in strips of some rows."""

    def strips(values):
        if values is None:
            return None
        return da.from_array(values, chunks=(height, *values.shape[1:]))

    planes = {n: strips(getattr(cube, n)) for n in ("data", "errors", "sky_mask")}
    return cube.replace(**planes)


def assert_same(found, expected):
    """Check that a lazy cube has just the values of a cube in memory."""
    assert found.is_lazy
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.band_names == expected.band_names
    assert_array_equal(found.fwhm, expected.fwhm)
    assert_array_equal(found.zero_points, expected.zero_points)
    computed = found.compute()
    for name in ("data", "errors", "sky_mask"):
        plane, wanted = getattr(computed, name), getattr(expected, name)
        assert (plane is None) is (wanted is None)
        if wanted is not None:
            assert_array_equal(plane, wanted)


def no_computing():
    """Return a context in which nothing lazy can be computed."""

    def refuse(*args, **options):
        raise AssertionError("computed a lazy cube")

    return dask.config.set(scheduler=refuse)
