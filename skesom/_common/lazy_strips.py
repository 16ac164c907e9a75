# SPDX-License-Identifier: BSD-3-Clause
"""Lazy images as strips of rows: cut so, put together, and brought into memory."""

import numpy as np

from skesom._common.lazy import check_chunks, computed, in_memory, is_lazy
from skesom._common.strips import SIZES, strip_height
from skesom._common.warn import warn_user


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

    chunks = (chunks[0], *array.shape[1:])
    if is_lazy(array):
        return array.rechunk(chunks)
    return dask.array.from_array(array, chunks=chunks)


def strips_of_chunks(data):
    """Return the strips in which a lazy cube is cut."""
    ends = np.cumsum((0, *data.chunks[0])).tolist()
    return list(map(slice, ends[:-1], ends[1:]))


def join_strips(tasks, heights, shape, dtype):
    """Return the array of dask whose strips delayed tasks give; `shape` is of a row."""
    import dask.array

    strips = [
        dask.array.from_delayed(task, (height, *shape), dtype)
        for task, height in zip(tasks, heights, strict=True)
    ]
    return dask.array.concatenate(strips)


def in_memory_by_strips(*images):
    """Return images in memory; lazy ones are computed some strips at a time."""
    if not is_lazy(images[0]):
        return [in_memory(image) for image in images]
    results = [
        np.empty(image.shape, image.dtype) if is_lazy(image) else image
        for image in images
    ]
    lazy_images = [image for image in images if is_lazy(image)]
    targets = [
        result for image, result in zip(images, results, strict=True) if is_lazy(image)
    ]
    strips = strips_of_chunks(images[0])
    nbytes = sum(image.nbytes for image in lazy_images)
    strips_at_a_time = max(1, SIZES["computed"].values * len(strips) // nbytes)
    for first in range(0, len(strips), strips_at_a_time):
        group = strips[first : first + strips_at_a_time]
        rows = slice(group[0].start, group[-1].stop)
        parts = computed(*(image[rows] for image in lazy_images))
        for target, part in zip(targets, parts, strict=True):
            target[rows] = part
    return results


def planes_of(data, bands=None):
    """Yield the number and image of bands, of lazy ones few at a time in memory."""
    if bands is None:
        bands = range(data.shape[2])
    if not is_lazy(data):
        for band in bands:
            yield band, data[:, :, band]
        return
    n_pixels = data.shape[0] * data.shape[1]
    bands_at_a_time = max(1, SIZES["bands"].values // n_pixels)
    for first in range(0, len(bands), bands_at_a_time):
        group = bands[first : first + bands_at_a_time]
        (images,) = in_memory_by_strips(data[:, :, list(group)])
        yield from zip(group, np.moveaxis(images, 2, 0), strict=True)
        del images  # before the next ones are computed
