# SPDX-License-Identifier: BSD-3-Clause
"""From labels back to the sky: cluster maps, pictures, the result folder."""

from skesom.maps._cube_clusterer import CubeClusterer

__all__ = ["CubeClusterer"]
