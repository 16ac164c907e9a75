# SPDX-License-Identifier: BSD-3-Clause
"""One page on which an image, its clusters and the map behind them are explored."""

from skesom.maps.page._explore import explore

__all__ = ["explore"]
