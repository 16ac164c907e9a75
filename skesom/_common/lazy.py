# SPDX-License-Identifier: BSD-3-Clause
"""Tables beyond memory: dask arrays, and sums that no cut into blocks changes."""

import operator
import sys
from functools import partial, reduce

import numpy as np

from skesom._common.machine_limits import is_machine_limit
from skesom._common.threads import one_thread

ROWS = 2**16  # of the blocks of a table by which sums are added up
_VALUES = 2**21  # of the parts of a block that has many features
_SUMS_AT_A_TIME = 16  # a power of 2, so that the tree of sums stays the same


def is_lazy(array):
    """Return whether something is a dask array, without importing dask."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(array, dask.Array)


def in_memory(array):
    """Return an array in memory, whatever it was."""
    return computed(array)[0] if is_lazy(array) else array


def check_chunks(array, taker):
    """Refuse a dask array whose shape is not known."""
    if any(np.isnan(n) for lengths in array.chunks for n in lengths):
        raise ValueError(
            f"{taker} needs to know how many rows the chunks of a dask array have, "
            f"and its shape is {array.shape}: call .compute_chunk_sizes() on it first "
            "(of a dask dataframe take .to_dask_array(lengths=True))."
        )


def add_pairwise(parts):
    """Add up tuples of sums as a binary tree does that is cut at powers of 2."""
    # The sums of 2^k neighbors are always added up first: so blocks of a table, taken
    # together by powers of 2 anywhere else, give the same bits.
    stack = []
    for number, part in enumerate(parts, start=1):
        stack.append(part)
        while number % 2 == 0:
            last = stack.pop()
            stack[-1] = _added(stack[-1], last)
            number //= 2
    return reduce(lambda later, earlier: _added(earlier, later), reversed(stack))


def _added(one, other):
    return tuple(map(operator.add, one, other))


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

    def of_block(rows):
        sums = function(*(None if table is None else table[rows] for table in tables))
        if out is None:
            return sums
        out[rows] = sums[0]
        return sums[1:]

    return add_pairwise(map(of_block, blocks_of(len(tables[0]))))


def _add_up_lazily(function, tables):
    from dask import delayed

    function = delayed(function, traverse=False)
    sums = [
        delayed(_sums_of_chunk)(function, *chunks) for chunks in _aligned_chunks(tables)
    ]
    while len(sums) > 1:
        groups = range(0, len(sums), _SUMS_AT_A_TIME)
        sums = [delayed(add_pairwise)(sums[i : i + _SUMS_AT_A_TIME]) for i in groups]
    return computed(sums[0])[0]


def _sums_of_chunk(function, *chunks):
    with one_thread():  # dask has others
        return add_up(function, *chunks)


def _aligned_chunks(tables):
    """Return the chunks of tables, which are whole blocks by a power of 2."""
    height = aligned_height(tables[0])
    n_chunks = -(-len(tables[0]) // height)
    columns = [[None] * n_chunks if t is None else in_chunks(t, height) for t in tables]
    return zip(*columns, strict=True)


def in_chunks(table, height=None):
    """Return the chunks of a table, or those of a height, as delayed blocks of rows."""
    cut = {0: height or table.chunks[0]} | ({1: -1} if table.ndim == 2 else {})
    return table.rechunk(cut).to_delayed().ravel()


def aligned_height(table):
    """Return the rows of chunks near to those of a table, but of whole blocks."""
    mean = len(table) / table.numblocks[0]
    return ROWS * 2 ** max(0, round(np.log2(max(mean / ROWS, 1))))


def map_rows(function, *tables, dtype, columns=None):
    """Apply a function to the rows of tables, block by block; lazily to dask arrays.

    It takes a block of each table (None stays None), and gives a vector or a table.
    """
    if is_lazy(tables[0]):
        return _map_lazily(function, tables, dtype, columns)
    n_rows = len(tables[0])
    mapped = np.empty(n_rows if columns is None else (n_rows, columns), dtype=dtype)
    for rows in blocks_of(n_rows):
        mapped[rows] = function(*(t if t is None else t[rows] for t in tables))
    return mapped


def _map_lazily(function, tables, dtype, columns):
    import dask.array

    heights = tables[0].chunks[0]
    given = [table is not None for table in tables]
    known = [table for table in tables if table is not None]
    known = [t.rechunk((heights, *t.shape[1:])) for t in known]
    axes = [(0,) if table.ndim == 1 else (0, 1 + n) for n, table in enumerate(known)]
    pairs = [each for pair in zip(known, axes, strict=True) for each in pair]
    to, new_axes = ((0,), None) if columns is None else ((0, 99), {99: columns})
    meta = np.empty((0,) * len(to), dtype=dtype)
    how = {"dtype": dtype, "meta": meta, "concatenate": True}
    function = partial(_map_chunk, function, given)
    return dask.array.blockwise(function, to, *pairs, new_axes=new_axes, **how)


def _map_chunk(function, given, *known):
    """Apply a function to a chunk of tables, of which some are given, by one thread."""

    def of_rows(rows):
        tables = iter(known)
        return function(*(next(tables)[rows] if each else None for each in given))

    blocks = blocks_of(len(known[0]))  # so that a large chunk takes little memory
    with one_thread():
        parts = list(map(of_rows, blocks))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def take_rows(table, rows):
    """Return some rows of a table, in memory; of a lazy one in ascending order."""
    if is_lazy(table):
        return computed(take_lazily(table, rows))[0]
    return table[rows]


def take_lazily(table, rows):
    """Return some rows of a dask array in ascending order, as a delayed array."""
    from dask import delayed

    ends = np.cumsum((0, *table.chunks[0]))
    cuts = np.searchsorted(rows, ends)
    parts = [
        delayed(operator.getitem)(chunk, rows[low:high] - end)
        for chunk, low, high, end in zip(
            in_chunks(table), cuts, cuts[1:], ends, strict=False
        )
        if high > low
    ]
    return delayed(np.concatenate)(parts)


def computed(*lazy):
    """Return the values of what is lazy, from one pass over what they share."""
    if not any(hasattr(each, "__dask_graph__") for each in lazy):
        return lazy
    import dask

    return work_with_dask(partial(dask.compute, *lazy))


def work_with_dask(work):
    """Return what work gives, done in this thread where no others can be started."""
    try:
        return work()
    except RuntimeError as error:
        if not is_machine_limit(error):
            raise
    import dask

    with dask.config.set(scheduler="synchronous"):
        return work()
