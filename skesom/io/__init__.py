# SPDX-License-Identifier: BSD-3-Clause
"""Files in and out: images, label maps, regions and catalogs of objects."""

from skesom.io._catalogs import read_catalog
from skesom.io._cubes import read_cube, write_bands
from skesom.io._label_maps import cluster_table, read_map, write_map
from skesom.io._region_maps import read_region_labels
from skesom.io._write_regions import write_regions
from skesom.io._zarr import write_cube

__all__ = [
    "cluster_table",
    "read_catalog",
    "read_cube",
    "read_map",
    "read_region_labels",
    "write_bands",
    "write_cube",
    "write_map",
    "write_regions",
]

# For the other folders of skesom; not public.
from skesom.io._catalogs import read_table as read_table
from skesom.io._fits_files import make_hdus as make_hdus
from skesom.io._fits_files import split_path as split_path
from skesom.io._gather import count_values as count_values
from skesom.io._gather import describe_bands as describe_bands
from skesom.io._gather import describe_planes as describe_planes
from skesom.io._label_maps import fits_names as fits_names
from skesom.io._label_maps import read_cluster_names as read_cluster_names
from skesom.io._label_maps import short_ascii as short_ascii
from skesom.io._ned import describe_types as describe_types
from skesom.io._outlines import number_pieces as number_pieces
from skesom.io._regions import collect_regions as collect_regions
from skesom.io._regions import is_path as is_path
from skesom.io._regions import read_regions as read_regions
from skesom.io._write_regions import find_outlines as find_outlines
from skesom.io._write_regions import write_outlines as write_outlines
