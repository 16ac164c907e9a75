# SPDX-License-Identifier: BSD-3-Clause
"""The shapes of the tests of maps are those of a consensus, too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "som"))
