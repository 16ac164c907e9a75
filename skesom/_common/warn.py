# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that name the line of the user."""

import inspect
import sys
import warnings
from numbers import Real

_INSIDE = ("skesom", "sklearn")


def warn_user(message, category=UserWarning):
    """Warn about the line that called skesom, or scikit-learn on the way to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_unused(estimator, names, beside):
    """Warn of parameters that are no defaults, and do nothing beside others."""
    usual = inspect.signature(type(estimator)).parameters
    for name in names:
        value, default = getattr(estimator, name), usual[name].default
        is_simple = isinstance(value, Real | str)
        if value is not default and not (is_simple and value == default):
            text = f"{type(estimator).__name__} does not use {name}={value!r}"
            warn_user(f"{text} with {beside}: leave it out.")
