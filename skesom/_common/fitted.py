# SPDX-License-Identifier: BSD-3-Clause
"""Parameters as they were at the last fit, by which a fitted estimator goes on."""

from functools import wraps
from operator import is_
from typing import TYPE_CHECKING

from sklearn.base import clone

if TYPE_CHECKING:
    from skesom._common.decorators import F

_FREE = {"n_jobs", "verbose", "copy"}  # on which no result depends


def keep_parameters(estimator):
    """Keep the parameters of this fit; estimators among them as they are now."""
    given = estimator.get_params(deep=False)
    estimator._fitted_parameters = {
        name: clone(value) if hasattr(value, "get_params") else value
        for name, value in given.items()
        if name not in _FREE
    }


def as_fitted(estimator):
    """Return an estimator with the parameters of its fit, itself if they are its."""
    now = vars(estimator)
    kept = now.get("_fitted_parameters", {})
    if all(map(is_, map(now.get, kept), kept.values())):  # at each predict, so fast
        return estimator
    fitted = object.__new__(type(estimator))
    vars(fitted).update(now | kept)
    return fitted


def by_fit(method: "F") -> "F":
    """Let a method see the parameters of the fit, whatever was set afterwards."""

    @wraps(method)
    def call(self, *args, **kwargs):
        return method(as_fitted(self), *args, **kwargs)

    return call  # type: ignore[return-value]
