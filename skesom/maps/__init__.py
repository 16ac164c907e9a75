# SPDX-License-Identifier: BSD-3-Clause
"""Label maps and what they mean: clusters on the sky, compared and cross-matched."""

from skesom.maps._comparison import compare_clusterings
from skesom.maps._crossmatch import crossmatch
from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._cube_clusterer import CubeClusterer
from skesom.maps._held_out import held_out_score
from skesom.maps._majority_vote import MajorityVote
from skesom.maps._pieces import find_pieces
from skesom.maps._pipeline import (
    make_classifier,
    make_cluster_pipeline,
    make_clusterer,
)
from skesom.maps._stability import stability
from skesom.maps._suggestions import suggest_names
from skesom.maps._truth_scorer import truth_scorer

__all__ = [
    "CubeClassifier",
    "CubeClusterer",
    "MajorityVote",
    "compare_clusterings",
    "crossmatch",
    "find_pieces",
    "held_out_score",
    "make_classifier",
    "make_cluster_pipeline",
    "make_clusterer",
    "stability",
    "suggest_names",
    "truth_scorer",
]

# For the other folders of skesom; not public.
from skesom.maps._comparison import NEITHER as NEITHER
from skesom.maps._comparison import ONLY_FIRST as ONLY_FIRST
from skesom.maps._comparison import ONLY_SECOND as ONLY_SECOND
from skesom.maps._comparison import OTHER as OTHER
from skesom.maps._comparison import SAME as SAME
from skesom.maps._crossmatch import Crossmatch as Crossmatch
from skesom.maps._cube_clusterer import check_bands as check_bands
from skesom.maps._cube_clusterer import check_cut as check_cut
from skesom.maps._cube_clusterer import check_enough_pixels as check_enough_pixels
from skesom.maps._cube_clusterer import count_clusters as count_clusters
from skesom.maps._errors import at_end as at_end
from skesom.maps._errors import errors_to_apply as errors_to_apply
from skesom.maps._held_out import HeldOut as HeldOut
from skesom.maps._object_labels import label_objects as label_objects
from skesom.maps._pieces import measure_pieces as measure_pieces
from skesom.maps._pieces import number_largest as number_largest
from skesom.maps._pipeline import MapImages as MapImages
from skesom.maps._pipeline import fit_in_place as fit_in_place
from skesom.maps._pipeline import n_steps_to_map as n_steps_to_map
from skesom.maps._positions import find_positions as find_positions
from skesom.maps._positions import icrs_positions as icrs_positions
from skesom.maps._positions import measure_in_pixels as measure_in_pixels
from skesom.maps._positions import objects_inside as objects_inside
