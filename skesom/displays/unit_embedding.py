# SPDX-License-Identifier: BSD-3-Clause
"""Positions in the plane for the units of a map that has no lattice."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA, KernelPCA

AXIS_NAMES = ("axis 1", "axis 2")


def embed(codebook, connections, embedding):
    """Place the units of a map in the plane.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
    connections : sparse array of shape (n_units, n_units)
        Links of the units.
    embedding : {"pca", "isomap"}, transformer or array-like of shape (n_units, 2)
        As for `UnitMapDisplay.from_estimator`.

    Returns
    -------
    positions : ndarray of shape (n_units, 2)
    axis_names : tuple of str
    """
    if hasattr(embedding, "fit_transform"):
        positions = np.asarray(embedding.fit_transform(codebook))[:, :2]
        names = tuple(f"{type(embedding).__name__} {axis}" for axis in AXIS_NAMES)
        return positions, names
    if not isinstance(embedding, str):
        return np.asarray(embedding), AXIS_NAMES
    if embedding == "pca":
        return _principal_components(codebook)
    if embedding == "isomap":
        return _isomap(codebook, connections)
    raise ValueError(
        'embedding must be "pca", "isomap", a transformer with fit_transform, or the '
        f"positions of the units. Got {embedding!r}."
    )


def _principal_components(codebook):
    """Return the first two principal components, and names that say their shares."""
    positions = np.zeros((len(codebook), 2))
    shares = np.zeros(2)
    if np.ptp(codebook, axis=0).any():
        pca = PCA(min(2, codebook.shape[1]))
        components = pca.fit_transform(np.asarray(codebook, dtype=np.float64))
        n_components = components.shape[1]  # one if there is one feature
        positions[:, :n_components] = components
        shares[:n_components] = pca.explained_variance_ratio_
    names = []
    for number, share in enumerate(shares, start=1):
        names.append(f"principal component {number} ({100 * share:.0f} %)")
    return positions, tuple(names)


def _isomap(codebook, connections):
    """Return positions whose distances are the lengths of paths along links.

    They are classical scaling of these lengths, as in Isomap, where paths go along the
    neighbors of each sample.
    """
    positions = np.zeros((len(codebook), 2))
    scaling = KernelPCA(2, kernel="precomputed")
    lengths = _path_lengths(codebook, connections)
    components = scaling.fit_transform(-0.5 * lengths**2)
    positions[:, : components.shape[1]] = components
    return positions, ("ways along links, axis 1", "ways along links, axis 2")


def _path_lengths(codebook, connections):
    """Return the lengths of the shortest paths along links between all units."""
    straight = cdist(codebook, codebook)
    # A length of 0 would mean that there is no edge.
    straight[straight == 0] = np.finfo(float).tiny
    np.fill_diagonal(straight, 0)
    # The minimum spanning tree adds links between parts of the graph that have none.
    # It is made of a sparse array: in a dense one, short lengths would mean no edge.
    tree = minimum_spanning_tree(sparse.csr_array(straight))
    joined = sparse.csr_array(connections).astype(bool) + tree.astype(bool)
    ends = joined.nonzero()
    graph = sparse.csr_array((straight[ends], ends), shape=straight.shape)
    return shortest_path(graph, directed=False)
