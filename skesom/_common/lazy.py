# SPDX-License-Identifier: BSD-3-Clause
"""Tables beyond memory: dask arrays, and sums that no cut into blocks changes."""

import operator
import sys
from functools import partial

import numpy as np

from skesom._common.machine_limits import is_machine_limit
from skesom._common.threads import one_thread

# Rows of the blocks by which sums are added up. Results depend on it: another number
# rounds sums differently.
ROWS = 2**16
_VALUES = 2**21  # of the parts of a block that has many features: 16 MB of float64
_SUMS_AT_A_TIME = 16  # a power of 2, so that the tree of sums stays the same
_COLUMN_AXIS = 99  # the label in dask of the columns of a result, unlike any other


def is_lazy(array):
    """Return whether something is a dask array, without importing dask."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(array, dask.Array)


def in_memory(array):
    """Return an array in memory, whatever it was."""
    if is_lazy(array):
        (array,) = computed(array)
    return array


def check_chunks(array, taker):
    """Refuse a dask array whose shape is not known."""
    if any(np.isnan(n) for lengths in array.chunks for n in lengths):
        raise ValueError(
            f"{taker} needs to know how many rows the chunks of a dask array have, "
            f"and its shape is {array.shape}: call .compute_chunk_sizes() on it first "
            "(of a dask dataframe take .to_dask_array(lengths=True))."
        )


def add_pairwise(terms):
    """Add up tuples of sums in a binary tree that is cut at powers of 2.

    The sums of 2**k neighbors are always added up first. So blocks of a table that
    were added up elsewhere, by powers of 2, give the same bits as here.
    """
    stack = []
    for number, sums in enumerate(terms, start=1):
        stack.append(sums)
        # As often as 2 divides the number, two branches of one height are complete.
        while number % 2 == 0:
            last = stack.pop()
            stack[-1] = _add_sums(stack[-1], last)
            number //= 2
    total = stack.pop()
    while stack:
        total = _add_sums(stack.pop(), total)
    return total


def _add_sums(sums, later_sums):
    return tuple(map(operator.add, sums, later_sums))


def blocks_of(n_rows):
    """Cut the rows of a table into the blocks by which sums are added up."""
    return cut_rows(n_rows, ROWS) or [slice(0, 0)]


def parts_of(block):
    """Cut the rows of a block into parts that take little memory, whatever it has."""
    return cut_rows(len(block), max(1, min(ROWS, _VALUES // block.shape[1])))


def cut_rows(n_rows, height):
    """Cut rows into slices of a height; the last one may be lower."""
    return [slice(i, min(i + height, n_rows)) for i in range(0, n_rows, height)]


def add_up(function, *tables, out=None):
    """Add up the sums that a function returns for the blocks of some tables.

    The function takes a block of each table (None stays None) and returns a tuple. With
    `out`, its first entry has one value for each row, and is written there.
    """
    if is_lazy(tables[0]):
        return _add_up_lazily(function, tables)

    def sums_of_block(rows):
        sums = function(*_rows_of(tables, rows))
        if out is None:
            return sums
        out[rows] = sums[0]
        return sums[1:]

    return add_pairwise(map(sums_of_block, blocks_of(len(tables[0]))))


def _rows_of(tables, rows):
    """Return some rows of each table, None where there is none."""
    return [None if table is None else table[rows] for table in tables]


def _add_up_lazily(function, tables):
    """Add up sums of dask arrays, chunk by chunk, in the tree of `add_pairwise`."""
    from dask import delayed

    # Chunks are a power of 2 of whole blocks, so that each is a branch of the tree.
    height = aligned_height(tables[0])
    n_chunks = -(-len(tables[0]) // height)
    chunks_of_tables = []
    for table in tables:
        chunks = [None] * n_chunks
        if table is not None:
            chunks = in_chunks(table, height)
        chunks_of_tables.append(chunks)

    function = delayed(function, traverse=False)
    sums = []
    for chunks in zip(*chunks_of_tables, strict=True):
        sums.append(delayed(_add_up_in_one_thread)(function, *chunks))
    while len(sums) > 1:
        branches = []
        for first in range(0, len(sums), _SUMS_AT_A_TIME):
            branch = sums[first : first + _SUMS_AT_A_TIME]
            branches.append(delayed(add_pairwise)(branch))
        sums = branches
    (total,) = computed(sums[0])
    return total


def _add_up_in_one_thread(function, *chunks):
    """Add up the sums of chunks, which dask gives to a thread each."""
    with one_thread():
        return add_up(function, *chunks)


def in_chunks(table, height=None):
    """Return the chunks of a table, or those of a height, as delayed blocks of rows."""
    chunks = {0: table.chunks[0] if height is None else height}
    if table.ndim == 2:
        chunks[1] = -1  # all columns
    return table.rechunk(chunks).to_delayed().ravel()


def aligned_height(table):
    """Return the rows of chunks near to those of a table, but of whole blocks."""
    mean = len(table) / table.numblocks[0]
    return ROWS * 2 ** max(0, round(np.log2(max(mean / ROWS, 1))))


def map_rows(function, *tables, dtype, columns=None):
    """Apply a function to the rows of tables, block by block; lazily to dask arrays.

    It takes a block of each table (None stays None), and gives a vector, or a table of
    so many columns.
    """
    if is_lazy(tables[0]):
        return _map_rows_lazily(function, tables, dtype, columns)
    n_rows = len(tables[0])
    shape = (n_rows,) if columns is None else (n_rows, columns)
    mapped = np.empty(shape, dtype=dtype)
    for rows in blocks_of(n_rows):
        mapped[rows] = function(*_rows_of(tables, rows))
    return mapped


def _map_rows_lazily(function, tables, dtype, columns):
    """Return a dask array with the chunks of the first table."""
    import dask.array

    heights = tables[0].chunks[0]
    # `blockwise` takes each array with the labels of its axes. Rows are 0 in all of
    # them; columns are joined, and get labels of their own.
    arrays_and_axes = []
    for number, table in enumerate(tables):
        if table is None:
            continue
        axes = (0,) if table.ndim == 1 else (0, 1 + number)
        arrays_and_axes.append(table.rechunk((heights, *table.shape[1:])))
        arrays_and_axes.append(axes)
    axes_of_result = (0,)
    new_axes = None
    if columns is not None:
        axes_of_result = (0, _COLUMN_AXIS)
        new_axes = {_COLUMN_AXIS: columns}
    is_table = [table is not None for table in tables]
    return dask.array.blockwise(
        partial(_map_chunk, function, is_table),
        axes_of_result,
        *arrays_and_axes,
        new_axes=new_axes,
        dtype=dtype,
        meta=np.empty((0,) * len(axes_of_result), dtype=dtype),
        concatenate=True,
    )


def _map_chunk(function, is_table, *chunks):
    """Apply a function to chunks of tables, and None for each that is no table."""
    remaining = iter(chunks)
    tables = [next(remaining) if each else None for each in is_table]
    mapped = []
    with one_thread():
        for rows in blocks_of(len(chunks[0])):  # a large chunk takes little memory
            mapped.append(function(*_rows_of(tables, rows)))
    if len(mapped) == 1:
        return mapped[0]
    return np.concatenate(mapped)


def take_rows(table, rows):
    """Return some rows of a table, in memory; of a lazy one in ascending order."""
    if is_lazy(table):
        return computed(take_lazily(table, rows))[0]
    return table[rows]


def take_lazily(table, rows):
    """Return some rows of a dask array in ascending order, as a delayed array."""
    from dask import delayed

    starts = np.cumsum((0, *table.chunks[0]))  # and the end of the last chunk
    cuts = np.searchsorted(rows, starts)
    taken = []
    for number, chunk in enumerate(in_chunks(table)):
        rows_of_chunk = rows[cuts[number] : cuts[number + 1]]
        if len(rows_of_chunk) > 0:
            rows_in_chunk = rows_of_chunk - starts[number]
            taken.append(delayed(operator.getitem)(chunk, rows_in_chunk))
    return delayed(np.concatenate)(taken)


def computed(*collections):
    """Return dask collections as values, computed in one pass over what they share.

    What is in memory already stays as it is.
    """
    if not any(hasattr(each, "__dask_graph__") for each in collections):
        return collections
    import dask

    return work_with_dask(partial(dask.compute, *collections))


def work_with_dask(work):
    """Return what a function gives; dask works in this thread if it can start none."""
    try:
        return work()
    except RuntimeError as error:
        if not is_machine_limit(error):
            raise
    import dask

    with dask.config.set(scheduler="synchronous"):
        return work()
