# SPDX-License-Identifier: BSD-3-Clause
"""One page on which an image, its clusters and the map behind them are explored."""

from skesom.maps.page._explore import check_bokeh, explore

PAGE_NAME = "page.html"  # in a folder of results

__all__ = ["PAGE_NAME", "check_bokeh", "explore"]
