# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._base import CubeTransformer, check_cube
from skesom.cube._container import Cube

__all__ = ["Cube", "CubeTransformer", "check_cube"]
