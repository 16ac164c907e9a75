# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that name the line of the user."""

import inspect
import sys
import warnings
from numbers import Real

_INSIDE = ("skesom", "sklearn")


def warn_user(message, category=UserWarning):
    """Warn about the line that called skesom, or scikit-learn on the way to it."""
    frame = sys._getframe(1)
    level = 2  # of the line that called the caller of this function
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def warn_unused(estimator, names, beside):
    """Warn of parameters that are no defaults, and do nothing beside others."""
    signature = inspect.signature(type(estimator))
    for name in names:
        value = getattr(estimator, name)
        default = signature.parameters[name].default
        is_simple = isinstance(value, Real | str)
        if value is not default and not (is_simple and value == default):
            warn_user(
                f"{type(estimator).__name__} does not use {name}={value!r} with "
                f"{beside}: leave it out."
            )
