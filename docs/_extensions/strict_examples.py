# SPDX-License-Identifier: BSD-3-Clause
"""A warning of an example fails the build of the site, as it fails a test."""

import warnings


def refuse_warnings(gallery_conf, name):
    """Make warnings errors; those of other packages about their own future pass."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", PendingDeprecationWarning)
