# SPDX-License-Identifier: BSD-3-Clause
"""Groups of units: components of links, groups of a clusterer, and their order."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from skesom.som._codebook import nearest_units


def component_clusters(codebook, links, max_length):
    """Take the connected components of the links as clusters."""
    links = links.tocoo()
    ends = codebook[links.coords[0]] - codebook[links.coords[1]]
    short = np.linalg.norm(ends, axis=1) <= max_length
    links = sparse.coo_array(
        (np.ones(np.count_nonzero(short)), tuple(axis[short] for axis in links.coords)),
        shape=links.shape,
    )
    return connected_components(links, directed=False)[1]


def clusters_of(clusterer, units):
    """Fit a clone of a clusterer on the units that have samples."""
    inside = units.hits > 0
    clusterer = clone(clusterer)
    weights = {}
    if has_fit_parameter(clusterer, "sample_weight"):
        weights["sample_weight"] = units.hits[inside].astype(np.float64)
    groups = np.asarray(clusterer.fit_predict(units.codebook[inside], **weights))
    # Units that are noise to the clusterer (-1) stay a cluster of their own kind.
    return spread(groups, inside, units.codebook)


def labels_by_size(groups, codebook, hits):
    """Order groups of units by the samples they hold, the largest first.

    A group without any sample joins the group of its nearest unit that has one, so
    every label occurs among the training samples.
    """
    _, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups, weights=hits)
    held = sizes[groups] > 0
    groups = spread(groups[held], held, codebook)
    kept, groups = np.unique(groups, return_inverse=True)
    order = np.argsort(-sizes[kept], kind="stable")
    rank = np.empty(len(kept), dtype=np.int32)
    rank[order] = np.arange(len(kept), dtype=np.int32)
    return rank[groups]


def majority_groups(winners, labels, codebook):
    """Give each unit the label that most of its samples have."""
    known = (winners >= 0) & (labels >= 0)
    shape = len(codebook), labels.max(initial=0) + 1
    pairs = winners[known] * shape[1] + labels[known]
    counts = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    hit = counts.any(axis=1)
    if not hit.any():
        return np.zeros(len(codebook), dtype=np.int32)
    return spread(counts[hit].argmax(axis=1), hit, codebook).astype(np.int32)


def spread(groups, inside, codebook):
    """Give units outside the group of their nearest unit inside."""
    everywhere = np.empty(len(codebook), dtype=np.intp)
    everywhere[inside] = groups
    if not inside.all():
        nearest, _ = nearest_units(
            np.ascontiguousarray(codebook[~inside]), codebook[inside]
        )
        everywhere[~inside] = groups[nearest]
    return everywhere
