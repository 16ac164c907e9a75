# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of maps and of clusters, in the style of scikit-learn's displays."""

from skesom.displays._cluster_map import ClusterMapDisplay
from skesom.displays._component_planes import ComponentPlanesDisplay
from skesom.displays._cutouts import CutoutsDisplay
from skesom.displays._training_curve import TrainingCurveDisplay
from skesom.displays._u_matrix import UMatrixDisplay
from skesom.displays._unit_contents import HitMapDisplay, PrototypesDisplay
from skesom.displays._value_map import ValueMapDisplay
from skesom.displays.cluster_plots import (
    ClusterHistogramDisplay,
    ClusterSpectraDisplay,
)
from skesom.displays.colors import cluster_colors
from skesom.displays.crossmatch import CrossmatchDisplay
from skesom.displays.dendrogram import DendrogramDisplay
from skesom.displays.diagrams import ColorDiagramDisplay
from skesom.displays.rgb import rgb_image

__all__ = [
    "ClusterHistogramDisplay",
    "ClusterMapDisplay",
    "ClusterSpectraDisplay",
    "ColorDiagramDisplay",
    "ComponentPlanesDisplay",
    "CrossmatchDisplay",
    "CutoutsDisplay",
    "DendrogramDisplay",
    "HitMapDisplay",
    "PrototypesDisplay",
    "TrainingCurveDisplay",
    "UMatrixDisplay",
    "ValueMapDisplay",
    "cluster_colors",
    "rgb_image",
]
