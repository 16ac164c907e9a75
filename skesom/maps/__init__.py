# SPDX-License-Identifier: BSD-3-Clause
"""Label maps and what they mean: clusters on the sky, compared and cross-matched."""

from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._majority_vote import MajorityVote
from skesom.maps.cluster_names import ClusterNames
from skesom.maps.clusterers import make_clusterer
from skesom.maps.comparison import compare_clusterings
from skesom.maps.crossmatching import crossmatch
from skesom.maps.cube_clusterer import CubeClusterer
from skesom.maps.held_out import held_out_score
from skesom.maps.known_classes import truth_scorer
from skesom.maps.pieces import find_pieces
from skesom.maps.pipeline import make_cluster_pipeline
from skesom.maps.populations import find_piece_map, find_populations
from skesom.maps.stability_of_maps import stability
from skesom.maps.suggestions import suggest_names

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
