# SPDX-License-Identifier: BSD-3-Clause
"""Label maps and what they mean: clusters on the sky, compared and cross-matched."""

from skesom.maps._comparison import (
    Comparison,
    TruthComparison,
    compare_clusterings,
    compare_with_truth,
    match_labels,
)
from skesom.maps._crossmatch import Crossmatch, crossmatch
from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._cube_clusterer import CubeClusterer
from skesom.maps._fingerprints import compare_fingerprints, fingerprints
from skesom.maps._pipeline import make_cluster_pipeline, make_clusterer
from skesom.maps._regularizers import ConditionalModes, MajorityVote
from skesom.maps._stability import Stability, label_stability, stability

__all__ = [
    "Comparison",
    "ConditionalModes",
    "Crossmatch",
    "CubeClassifier",
    "CubeClusterer",
    "MajorityVote",
    "Stability",
    "TruthComparison",
    "compare_clusterings",
    "compare_fingerprints",
    "compare_with_truth",
    "crossmatch",
    "fingerprints",
    "label_stability",
    "make_cluster_pipeline",
    "make_clusterer",
    "match_labels",
    "stability",
]
