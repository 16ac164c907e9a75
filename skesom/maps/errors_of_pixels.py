# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a cube as an estimator takes them: by whom, in which rows, how small.

docs/errors_of_pixels.md tells users of it.
"""

from functools import partial

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skesom._common.lazy import add_up, in_memory, is_lazy, map_rows
from skesom._common.warn import warn_user
from skesom.consensus import ConsensusClusterer
from skesom.maps.pixel_tables import (
    CARRY_ERRORS,
    innermost_clusterer,
    spread_rows,
    steps_before_last,
)
from skesom.pixels.flattening import pick


def takes_errors(estimator):
    """Return whether an estimator of tables can use the errors of their values."""
    if isinstance(estimator, Pipeline):
        steps = steps_before_last(estimator)
        are_carried = all(type(step) in CARRY_ERRORS for step in steps)
        return are_carried and estimator.memory is None and takes_errors(estimator[-1])
    if isinstance(estimator, ConsensusClusterer):
        member = estimator.estimator
        return not isinstance(member, Pipeline) and takes_errors(member)
    if estimator is None or not has_fit_parameter(estimator, "errors"):
        return False
    return getattr(estimator, "metric", "euclidean") == "euclidean"


def errors_to_learn(estimator, cube, table, valid):
    """Return the errors of a table to learn from, and the typical ones.

    Parameters
    ----------
    estimator : estimator of tables
        If it takes none, a warning says why.
    cube : Cube
    table : ndarray or dask array of shape (n_valid, n_bands) or (n_valid, 1)
        Its valid pixels, or voxels.
    valid : ndarray of bool
        Which these are.

    Returns
    -------
    errors : ndarray or dask array of the shape of the table, or None
        None if there are none, or they cannot be used.
    typical_errors : ndarray of shape (n_bands,) or (1,), or None
        Median error of each column, which is added in quadrature to all of them.
    """
    if cube.errors is None:
        return None, None
    if not takes_errors(estimator):
        _warn_unused(_why_not_taken(estimator))
        return None, None
    errors = _errors_of_table(table, cube, valid)
    sample = spread_rows(errors)
    is_known = (sample > 0) & np.isfinite(sample) & ~np.isnan(spread_rows(table))
    is_without = ~is_known.any(axis=0)
    if is_without.any():
        names = ["flux"] if valid.ndim == 3 else cube.band_names
        names = ", ".join(np.asarray(names)[is_without])
        _warn_unused(f"no pixel has a valid one in {names}")
        return None, None
    medians = []
    for column in range(sample.shape[1]):
        medians.append(np.median(sample[is_known[:, column], column]))
    typical_errors = np.array(medians)
    _warn_of_unknown_errors(errors, table)
    return _with_typical_errors(errors, table, typical_errors), typical_errors


def errors_to_apply(step, cube, table, valid, *, warn=True):
    """Return the errors of a table for a fitted CubeClusterer, or None.

    Parameters
    ----------
    step : CubeClusterer or CubeClassifier
        A fitted one. The typical errors are those of its fit.
    cube, table, valid
        As for `errors_to_learn`.
    warn : bool, default=True
        Whether to warn of errors that are not used, not known, or missing.
    """
    typical_errors = step._typical_errors
    if typical_errors is not None and cube.errors is not None:
        errors = _errors_of_table(table, cube, valid)
        if warn:
            _warn_of_unknown_errors(errors, table)
        return _with_typical_errors(errors, table, typical_errors)
    if warn and typical_errors is not None:
        _warn_unused("it has none, and the clusterer has learned with some")
    elif warn and cube.errors is not None and takes_errors(step.estimator_):
        _warn_unused("the clusterer has learned without any")
    return None


def _errors_of_table(table, cube, valid):
    """Return the errors of the rows of a table, lazy only if it is."""
    errors = pick(cube.errors, valid)
    if is_lazy(table):
        return errors
    return in_memory(errors)  # those of a lazy cube, whose table has been computed


def _with_typical_errors(errors, table, typical_errors):
    """Return errors with typical ones added, and in the place of unknown ones."""
    return map_rows(
        partial(_add_typical_errors, typical_errors=typical_errors),
        errors,
        table,
        dtype=errors.dtype,
        columns=errors.shape[1],
    )


def _add_typical_errors(errors, table, typical_errors):
    is_unknown = ~np.isnan(table) & ~(errors > 0)
    errors = np.where(is_unknown, typical_errors, errors).astype(errors.dtype)
    # Pixels of one unit differ by more than the errors of the brightest, which would
    # rule the map: nothing counts more than twice as much as a typical pixel.
    return np.hypot(errors, typical_errors.astype(errors.dtype))


def _warn_of_unknown_errors(errors, table):
    n_unknown, n_values = add_up(_count_unknown_errors, errors, table)
    if n_unknown:
        warn_user(
            f"{n_unknown} of {n_values} values have no valid error. They get the "
            "median error of their band."
        )


def _count_unknown_errors(errors, table):
    """Return how many values have no valid error, and how many there are."""
    is_value = ~np.isnan(table)
    is_unknown = is_value & ~(errors > 0)
    return np.count_nonzero(is_unknown), np.count_nonzero(is_value)


def _why_not_taken(estimator):
    """Return why an estimator takes no errors."""
    last = innermost_clusterer(estimator)
    name = type(last).__name__
    if takes_errors(last):
        return f"of steps before {name}, only StandardScaler and PCA carry them"
    if has_fit_parameter(last, "errors"):
        return f"{name} takes them with metric='euclidean' only"
    return f"{name} takes none (CSOM does)"


def _warn_unused(reason):
    warn_user(f"The errors of the cube are not used: {reason}.")
