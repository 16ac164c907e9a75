# SPDX-License-Identifier: BSD-3-Clause
"""Errors of pixels, for the clusterers of tables that weigh values by them."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from skesom._common.pipelines import pipeline_end
from skesom.pixels import flatten_errors
from skesom.som import ConsensusClusterer, warn_user

_CARRIERS = StandardScaler, PCA


def takes_errors(estimator):
    """Return whether an estimator of tables can use the errors of their values."""
    if isinstance(estimator, Pipeline):
        known = all(type(step) in _CARRIERS for step in _steps_before(estimator))
        return known and estimator.memory is None and takes_errors(estimator[-1])
    if isinstance(estimator, ConsensusClusterer):
        member = estimator.estimator
        return not isinstance(member, Pipeline) and takes_errors(member)
    known = estimator is not None and has_fit_parameter(estimator, "errors")
    return known and getattr(estimator, "metric", "euclidean") == "euclidean"


def at_end(estimator, X, errors, *, fit=False):
    """Return the last step of pipelines, and a table and its errors as it gets them."""
    while isinstance(estimator, Pipeline):
        for step in _steps_before(estimator):
            X = step.fit_transform(X) if fit else step.transform(X)
            errors = _carried(step, errors)
        estimator = estimator[-1]
    return estimator, X, errors


def _carried(step, errors):
    """Return errors after a scaler, or after a PCA of independent values."""
    if isinstance(step, PCA):
        scale = np.sqrt(step.explained_variance_) if step.whiten else 1.0
        return np.sqrt(errors**2 @ np.square(step.components_).T) / scale
    return errors if step.scale_ is None else errors / step.scale_


def _steps_before(pipeline):
    steps = [step for _, step in pipeline.steps[:-1]]
    return [step for step in steps if step not in (None, "passthrough")]


def apply(estimator, method, X, errors):
    """Return what a method of a fitted estimator gives, with errors or None."""
    if errors is None:
        last, X = pipeline_end(estimator, X)
        return getattr(last, method)(X)
    last, X, errors = at_end(estimator, X, errors)
    return getattr(last, method)(X, errors=errors)


def errors_to_learn(estimator, cube, table, valid):
    """Return the errors of a table and typical ones; None if they cannot be used."""
    if cube.errors is None:
        return None, None
    if not takes_errors(estimator):
        _warn_unused(_reason(estimator))
        return None, None
    errors = flatten_errors(cube, valid)
    known = (errors > 0) & np.isfinite(errors) & ~np.isnan(table)
    lacking = ~known.any(axis=0)
    if lacking.any():
        names = cube.band_names if len(lacking) > 1 else ["flux"]
        names = ", ".join(np.asarray(names)[lacking])
        _warn_unused(f"no pixel has a valid one in {names}")
        return None, None
    columns = zip(errors.T, known.T, strict=True)
    typical = np.array([np.median(error[use]) for error, use in columns])
    return _filled(errors, table, typical), typical


def errors_to_apply(step, cube, table, valid, *, warn=True):
    """Return the errors of a table for a fitted clusterer of cubes, or None."""
    typical = step._typical_errors
    if typical is not None and cube.errors is not None:
        return _filled(flatten_errors(cube, valid), table, typical, warn=warn)
    if warn and typical is not None:
        _warn_unused("it has none, and the clusterer has learned with some")
    elif warn and cube.errors is not None and takes_errors(step.estimator_):
        _warn_unused("the clusterer has learned without any")
    return None


def _filled(errors, table, typical, *, warn=True):
    """Return errors; those that are not valid are the typical ones of their column."""
    present = ~np.isnan(table)
    unknown = present & ~(errors > 0)
    errors[unknown] = np.broadcast_to(typical, errors.shape)[unknown]
    if warn and unknown.any():
        text = "have no valid error. They get the median error of their band"
        numbers = map(np.count_nonzero, (unknown, present))
        warn_user("{} of {} values {}.".format(*numbers, text), UserWarning)
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
    warn_user(f"The errors of the cube are not used: {reason}.", UserWarning)
