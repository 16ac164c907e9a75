# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of maps and of clusters, in the style of scikit-learn's displays."""

from skesom.maps.displays._cluster_histogram import ClusterHistogramDisplay
from skesom.maps.displays._cluster_map import ClusterMapDisplay
from skesom.maps.displays._cluster_spectra import ClusterSpectraDisplay
from skesom.maps.displays._component_planes import ComponentPlanesDisplay
from skesom.maps.displays._disagreement_map import DisagreementMapDisplay
from skesom.maps.displays._hit_map import HitMapDisplay
from skesom.maps.displays._palette import cluster_colors, cluster_palette
from skesom.maps.displays._quantization_error_map import QuantizationErrorMapDisplay
from skesom.maps.displays._rgb import rgb_image
from skesom.maps.displays._stability_map import StabilityMapDisplay
from skesom.maps.displays._training_curve import TrainingCurveDisplay
from skesom.maps.displays._u_matrix import UMatrixDisplay

__all__ = [
    "ClusterHistogramDisplay",
    "ClusterMapDisplay",
    "ClusterSpectraDisplay",
    "ComponentPlanesDisplay",
    "DisagreementMapDisplay",
    "HitMapDisplay",
    "QuantizationErrorMapDisplay",
    "StabilityMapDisplay",
    "TrainingCurveDisplay",
    "UMatrixDisplay",
    "cluster_colors",
    "cluster_palette",
    "rgb_image",
]
