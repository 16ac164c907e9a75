# SPDX-License-Identifier: BSD-3-Clause
"""Libraries that are only needed for some tasks, and may not be installed."""

from importlib import import_module


def import_extra(module, text):
    """Return a module of an optional library, or raise an ImportError with a text."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(text) from error
