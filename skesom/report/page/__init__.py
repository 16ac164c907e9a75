# SPDX-License-Identifier: BSD-3-Clause
"""One page on which an image, its clusters and the map behind them are explored."""

PAGE_NAME = "page.html"  # in a folder of results
