# SPDX-License-Identifier: BSD-3-Clause
"""Functions called with the strips of images: in memory, in threads, or lazily by dask.

A plan cuts the rows of images into strips, each with the rows around that it depends
on. A function gets images that are indexed as the whole ones, and the rows of a strip:
`scan` collects what it returns, `map_strips` and `map_images` put it together.
"""

from functools import partial
from itertools import product

import numpy as np

from skesom._common.lazy import computed, is_lazy
from skesom._common.lazy_strips import join_strips, strips_of_chunks
from skesom._common.strips import Plan, around, strips_of
from skesom._common.thread_pools import in_threads


def each_block(function, shape, n_jobs=None):
    """Call a function with the rows of each block, in threads."""
    return in_threads(function, strips_of(shape, "block"), n_jobs)


class Window:
    """Some rows of an array that are indexed as the rows of the whole."""

    def __init__(self, values, top, n_rows, above=None):
        self.values = values
        self.top = top
        self.above = above
        self.shape = (n_rows, *values.shape[1:])
        self.dtype = values.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        rows, *others = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            return self.values[rows - self.top, *others]
        start, stop, _ = rows.indices(len(self))
        values = self.values[max(0, start - self.top) : stop - self.top, *others]
        if start >= self.top:
            return values
        return np.concatenate([self.above[start - self.top :, *others], values])


def scan(function, images, plan, tasks):
    """Return the results of a function of lazy images around strips, and of tasks."""
    return computed(*_delayed_calls(function, images, plan, tasks))


def _delayed_calls(function, images, plan, tasks):
    from dask import delayed

    # With the function inside: a task of its own would let dask read strips ahead.
    call = delayed(partial(_call_with_windows, function), pure=False)
    calls = []
    for rows, task in zip(plan.strips, tasks, strict=True):
        near = around(rows, plan.halo)
        parts = [None if image is None else image[near] for image in images]
        calls.append(call(parts, near.start, len(images[0]), rows, task))
    return calls


def _call_with_windows(function, parts, top, n_rows, rows, task):
    windows = [None if part is None else Window(part, top, n_rows) for part in parts]
    return function(*windows, rows, task)


def map_images(
    function,
    images,
    plan,
    row_types,
    *,
    bands=None,
    n_jobs=None,
    in_place=False,
    results=None,
):
    """Return the images whose strips a function makes of other ones; lazily of lazy.

    It gets the images (None stays None), a strip, and a band if `bands` are named, and
    returns that part of each image. `row_types` has the shape of their rows and their
    type, or None where there is none. In place, it gets rows above a strip as they
    were. Without a halo, `results` may be named that are written to; they may be the
    images.
    """
    # An index of the last axis, or none: then all bands of a strip are made at once.
    band_keys = [()] if bands is None else [(band,) for band in bands]
    if is_lazy(images[0]):
        return _map_lazily(function, images, plan, row_types, band_keys)
    if in_place:
        return _map_in_place(function, images, plan, band_keys, n_jobs)
    if not results:
        results = _empty(row_types, len(images[0]))

    def fill(task):
        rows, band_key = task
        _fill(function, images, results, rows, band_key)

    # In this order the bands of a strip share their memory.
    in_threads(fill, product(plan.strips, band_keys), n_jobs)
    return results


def _map_lazily(function, images, plan, row_types, band_keys):
    """Return the dask arrays whose strips a function makes of those of lazy images."""
    tasks = [(row_types, band_keys)] * len(plan.strips)
    calls = _delayed_calls(partial(_make_strips, function), images, plan, tasks)
    heights = [rows.stop - rows.start for rows in plan.strips]
    results = []
    for number, row_type in enumerate(row_types):
        if row_type is None:
            results.append(None)
            continue
        shape, dtype = row_type
        strips = [call[number] for call in calls]
        results.append(join_strips(strips, heights, shape, dtype))
    return results


def _make_strips(function, *images_and_strip):
    """Return the strip of each image; a task says its type and bands."""
    *images, rows, (row_types, band_keys) = images_and_strip
    strips = _empty(row_types, rows.stop - rows.start)
    for band_key in band_keys:
        _fill(function, images, strips, rows, band_key, first_row=rows.start)
    return strips


def _map_in_place(function, images, plan, band_keys, n_jobs):
    """Write strips over the images they are made of, and return the images.

    A strip depends on rows above it, which are then overwritten: so the last rows of
    each strip are copied before, and the next strip sees the copies.
    """
    n_rows = len(images[0])
    windows = images
    for rows in plan.strips:
        end = slice(max(rows.start, rows.stop - plan.halo), rows.stop)
        copies = [None if image is None else image[end].copy() for image in images]
        in_threads(partial(_fill, function, windows, images, rows), band_keys, n_jobs)
        windows = [
            None if copy is None else Window(image[end.stop :], end.stop, n_rows, copy)
            for image, copy in zip(images, copies, strict=True)
        ]
    return images


def _empty(row_types, n_rows):
    """Return empty images, None where there is none."""
    images = []
    for row_type in row_types:
        if row_type is None:
            images.append(None)
            continue
        shape, dtype = row_type
        images.append(np.empty((n_rows, *shape), dtype))
    return images


def _fill(function, images, results, rows, band_key, first_row=0):
    """Write a strip of each image, or a band of it, to results from a row on."""
    position = (
        slice(rows.start - first_row, rows.stop - first_row),
        ...,
        *band_key,
    )
    parts = function(*images, rows, *band_key)
    for result, part in zip(results, parts, strict=True):
        if result is not None:
            result[position] = part


def map_pixels(
    function, data, errors, n_bands=None, *, size="block", n_jobs=None, in_place=False
):
    """Return the fluxes and errors that a function makes of those of some rows.

    It goes pixel by pixel, and errors may be None. Lazily of lazy fluxes, in the same
    strips; in place if their memory allows.
    """
    if n_bands is None:
        n_bands = data.shape[2]
    row_type = ((data.shape[1], n_bands), data.dtype)
    row_types = [row_type, None if errors is None else row_type]
    results = None
    if is_lazy(data):
        strips = strips_of_chunks(data)
    else:
        strips = strips_of(data.shape, size)
        if in_place and data.flags.carray:
            results = [data, *_empty(row_types[1:], len(data))]

    return map_images(
        partial(_call_with_rows, function),
        [data, errors],
        Plan(strips),
        row_types,
        n_jobs=n_jobs,
        results=results,
    )


def _call_with_rows(function, data, errors, rows):
    return function(data[rows], None if errors is None else errors[rows])


def map_strips(
    function, image, dtype=None, *, one_plane=False, n_jobs=None, in_place=False
):
    """Return the image that a function makes of rows of another one, and their slice.

    Of a lazy one it is lazy, in the same strips. It has one value for each pixel if it
    is `one_plane`.
    """
    dtype = image.dtype if dtype is None else dtype
    n_axes = 2 if one_plane else image.ndim
    if is_lazy(image):
        return image.map_blocks(
            _call_at_rows,
            function=function,
            drop_axis=[2] if one_plane else [],
            dtype=dtype,
            meta=np.empty((0,) * n_axes, dtype=dtype),
        )
    result = image if in_place else np.empty(image.shape[:n_axes], dtype)

    def write(rows):
        result[rows] = function(image[rows], rows)

    each_block(write, image.shape, n_jobs)
    return result


def _call_at_rows(part, function, block_info=None):
    """Call a function with a chunk of dask and the slice of its rows."""
    first, stop = block_info[0]["array-location"][0]
    return function(part, slice(first, stop))
