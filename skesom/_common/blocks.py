# SPDX-License-Identifier: BSD-3-Clause
"""Images, worked through in strips of rows: in memory, in threads, or lazily by dask.

A plan cuts the rows of images into strips, each with the rows around that it depends
on. A function gets images that are indexed as the whole ones, and the rows of a strip:
`scan` collects what it returns, `map_strips` and `map_images` put it together.
"""

import math
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from joblib import effective_n_jobs

from skesom._common.lazy import check_chunks, computed, cut_rows, in_memory, is_lazy
from skesom._common.threads import jobs_possible
from skesom._common.warn import warn_user


class Size(NamedTuple):
    """Most of an image that is worked through at a time; the least of both holds."""

    values: int = sys.maxsize  # of all bands
    pixels: int = sys.maxsize
    rows: int = 1  # at least


# Those of which a result depends ("frame", "search", "convolve") are never measured on
# the machine: a frame is cut by its shape alone, whether it is lazy or in memory.
SIZES = {
    "block": Size(values=2**18),  # of threads: 1 MB of float32, which caches hold
    "wide block": Size(pixels=2**19),  # larger, as the rows around are read too
    "matrix": Size(values=2**17),  # of measures: about 1 MB, which caches hold
    "outlines": Size(values=2**20),  # whose four sides are compared
    "votes": Size(values=2**22),  # 16 MB in single precision
    "averages": Size(values=2**20),  # of colors, of which there are some copies
    "steps": Size(values=2**22),  # of a cube whose steps are done again for a report
    "sums": Size(values=2**22),  # of a cube whose pieces are added up: 16 MB of float32
    "strip": Size(values=2**24, rows=64),  # of lazy images: 64 MB of float32
    "frame": Size(values=2**26, pixels=2**22),  # a larger one is not searched whole
    "search": Size(values=2**24, pixels=2**20),  # of which some float64 planes are made
    # So that the rows around a strip cost little: arrays of some ten megabytes a band.
    "convolve": Size(values=2**26, pixels=2**22),
    "bands": Size(values=2**25),  # of a lazy cube that are in memory, at least one
    "computed": Size(values=2**25),  # bytes of lazy images that dask holds in strips
}
WHOLE = SIZES["frame"].pixels
WORK = 2**28  # products of a call of compiled code: .05 s or less, .3 s if slow
_here = threading.local()


class Plan(NamedTuple):
    """Strips of the rows of images, and the number of rows around that they need."""

    strips: list
    halo: int = 0


def around(rows, halo):
    """Return a slice of rows and so many around it, also beyond the last one."""
    return slice(max(0, rows.start - halo), rows.stop + halo)


