# SPDX-License-Identifier: BSD-3-Clause
"""The state of an evolving map: nodes, links, and what the kernel needs to go on."""

import copy

import numpy as np
from scipy import sparse

from skesom.som._codebook import by_feature, distances_to_units, padded
from skesom.som._learning import learn, links_per_block


class Network:
    """Nodes and links of an evolving map, in arrays that grow.

    Parameters
    ----------
    fill : ndarray of shape (n_features,)
        Values for the missing features of a first sample. Its dtype, float32 or
        float64, is that of the nodes.

    Attributes
    ----------
    n_nodes, n_links : int
        How many there are.
    n_seen : int
        Samples learned.
    identity : ndarray of shape (capacity,), dtype int64
        A number for each node that stays with it; positions change when nodes go.
    """

    def __init__(self, fill):
        self.fill = np.array(fill)
        self.n_nodes = self.n_links = self.n_slots = 0
        self.unused = -1
        self.n_seen = 0
        self.next_identity = 0
        self.codebook = by_feature(np.empty((0, len(self.fill)), self.fill.dtype))
        capacity = self.codebook.shape[1]
        self.first = np.full(capacity, -1, dtype=np.intc)
        self.identity = np.zeros(capacity, dtype=np.int64)
        for name in ("target", "following", "preceding"):
            setattr(self, name, np.full(8 * capacity, -1, dtype=np.intc))
        self.strength = np.zeros(4 * capacity)
        self._make_scratch()

    def copy(self):
        """Return a network that learns on its own."""
        return copy.deepcopy(self)

    def __getstate__(self):
        scratch = ("weakest", "stale", "features", "squared", "activation")
        return {k: v for k, v in self.__dict__.items() if k not in scratch}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.codebook = by_feature(self.nodes(), len(self.first))
        self._make_scratch()

    def nodes(self):
        """Return the weights of the nodes, (n_nodes, n_features)."""
        return np.ascontiguousarray(self.codebook[:, : self.n_nodes].T)

    def links(self):
        """Return the strengths of the links as a symmetric CSR matrix."""
        halves = np.arange(2 * self.n_slots)
        halves = halves[self.target[: 2 * self.n_slots] >= 0]
        matrix = sparse.csr_array(
            (
                self.strength[halves // 2],
                (self.target[halves ^ 1], self.target[halves]),
            ),
            shape=(self.n_nodes, self.n_nodes),
        )
        matrix.sort_indices()
        return matrix

    def learn(self, X, order, *, epsilon, max_nodes, when_full, **rule):
        """Learn rows of X in the given order.

        Parameters
        ----------
        X : C-contiguous ndarray of shape (n_samples, n_features)
            Samples of the dtype of the nodes; NaN marks missing features.
        order : ndarray of shape (n_learned,), dtype intp
            Rows to learn, in this order.
        epsilon : float
            Samples farther than this from every node become nodes.
        max_nodes : int
            Bound of the number of nodes.
        when_full : callable
            Called as ``when_full(network, epsilon)`` when a sample needs a node that
            `max_nodes` forbids; makes room and returns the epsilon to go on with.
        **rule : dict
            The other arguments of the kernel.

        Returns
        -------
        epsilon : float
            The one in force at the end.
        """
        begin = 0
        while begin < len(order):
            begin += learn(
                X, order[begin:], self, epsilon=epsilon, max_nodes=max_nodes, **rule
            )
            if begin < len(order):
                if self.n_nodes >= max_nodes:
                    epsilon = when_full(self, epsilon)
                else:
                    self._grow()
        return epsilon

    def merge(self, epsilon):
        """Merge nodes that are closer than epsilon to an earlier one.

        A node joins the nearest kept node within epsilon and gives it its links; the
        kept node moves to their mean, weighted by nothing but the number of nodes.
        """
        nodes = self.nodes()
        links = self.links().tocoo()
        kept, joins = _thin_out(nodes, epsilon)
        sums = np.zeros((len(kept), nodes.shape[1]))
        np.add.at(sums, joins, nodes)
        merged = sums / np.bincount(joins)[:, None]
        rows, columns = joins[links.coords[0]], joins[links.coords[1]]
        self._rebuild(
            merged.astype(nodes.dtype), self.identity[kept], rows, columns, links.data
        )

    def _rebuild(self, nodes, identity, rows, columns, strengths):
        """Start again from nodes and (doubly listed) links, keeping the counters."""
        fresh = Network(self.fill)
        strongest = {}
        for row, column, strength in zip(rows, columns, strengths, strict=True):
            if row < column:
                pair = (int(row), int(column))
                strongest[pair] = max(strongest.get(pair, 0.0), float(strength))
        fresh.n_nodes = len(nodes)
        fresh._make_room(len(nodes), len(strongest))
        fresh.codebook[:, : len(nodes)] = nodes.T
        fresh.identity[: len(nodes)] = identity
        for slot, ((low, high), strength) in enumerate(sorted(strongest.items())):
            fresh.strength[slot] = strength
            for half, node, other in ((2 * slot, low, high), (2 * slot + 1, high, low)):
                fresh.target[half] = other
                fresh.preceding[half] = -1
                fresh.following[half] = fresh.first[node]
                if fresh.first[node] >= 0:
                    fresh.preceding[fresh.first[node]] = half
                fresh.first[node] = half
        fresh.n_links = fresh.n_slots = len(strongest)
        fresh.n_seen = self.n_seen
        fresh.next_identity = self.next_identity
        self.__dict__ = fresh.__dict__

    def _grow(self):
        """Double what has run out: room for nodes, for links, or both."""
        n_nodes, n_slots = self.n_nodes, self.n_slots
        more_nodes = 2 * n_nodes if n_nodes == len(self.first) else n_nodes
        crowded = len(self.strength) - n_slots < n_nodes + 2
        self._make_room(more_nodes, 2 * (n_slots + n_nodes) if crowded else n_slots)

    def _make_room(self, n_nodes, n_links):
        if n_nodes > len(self.first):
            self.codebook = by_feature(self.nodes(), n_nodes)
            capacity = self.codebook.shape[1]
            self.first = _extended(self.first, capacity)
            self.identity = _extended(self.identity, capacity)
        if n_links > len(self.strength):
            self.strength = _extended(self.strength, n_links)
            for name in ("target", "following", "preceding"):
                setattr(self, name, _extended(getattr(self, name), 2 * n_links))
        self._make_scratch()

    def _make_scratch(self):
        """Allocate what can be made again from the rest."""
        n_blocks = -(-len(self.strength) // links_per_block)
        self.weakest = np.full(n_blocks, -1, dtype=np.intc)
        self.stale = np.ones(n_blocks, dtype=np.int8)
        self.features = np.empty(len(self.fill), dtype=np.intc)
        self.squared = np.empty(padded(len(self.first)), dtype=self.fill.dtype)
        self.activation = np.empty(padded(len(self.first)))


def _extended(array, length):
    longer = np.full(length, -1, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def _thin_out(nodes, epsilon):
    """Keep nodes in order that are farther than epsilon from all kept before.

    Returns
    -------
    kept : ndarray of shape (n_kept,)
        Indices of the kept nodes, rising.
    joins : ndarray of shape (n_nodes,)
        For each node the position in `kept` of the kept node that it joins.
    """
    distances = distances_to_units(nodes, nodes)
    free = np.ones(len(nodes), dtype=bool)
    kept = []
    for node in range(len(nodes)):
        if free[node]:
            kept.append(node)
            free &= distances[node] > epsilon
    kept = np.array(kept)
    joins = np.argmin(distances[:, kept], axis=1)
    joins[kept] = np.arange(len(kept))
    return kept, joins
