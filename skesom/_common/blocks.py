# SPDX-License-Identifier: BSD-3-Clause
"""Work through large cubes in blocks of rows, each small enough for the cache."""

import math

import numpy as np
from joblib import Parallel, delayed

from skesom._common.lazy import computed, cut_rows, is_lazy
from skesom._common.threads import jobs_possible

VALUES_PER_BLOCK = 2**18
WORK = 2**28  # products of a call of compiled code: .05 s or less, .3 s if slow


def row_blocks(shape, n_values=VALUES_PER_BLOCK):
    """Cut the rows of an array into blocks."""
    return cut_rows(shape[0], max(1, n_values // max(1, math.prod(shape[1:]))))


def work_blocks(n_rows, work, n_threads=1):
    """Cut rows into calls so short that Ctrl-C is heard; work is that of a row."""
    return cut_rows(n_rows, n_threads * max(1, WORK // max(1, work)))


def each_block(function, shape, n_jobs=None):
    """Call a function with the rows of each block, in threads."""
    return in_threads(function, row_blocks(shape), n_jobs)


def in_threads(function, tasks, n_jobs=None):
    """Call a function with each task, in threads."""
    if len(tasks) == 1:
        return [function(tasks[0])]
    return Parallel(n_jobs=jobs_possible(n_jobs), require="sharedmem")(
        delayed(function)(task) for task in tasks
    )


def find_valid(data, min_bands=None, n_jobs=None):
    """Find the pixels that have enough bands with data; of lazy data in one pass."""
    n_bands = data.shape[2]
    needed = n_bands if min_bands is None else min_bands
    if needed > n_bands:
        raise ValueError(f"min_bands={min_bands} exceeds the {n_bands} bands.")
    if is_lazy(data):
        options = {"drop_axis": 2, "dtype": bool, "meta": np.empty((0, 0), dtype=bool)}
        return computed(data.map_blocks(find_valid, needed, 1, **options))[0]
    valid = np.empty(data.shape[:2], dtype=bool)

    def find(rows):
        missing = np.isnan(data[rows])
        count = np.zeros(missing.shape[:2], dtype=np.uint16)
        for band in range(n_bands):
            count += missing[:, :, band]
        np.less_equal(count, n_bands - needed, out=valid[rows])

    each_block(find, data.shape, n_jobs)
    return valid
