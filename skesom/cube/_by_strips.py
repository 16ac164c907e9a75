# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes that a step makes of others pixel by pixel, in the same strips."""

import copy

import numpy as np


def by_strips(function, step, cube, *arguments):
    """Return the cube that a function of a step makes of another one, pixel by pixel.

    Of a lazy cube it makes a lazy one, in the same strips.
    """
    if not cube.is_lazy:
        return function(step, cube, *arguments)
    step = copy.copy(step)  # as it is now
    step.n_jobs = 1
    arrays = [part for part in (cube.data, cube.errors) if part is not None]
    nothing = np.full((len(arrays), 1, *cube.shape[1:]), np.nan, dtype=cube.dtype)
    one_row = _with_values(cube, *nothing)
    described = function(step, one_row, *arguments)
    n_bands = described.shape[2]
    import dask.array

    rows, columns, _ = cube.data.chunks
    made = dask.array.map_blocks(
        _make_strip,
        *arrays,
        made_of=(function, step, one_row, arguments),
        dtype=cube.dtype,
        chunks=(rows, columns, (len(arrays) * n_bands,)),
        meta=np.empty((0, 0, 0), dtype=cube.dtype),
    )
    parts = [made[:, :, start : start + n_bands] for start in (0, n_bands)]
    return _with_values(described, *parts[: len(arrays)], sky_mask=cube.sky_mask)


def _with_values(cube, data, errors=None, sky_mask=None):
    """Return a cube with other fluxes, errors and sky."""
    return cube.replace(data=data, errors=errors, sky_mask=sky_mask)


def _make_strip(*values, made_of):
    """Return the fluxes and errors of a strip beside each other."""
    function, step, one_row, arguments = made_of
    values = [part.view() for part in values]
    for part in values:  # they may be memory of the user
        part.flags.writeable = False
    made = function(step, _with_values(one_row, *values), *arguments)
    if made.errors is None:
        return made.data
    return np.concatenate([made.data, made.errors], axis=2)
