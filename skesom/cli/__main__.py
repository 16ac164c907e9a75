# SPDX-License-Identifier: BSD-3-Clause
"""The command as ``python -m skesom.cli``."""

import sys

from skesom.cli import run

sys.exit(run())
