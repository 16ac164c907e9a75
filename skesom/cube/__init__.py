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
    "CubeStore",
    "CubeTransformer",
    "FWHMConvolver",
    "FluxShape",
    "FluxUnitConverter",
    "SkyMasker",
    "combine_exposures",
]

# For the other folders of skesom; not public.
from skesom.cube._base import CubeInput as CubeInput
from skesom.cube._base import CubeStep as CubeStep
from skesom.cube._base import check_cube as check_cube
from skesom.cube._base import is_cube_list as is_cube_list
from skesom.cube._base import list_names as list_names
from skesom.cube._base import same_bands as same_bands
from skesom.cube._by_strips import strips_of_chunks as strips_of_chunks
from skesom.cube.alignment._aligner import shape_before_cut as shape_before_cut
from skesom.cube.alignment._registration import find_shift as find_shift
from skesom.cube.alignment._stack import join_bands as join_bands
from skesom.cube.convolution._kernels import read_psf as read_psf
from skesom.cube.flux._photometry import Photometry as Photometry
from skesom.cube.flux._physical import physical_factors as physical_factors
from skesom.cube.masking._regions import in_pixels as in_pixels
from skesom.cube.masking._regions import pixels_in_box as pixels_in_box
from skesom.cube.masking._sky import sampled as sampled
from skesom.cube.masking._sky import sky_statistics as sky_statistics
from skesom.cube.objects._convert import ERROR_POWERS as ERROR_POWERS
from skesom.cube.objects._convert import as_cube as as_cube
from skesom.cube.objects._convert import check_image as check_image
from skesom.cube.objects._convert import describe_image as describe_image
from skesom.cube.objects._convert import find_converter as find_converter
from skesom.cube.objects._convert import order_axes as order_axes
from skesom.cube.objects._convert import to_errors as to_errors
from skesom.cube.objects._description import read_description as read_description
from skesom.cube.objects._description import write_description as write_description
from skesom.cube.objects._filters import differing_words as differing_words
from skesom.cube.objects._filters import filter_wavelengths as filter_wavelengths
from skesom.cube.objects._filters import is_telling as is_telling
from skesom.cube.objects._header_cards import band_cards as band_cards
from skesom.cube.objects._header_cards import is_hdu as is_hdu
from skesom.cube.objects._header_cards import read_bands as read_bands
from skesom.cube.objects._header_cards import read_unit as read_unit
from skesom.cube.objects._header_cards import to_ascii as to_ascii
from skesom.cube.objects._header_cards import write_unit as write_unit
from skesom.cube.objects._narrow_bands import HYDROGEN as HYDROGEN
from skesom.cube.objects._narrow_bands import HYDROGEN_BETA as HYDROGEN_BETA
from skesom.cube.objects._narrow_bands import OXYGEN as OXYGEN
from skesom.cube.objects._narrow_bands import SULFUR as SULFUR
from skesom.cube.objects._narrow_bands import band_wavelengths as band_wavelengths
from skesom.cube.objects._narrow_bands import check_continua as check_continua
from skesom.cube.objects._narrow_bands import describe_filter as describe_filter
from skesom.cube.objects._narrow_bands import find_continua as find_continua
from skesom.cube.objects._narrow_bands import in_nanometers as in_nanometers
from skesom.cube.objects._world_axes import distance_of as distance_of
from skesom.cube.objects._world_axes import read_world as read_world
