# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._base import CubeTransformer
from skesom.cube._container import Cube
from skesom.cube._store import CubeStore
from skesom.cube.alignment._aligner import CubeAligner
from skesom.cube.alignment._exposures import combine_exposures
from skesom.cube.convolution._convolver import FWHMConvolver
from skesom.cube.flux._background import BackgroundSubtractor
from skesom.cube.flux._binning import BandBinner
from skesom.cube.flux._color import ColorScaler
from skesom.cube.flux._components import ComponentFilter
from skesom.cube.flux._counts import CountSmoother
from skesom.cube.flux._flux_shape import FluxShape
from skesom.cube.flux._flux_units import FluxUnitConverter
from skesom.cube.flux._spatial_features import SpatialFeatures
from skesom.cube.flux._stretch import AsinhStretch
from skesom.cube.masking._cube_masker import CubeMasker
from skesom.cube.masking._sky_masker import SkyMasker

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
