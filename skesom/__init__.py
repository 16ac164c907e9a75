# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps for scikit-learn and for multi-band sky images.

The folders stand in the order of the data flow::

    FITS files -- io --> Cube -- cube --> Cube -- pixels --> table -- som --> labels
    -- maps --> cluster map -- report --> pictures, tables, a page

A `Run` (in ``runs``) goes this way as a whole, and is kept in a folder.

Importing ``skesom`` is cheap: a subpackage loads when one of its names is used.
"""

import importlib
import logging
from typing import TYPE_CHECKING

from skesom._common.version import VERSION

if TYPE_CHECKING:  # the same as _HOME and _SUBPACKAGES, for checkers of types
    from skesom import cli as cli
    from skesom import consensus as consensus
    from skesom import cube as cube
    from skesom import datasets as datasets
    from skesom import displays as displays
    from skesom import io as io
    from skesom import maps as maps
    from skesom import metrics as metrics
    from skesom import pixels as pixels
    from skesom import report as report
    from skesom import runs as runs
    from skesom import som as som
    from skesom.consensus import ConsensusClusterer as ConsensusClusterer
    from skesom.cube import AsinhStretch as AsinhStretch
    from skesom.cube import BackgroundSubtractor as BackgroundSubtractor
    from skesom.cube import ColorScaler as ColorScaler
    from skesom.cube import Cube as Cube
    from skesom.cube import CubeAligner as CubeAligner
    from skesom.cube import CubeMasker as CubeMasker
    from skesom.cube import FluxShape as FluxShape
    from skesom.cube import FluxUnitConverter as FluxUnitConverter
    from skesom.cube import FWHMConvolver as FWHMConvolver
    from skesom.cube import SkyMasker as SkyMasker
    from skesom.io import read_cube as read_cube
    from skesom.io import write_map as write_map
    from skesom.maps import CubeClassifier as CubeClassifier
    from skesom.maps import CubeClusterer as CubeClusterer
    from skesom.pixels import CubeFlattener as CubeFlattener
    from skesom.pixels import PixelSampler as PixelSampler
    from skesom.pixels import SuperpixelFlattener as SuperpixelFlattener
    from skesom.runs import Run as Run
    from skesom.som import CSOM as CSOM
    from skesom.som import ESOM as ESOM
    from skesom.som import MapClassifier as MapClassifier
    from skesom.som import MapRegressor as MapRegressor

__version__ = VERSION
logging.getLogger("skesom").addHandler(logging.NullHandler())

_NAMES = {
    "consensus": "ConsensusClusterer",
    "cube": "AsinhStretch BackgroundSubtractor ColorScaler Cube CubeAligner CubeMasker "
    "FWHMConvolver FluxShape FluxUnitConverter SkyMasker",
    "io": "read_cube write_map",
    "maps": "CubeClassifier CubeClusterer",
    "pixels": "CubeFlattener PixelSampler SuperpixelFlattener",
    "runs": "Run",
    "som": "CSOM ESOM MapClassifier MapRegressor",
}
_HOME = {name: f"skesom.{of}" for of, names in _NAMES.items() for name in names.split()}
_SUBPACKAGES = (*_NAMES, "cli", "datasets", "displays", "metrics", "report")

__all__ = [*_HOME, *_SUBPACKAGES]


if not TYPE_CHECKING:  # else a checker would take any name, and as of any type

    def __getattr__(name):
        if name in _HOME:
            return getattr(importlib.import_module(_HOME[name]), name)
        if name in _SUBPACKAGES:
            return importlib.import_module(f"skesom.{name}")
        raise AttributeError(f"module 'skesom' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
