# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results of a run, and the page on which they are explored."""

from skesom.report._cluster_groups import merge_clusters, read_cluster_groups
from skesom.report._drawing import PictureStyle
from skesom.report._models import load_model, save_model
from skesom.report._report import read_report, write_report
from skesom.report.page._explore import explore

__all__ = [
    "PictureStyle",
    "explore",
    "load_model",
    "merge_clusters",
    "read_cluster_groups",
    "read_report",
    "save_model",
    "write_report",
]
