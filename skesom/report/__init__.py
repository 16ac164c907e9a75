# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results of a run, and the page on which they are explored."""

from skesom.report._cluster_groups import (
    ClusterGroup,
    merge_clusters,
    read_cluster_groups,
    write_cluster_groups,
)
from skesom.report._image_source import ImageSource
from skesom.report._models import load_model, save_model
from skesom.report._provenance import read_run
from skesom.report._read import read_report
from skesom.report._write import write_report
from skesom.report.page._explore import explore

__all__ = [
    "ClusterGroup",
    "ImageSource",
    "explore",
    "load_model",
    "merge_clusters",
    "read_cluster_groups",
    "read_report",
    "read_run",
    "save_model",
    "write_cluster_groups",
    "write_report",
]
