# SPDX-License-Identifier: BSD-3-Clause
"""Parameters as they were at the last fit, by which a fitted estimator goes on."""

from functools import wraps
from typing import TYPE_CHECKING

from sklearn.base import clone

if TYPE_CHECKING:
    from skesom._common.decorators import F

_FREE = {"n_jobs", "verbose", "copy"}  # on which no result depends


def keep_parameters(estimator):
    """Keep the parameters of this fit; estimators among them as they are now."""
    parameters = {}
    for name, value in estimator.get_params(deep=False).items():
        if name in _FREE:
            continue
        if hasattr(value, "get_params"):
            value = clone(value)
        parameters[name] = value
    estimator._fitted_parameters = parameters


def as_fitted(estimator):
    """Return an estimator with the parameters of its fit: itself if none changed."""
    attributes = vars(estimator)
    parameters = attributes.get("_fitted_parameters", {})
    # By identity, as this runs at each predict and a comparison may be slow.
    if all(attributes.get(name) is value for name, value in parameters.items()):
        return estimator
    fitted = object.__new__(type(estimator))
    vars(fitted).update(attributes)
    vars(fitted).update(parameters)
    return fitted


def by_fit(method: "F") -> "F":
    """Let a method see the parameters of the fit, whatever was set afterwards."""

    @wraps(method)
    def call(self, *args, **kwargs):
        return method(as_fitted(self), *args, **kwargs)

    return call  # type: ignore[return-value]
