# SPDX-License-Identifier: BSD-3-Clause
"""From images to tables of pixels, and back."""

from skesom._common.labels import MASKED, SKY
from skesom.pixels._sampler import PixelSampler, sky_blocks
from skesom.pixels._superpixels import SuperpixelFlattener
from skesom.pixels.cluster_statistics import cluster_table
from skesom.pixels.flattening import CubeFlattener, flatten, unflatten

__all__ = [
    "MASKED",
    "SKY",
    "CubeFlattener",
    "PixelSampler",
    "SuperpixelFlattener",
    "cluster_table",
    "flatten",
    "sky_blocks",
    "unflatten",
]
