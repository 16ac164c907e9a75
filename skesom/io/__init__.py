# SPDX-License-Identifier: BSD-3-Clause
"""Files in and out: images, label maps, regions and catalogs of objects."""

from skesom.io._zarr import write_cube
from skesom.io.catalogs import read_catalog
from skesom.io.cubes import read_cube, write_bands
from skesom.io.label_maps import read_map, write_map
from skesom.io.region_maps import read_region_labels
from skesom.io.region_writing import write_regions

__all__ = [
    "read_catalog",
    "read_cube",
    "read_map",
    "read_region_labels",
    "write_bands",
    "write_cube",
    "write_map",
    "write_regions",
]
