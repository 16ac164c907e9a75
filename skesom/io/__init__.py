# SPDX-License-Identifier: BSD-3-Clause
"""Files in and out: images, label maps, regions and catalogs of objects."""

from skesom.io._atomic import atomic_path
from skesom.io._bands import write_bands
from skesom.io._catalogs import read_catalog
from skesom.io._cubes import read_cube
from skesom.io._label_maps import cluster_table, read_map, write_map
from skesom.io._object_types import ObjectType, describe_types
from skesom.io._region_files import read_regions
from skesom.io._region_labels import (
    RegionLabels,
    read_region_labels,
    read_region_mask,
)
from skesom.io._write_objects import write_object_regions
from skesom.io._write_regions import write_regions

__all__ = [
    "ObjectType",
    "RegionLabels",
    "atomic_path",
    "cluster_table",
    "describe_types",
    "read_catalog",
    "read_cube",
    "read_map",
    "read_region_labels",
    "read_region_mask",
    "read_regions",
    "write_bands",
    "write_map",
    "write_object_regions",
    "write_regions",
]
