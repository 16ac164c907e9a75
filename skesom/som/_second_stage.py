# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the second stage that evolving and classical maps share.

The units of a map are many more than the populations in the data. Two units belong
together when the samples between them are many compared with the samples that they
hold: samples whose nearest unit is the one and whose second nearest is the other. The
*relative co-activation* of two units is the number of such samples over the hits of
the smaller of them. Spectral clustering (normalised cuts) of that graph gives the
clusters. The rule is the authors' own; its parts are the co-activation counts of
Martinetz & Schulten (1994), doi:10.1016/0893-6080(94)90109-0, and the spectral
clustering of Ng, Jordan & Weiss (2001).
"""

import warnings
from numbers import Integral

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from skesom.som._codebook import distances_to_units, nearest_units
from skesom.som._threads import one_blas_thread

_SMALLEST_SHARE = 0.002  # of the samples, in a component that may hold a cluster
_DENSE_UNITS = 600  # up to here the dense eigen-solver is the faster one
_SEED = 0  # of k-means in the embedding: the same units give the same clusters


def count_pairs(winners, n_units, weights=None):
    """Count how often two units are nearest and second nearest to a sample.

    Parameters
    ----------
    winners : ndarray of shape (n_samples, 2)
        Nearest and second nearest unit of each sample, -1 = none.
    n_units : int
        Number of units.
    weights : ndarray of shape (n_samples,), default=None
        How often a sample counts; once by default.

    Returns
    -------
    counts : csr_array of shape (n_units, n_units), dtype int64 or that of the weights
        Row: nearest unit, column: second nearest.
    """
    if weights is None:
        weights = np.ones(len(winners), dtype=np.int64)
    known = winners[:, 1] >= 0
    return sparse.coo_array(
        (weights[known], (winners[known, 0], winners[known, 1])),
        shape=(n_units, n_units),
    ).tocsr()


def graph_clusters(codebook, counts, hits, n_clusters):
    """Cut the graph of relative co-activation into clusters of units.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    counts : csr_array of shape (n_units, n_units)
        Samples by nearest and second nearest unit.
    hits : ndarray of shape (n_units,)
        Samples by nearest unit.
    n_clusters : int or "auto"
        How many clusters; "auto" takes the number of components that hold a sizable
        share of the samples or, if there is one only, the largest relative gap in
        the spectrum of the graph.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        A group number for each unit.
    """
    affinity = _relative_coactivation(counts, hits)
    _, component = connected_components(affinity, directed=False)
    share = np.bincount(component, weights=hits) / hits.sum()
    # In a small table a share is a handful of samples, which chance may set apart.
    least = max(_SMALLEST_SHARE, 0.5 / np.sqrt(hits.sum()))
    inside = share[component] >= min(least, share.max())
    share = share[np.unique(component[inside])]
    _, component = np.unique(component[inside], return_inverse=True)
    affinity = affinity[inside][:, inside]
    if n_clusters == "auto":
        n_clusters = _plausible_number(affinity, share)
    if len(share) >= n_clusters:
        groups = _join_components(codebook[inside], component, n_clusters)
    else:
        groups = _cut_components(affinity, component, n_clusters)
    return _spread(groups, inside, codebook)


def component_clusters(codebook, links, max_length):
    """Take the connected components of the links as clusters.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    links : csr_array of shape (n_units, n_units)
        Symmetric; what is stored is a link.
    max_length : float
        Longer links are left out.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        A group number for each unit.
    """
    links = links.tocoo()
    ends = codebook[links.coords[0]] - codebook[links.coords[1]]
    short = np.linalg.norm(ends, axis=1) <= max_length
    links = sparse.coo_array(
        (np.ones(np.count_nonzero(short)), tuple(axis[short] for axis in links.coords)),
        shape=links.shape,
    )
    return connected_components(links, directed=False)[1]


def labels_by_size(groups, codebook, hits):
    """Order groups of units by the samples they hold, the largest first.

    A group without any sample joins the group of its nearest unit that has one, so
    every label occurs among the training samples.

    Parameters
    ----------
    groups : ndarray of shape (n_units,)
        A group number for each unit.
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    hits : ndarray of shape (n_units,)
        Samples by nearest unit.

    Returns
    -------
    unit_labels : ndarray of shape (n_units,), dtype int32
        Consecutive from 0 by falling size.
    """
    _, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups, weights=hits)
    groups = _spread(groups[sizes[groups] > 0], sizes[groups] > 0, codebook)
    held, groups = np.unique(groups, return_inverse=True)
    order = np.argsort(-sizes[held], kind="stable")
    rank = np.empty(len(held), dtype=np.int32)
    rank[order] = np.arange(len(held), dtype=np.int32)
    return rank[groups]


def group_units(codebook, counts, hits, n_clusters):
    """Group the units of a map by the rule that `n_clusters` stands for.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
        Weights of the units.
    counts : csr_array of shape (n_units, n_units)
        Samples by nearest and second nearest unit.
    hits : ndarray of shape (n_units,)
        Samples by nearest unit.
    n_clusters : int, "auto" or clusterer
        A number of clusters or "auto" for `graph_clusters`, or a scikit-learn
        clusterer. A clone of it is fitted on the units that have samples, with the
        hits as weights if its fit takes a sample_weight.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        A group number for each unit.

    Warns
    -----
    ConvergenceWarning
        When there are fewer clusters than asked for.
    """
    if not isinstance(n_clusters, Integral | str):
        return _clusters_of(n_clusters, codebook, hits)
    groups = graph_clusters(codebook, counts, hits, n_clusters)
    found = len(np.unique(groups[hits > 0]))
    if n_clusters != "auto" and found < n_clusters:
        warnings.warn(
            f"The {len(codebook)} units of the map gave {found} clusters, fewer than "
            f"n_clusters={n_clusters}. Ask for fewer clusters or let the map have more "
            "units (a smaller epsilon, more max_nodes, a larger shape).",
            ConvergenceWarning,
            stacklevel=6,  # the line that calls fit
        )
    return groups


def _clusters_of(clusterer, codebook, hits):
    """Fit a clone of a clusterer on the units that have samples."""
    inside = hits > 0
    clusterer = clone(clusterer)
    weights = {}
    if has_fit_parameter(clusterer, "sample_weight"):
        weights["sample_weight"] = hits[inside].astype(np.float64)
    groups = np.asarray(clusterer.fit_predict(codebook[inside], **weights))
    # A unit that is noise to the clusterer (-1) stays a cluster of its own kind.
    return _spread(groups, inside, codebook)


def _relative_coactivation(counts, hits):
    """Return the symmetric affinity (c_ij + c_ji) / min(hits_i, hits_j)."""
    both = (counts + counts.T).tocoo()
    rows, columns = both.coords
    smaller = np.maximum(np.minimum(hits[rows], hits[columns]), 1)
    return sparse.csr_array((both.data / smaller, (rows, columns)), shape=both.shape)


def _plausible_number(affinity, share):
    """Return the number of sizable components, or that of the largest eigengap."""
    sizable = np.count_nonzero(share >= 0.003)
    if sizable >= 2:
        return sizable
    most = min(20, affinity.shape[0] - 1)
    if most < 2:
        return 1
    values, _ = _smallest_eigenpairs(affinity, most + 1)
    gaps = (values[2:] - values[1:-1]) / (np.maximum(values[1:-1], 0) + 0.01)
    return int(np.argmax(gaps)) + 2


def _cut_components(affinity, component, n_clusters):
    """Cut the components of a graph, fewer than n_clusters, into clusters.

    The spectrum of the whole graph is that of its components together: each gets as
    many clusters as it has eigenvalues among the n_clusters smallest, at least one.
    """
    units = [np.flatnonzero(component == c) for c in range(component.max() + 1)]
    most = n_clusters - len(units) + 1
    pairs = [
        _smallest_eigenpairs(affinity[own][:, own], min(most, len(own)))
        for own in units
    ]
    # Rounding must not take its first eigenvalue, an exact zero, from a component.
    values = np.concatenate([np.r_[-1.0, values[1:]] for values, _ in pairs])
    owner = np.repeat(np.arange(len(pairs)), [len(values) for values, _ in pairs])
    shares = np.bincount(owner[np.argsort(values, kind="stable")[:n_clusters]])
    groups = np.empty(len(component), dtype=np.intp)
    for own, (_, vectors), n_own, first in zip(
        units, pairs, shares, np.cumsum(shares) - shares, strict=True
    ):
        groups[own] = first + _cut(vectors[:, :n_own])
    return groups


def _cut(vectors):
    """Group the rows of as many eigenvectors as there are to be clusters."""
    n_units, n_clusters = vectors.shape
    if n_units <= n_clusters:
        return np.arange(n_units)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    embedding = vectors / np.where(length > 0, length, 1)
    with (
        one_blas_thread(),
        threadpool_limits(limits=1, user_api="openmp"),
        warnings.catch_warnings(),
    ):
        # Units at the same place of the embedding are no reason to worry the user.
        warnings.simplefilter("ignore", ConvergenceWarning)
        means = KMeans(n_clusters, n_init=10, random_state=_SEED).fit(embedding)
    return means.labels_


def _smallest_eigenpairs(affinity, n_pairs):
    """Eigenpairs of the normalised Laplacian I - D^-1/2 A D^-1/2, smallest first."""
    n_units = affinity.shape[0]
    degree = np.asarray(affinity.sum(axis=1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(degree, np.finfo(float).tiny)))
    laplacian = sparse.eye_array(n_units) - scale @ affinity @ scale
    with one_blas_thread():
        if n_units <= max(_DENSE_UNITS, 2 * n_pairs):
            values, vectors = linalg.eigh(
                laplacian.toarray(), subset_by_index=[0, min(n_pairs, n_units) - 1]
            )
        else:
            # Shifted a little below zero the matrix can be factorised, and inverting
            # it pulls the small eigenvalues apart.
            start = np.random.default_rng(_SEED).normal(size=n_units)
            values, vectors = eigsh(
                laplacian.tocsc(), k=n_pairs, sigma=-0.001, which="LM", v0=start
            )
            order = np.argsort(values, kind="stable")
            values, vectors = values[order], vectors[:, order]
    # A sign is arbitrary: let the largest entry of each vector be positive.
    largest = np.argmax(np.abs(vectors), axis=0)
    return values, vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])


def _join_components(codebook, component, n_clusters):
    """Join the components whose units come closest until n_clusters are left."""
    n_components = component.max() + 1
    if n_components == n_clusters:
        return component
    gaps = np.zeros((n_components, n_components))
    distances = distances_to_units(codebook, codebook)
    for one in range(n_components):
        nearest = distances[component == one].min(axis=0)
        for other in range(n_components):
            gaps[one, other] = nearest[component == other].min()
    joined = AgglomerativeClustering(n_clusters, metric="precomputed", linkage="single")
    return joined.fit(gaps).labels_[component]


def _spread(groups, inside, codebook):
    """Give units outside the group of their nearest unit inside."""
    everywhere = np.empty(len(codebook), dtype=np.intp)
    everywhere[inside] = groups
    if not inside.all():
        nearest, _ = nearest_units(
            np.ascontiguousarray(codebook[~inside]), codebook[inside]
        )
        everywhere[~inside] = groups[nearest]
    return everywhere
