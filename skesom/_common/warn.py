# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that name the line of the user."""

import sys
import warnings

_INSIDE = ("skesom", "sklearn")


def warn_user(message, category=UserWarning):
    """Warn about the line that called skesom, or scikit-learn on the way to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
