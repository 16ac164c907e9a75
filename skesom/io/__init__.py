# SPDX-License-Identifier: BSD-3-Clause
"""Files in and out: cubes from FITS images, label maps to FITS images."""

from skesom.io._atomic import atomic_path
from skesom.io._bands import write_bands
from skesom.io._cubes import read_cube
from skesom.io._label_maps import cluster_table, read_map, write_map

__all__ = [
    "atomic_path",
    "cluster_table",
    "read_cube",
    "read_map",
    "write_bands",
    "write_map",
]
