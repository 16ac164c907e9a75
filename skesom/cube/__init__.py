# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._align import align
from skesom.cube._aligner import CubeAligner
from skesom.cube._background import BackgroundSubtractor
from skesom.cube._base import CubeTransformer, check_cube
from skesom.cube._color import ColorScaler
from skesom.cube._container import Cube
from skesom.cube._convolve import FWHMConvolver
from skesom.cube._flux_shape import FluxShape
from skesom.cube._flux_units import FluxUnitConverter
from skesom.cube._mask import CubeMasker
from skesom.cube._ratios import BandRatios
from skesom.cube._stretch import AsinhStretch
from skesom.cube._surroundings import SurroundingBands
from skesom.cube._valid import largest_valid_rectangle

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
