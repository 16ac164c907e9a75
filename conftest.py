# SPDX-License-Identifier: BSD-3-Clause
"""What tests and doctests share."""

import os
import sys

import pytest

# Before NumPy is loaded, whose threads are counted then.
if "PYTEST_XDIST_WORKER" in os.environ:  # as many of these as there are cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure():
    """Draw without a screen."""
    import matplotlib

    matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    """Close what pyplot has opened."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
