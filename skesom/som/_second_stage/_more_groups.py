# SPDX-License-Identifier: BSD-3-Clause
"""Divide groups of units until there are as many with samples as were asked for.

A cut may set units apart that hold no samples, and the U-matrix has so many valleys and
no more. The group of most samples is divided then, by Ward's method on its units.
"""

import numpy as np
from sklearn.cluster import AgglomerativeClustering


def with_more_groups(groups, units, n_clusters):
    """Divide the largest groups until n_clusters of them hold samples.

    Parameters
    ----------
    groups : ndarray of shape (n_units,)
        A group number for each unit.
    units : Units
        Units of the map.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        Fewer than n_clusters hold samples only if fewer units do.
    """
    hit = np.flatnonzero(units.hits > 0)
    hits, codebook = units.hits[hit], units.codebook[hit]
    _, of_hit = np.unique(groups[hit], return_inverse=True)
    n_groups = of_hit.max() + 1
    if n_groups >= min(n_clusters, len(hit)):
        return groups
    groups = groups.copy()
    while n_groups < min(n_clusters, len(hit)):
        sizes = np.bincount(of_hit, weights=hits)
        sizes[np.bincount(of_hit) < 2] = 0
        own = np.flatnonzero(of_hit == np.argmax(sizes))
        parts = AgglomerativeClustering(2).fit_predict(codebook[own])
        of_hit[own[parts == 1]] = n_groups
        n_groups += 1
    groups[hit] = groups.max() + 1 + of_hit
    return groups
