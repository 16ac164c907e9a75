# SPDX-License-Identifier: BSD-3-Clause
"""The versions of the software that a result depends on."""

import platform
import warnings
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("skesom", "scikit-learn", "numpy", "scipy", "astropy", "reproject")


def software_versions():
    """Return the version of Python and of each package that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def warn_of_versions(what, versions, packages=_PACKAGES):
    """Warn if something was made by other versions."""
    here = software_versions()
    other = [
        f"{package} {versions[package]} (here {here.get(package, 'none')})"
        for package in packages
        if package in versions and versions[package] != here.get(package)
    ]
    if other:
        warnings.warn(
            f"{what} with other versions: {', '.join(other)}. Results may differ a "
            "little, or not come about at all.",
            UserWarning,
            stacklevel=3,
        )
