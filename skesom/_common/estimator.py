# SPDX-License-Identifier: BSD-3-Clause
"""What the estimators share: their base, checks, and the parameters of their fit."""

from functools import wraps
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skesom._common.decorators import F

_TAKE_BOOL = ("boolean", "verbose", "no_validation")
_FREE = {"n_jobs", "verbose", "copy"}  # on which no result depends


def check_estimator(value, name, example):
    """Refuse a class, a text or anything else in the place of an estimator.

    Parameters
    ----------
    value : object
    name : str
        Of the parameter.
    example : str
        What to write, for the message.
    """
    if isinstance(value, type):
        raise TypeError(
            f"{name!r} must be an estimator, not a class: write {value.__name__}(...), "
            f"such as {example}."
        )
    if not hasattr(value, "get_params"):
        raise TypeError(
            f"{name!r} must be an estimator, such as {example}. Got {value!r:.80}."
        )


class LinkedEstimator(BaseEstimator):
    """A scikit-learn estimator whose HTML view links its page of the site."""

    _doc_link_module = "skesom"
    _doc_link_template = "https://skesom.github.io/skesom/api/generated/{page}.html"

    def _validate_params(self):
        """Validate parameters, and refuse what scikit-learn takes by mistake.

        True and False are the integers 1 and 0 to Python, and a class of estimators has
        the methods of its instances: whoever writes them has forgotten the name of
        another parameter, or the brackets.
        """
        for name, value in self.get_params(deep=False).items():
            if isinstance(value, type) and hasattr(value, "get_params"):
                raise InvalidParameterError(
                    f"The {name!r} parameter of {type(self).__name__} must be an "
                    f"estimator, not a class: write {value.__name__}(...)."
                )
            constraints = self._parameter_constraints.get(name, "no_validation")
            if not isinstance(value, bool | np.bool_) or _takes_bool(constraints):
                continue
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(self).__name__} takes no bool. Got "
                f"{value!r} instead: give a value of the documentation, or the name of "
                f"the parameter that {value!r} is for."
            )
        super()._validate_params()

    def _doc_link_url_param_generator(self):
        # The site names a class by the folder that it is imported from.
        package, folder, *_ = type(self).__module__.split(".")
        return {"page": f"{package}.{folder}.{type(self).__name__}"}


def _takes_bool(constraints):
    """Return whether constraints of scikit-learn allow True and False.

    Any number, `Real`, is a label of samples, which may be of bool.
    """
    if isinstance(constraints, str):
        return constraints in _TAKE_BOOL
    return any(
        each in _TAKE_BOOL if isinstance(each, str) else each in (bool, object, Real)
        for each in constraints
    )


def refuses(**instead: str) -> "Callable[[F], F]":
    """Return a decorator of a method that says what to write instead of an argument.

    None is what the argument is without a wish. The method keeps its signature, from
    which scikit-learn reads the parameters.
    """

    def decorate(method):
        @wraps(method)
        def call(self, *args, **kwargs):
            for name in kwargs.keys() & instead:
                if kwargs.pop(name) is not None:
                    text = f"{type(self).__name__} takes no {name!r}: {instead[name]}."
                    raise TypeError(text)
            return method(self, *args, **kwargs)

        return call

    return decorate


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
