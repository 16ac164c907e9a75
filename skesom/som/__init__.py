# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps of tables: no image in sight."""

from skesom.som._csom import CSOM
from skesom.som._esom import ESOM

__all__ = ["CSOM", "ESOM"]
