# SPDX-License-Identifier: BSD-3-Clause
"""Rows of lazy images in files, of which dask reads and writes strips."""

import math
import os
import tempfile
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np

from skesom._common.files import is_in_use, is_of_user, lock
from skesom._common.lazy import work_with_dask
from skesom._common.strips import SIZES, strip_height


class RowFile:
    """An array in a part of a file, of which dask reads and writes strips of rows."""

    def __init__(self, path, offset, dtype, shape):
        self.path, self.offset = os.path.abspath(path), offset
        self.dtype, self.shape, self.ndim = np.dtype(dtype), tuple(shape), len(shape)
        self.remove = None  # of a new file, in the process that made it

    def __getstate__(self):
        return self.__dict__ | {"remove": None}

    def _row_size(self):
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def __setitem__(self, key, values):
        try:
            with open(self.path, "r+b") as file:
                file.seek(self.offset + key[0].start * self._row_size())
                file.write(np.ascontiguousarray(values, self.dtype))
        except OSError as error:
            error.filename = error.filename or self.path  # of a full disk
            raise

    def __getitem__(self, key):
        if not isinstance(key[0], slice):
            return self[(slice(key[0], key[0] + 1), *key[1:])][0]
        start, stop, step = key[0].indices(self.shape[0])
        rows = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        with open(self.path, "rb") as file:
            file.seek(self.offset + start * self._row_size())
            if file.readinto(rows.reshape(-1).view(np.uint8)) < rows.nbytes:
                raise OSError(f"{self.path} ends too early. Write it again.")
        return rows[(slice(None, None, step), *key[1:])]


def write_strips(arrays, targets):
    """Write arrays of dask to targets that take slices of them, all in one pass."""
    import dask.array

    work_with_dask(partial(dask.array.store, list(arrays), list(targets), lock=False))


def stored(arrays, folder=None):
    """Return arrays of dask from files to which they are written in one pass.

    They have the strips of the first one. A file goes when the last array that is read
    from it is gone.
    """
    arrays = list(arrays)
    files = [new_row_file(array.dtype, array.shape, folder) for array in arrays]
    try:
        write_strips(arrays, files)
    except BaseException:
        for file in files:
            file.remove()
        raise
    # Low strips: those of steps may be high, and maps learn from rows far apart.
    height = max(SIZES["strip"].rows, strip_height(arrays[0].shape) // 8)
    return [as_lazy(file, (height, *file.shape[1:])) for file in files]


def new_row_file(dtype, shape, folder=None):
    """Return a file for the rows of an array, which goes with the last user of it."""
    remove_left_rows(folder)
    path, mark = _new_rows(folder)
    file = RowFile(path, 0, dtype, shape)
    file.remove = weakref.finalize(file, _remove, path, mark, os.getpid())
    return file


def as_lazy(source, chunks):
    """Return an array of dask whose chunks are read from an open file or group."""
    import dask.array

    return dask.array.from_array(
        source,
        chunks=chunks,
        name=f"skesom-rows-{uuid4()}",
        lock=False,
        fancy=False,
        inline_array=True,  # a task of its own would let dask read strips ahead
    )


def _new_rows(folder):
    """Return the path of a new file for rows, and the lock of it, an open file."""
    while True:
        number, path = tempfile.mkstemp(".rows", "skesom-", folder)
        mark = open(number, "rb")
        lock(mark)
        if os.path.exists(path):  # no other run has taken it for left before
            return path, mark


def _remove(path, mark, process):
    """Remove a file in the process that made it; copies of its array are in others."""
    mark.close()
    if os.getpid() == process:
        Path(path).unlink(missing_ok=True)


def remove_left_rows(folder=None):
    """Remove the rows that killed runs of this user left in a folder."""
    for path in Path(folder or tempfile.gettempdir()).glob("skesom-*.rows"):
        with suppress(OSError):
            if path.is_file() and is_of_user(path) and not is_in_use(path):
                path.unlink()
