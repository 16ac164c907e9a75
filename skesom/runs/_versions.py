# SPDX-License-Identifier: BSD-3-Clause
"""Versions of the packages that results depend on."""

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from skesom._common.warn import warn_user

_PACKAGES = ("skesom", "scikit-learn", "numpy", "scipy", "astropy", "reproject")


def software_versions():
    """Return the version of Python and of each package that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def warn_of_versions(event, versions, packages=_PACKAGES):
    """Warn if something was made by other versions.

    Parameters
    ----------
    event : str
        How the warning begins, as ``model.skops was saved``.
    versions : dict of str to str
        By package, as of `software_versions` at that time.
    packages : sequence of str
        Those that are compared.
    """
    versions_here = software_versions()
    differences = []
    for package in packages:
        if package in versions and versions[package] != versions_here.get(package):
            version_here = versions_here.get(package, "none")
            differences.append(
                f"{package} {versions[package]!s:.40} (here {version_here})"
            )
    if differences:
        warn_user(
            f"{event} with other versions: {', '.join(differences)}. Results may "
            "differ a little, or fail."
        )
