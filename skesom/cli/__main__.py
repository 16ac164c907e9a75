# SPDX-License-Identifier: BSD-3-Clause
"""Let ``python -m skesom.cli`` be the command."""

import sys

from skesom.cli import main

sys.exit(main())
