# SPDX-License-Identifier: BSD-3-Clause
"""One page on which an image, its clusters and the map behind them are explored."""

from skesom.maps.page._explore import check_bokeh, explore

__all__ = ["check_bokeh", "explore"]
