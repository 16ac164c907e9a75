# SPDX-License-Identifier: BSD-3-Clause
"""The way into the second stage: which rule groups the units of a map."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skesom.som._second_stage._graph import graph_clusters
from skesom.som._second_stage._labels import clusters_of
from skesom.som._second_stage._more_groups import with_more_groups
from skesom.som._second_stage._two_winners import two_winner_clusters
from skesom.som._second_stage._umatrix import umatrix_clusters
from skesom.som._threads import one_blas_thread

RULES = ("graph", "umatrix", "two-winners")


def group_units(units, clusterer, n_clusters):
    """Group the units of a map."""
    if not isinstance(clusterer, str):
        return clusters_of(clusterer, units), None
    number = n_clusters if isinstance(n_clusters, Integral) else "auto"
    rule = {
        "graph": graph_clusters,
        "umatrix": lambda *of: (umatrix_clusters(*of), None),
        "two-winners": lambda *of: (two_winner_clusters(*of), None),
    }[clusterer]
    with one_blas_thread():  # here once: to look for BLAS takes longer than a cut
        groups, mixture = rule(units, number)
    if number == "auto":
        return groups, None
    divided = with_more_groups(groups, units, n_clusters)
    if divided is not groups:
        groups, mixture = divided, None
    found = len(np.unique(groups[units.hits > 0]))
    if found < n_clusters:
        warnings.warn(
            f"The {len(units)} units of the map gave {found} clusters, fewer than "
            f"n_clusters={n_clusters}. Ask for fewer clusters or let the map have more "
            "units (a smaller epsilon, more max_nodes, a larger shape).",
            ConvergenceWarning,
            stacklevel=6,  # the line that calls fit
        )
    return groups, mixture
