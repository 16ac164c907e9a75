# SPDX-License-Identifier: BSD-3-Clause
"""What a run shows: pictures, tables, a summary, and the page to explore it."""

from skesom.report.cluster_groups import merge_clusters
from skesom.report.drawing import PictureStyle
from skesom.report.page.explore import explore

__all__ = ["PictureStyle", "explore", "merge_clusters"]
