# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of dask arrays, and the cubes on several grids of which they are made."""

import dask
import dask.array as da
import numpy as np

from skesom.cube import Cube
from tests.helpers.grids import make_wcs


def lazy(cube, height):
    """Return a cube, or each of a list, whose planes are in strips of some rows."""
    if isinstance(cube, list):
        return [lazy(each, height) for each in cube]

    def strips(values):
        if values is None:
            return None
        return da.from_array(values, chunks=(height, *values.shape[1:]))

    planes = {n: strips(getattr(cube, n)) for n in ("data", "errors", "sky_mask")}
    return cube.replace(**planes)


def counted(cube, height):
    """Return a lazy cube, and the list of the heights of strips that are computed."""
    seen, parts = [], lazy(cube, height)
    data = parts.data.map_blocks(
        lambda block: seen.append(len(block)) or block, meta=cube.data[:0]
    )
    return parts.replace(data=data), seen


def no_computing():
    """Return a context in which nothing lazy can be computed."""

    def refuse(*args, **options):
        raise AssertionError("computed a lazy cube")

    return dask.config.set(scheduler=refuse)


def noise_cube(rng, shape, size, names, *, errors=False, unit="MJy / sr", **where):
    """Return noise with gaps and a border without data."""
    data = rng.normal(5, 1, (*shape, len(names))).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = np.nan
    data[:6] = data[50:58, 30:45] = np.nan
    return Cube(
        data,
        wcs=make_wcs(shape, size, **where),
        band_names=names,
        band_units=[unit] * len(names),
        errors=rng.uniform(1, 2, data.shape).astype(np.float32) if errors else None,
        zero_points=np.arange(20.0, 20 + len(names)),
    )
