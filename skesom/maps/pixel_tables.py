# SPDX-License-Identifier: BSD-3-Clause
"""Tables of pixels for estimators of scikit-learn: lazy, just large, or with errors."""

from functools import partial

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from skesom._common.lazy import (
    ROWS,
    add_up,
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
from skesom._common.warn import warn_user
from skesom.consensus import ConsensusClusterer
from skesom.pixels.flattening import pick
from skesom.som import CSOM, ESOM

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
    for name in ("labels_", "agreement_", "_pieces"):
        if is_lazy(vars(clusterer).get(name)):
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


def takes_errors(estimator):
    """Return whether an estimator of tables can use the errors of their values."""
    if isinstance(estimator, Pipeline):
        steps = steps_before(estimator)
        known = all(type(step) in (StandardScaler, PCA) for step in steps)
        return known and estimator.memory is None and takes_errors(estimator[-1])
    if isinstance(estimator, ConsensusClusterer):
        member = estimator.estimator
        return not isinstance(member, Pipeline) and takes_errors(member)
    known = estimator is not None and has_fit_parameter(estimator, "errors")
    return known and getattr(estimator, "metric", "euclidean") == "euclidean"


def at_end(estimator, X, errors, *, fit=False):
    """Return the last step of pipelines, and a table and its errors as it gets them."""
    while isinstance(estimator, Pipeline):
        for step in steps_before(estimator):
            X = learned(step, X) if fit else by_blocks(step.transform, X)
            errors = None if errors is None else _carried(step, errors)
        estimator = estimator[-1]
    return estimator, X, errors


def _carried(step, errors):
    """Return errors after a scaler, or after a PCA of independent values."""
    if isinstance(step, PCA):
        return by_blocks(partial(_of_components, step), errors)
    return errors if step.scale_ is None else errors / step.scale_


def _of_components(pca, errors):
    scale = np.sqrt(pca.explained_variance_) if pca.whiten else 1.0
    return np.sqrt(errors**2 @ np.square(pca.components_).T) / scale


def apply(estimator, method, X, errors):
    """Return the values of a method of a fitted estimator, with errors or None."""
    last, X, errors = at_end(estimator, X, errors)
    method = getattr(last, method)
    if isinstance(last, TAKE_DASK):
        return with_errors(method, X, errors)
    return by_blocks(method, X)


def with_errors(method, table, errors):
    """Return the values of a method for a table, and its errors if there are any."""
    return method(table) if errors is None else method(table, errors=errors)


def errors_to_learn(estimator, cube, table, valid):
    """Return the errors of a table and typical ones; None if they cannot be used."""
    if cube.errors is None:
        return None, None
    if not takes_errors(estimator):
        _warn_unused(_reason(estimator))
        return None, None
    errors = _errors_of(table, cube, valid)
    few = some_rows(errors)
    known = (few > 0) & np.isfinite(few) & ~np.isnan(some_rows(table))
    lacking = ~known.any(axis=0)
    if lacking.any():
        names = cube.band_names if len(lacking) > 1 else ["flux"]
        names = ", ".join(np.asarray(names)[lacking])
        _warn_unused(f"no pixel has a valid one in {names}")
        return None, None
    columns = zip(few.T, known.T, strict=True)
    typical = np.array([np.median(error[use]) for error, use in columns])
    return _filled(errors, table, typical), typical


def errors_to_apply(step, cube, table, valid, *, warn=True):
    """Return the errors of a table for a fitted clusterer of cubes, or None."""
    typical = step._typical_errors
    if typical is not None and cube.errors is not None:
        errors = _errors_of(table, cube, valid)
        return _filled(errors, table, typical, warn=warn)
    if warn and typical is not None:
        _warn_unused("it has none, and the clusterer has learned with some")
    elif warn and cube.errors is not None and takes_errors(step.estimator_):
        _warn_unused("the clusterer has learned without any")
    return None


def _errors_of(table, cube, valid):
    """Return the errors of a table, lazy only if it is."""
    errors = pick(cube.errors, valid)
    # Some tables are in memory while the errors of their cube are lazy.
    return errors if is_lazy(table) else in_memory(errors)


def _filled(errors, table, typical, *, warn=True):
    """Return errors; those that are not valid are the typical ones of their column."""
    if warn:
        unknown, present = add_up(_count_unknown, errors, table)
        text = "have no valid error. They get the median error of their band"
        if unknown:
            warn_user(f"{unknown} of {present} values {text}.")
    fill, shape = partial(_fill, typical=typical), errors.shape
    return map_rows(fill, errors, table, dtype=errors.dtype, columns=shape[1])


def _find_unknown(errors, table):
    """Find the values without a valid error, and all values."""
    present = ~np.isnan(table)
    return present & ~(errors > 0), present


def _count_unknown(errors, table):
    return tuple(map(np.count_nonzero, _find_unknown(errors, table)))


def _fill(errors, table, typical):
    unknown, _ = _find_unknown(errors, table)
    errors = np.where(unknown, typical, errors).astype(errors.dtype)
    # Pixels of one unit differ by more than the errors of the brightest, which would
    # rule the map: nothing counts more than twice as much as a typical pixel.
    return np.hypot(errors, typical.astype(errors.dtype))


def _reason(estimator):
    last, _ = pipeline_end(estimator)
    if isinstance(last, ConsensusClusterer):
        last, _ = pipeline_end(last._prototype())
    name = type(last).__name__
    if takes_errors(last):
        return f"of steps before {name}, only StandardScaler and PCA carry them"
    if has_fit_parameter(last, "errors"):
        return f"{name} takes them with metric='euclidean' only"
    return f"{name} takes none (CSOM does)"


def _warn_unused(reason):
    warn_user(f"The errors of the cube are not used: {reason}.")
