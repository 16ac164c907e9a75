# SPDX-License-Identifier: BSD-3-Clause
"""From labels back to the sky: cluster maps, pictures, the result folder."""

from skesom.maps._cube_classifier import CubeClassifier
from skesom.maps._cube_clusterer import CubeClusterer
from skesom.maps._figures import (
    cluster_colours,
    draw_cluster_map,
    draw_spectra,
    draw_u_matrix,
)
from skesom.maps._pipeline import (
    aligned_bands,
    make_cluster_pipeline,
    make_clusterer,
    scaled_bands,
)
from skesom.maps._pixel_table import check_bands
from skesom.maps._regularizers import ConditionalModes, MajorityVote
from skesom.maps._results import atomic_folder, check_folder, write_results

__all__ = [
    "ConditionalModes",
    "CubeClassifier",
    "CubeClusterer",
    "MajorityVote",
    "aligned_bands",
    "atomic_folder",
    "check_bands",
    "check_folder",
    "cluster_colours",
    "draw_cluster_map",
    "draw_spectra",
    "draw_u_matrix",
    "make_cluster_pipeline",
    "make_clusterer",
    "scaled_bands",
    "write_results",
]
