# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes: passes over strips of rows, and cubes that are made strip by strip."""

import copy
from functools import partial

import numpy as np

from skesom._common.blocks import in_threads
from skesom._common.lazy import computed, cut_rows, is_lazy
from skesom._common.strips import in_memory_by_strips, join_strips

WHOLE = 2**22  # pixels of a frame that is worked through in one piece
MOST_VALUES = 2**26  # of such a frame in all bands
PIXELS_PER_STRIP = 2**20
VALUES_IN_MEMORY = 2**25  # of a lazy cube, at least of one band
VALUES_PER_STRIP = 2**24  # of all bands


class Window:
    """Some rows of an array that are indexed as the rows of the whole."""

    def __init__(self, values, top, n_rows, axis=0):
        self.values, self.top, self.axis = values, top, axis
        self.shape = (*values.shape[:axis], n_rows, *values.shape[axis + 1 :])
        self.dtype = values.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        key = list(key) if isinstance(key, tuple) else [key]
        if len(key) > self.axis:
            rows = key[self.axis]
            if isinstance(rows, slice):
                start, stop, _ = rows.indices(self.shape[self.axis])
                rows = slice(start - self.top, stop - self.top)
            else:
                rows = rows - self.top
            key[self.axis] = rows
        return self.values[tuple(key)]


def fixed_strips(shape, *, multiple=1, whole=True):
    """Cut rows into strips by the shape of a cube alone; a small one is left whole."""
    n_rows, n_columns, n_bands = shape
    pixels = n_rows * n_columns
    if not whole or pixels > WHOLE or pixels * n_bands > MOST_VALUES:
        pixels = min(PIXELS_PER_STRIP, VALUES_PER_STRIP // n_bands)
    height = max(1, pixels // (n_columns * multiple)) * multiple
    return cut_rows(n_rows, height)


def strips_of_chunks(data):
    """Return the strips in which a lazy cube is cut."""
    ends = np.cumsum((0, *data.chunks[0])).tolist()
    return list(map(slice, ends[:-1], ends[1:]))


def planes_of(data, bands=None):
    """Yield the number and image of bands, of lazy ones few at a time in memory."""
    bands = range(data.shape[2]) if bands is None else bands
    if not is_lazy(data):
        yield from ((band, data[:, :, band]) for band in bands)
        return
    some = max(1, VALUES_IN_MEMORY // (data.shape[0] * data.shape[1]))
    for group in (bands[first : first + some] for first in range(0, len(bands), some)):
        (images,) = in_memory_by_strips(data[:, :, list(group)])
        yield from zip(group, np.moveaxis(images, 2, 0), strict=True)
        del images


def scan(function, arrays, strips, tasks=None, *, margin=0, n_jobs=None):
    """Call a function with windows of arrays around strips, the strip, and its task.

    Each window has `margin` rows more on either side, as far as there are; None stays
    None. The results come in the order of the strips.
    """
    tasks = [None] * len(strips) if tasks is None else tasks
    if is_lazy(arrays[0]):
        return computed(*_delayed_calls(function, arrays, strips, tasks, margin))

    def call(pair):
        parts, top = _cut(arrays, pair[0], margin)
        return _call(function, parts, top, len(arrays[0]), *pair)

    return in_threads(call, list(zip(strips, tasks, strict=True)), n_jobs)


def scan_lazily(function, arrays, strips, dtype, *, margin=0):
    """Return the lazy plane of strips that `scan` would give."""
    calls = _delayed_calls(function, arrays, strips, [None] * len(strips), margin)
    shapes = [(rows.stop - rows.start, arrays[0].shape[1]) for rows in strips]
    return join_strips(calls, shapes, dtype)


def _delayed_calls(function, arrays, strips, tasks, margin):
    from dask import delayed

    # With the function inside: a task of its own would let dask read strips ahead.
    call = delayed(partial(_call, function), pure=False)
    return [
        call(*_cut(arrays, rows, margin), len(arrays[0]), rows, task)
        for rows, task in zip(strips, tasks, strict=True)
    ]


def _cut(arrays, rows, margin):
    """Return the rows of arrays around a strip, and the first of them."""
    rows = slice(max(0, rows.start - margin), rows.stop + margin)
    return [None if array is None else array[rows] for array in arrays], rows.start


def _call(function, parts, top, n_rows, rows, task):
    windows = [None if part is None else Window(part, top, n_rows) for part in parts]
    return function(*windows, rows, task)


def by_strips(function, step, cube, *arguments):
    """Return what a function of a step makes of a cube, which it does pixel by pixel.

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
