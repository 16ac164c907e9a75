# SPDX-License-Identifier: BSD-3-Clause
"""The state of an evolving map: nodes, links, and scratch arrays of the kernel."""

import math

import numpy as np
from scipy import sparse

from skesom.som import work_blocks
from skesom.som._learning import learn, links_per_block, rows_at_once
from skesom.som.codebook import (
    by_feature,
    by_node,
    distances_to_units,
    nearest_units,
    padded,
    readable,
)

_SCRATCH = {"row_length", "rows", "samples", "features", "squared", "members"}
_SCRATCH |= {"slots", "member_squared", "activation", "newcomers"}
_NUMBERS = "n_nodes n_seen next_identity n_links n_slots pool_used".split()
_OF_NODES = {"identity": np.int64, "node_class": np.int64}
_OF_NODES |= dict.fromkeys(["begin", "degree", "room"], np.intc)
_OF_LINKS = dict.fromkeys(["target", "slot", "ends"], np.intc) | {"strength": float}


class Network:
    """Nodes and links of an evolving map, in arrays that grow."""

    exponent = 0  # of 2, by which samples are multiplied; of models of version 0.1

    def __init__(self, fill, exponent=0, nodes=None):
        self.fill = np.ldexp(fill, exponent)
        self.exponent = exponent
        if nodes is None:
            nodes = np.empty((0, len(fill)), fill.dtype)
        self.n_nodes = self.next_identity = len(nodes)
        self.n_seen = self.n_links = self.n_slots = self.pool_used = 0
        self.unused = -1
        self.codebook = by_feature(np.ldexp(nodes, exponent))
        capacity = self.codebook.shape[1]
        self.identity = np.arange(capacity, dtype=np.int64)  # stays when nodes move
        self.node_class = np.zeros(capacity, dtype=np.int64)  # 0 without classes
        for name in ("begin", "degree", "room"):
            setattr(self, name, np.zeros(capacity, dtype=np.intc))
        for name in ("target", "slot"):
            setattr(self, name, np.full(16 * capacity, -1, dtype=np.intc))
        self.ends = np.full(8 * capacity, -1, dtype=np.intc)
        self.strength = np.full(4 * capacity, np.inf)
        self._make_scratch()

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in _SCRATCH}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.codebook = by_feature(self.nodes(), len(self.begin))
        self._make_scratch()

    def check(self):
        """Refuse numbers by which the kernel would reach outside of the arrays."""
        arrays = {name: getattr(self, name) for name in _OF_NODES | _OF_LINKS}
        numbers = [getattr(self, name) for name in _NUMBERS]
        nodes, fill, target = self.nodes(), self.fill, self.target
        if not (
            all(type(number) is int and 0 <= number < 2**62 for number in numbers)
            and all(_is_plain(arrays[n], kind) for n, kind in _OF_NODES.items())
            and all(_is_plain(arrays[n], kind) for n, kind in _OF_LINKS.items())
            and _is_plain(fill, nodes.dtype)
            and nodes.dtype in (np.float32, np.float64)
            and nodes.shape == (self.n_nodes, len(fill))
            and np.isfinite(nodes).all()
            and 0 < self.n_nodes <= len(self.begin)
            and {len(arrays[name]) for name in _OF_NODES} == {self.codebook.shape[1]}
            and self.pool_used <= len(target) == len(self.slot)
            and self.n_slots <= len(self.strength) == len(self.ends) / 2
            and len(self.strength) % links_per_block == 0
            and self._lists_are_apart()
            and self._links_fit()
        ):
            raise ValueError("the units and links of its network do not fit together")

    def _lists_are_apart(self):
        """Return whether each node has a part of the pool for itself."""
        n_nodes = self.n_nodes
        order = np.argsort(self.begin[:n_nodes], kind="stable")
        begin, degree, room = (
            array[:n_nodes][order].astype(np.int64)
            for array in (self.begin, self.degree, self.room)
        )
        in_order = begin + room <= np.append(begin[1:], self.pool_used)
        return bool(np.all((begin >= 0) & (degree >= 0) & (degree <= room) & in_order))

    def _links_fit(self):
        """Return whether each link is known to both of its nodes, once."""
        # Slots that are free have -1 as their first end, and the next free one as their
        # second, from `unused` on.
        n_nodes, n_slots = self.n_nodes, self.n_slots
        ends = self.ends[: 2 * n_slots].reshape(-1, 2)
        used = np.flatnonzero(ends[:, 0] >= 0)
        low, high = ends[used].T.astype(np.int64)
        pairs = np.minimum(low, high) * n_nodes + np.maximum(low, high)
        unused, slot = 0, self.unused
        while 0 <= slot < n_slots and ends[slot, 0] == -1 and unused < n_slots:
            unused, slot = unused + 1, int(ends[slot, 1])
        if not (
            slot == -1
            and len(used) == self.n_links == n_slots - unused
            and np.all((high >= 0) & (low < n_nodes) & (high < n_nodes) & (low != high))
            and len(np.unique(pairs)) == len(pairs)
        ):
            return False
        place = self._places()
        node = np.repeat(np.arange(n_nodes), self.degree[:n_nodes])
        known = np.column_stack([self.slot[place], node, self.target[place]])
        links = np.column_stack([used, low, high])
        links = np.vstack([links, links[:, [0, 2, 1]]])
        known, links = (each[np.lexsort(each.T)] for each in (known, links))
        return np.array_equal(known, links)

    def units(self):
        """Return the weights of the nodes in the unit of the samples."""
        return np.ldexp(self.nodes(), -self.exponent)

    def nodes(self):
        """Return the weights of the nodes, (n_nodes, n_features), as they are here."""
        return np.ascontiguousarray(self.codebook[:-1, : self.n_nodes].T)

    def links(self):
        """Return the strengths of the links as a symmetric CSR matrix."""
        low, high = self.ends[: 2 * self.n_slots].reshape(-1, 2).T
        used = low >= 0
        low, high, strength = low[used], high[used], self.strength[: self.n_slots][used]
        matrix = sparse.csr_array(
            (np.r_[strength, strength], (np.r_[low, high], np.r_[high, low])),
            shape=(self.n_nodes, self.n_nodes),
        )
        matrix.sort_indices()
        return matrix

    def nearest_of_class(self, X, y):
        """Find the nearest node of the class of every sample, -1 without any."""
        codebook, node_class = self.units(), self.node_class[: self.n_nodes]
        winners = np.full(len(X), -1, dtype=np.intp)
        for label in np.intersect1d(y, node_class):
            own = np.flatnonzero(node_class == label)
            rows = y == label
            nearest, _ = nearest_units(X[rows], codebook[own])
            winners[rows] = np.where(nearest < 0, -1, own[nearest])
        return winners

    def learn(self, X, order, *, epsilon, max_nodes, when_full, **rule):
        """Learn rows of X in the given order."""
        X = readable(np.ldexp(X, self.exponent) if self.exponent else X)
        epsilon = math.ldexp(epsilon, self.exponent)
        rule["classes"] = readable(rule.get("classes"))
        rule["max_nodes"] = max_nodes
        begin = 0
        while begin < len(order):
            some = order[begin : begin + self._rows_at_a_time()]
            n_learned = learn(X, some, self, epsilon=epsilon, **rule)
            begin += n_learned
            if n_learned < len(some):
                if self.n_nodes >= max_nodes:
                    epsilon = when_full(self, epsilon)
                else:
                    self._grow()
        return math.ldexp(epsilon, -self.exponent)

    def _rows_at_a_time(self):
        """Return how many rows are a short call; each may add a node."""
        n_features = len(self.fill)
        of_row = n_features * self.n_nodes + self.n_links
        root = math.sqrt(of_row**2 + 4 * n_features * work_blocks.WORK)
        return max(1, int(2 * work_blocks.WORK / (of_row + root)))

    def set_links(self, low, high, strength):
        """Replace all links by those between `low` and `high`, in this order."""
        self.n_links = self.n_slots = len(low)
        self.unused = -1
        self.ends[: 2 * len(low)] = np.column_stack([low, high]).ravel()
        self.strength[:] = np.inf
        self.strength[: len(low)] = strength
        node, other = np.column_stack([low, high, high, low]).reshape(-1, 2).T
        order = np.argsort(node, kind="stable")
        self.degree[: self.n_nodes] = np.bincount(node, minlength=self.n_nodes)
        self._pack(other[order], order // 2)

    def _pack(self, neighbors, slots):
        """Write the neighbors of each node, and their slots, to a pool with room."""
        # Neighbors stay in their order: activations are added up in it, to the bit.
        self.room[: self.n_nodes] = 2 * self.degree[: self.n_nodes] + 4
        ends = np.cumsum(self.room[: self.n_nodes])
        self.begin[: self.n_nodes] = ends - self.room[: self.n_nodes]
        self.pool_used = int(ends[-1])
        size = 2 * self.pool_used + 16 * self.n_nodes
        self.target = np.full(size, -1, dtype=np.intc)
        self.slot = np.full(size, -1, dtype=np.intc)
        place = self._places()
        self.target[place], self.slot[place] = neighbors, slots
        self._make_scratch()

    def _places(self):
        """Return the places of neighbors in the pool, node by node."""
        degree = self.degree[: self.n_nodes]
        first = self.begin[: self.n_nodes] - (np.cumsum(degree) - degree)
        return np.repeat(first, degree) + np.arange(degree.sum())

    def _grow(self):
        """Make room for twice the nodes, links and neighbors that there are."""
        place = self._places()
        if self.n_nodes == len(self.begin):
            # With a power of two the features of a node compete for the same cache.
            odd_steps = padded(2 * self.n_nodes) | padded(1)
            self.codebook = by_feature(self.nodes(), odd_steps)
            capacity = self.codebook.shape[1]
            for name in ("identity", "node_class", "begin", "degree", "room"):
                setattr(self, name, _extended(getattr(self, name), capacity))
        n_slots = padded(2 * self.n_slots + self.n_nodes, links_per_block)
        if n_slots > len(self.strength):
            self.strength = _extended(self.strength, n_slots, np.inf)
            self.ends = _extended(self.ends, 2 * n_slots)
        self._pack(self.target[place], self.slot[place])

    def _make_scratch(self):
        """Allocate the arrays of _SCRATCH, which follow from the others."""
        dtype, stride = self.fill.dtype, self.codebook.shape[1]
        self.row_length = 0
        self.rows = self.codebook[:1]  # the kernel looks at them if they have a length
        if len(self.fill) >= 8:  # fewer are handled as fast one by one
            self.rows = by_node(self.codebook)
            self.row_length = self.rows.shape[1]
        length = self.row_length or len(self.fill)
        self.samples = np.zeros((rows_at_once, length), dtype=dtype)
        self.features = np.empty(len(self.fill), dtype=np.intc)
        self.squared = np.empty(2 * stride, dtype=dtype)
        self.members = np.empty(stride + 16, dtype=np.intc)
        self.slots = np.empty(stride + 16, dtype=np.intc)
        self.member_squared = np.zeros(stride + 16, dtype=dtype)
        self.activation = np.empty(stride + 16, dtype=dtype)
        self.newcomers = np.empty(stride + 2, dtype=np.intc)


def _is_plain(array, dtype):
    """Return whether something is an array of one axis as the kernel takes it."""
    is_array = type(array) is np.ndarray and array.ndim == 1 and array.dtype == dtype
    return is_array and array.flags.c_contiguous and array.flags.writeable


def _extended(array, length, fill=-1):
    return np.pad(array, (0, length - len(array)), constant_values=fill)


def make_room(network, epsilon):
    """Merge a quarter of the nodes, and enlarge epsilon (as BIRCH its threshold)."""
    # Zhang, Ramakrishnan & Livny (1996), doi:10.1145/233269.233324
    least = (network.n_nodes + 1) // 2
    enough = max(1, 3 * network.n_nodes // 4)
    epsilon = 1.1 * epsilon  # at least
    if network.n_nodes == 1:
        return 2 * epsilon
    while network.n_nodes > enough:
        epsilon = max(epsilon, merge_closest(network, least))
    return epsilon


def merge_closest(network, least):
    """Merge nodes closer than half of them are to their nearest neighbor."""
    nodes = network.nodes()
    node_class = network.node_class[: network.n_nodes]
    distances = distances_to_units(nodes, nodes)
    if node_class.any():
        distances[node_class[:, np.newaxis] != node_class] = np.inf
    np.fill_diagonal(distances, np.inf)
    spacing = distances.min(axis=1)
    distance = np.median(spacing)
    if not distance < np.inf:
        distance = spacing.min()
    kept, joins = _thin_out(distances, distance, least)
    sums = np.zeros((len(kept), nodes.shape[1]))
    np.add.at(sums, joins, nodes)
    means = (sums / np.bincount(joins)[:, None]).astype(nodes.dtype)
    links = network.links().tocoo()
    low, high = (joins[end] for end in links.coords)
    network.codebook = by_feature(means, len(network.begin))
    network.identity[: len(kept)] = network.identity[kept]
    network.node_class[: len(kept)] = network.node_class[kept]
    network.n_nodes = len(kept)
    network.set_links(*_strongest(low, high, links.data))
    return float(distance)


def _thin_out(distances, distance, least):
    """Keep nodes in order that are farther apart than a distance, or enough of them."""
    n_nodes = len(distances)
    free = np.ones(n_nodes, dtype=bool)
    surplus = n_nodes - least
    kept = []
    for node in range(n_nodes):
        if free[node]:
            kept.append(node)
            free[node] = False
            near = np.flatnonzero(free & (distances[node] <= distance))[:surplus]
            free[near] = False
            surplus -= len(near)
    kept = np.array(kept)
    joins = np.argmin(distances[:, kept], axis=1)
    joins[kept] = np.arange(len(kept))
    return kept, joins


def _strongest(low, high, strength):
    """Return the links between different nodes once each, with the largest strength."""
    once = low < high
    low, high, strength = low[once], high[once], strength[once]
    order = np.lexsort((strength, high, low))
    low, high, strength = low[order], high[order], strength[order]
    last = np.ones(len(low), dtype=bool)
    last[:-1] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return low[last], high[last], strength[last]
