# SPDX-License-Identifier: BSD-3-Clause
"""What a run shows: pictures, tables, a summary, and the page to explore it."""

from skesom.report._cluster_groups import merge_clusters
from skesom.report._drawing import PictureStyle
from skesom.report.page._explore import explore

__all__ = ["PictureStyle", "explore", "merge_clusters"]
