# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the second stage that both maps share."""

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.exceptions import ConvergenceWarning

from skesom._common.threads import one_blas_thread
from skesom._common.warn import warn_user
from skesom.som._second_stage._graph import graph_clusters
from skesom.som._second_stage._two_winners import two_winner_clusters
from skesom.som._second_stage._umatrix import umatrix_clusters
from skesom.som._second_stage._units import clusters_of

RULES = ("graph", "umatrix", "two-winners")


def group_units(units, clusterer, n_clusters):
    """Group the units of a map."""
    if not isinstance(clusterer, str):
        return clusters_of(clusterer, units), None
    rule = {
        "graph": graph_clusters,
        "umatrix": lambda *of: (umatrix_clusters(*of), None),
        "two-winners": lambda *of: (two_winner_clusters(*of), None),
    }[clusterer]
    with one_blas_thread():  # here once: to look for BLAS takes longer than a cut
        groups, mixture = rule(units, n_clusters)
    if n_clusters == "auto":
        return groups, None
    divided = with_more_groups(groups, units, n_clusters)
    if divided is not groups:
        groups, mixture = divided, None
    found = len(np.unique(groups[units.hits > 0]))
    if found < n_clusters:
        warn_user(
            f"The {len(units)} units of the map gave {found} clusters, fewer than "
            f"n_clusters={n_clusters}. Ask for fewer, or for more units of the map (a "
            "smaller epsilon, more max_nodes, a larger shape).",
            ConvergenceWarning,
        )
    return groups, mixture


def with_more_groups(groups, units, n_clusters):
    """Divide the largest groups until n_clusters of them hold samples."""
    hit = np.flatnonzero(units.hits > 0)
    _, of_hit = np.unique(groups[hit], return_inverse=True)
    missing = min(n_clusters, len(hit)) - (of_hit.max() + 1)
    if missing <= 0:
        return groups
    n_parts = _seats(np.bincount(of_hit, units.hits[hit]), np.bincount(of_hit), missing)
    for group in np.flatnonzero(n_parts > 1):
        own = np.flatnonzero(of_hit == group)
        ward = AgglomerativeClustering(int(n_parts[group]))
        part = ward.fit_predict(units.codebook[hit[own]])
        of_hit[own[part > 0]] = of_hit.max() + part[part > 0]
    divided = groups.copy()
    divided[hit] = groups.max() + 1 + of_hit
    return divided


def _seats(held, n_units, missing):
    """Return into how many parts each group goes, by the samples that a part has."""
    n_parts = np.ones(len(held), dtype=np.intp)
    for _ in range(missing):
        share = np.where(n_parts < n_units, held / n_parts, -1.0)
        n_parts[np.argmax(share)] += 1
    return n_parts
