# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of an evolving map as points, joined by their links."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.spatial.distance import cdist

from skesom.displays._axes import size_in_points

_LARGEST = 0.05  # diameter of a node by the shorter side of the axes, of few nodes
_CROWDED = 0.8  # the same, times the root of their number, of many
_SMALLEST = 2.0  # points


class GraphLayout:
    """Units that stand where an embedding places them, joined by links.

    Parameters
    ----------
    positions : array-like of shape (n_units, 2)
        Where the units stand.
    connections : sparse array or array-like of shape (n_units, n_units)
        Strengths of the links, symmetric.
    hits : array-like of shape (n_units,), default=None
        What the areas of the points are proportional to.
    axis_names : tuple of str, default=("axis 1", "axis 2")
        What the axes are.
    """

    size = 1.25, 1.0  # width and height of a picture, in proportion
    flat = False

    def __init__(
        self,
        positions,
        connections,
        hits=None,
        axis_names=("axis 1", "axis 2"),
    ):
        self.positions = np.asarray(positions, dtype=np.float64)
        connections = sparse.coo_array(connections)
        links = sparse.triu(connections, 1).tocoo()
        self.links = np.column_stack(links.coords)
        self.strengths = np.asarray(links.data, dtype=np.float64)
        self.hits = None if hits is None else np.asarray(hits, dtype=np.float64)
        self.axis_names = axis_names
        if self.positions.shape != (connections.shape[0], 2):
            raise ValueError(
                "positions must be x and y of each of the "
                f"{connections.shape[0]} units, got shape {self.positions.shape}."
            )

    def draw(self, ax, values, **style):
        """Draw the units in the colors of their values, and their links."""
        from matplotlib.collections import LineCollection

        strongest = max(self.strengths.max(initial=0), np.finfo(float).tiny)
        opacity = 0.08 + 0.6 * self.strengths / strongest
        lines = LineCollection(
            self.positions[self.links],
            colors=[(0.2, 0.2, 0.25, each) for each in opacity],
            linewidths=0.6,
            zorder=1,
        )
        ax.add_collection(lines)
        n_units = len(self.positions)
        largest = min(_LARGEST, _CROWDED / np.sqrt(n_units)) * size_in_points(ax).min()
        if self.hits is None:
            shares = np.full(n_units, 0.25)
        else:
            shares = self.hits / max(self.hits.max(initial=0), 1)
        style = {"edgecolors": "black", "linewidths": 0.2} | style
        nodes = ax.scatter(
            *self.positions.T,
            c=values,
            s=np.maximum(shares * largest**2, _SMALLEST**2),
            zorder=2,
            **style,
        )
        # Distances are true: both axes have one scale.
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel(self.axis_names[0])
        ax.set_ylabel(self.axis_names[1])
        ax.tick_params(labelsize="small")
        return nodes


def embed(codebook, connections, embedding):
    """Place the units of a map in the plane."""
    if hasattr(embedding, "fit_transform"):
        name = type(embedding).__name__
        names = f"{name} axis 1", f"{name} axis 2"
        return np.asarray(embedding.fit_transform(codebook))[:, :2], names
    if not isinstance(embedding, str):
        return np.asarray(embedding), ("axis 1", "axis 2")
    if embedding == "pca":
        positions, shares = _principal_plane(codebook)
        return positions, tuple(
            f"principal component {number} ({100 * share:.0f} %)"
            for number, share in enumerate(shares, 1)
        )
    if embedding == "isomap":
        positions = _paths_in_plane(codebook, connections)
        return positions, tuple(f"ways along links, axis {number}" for number in (1, 2))
    raise ValueError(
        'embedding must be "pca", "isomap", a transformer with fit_transform, or the '
        f"positions of the units. Got {embedding!r}."
    )


def _principal_plane(codebook):
    """Place units by their first two principal components; also return the shares."""
    centered = codebook - codebook.mean(axis=0, dtype=np.float64)
    _, sizes, components = np.linalg.svd(centered, full_matrices=False)
    # The sign of a component is arbitrary: its largest weight shall be positive.
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(len(components)), largest])[:, None]
    plane, shares = np.zeros((len(codebook), 2)), np.zeros(2)
    plane[:, : len(components[:2])] = centered @ components[:2].T
    variances = sizes**2 / max(np.sum(sizes**2), np.finfo(float).tiny)
    shares[: len(variances[:2])] = variances[:2]
    return plane, shares


def _paths_in_plane(codebook, connections):
    """Place units so that straight ways in the plane resemble those along the links.

    Classical scaling of the shortest ways, as in Isomap. Parts of the graph that no
    link joins are joined where they are nearest: by the tree of the shortest ways
    between all units.
    """
    straight = cdist(codebook, codebook)
    # A way of length 0 would count as none.
    straight[straight == 0] = np.finfo(float).tiny
    np.fill_diagonal(straight, 0)
    # As a dense array, short ways would count as none too.
    tree = minimum_spanning_tree(sparse.csr_array(straight))
    linked = sparse.coo_array(connections).coords
    rows = np.concatenate([linked[0], tree.tocoo().row])
    columns = np.concatenate([linked[1], tree.tocoo().col])
    # Entries of the same two units would be added up.
    _, first = np.unique(rows * len(codebook) + columns, return_index=True)
    graph = sparse.csr_array(
        (straight[rows, columns][first], (rows[first], columns[first])),
        shape=straight.shape,
    )
    squared = shortest_path(graph, directed=False) ** 2
    squared -= squared.mean(axis=0)
    squared -= squared.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(-0.5 * squared)
    plane = np.zeros((len(codebook), 2))
    best = np.argsort(values)[::-1][:2]
    plane[:, : len(best)] = vectors[:, best] * np.sqrt(np.maximum(values[best], 0))
    largest = np.abs(plane).argmax(axis=0)
    return plane * np.where(plane[largest, [0, 1]] < 0, -1, 1)
