# SPDX-License-Identifier: BSD-3-Clause
"""Facts of images: cards of headers, world axes, grids of pixels, units, filters."""
