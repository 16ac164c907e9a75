# SPDX-License-Identifier: BSD-3-Clause
"""Estimators of scikit-learn for tables of pixels that may be lazy, or just large."""

import numpy as np

from skesom._common.lazy import (
    ROWS,
    aligned_height,
    blocks_of,
    computed,
    in_chunks,
    in_memory,
    is_lazy,
    map_rows,
    take_rows,
)
from skesom._common.pipelines import pipeline_end
from skesom.som import CSOM, ESOM, ConsensusClusterer

ENOUGH = 2**22  # rows to fit the steps before a clusterer by
TAKE_DASK = ESOM, CSOM, ConsensusClusterer


def steps_before(pipeline):
    """Return the steps before the last one that do something."""
    steps = [step for _, step in pipeline.steps[:-1]]
    return [step for step in steps if step not in (None, "passthrough")]


def is_large(table):
    """Return whether steps are fitted to some rows of a table only."""
    return len(table) > ENOUGH


def some_rows(table):
    """Return a table in memory, or evenly spread rows of a large one."""
    if not is_large(table):
        return in_memory(table)
    return take_rows(table, np.arange(ENOUGH) * len(table) // ENOUGH)


def to_learn(estimator, table):
    """Return a table as an estimator can learn from it."""
    last, _ = pipeline_end(estimator)
    if is_lazy(table) and is_large(table) and not isinstance(last, TAKE_DASK):
        name = type(last).__name__
        raise ValueError(
            f"{name} learns in memory from at most {ENOUGH} pixels, and the lazy cube "
            f"has {len(table)}. Pass a PixelSampler as sampler, let a "
            f"ConsensusClusterer of {name} choose pixels, or pass cube.compute()."
        )
    return to_apply(estimator, table)


def to_apply(estimator, table):
    """Return a table that is lazy only if it is large, or for maps alone."""
    if not is_lazy(table) or is_large(table) or isinstance(estimator, TAKE_DASK):
        return table
    return in_memory(table)


def in_blocks(clusterer, table):
    """Return a table whose chunks are those in which a map learns tables in memory."""
    if not is_lazy(table) or isinstance(clusterer, ConsensusClusterer):
        return table
    return table.rechunk({0: ROWS})


def learn_more(estimator, table):
    """Let an estimator learn a table by partial_fit, lazy ones chunk by chunk."""
    if isinstance(estimator, TAKE_DASK):
        estimator.partial_fit(in_blocks(estimator, table))
        return
    for chunk in in_chunks(table, aligned_height(table)) if is_lazy(table) else [table]:
        (part,) = computed(chunk)
        for rows in blocks_of(len(part)):
            estimator.partial_fit(part[rows])


def drop_lazy_labels(clusterer):
    """Leave out labels and rows that would keep the images of a lazy cube."""
    for name in ("labels_", "agreement_", "_learned"):
        kept = vars(clusterer).get(name)
        if is_lazy(kept[0] if isinstance(kept, tuple) else kept):
            delattr(clusterer, name)


def learned(step, X):
    """Fit a step to a table, or to some rows of a large one; return the new table."""
    if not (is_lazy(X) or is_large(X)):
        return step.fit_transform(X)
    step.fit(some_rows(X))
    return by_blocks(step.transform, X)


def by_blocks(function, table):
    """Return the result of a function of a table, by blocks of a large one.

    Products of matrices may differ in the last bit with the number of rows.
    """
    if not (is_lazy(table) or is_large(table)):
        return function(table)
    tried = function(np.ones((1, table.shape[1]), table.dtype))
    columns = tried.shape[1] if tried.ndim == 2 else None
    if is_lazy(table):
        # So that the blocks of lazy tables, too, are those of tables in memory.
        table = table.rechunk({0: aligned_height(table)})
    return map_rows(function, table, dtype=tried.dtype, columns=columns)
