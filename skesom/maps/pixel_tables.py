# SPDX-License-Identifier: BSD-3-Clause
"""Tables of pixels on their way through an estimator: lazy, just large, with errors."""

from functools import partial

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

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
from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

# Rows to fit the steps before a clusterer by: means, scatters and components do not
# change with more. docs/larger_than_memory.md lists what is measured on a part.
ENOUGH = 2**22
TAKE_DASK = (ESOM, CSOM, ConsensusClusterer)
CARRY_ERRORS = (StandardScaler, PCA)  # steps that `carry_errors` knows


def innermost_clusterer(estimator):
    """Return what clusters in the end: the last step, of a consensus its member."""
    last, _ = pipeline_end(estimator)
    if isinstance(last, ConsensusClusterer):
        last, _ = pipeline_end(last._prototype())
    return last


def is_large(table):
    """Return whether steps are fitted to some rows of a table only."""
    return len(table) > ENOUGH


def spread_rows(table):
    """Return a table in memory, or evenly spread rows of a large one."""
    if not is_large(table):
        return in_memory(table)
    return take_rows(table, np.arange(ENOUGH) * len(table) // ENOUGH)


def table_to_learn(estimator, table):
    """Return a table as an estimator can learn from it, in memory or lazy.

    Raises
    ------
    ValueError
        If the table is lazy and large, and the estimator takes arrays only.
    """
    last, _ = pipeline_end(estimator)
    if is_lazy(table) and is_large(table) and not isinstance(last, TAKE_DASK):
        name = type(last).__name__
        raise ValueError(
            f"{name} learns in memory from at most {ENOUGH} pixels, and the lazy cube "
            f"has {len(table)}. Pass a PixelSampler as sampler, let a "
            f"ConsensusClusterer of {name} choose pixels, or pass cube.compute()."
        )
    return table_to_apply(estimator, table)


def table_to_apply(estimator, table):
    """Return a table that is lazy only if it is large, or for maps alone."""
    if not is_lazy(table) or is_large(table) or isinstance(estimator, TAKE_DASK):
        return table
    return in_memory(table)


def rechunk_for_map(clusterer, table):
    """Return a table whose chunks are those in which a map learns tables in memory."""
    if not is_lazy(table) or isinstance(clusterer, ConsensusClusterer):
        return table
    return table.rechunk({0: ROWS})


def partial_fit_by_blocks(estimator, table):
    """Let an estimator learn a table by partial_fit, lazy ones chunk by chunk."""
    if isinstance(estimator, TAKE_DASK):
        estimator.partial_fit(rechunk_for_map(estimator, table))
        return
    chunks = [table]
    if is_lazy(table):
        chunks = in_chunks(table, aligned_height(table))
    for chunk in chunks:
        (in_memory_chunk,) = computed(chunk)
        for rows in blocks_of(len(in_memory_chunk)):
            estimator.partial_fit(in_memory_chunk[rows])


def drop_lazy_labels(clusterer):
    """Leave out labels and rows that would keep the images of a lazy cube."""
    for name in ("labels_", "agreement_", "_pieces"):
        if is_lazy(vars(clusterer).get(name)):
            delattr(clusterer, name)


def steps_before_last(pipeline):
    """Return the steps before the last one that do something."""
    steps = [step for _, step in pipeline.steps[:-1]]
    return [step for step in steps if step not in (None, "passthrough")]


def fit_to_end(pipeline, table, errors):
    """Fit the steps of (nested) pipelines before the last one.

    Parameters
    ----------
    pipeline : estimator
        One that is no Pipeline has no such steps.
    table : ndarray or dask array of shape (n_rows, n_columns)
    errors : ndarray or dask array of that shape, or None

    Returns
    -------
    last : estimator
        The last step, not fitted.
    table, errors
        What these steps make of both.
    """
    while isinstance(pipeline, Pipeline):
        for step in steps_before_last(pipeline):
            table = _fit_transform_by_blocks(step, table)
            errors = carry_errors(step, errors)
        pipeline = pipeline[-1]
    return pipeline, table, errors


def at_end(pipeline, table, errors):
    """Return the last step of fitted pipelines, and a table and its errors there.

    Parameters and results are those of `fit_to_end`.
    """
    while isinstance(pipeline, Pipeline):
        for step in steps_before_last(pipeline):
            table = call_by_blocks(step.transform, table)
            errors = carry_errors(step, errors)
        pipeline = pipeline[-1]
    return pipeline, table, errors


def _fit_transform_by_blocks(step, table):
    """Fit a step to a table, or to some rows of a large one; return the new table."""
    if not (is_lazy(table) or is_large(table)):
        return step.fit_transform(table)
    step.fit(spread_rows(table))
    return call_by_blocks(step.transform, table)


def call_by_blocks(function, table):
    """Return the result of a function of a table, by blocks of a large one.

    Products of matrices may differ in the last bit with the number of rows, so lazy
    tables are cut into the blocks of tables in memory.
    """
    if not (is_lazy(table) or is_large(table)):
        return function(table)
    result_of_one_row = function(np.ones((1, table.shape[1]), table.dtype))
    n_columns = None
    if result_of_one_row.ndim == 2:
        n_columns = result_of_one_row.shape[1]
    if is_lazy(table):
        table = table.rechunk({0: aligned_height(table)})
    return map_rows(function, table, dtype=result_of_one_row.dtype, columns=n_columns)


def carry_errors(step, errors):
    """Return what a fitted step makes of the errors of a table, None of None.

    Parameters
    ----------
    step : StandardScaler or PCA
        Values are taken for independent: of a PCA, variances add up, weighted by the
        squares of the components.
    errors : ndarray or dask array of shape (n_rows, n_columns), or None
    """
    if errors is None:
        return None
    if isinstance(step, PCA):
        return call_by_blocks(partial(_errors_of_components, step), errors)
    if step.scale_ is None:
        return errors
    return errors / step.scale_


def _errors_of_components(pca, errors):
    scale = 1.0
    if pca.whiten:
        scale = np.sqrt(pca.explained_variance_)
    return np.sqrt(errors**2 @ np.square(pca.components_).T) / scale


def apply_method(estimator, name, table, errors):
    """Return the values of a method of a fitted estimator, with errors or None."""
    last, table, errors = at_end(estimator, table, errors)
    method = getattr(last, name)
    if isinstance(last, TAKE_DASK):
        return call_with_errors(method, table, errors)
    return call_by_blocks(method, table)


def call_with_errors(method, table, errors):
    """Return the values of a method for a table, and its errors if there are any."""
    if errors is None:
        return method(table)
    return method(table, errors=errors)
