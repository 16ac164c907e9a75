# SPDX-License-Identifier: BSD-3-Clause
"""The version of skesom, read once from the metadata of the installed package."""

from importlib.metadata import version

VERSION = version("skesom")
