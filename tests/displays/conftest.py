# SPDX-License-Identifier: BSD-3-Clause
"""Axes for displays."""

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def ax():
    """Axes that no layout moves, for tests of what is drawn."""
    return Figure(figsize=(4, 3)).add_subplot()


@pytest.fixture
def moved_ax():
    """Axes that a layout fits to what is drawn, for tests of room."""
    return Figure(figsize=(4, 3), layout="constrained").add_subplot()
