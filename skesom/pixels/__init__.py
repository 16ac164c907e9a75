# SPDX-License-Identifier: BSD-3-Clause
"""The crossing between images and tables."""

from skesom.pixels._flatten import (
    MASKED,
    CubeFlattener,
    flatten,
    unflatten,
    valid_pixels,
)

__all__ = ["MASKED", "CubeFlattener", "flatten", "unflatten", "valid_pixels"]