def strip_height(shape, size="strip", *, multiple=1, least=1):
    """Return the number of rows of the strips of images, of a size by its name."""
    size, n_columns, n_values = SIZES[size], math.prod(shape[1:2]), math.prod(shape[1:])
    height = min(size.pixels // max(1, n_columns), size.values // max(1, n_values))
    return max(1, max(height, size.rows, least) // multiple) * multiple


def strips_of(shape, size="strip", *, multiple=1, least=1):
    """Cut the rows of images into strips of a size by its name."""
    height = strip_height(shape, size, multiple=multiple, least=least)
    return cut_rows(shape[0], height)


def cut_frame(shape):
    """Cut rows into strips by the shape of a cube alone; a small one is left whole."""
    pixels, size = math.prod(shape[:2]), SIZES["frame"]
    if pixels <= size.pixels and math.prod(shape) <= size.values:
        return [slice(0, shape[0])]
    return strips_of(shape, "search")


def work_blocks(n_rows, work, n_threads=1):
    """Cut rows into calls so short that Ctrl-C is heard; work is that of a row."""
    return cut_rows(n_rows, n_threads * max(1, WORK // max(1, work)))


def strips_of_chunks(data):
    """Return the strips in which a lazy cube is cut."""
    ends = np.cumsum((0, *data.chunks[0])).tolist()
    return list(map(slice, ends[:-1], ends[1:]))


def in_threads(function, tasks, n_jobs=None):
    """Return the results of a function of each task, which threads call."""
    return list(each_in_threads(function, tasks, n_jobs))


def each_in_threads(function, tasks, n_jobs=None):
    """Yield the results of a function of each task; one thread takes them as asked."""
    n_threads = 1
    if n_jobs != 1 and not getattr(_here, "is_taken", False):
        n_threads = effective_n_jobs(jobs_possible(n_jobs))
    if n_threads > 1:
        tasks = list(tasks)
    if n_threads == 1 or len(tasks) < 2:
        yield from map(function, tasks)
        return
    # Threads of joblib look for results each .01 s, which is long for a few blocks.
    with ThreadPoolExecutor(n_threads, initializer=_take) as threads:
        futures = deque(threads.submit(function, task) for task in tasks)
        try:
            while futures:
                yield futures.popleft().result()
        finally:  # after an error or Ctrl-C none is begun
            threads.shutdown(wait=False, cancel_futures=True)


def _take():
    _here.is_taken = True  # so that threads start no others


def each_block(function, shape, n_jobs=None):
    """Call a function with the rows of each block, in threads."""
    return in_threads(function, strips_of(shape, "block"), n_jobs)


class Window:
    """Some rows of an array that are indexed as the rows of the whole."""

    def __init__(self, values, top, n_rows, above=None):
        self.values, self.top, self.above = values, top, above
        self.shape, self.dtype = (n_rows, *values.shape[1:]), values.dtype

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
    call = delayed(partial(_call, function), pure=False)
    calls = []
    for rows, task in zip(plan.strips, tasks, strict=True):
        near = around(rows, plan.halo)
        parts = [None if image is None else image[near] for image in images]
        calls.append(call(parts, near.start, len(images[0]), rows, task))
    return calls


def _call(function, parts, top, n_rows, rows, task):
    windows = [None if part is None else Window(part, top, n_rows) for part in parts]
    return function(*windows, rows, task)


def map_images(
    function,
    images,
    plan,
    made,
    *,
    bands=None,
    n_jobs=None,
    in_place=False,
    results=None,
):
    """Return the images whose strips a function makes of other ones; lazily of lazy.

    It gets the images (None stays None), a strip, and a band if `bands` are named, and
    returns that part of each image; `made` has the shape of their rows and their type,
    or None where there is none. In place, it gets rows above a strip as they were.
    Without a halo, `results` may be named that are written to; they may be the images.
    """
    keys = [()] if bands is None else [(band,) for band in bands]
    if is_lazy(images[0]):
        task = made, keys
        calls = _delayed_calls(
            partial(_fill_strip, function), images, plan, [task] * len(plan.strips)
        )
        heights = [rows.stop - rows.start for rows in plan.strips]
        return [
            each and join_strips([call[n] for call in calls], heights, *each)
            for n, each in enumerate(made)
        ]
    n_rows = len(images[0])
    if not in_place:
        results = results or _empty(made, n_rows)
        tasks = list(product(plan.strips, keys))  # bands of a strip share their memory
        fill = partial(_fill, function, images, results)
        in_threads(lambda task: fill(*task), tasks, n_jobs)
        return results
    windows = images
    for rows in plan.strips:
        end = slice(max(rows.start, rows.stop - plan.halo), rows.stop)
        above = [None if image is None else image[end].copy() for image in images]
        in_threads(partial(_fill, function, windows, images, rows), keys, n_jobs)
        windows = [
            None if kept is None else Window(image[end.stop :], end.stop, n_rows, kept)
            for image, kept in zip(images, above, strict=True)
        ]
    return images


def _empty(made, n_rows):
    return [each and np.empty((n_rows, *each[0]), each[1]) for each in made]


def _fill(function, images, results, rows, key, first=0):
    """Write a strip of each image, or a band of it, to its place."""
    place = slice(rows.start - first, rows.stop - first), ..., *key
    for result, part in zip(results, function(*images, rows, *key), strict=True):
        if result is not None:
            result[place] = part


def _fill_strip(function, *images_and_strip):
    """Return the strip of each image."""
    *images, rows, (made, keys) = images_and_strip
    strips = _empty(made, rows.stop - rows.start)
    for key in keys:
        _fill(function, images, strips, rows, key, rows.start)
    return strips


def map_pixels(
    function, data, errors, n_bands=None, *, size="block", n_jobs=None, in_place=False
):
    """Return the fluxes and errors that a function makes of those of some rows.

    It goes pixel by pixel, and errors may be None. Lazily of lazy fluxes, in the same
    strips; in place if their memory allows.
    """
    part = (data.shape[1], data.shape[2] if n_bands is None else n_bands), data.dtype
    made, results = [part, None if errors is None else part], None
    if is_lazy(data):
        strips = strips_of_chunks(data)
    else:
        strips = strips_of(data.shape, size)
        if in_place and data.flags.carray:
            results = [data, *_empty(made[1:], len(data))]
    call, plan, images = partial(_of_rows, function), Plan(strips), [data, errors]
    return map_images(call, images, plan, made, n_jobs=n_jobs, results=results)


def _of_rows(function, data, errors, rows):
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
            _at_rows,
            function=function,
            drop_axis=[2] if one_plane else [],
            dtype=dtype,
            meta=np.empty((0,) * n_axes, dtype=dtype),
        )
    made = image if in_place else np.empty(image.shape[:n_axes], dtype)

    def write(rows):
        made[rows] = function(image[rows], rows)

    each_block(write, image.shape, n_jobs)
    return made


def _at_rows(part, function, block_info=None):
    return function(part, slice(*block_info[0]["array-location"][0]))


def find_valid(data, min_bands=None, n_jobs=None):
    """Find the pixels that have enough bands with data; of lazy data lazily."""
    n_bands = data.shape[2]
    needed = n_bands if min_bands is None else min_bands
    if needed > n_bands:
        raise ValueError(f"min_bands={min_bands} exceeds the {n_bands} bands.")

    def find(part, _):
        missing = np.isnan(part)
        count = np.zeros(missing.shape[:2], dtype=np.uint16)
        for band in range(n_bands):
            count += missing[:, :, band]
        return count <= n_bands - needed

    return map_strips(find, data, bool, one_plane=True, n_jobs=n_jobs)


def planes_of(data, bands=None):
    """Yield the number and image of bands, of lazy ones few at a time in memory."""
    bands = range(data.shape[2]) if bands is None else bands
    if not is_lazy(data):
        yield from ((band, data[:, :, band]) for band in bands)
        return
    some = max(1, SIZES["bands"].values // (data.shape[0] * data.shape[1]))
    for group in (bands[first : first + some] for first in range(0, len(bands), some)):
        (images,) = in_memory_by_strips(data[:, :, list(group)])
        yield from zip(group, np.moveaxis(images, 2, 0), strict=True)
        del images


def in_memory_by_strips(*images):
    """Return images in memory; lazy ones are computed some strips at a time."""
    if not is_lazy(images[0]):
        return list(map(in_memory, images))
    lazy = [image for image in images if is_lazy(image)]
    whole = [np.empty(image.shape, image.dtype) for image in lazy]
    strips = strips_of_chunks(images[0])
    nbytes = sum(image.nbytes for image in lazy)
    some = max(1, SIZES["computed"].values * len(strips) // nbytes)
    for first in range(0, len(strips), some):
        rows = slice(strips[first].start, strips[first:][:some][-1].stop)
        parts = computed(*(image[rows] for image in lazy))
        for target, part in zip(whole, parts, strict=True):
            target[rows] = part
    whole = iter(whole)
    return [next(whole) if is_lazy(image) else image for image in images]


def as_strips(array, name):
    """Return an array of dask that is cut along its rows only."""
    check_chunks(array, name)
    if array.ndim > 2 and array.numblocks[2] > 1:
        warn_user(
            f"{name} has its bands in {array.numblocks[2]} chunks; they are joined, "
            "because a strip of rows must hold all bands. Rechunk it before."
        )
    if max(array.numblocks[1:], default=1) == 1:
        return array
    return array.rechunk((strip_height(array.shape), *array.shape[1:]))


def in_strips(array, chunks):
    """Return an array in strips of the rows of another one, with all its columns."""
    import dask.array

    chunks = chunks[0], *array.shape[1:]
    if is_lazy(array):
        return array.rechunk(chunks)
    return dask.array.from_array(array, chunks=chunks)


def join_strips(tasks, heights, shape, dtype):
    """Return the array of dask whose strips delayed tasks give; `shape` is of a row."""
    import dask.array as da

    strips = zip(tasks, heights, strict=True)
    return da.concatenate([da.from_delayed(t, (n, *shape), dtype) for t, n in strips])
