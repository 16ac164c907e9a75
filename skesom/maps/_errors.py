# SPDX-License-Identifier: BSD-3-Clause
"""Errors of pixels, for the clusterers of tables that weigh values by them."""

from functools import partial

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from skesom._common.lazy import add_up, in_memory, is_lazy, map_rows
from skesom._common.pipelines import pipeline_end
from skesom._common.warn import warn_user
from skesom.maps._large_tables import (
    TAKE_DASK,
    by_blocks,
    learned,
    some_rows,
    steps_before,
)
from skesom.pixels._flatten import pick
from skesom.som import ConsensusClusterer

_CARRIERS = StandardScaler, PCA


def takes_errors(estimator):
    """Return whether an estimator of tables can use the errors of their values."""
    if isinstance(estimator, Pipeline):
        known = all(type(step) in _CARRIERS for step in steps_before(estimator))
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
