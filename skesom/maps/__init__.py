# SPDX-License-Identifier: BSD-3-Clause
"""Label maps and what they mean: clusters on the sky, compared and cross-matched."""

from skesom.maps._cluster_names import ClusterNames
from skesom.maps._comparison import compare_clusterings, truth_scorer
from skesom.maps._crossmatch import crossmatch
from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._cube_clusterer import CubeClusterer
from skesom.maps._held_out import held_out_score
from skesom.maps._majority_vote import MajorityVote
from skesom.maps._pieces import find_pieces
from skesom.maps._pipeline import make_cluster_pipeline, make_clusterer
from skesom.maps._populations import find_piece_map, find_populations
from skesom.maps._stability import stability
from skesom.maps._suggestions import suggest_names

__all__ = [
    "ClusterNames",
    "CubeClassifier",
    "CubeClusterer",
    "MajorityVote",
    "compare_clusterings",
    "crossmatch",
    "find_piece_map",
    "find_pieces",
    "find_populations",
    "held_out_score",
    "make_cluster_pipeline",
    "make_clusterer",
    "stability",
    "suggest_names",
    "truth_scorer",
]
