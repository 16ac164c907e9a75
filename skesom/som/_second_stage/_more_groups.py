# SPDX-License-Identifier: BSD-3-Clause
"""Divide groups of units until there are as many with samples as were asked for.

A cut may set units apart that hold no samples, and the U-matrix has so many valleys and
no more. The groups of most samples are divided then, by Ward's method on their units.
"""

import numpy as np
from sklearn.cluster import AgglomerativeClustering


def with_more_groups(groups, units, n_clusters):
    """Divide the largest groups until n_clusters of them hold samples."""
    hit = np.flatnonzero(units.hits > 0)
    _, of_hit = np.unique(groups[hit], return_inverse=True)
    n_groups = of_hit.max() + 1
    missing = min(n_clusters, len(hit)) - n_groups
    if missing <= 0:
        return groups
    n_parts = _seats(np.bincount(of_hit, units.hits[hit]), np.bincount(of_hit), missing)
    for group in np.flatnonzero(n_parts > 1):
        own = np.flatnonzero(of_hit == group)
        ward = AgglomerativeClustering(int(n_parts[group]))
        part = ward.fit_predict(units.codebook[hit[own]])
        of_hit[own[part > 0]] = n_groups + part[part > 0] - 1
        n_groups += n_parts[group] - 1
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
