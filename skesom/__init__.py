# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps for scikit-learn and for multi-band sky images.

The folders stand in the order of the data flow::

    FITS files -- io --> Cube -- cube --> Cube -- pixels --> table -- som --> labels
    -- maps --> cluster map

Importing ``skesom`` is cheap: a subpackage loads when one of its names is used.
"""

import importlib
from importlib.metadata import version

__version__ = version("skesom")

_HOME = {
    "AsinhStretch": "skesom.cube",
    "BackgroundSubtractor": "skesom.cube",
    "CSOM": "skesom.som",
    "ColorScaler": "skesom.cube",
    "ConsensusClusterer": "skesom.som",
    "Cube": "skesom.cube",
    "CubeAligner": "skesom.cube",
    "CubeClassifier": "skesom.maps",
    "CubeClusterer": "skesom.maps",
    "CubeFlattener": "skesom.pixels",
    "CubeMasker": "skesom.cube",
    "ESOM": "skesom.som",
    "FWHMConvolver": "skesom.cube",
    "FluxShape": "skesom.cube",
    "FluxUnitConverter": "skesom.cube",
    "MapClassifier": "skesom.som",
    "MapRegressor": "skesom.som",
    "PixelSampler": "skesom.pixels",
    "SkyMasker": "skesom.cube",
    "SuperpixelFlattener": "skesom.pixels",
    "read_cube": "skesom.io",
    "write_map": "skesom.io",
}
_SUBPACKAGES = (
    "cli",
    "cube",
    "datasets",
    "displays",
    "io",
    "maps",
    "metrics",
    "pixels",
    "report",
    "som",
)

__all__ = [*_HOME, *_SUBPACKAGES]


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"skesom.{name}")
    raise AttributeError(f"module 'skesom' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
