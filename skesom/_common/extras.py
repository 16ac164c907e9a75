# SPDX-License-Identifier: BSD-3-Clause
"""Libraries that are only needed for some tasks, and may not be installed."""

import warnings
from importlib import import_module
from importlib.util import find_spec

from skesom._common.machine_limits import machine_limit_behind

NO_PICTURES = "Pictures need matplotlib: pip install 'skesom[plot]'."
NO_PHOTUTILS = (
    "Point-spread functions and backgrounds need photutils 3 or newer: "
    "pip install 'skesom[psf]'"
)
NO_REGIONS = "Region files need the package regions: pip install 'skesom[regions]'."
PICTURES_LEFT_OUT = f"Pictures are left out, all else is written. {NO_PICTURES}"


def has_extra(module):
    """Return whether an optional library is installed, without loading it."""
    try:
        return find_spec(module) is not None
    except ImportError:  # of the package that the module is in
        return False


def check_extra(module, text):
    """Raise an ImportError with a text if an optional library is not installed."""
    if not has_extra(module):
        raise ImportError(text)


def import_extra(module, text):
    """Return a module of an optional library; the text says what needs it, and how.

    Only a library that is not there is missing: one that is there but cannot be loaded
    is an error of its own, of memory or open files if it lacks these.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        limit = machine_limit_behind(error)
        if limit is not None:
            raise limit from error
        is_missing = isinstance(error, ModuleNotFoundError)
        if is_missing and (error.name or "").partition(".")[0] == package:
            raise ImportError(text) from error
        raise ImportError(
            f"{package} is installed, but cannot be loaded ({error}). Install it again."
        ) from error


def import_photutils(module):
    """Return a module of photutils."""
    with warnings.catch_warnings():
        # Of tqdm: bars in notebooks are of text.
        warnings.filterwarnings("ignore", "IProgress not found")
        return import_extra(f"photutils.{module}", NO_PHOTUTILS)
