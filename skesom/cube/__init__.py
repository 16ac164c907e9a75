# SPDX-License-Identifier: BSD-3-Clause
"""Cubes of images, and what turns one cube into another."""

from skesom.cube._base import CubeTransformer
from skesom.cube._container import Cube
from skesom.cube.alignment._aligner import CubeAligner
from skesom.cube.convolution._convolver import FWHMConvolver
from skesom.cube.flux._background import BackgroundSubtractor
from skesom.cube.flux._binning import BandBinner
from skesom.cube.flux._color import ColorScaler
from skesom.cube.flux._flux_shape import FluxShape
from skesom.cube.flux._flux_units import FluxUnitConverter
from skesom.cube.flux._stretch import AsinhStretch
from skesom.cube.masking._cube_masker import CubeMasker
from skesom.cube.masking._sky_masker import SkyMasker

__all__ = [
    "AsinhStretch",
    "BackgroundSubtractor",
    "BandBinner",
    "ColorScaler",
    "Cube",
    "CubeAligner",
    "CubeMasker",
    "CubeTransformer",
    "FWHMConvolver",
    "FluxShape",
    "FluxUnitConverter",
    "SkyMasker",
]

# For the other folders of skesom; not public.
from skesom.cube._base import CubeInput as CubeInput
from skesom.cube._base import CubeStep as CubeStep
from skesom.cube._base import check_cube as check_cube
from skesom.cube.alignment._stack import join_coordinates as join_coordinates
from skesom.cube.convolution._kernels import find_psf as find_psf
from skesom.cube.masking._regions import pixels_in_box as pixels_in_box
from skesom.cube.masking._sky import sky_statistics as sky_statistics
