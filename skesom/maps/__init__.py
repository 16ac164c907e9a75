# SPDX-License-Identifier: BSD-3-Clause
"""From labels back to the sky: cluster maps, pictures, the result folder."""

from skesom.maps._cluster_groups import (
    ClusterGroup,
    merge_clusters,
    read_cluster_groups,
    write_cluster_groups,
)
from skesom.maps._comparison import Comparison, compare_clusterings, match_labels
from skesom.maps._crossmatch import Crossmatch, crossmatch
from skesom.maps._crossmatch_display import CrossmatchDisplay
from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._cube_clusterer import CubeClusterer
from skesom.maps._fingerprints import compare_fingerprints, fingerprints
from skesom.maps._pipeline import (
    aligned_bands,
    make_cluster_pipeline,
    make_clusterer,
    scaled_bands,
)
from skesom.maps._pixel_table import check_bands
from skesom.maps._regularizers import ConditionalModes, MajorityVote
from skesom.maps._stability import Stability, label_stability, stability
from skesom.maps._truth import TruthComparison, compare_with_truth
from skesom.maps.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    DisagreementMapDisplay,
    HitMapDisplay,
    QuantizationErrorMapDisplay,
    StabilityMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    cluster_colors,
    cluster_palette,
    rgb_image,
)
from skesom.maps.page import explore
from skesom.maps.report import (
    ImageSource,
    atomic_folder,
    check_folder,
    find_model,
    label_map_digest,
    load_model,
    read_report,
    read_run,
    save_model,
    write_report,
)

__all__ = [
    "ClusterGroup",
    "ClusterHistogramDisplay",
    "ClusterMapDisplay",
    "ClusterSpectraDisplay",
    "Comparison",
    "ComponentPlanesDisplay",
    "ConditionalModes",
    "Crossmatch",
    "CrossmatchDisplay",
    "CubeClassifier",
    "CubeClusterer",
    "DisagreementMapDisplay",
    "HitMapDisplay",
    "ImageSource",
    "MajorityVote",
    "QuantizationErrorMapDisplay",
    "Stability",
    "StabilityMapDisplay",
    "TrainingCurveDisplay",
    "TruthComparison",
    "UMatrixDisplay",
    "aligned_bands",
    "atomic_folder",
    "check_bands",
    "check_folder",
    "cluster_colors",
    "cluster_palette",
    "compare_clusterings",
    "compare_fingerprints",
    "compare_with_truth",
    "crossmatch",
    "explore",
    "find_model",
    "fingerprints",
    "label_map_digest",
    "label_stability",
    "load_model",
    "make_cluster_pipeline",
    "make_clusterer",
    "match_labels",
    "merge_clusters",
    "read_cluster_groups",
    "read_report",
    "read_run",
    "rgb_image",
    "save_model",
    "scaled_bands",
    "stability",
    "write_cluster_groups",
    "write_report",
]
