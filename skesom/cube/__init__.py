# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._container import Cube
from skesom.cube._store import CubeStore
from skesom.cube.alignment.aligner import CubeAligner
from skesom.cube.alignment.exposures import combine_exposures
from skesom.cube.base import CubeTransformer
from skesom.cube.convolution.convolver import FWHMConvolver
from skesom.cube.flux.background import BackgroundSubtractor
from skesom.cube.flux.binning import BandBinner
from skesom.cube.flux.color import ColorScaler
from skesom.cube.flux.components import ComponentFilter
from skesom.cube.flux.counts import CountSmoother
from skesom.cube.flux.flux_shape import FluxShape
from skesom.cube.flux.flux_units import FluxUnitConverter
from skesom.cube.flux.spatial_features import SpatialFeatures
from skesom.cube.flux.stretch import AsinhStretch
from skesom.cube.masking.cube_masker import CubeMasker
from skesom.cube.masking.sky_masker import SkyMasker

__all__ = [
    "AsinhStretch",
    "BackgroundSubtractor",
    "BandBinner",
    "ColorScaler",
    "ComponentFilter",
    "CountSmoother",
    "Cube",
    "CubeAligner",
    "CubeMasker",
    "CubeStore",
    "CubeTransformer",
    "FWHMConvolver",
    "FluxShape",
    "FluxUnitConverter",
    "SkyMasker",
    "SpatialFeatures",
    "combine_exposures",
]
