# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._base import CubeTransformer, check_cube
from skesom.cube._container import Cube
from skesom.cube._valid import largest_valid_rectangle
from skesom.cube.alignment._align import align
from skesom.cube.alignment._aligner import CubeAligner
from skesom.cube.convolution._convolve import FWHMConvolver
from skesom.cube.flux._background import BackgroundSubtractor
from skesom.cube.flux._color import ColorScaler
from skesom.cube.flux._flux_shape import FluxShape
from skesom.cube.flux._flux_units import FluxUnitConverter
from skesom.cube.flux._ratios import BandRatios
from skesom.cube.flux._stretch import AsinhStretch
from skesom.cube.flux._surroundings import SurroundingBands
from skesom.cube.masking._mask import CubeMasker

__all__ = [
    "AsinhStretch",
    "BackgroundSubtractor",
    "BandRatios",
    "ColorScaler",
    "Cube",
    "CubeAligner",
    "CubeMasker",
    "CubeTransformer",
    "FWHMConvolver",
    "FluxShape",
    "FluxUnitConverter",
    "SurroundingBands",
    "align",
    "check_cube",
    "largest_valid_rectangle",
]
