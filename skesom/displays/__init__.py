# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of maps and of clusters, in the style of scikit-learn's displays."""

from skesom.displays._cluster_histogram import ClusterHistogramDisplay
from skesom.displays._cluster_map import ClusterMapDisplay
from skesom.displays._cluster_spectra import ClusterSpectraDisplay
from skesom.displays._component_planes import ComponentPlanesDisplay
from skesom.displays._crossmatch import CrossmatchDisplay
from skesom.displays._disagreement_map import DisagreementMapDisplay
from skesom.displays._hit_map import HitMapDisplay
from skesom.displays._palette import cluster_colors, cluster_palette
from skesom.displays._quantization_error_map import QuantizationErrorMapDisplay
from skesom.displays._rgb import rgb_image
from skesom.displays._stability_map import StabilityMapDisplay
from skesom.displays._training_curve import TrainingCurveDisplay
from skesom.displays._u_matrix import UMatrixDisplay

__all__ = [
    "ClusterHistogramDisplay",
    "ClusterMapDisplay",
    "ClusterSpectraDisplay",
    "ComponentPlanesDisplay",
    "CrossmatchDisplay",
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
