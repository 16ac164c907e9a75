# SPDX-License-Identifier: BSD-3-Clause
"""The tree of clusters that maps and consensuses have, and its cuts.

Evidence accumulation (Fred & Jain 2005, doi:10.1109/TPAMI.2005.113): many clusterings
of the same samples vote on which of them belong together, and average linkage of the
votes is the tree. A map cuts its graph of units into each number of a ladder; a
consensus collects the cuts of all of its members.
"""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import cdist

from skesom._common.labels import ranks_by_size

# Numbers that a map is cut into. The first say what is far apart, the last make the
# pieces; others do as well (docs/second_stage.md, "How the tree grows").
LADDER = (2, 3, 4, 6, 8, 12, 20, 40)
N_PIECES = 48  # that a person is shown
_MOST_CLUSTERS = 20  # of n_clusters="auto"
_FINER = 2 / 3  # weight of a number by that of the one before (docs/second_stage.md)
_NEARNESS = 1e-6  # of a vote: the nearer ones join first where votes are equal


class ClusterTree(NamedTuple):
    """A tree over leaves; its cuts nest."""

    children: np.ndarray  # (n_leaves - 1, 2), as in AgglomerativeClustering
    heights: np.ndarray  # (n_leaves - 1,), share of the clusterings that part both

    @property
    def n_leaves(self):
        """Number of leaves."""
        return len(self.children) + 1

    def groups(self, n_groups):
        """Return the group of each leaf in a cut, numbered as their nodes."""
        n_leaves = self.n_leaves
        group = np.arange(2 * n_leaves - 1)
        for step in range(n_leaves - 2, -1, -1):
            node = n_leaves + step
            if step < n_leaves - n_groups:  # this step has joined its children
                group[self.children[step]] = group[node]
        return np.unique(group[:n_leaves], return_inverse=True)[1].astype(np.int32)

    def clusters(self, n_clusters, sizes):
        """Return the cluster of each leaf, numbered from 0 by falling size.

        `sizes`, of shape (n_leaves,), are the samples of each leaf.
        """
        groups = self.groups(n_clusters)
        held = np.bincount(groups, weights=sizes, minlength=n_clusters)
        return ranks_by_size(held)[groups].astype(np.int32)

    def persistence(self, clusters):
        """Return in what share of the clusterings each cluster of a cut is apart.

        It is the height at which the cluster is joined to another one, 1 for a cluster
        of all leaves. Clusters that a person merged may have several branches: theirs
        is the least of these.
        """
        n_leaves = self.n_leaves
        cluster = np.full(2 * n_leaves - 1, -1)
        cluster[:n_leaves] = clusters
        persistence = np.ones(clusters.max() + 1)
        for step, (one, other) in enumerate(self.children):
            if cluster[one] == cluster[other]:
                cluster[n_leaves + step] = cluster[one]
                continue
            for child in (one, other):
                if cluster[child] >= 0:
                    # Heights rise, so that the first one is the least.
                    number = cluster[child]
                    persistence[number] = min(persistence[number], self.heights[step])
        return persistence

    def pruned(self, n_leaves, sizes):
        """Return the tree above a cut; its leaves are the clusters of that cut."""
        clusters = self.clusters(n_leaves, sizes)
        n_joined = self.n_leaves - n_leaves
        number = np.empty(2 * self.n_leaves - 1, dtype=np.intp)
        number[: self.n_leaves] = clusters
        for step in range(n_joined):
            number[self.n_leaves + step] = number[self.children[step, 0]]
        later = np.arange(n_joined, self.n_leaves - 1)
        number[self.n_leaves + later] = n_leaves + later - n_joined
        children = number[self.children[n_joined:]]
        return ClusterTree(children, self.heights[n_joined:])


class HasClusterTree:
    """Base of estimators with a tree of clusters."""

    @property
    def children_(self) -> NDArray[np.intp]:
        """The two nodes that each step of the tree joins, leaves first."""
        return self._tree_and_sizes()[0].children

    @property
    def distances_(self) -> NDArray[np.float64]:
        """The height of each step of `children_`, rising."""
        return self._tree_and_sizes()[0].heights

    def _tree_and_sizes(self):
        """Return the tree, and the samples of each leaf."""
        raise NotImplementedError

    def _has_tree(self):
        """Return whether there is a tree: a map may be grouped otherwise."""
        raise NotImplementedError


def average_linkage(together, sizes, apart):
    """Join leaves by the mean share of the clusterings that hold them together.

    Parameters
    ----------
    together : ndarray of shape (n_leaves, n_leaves)
        Share of the clusterings in which a sample of one leaf is with one of another.
    sizes : ndarray of shape (n_leaves,)
        Weight of each leaf.
    apart : ndarray of shape (n_leaves, n_leaves)
        Distances, which decide where shares are equal.

    Returns
    -------
    tree : ClusterTree
    """
    largest = apart.max(initial=0.0)
    nearness = apart / largest if largest > 0 else np.zeros_like(apart)
    # The mean of both falls alike in every join, so that one table is enough.
    between = (1 - together) * (1 - _NEARNESS) + nearness * _NEARNESS
    return _linked(between.astype(np.float64), sizes.astype(np.float64))


def _linked(between, held):
    """Return the tree of average linkage, by chains of nearest neighbors.

    A chain goes from each cluster to its nearest one until two are nearest to each
    other; these join. Average linkage allows that in any order (Murtagh 1983).
    `between` and `held` are changed.
    """
    n_leaves = len(held)
    np.fill_diagonal(between, np.inf)
    alive = np.ones(n_leaves, dtype=bool)
    joined = []
    heights = []
    chain = []
    for _ in range(n_leaves - 1):
        if not chain:
            chain.append(int(np.argmax(alive)))
        while True:
            one = chain[-1]
            other = int(np.argmin(between[one]))
            # The one before, if it is as near: else equal ones would be a circle.
            if len(chain) > 1 and between[one, chain[-2]] <= between[one, other]:
                other = chain[-2]
                break
            chain.append(other)
        del chain[-2:]
        joined.append((one, other))
        heights.append(between[one, other])
        share = held[one] / (held[one] + held[other])
        row = share * between[one] + (1 - share) * between[other]
        between[one] = between[:, one] = row
        between[one, one] = np.inf
        between[other] = between[:, other] = np.inf
        held[one] += held[other]
        alive[other] = False
    return _sorted_tree(n_leaves, joined, heights)


def _sorted_tree(n_leaves, joined, heights):
    """Return the tree of pairs of leaves that stand for what they have joined."""
    order = np.argsort(heights, kind="stable")
    node = np.arange(n_leaves)
    parent = np.arange(n_leaves)
    children = np.empty((n_leaves - 1, 2), dtype=np.intp)
    for step, place in enumerate(order):
        pair = [_root(parent, leaf) for leaf in joined[place]]
        children[step] = np.sort(node[pair])
        parent[pair[1]] = pair[0]
        node[pair[0]] = n_leaves + step
    heights = np.asarray(heights, dtype=np.float64)[order]
    return ClusterTree(children, heights.clip(0, 1))  # shares, but for rounding


def _root(parent, leaf):
    while parent[leaf] != leaf:
        parent[leaf] = parent[parent[leaf]]
        leaf = parent[leaf]
    return leaf


def tree_of_units(cuts, hits, codebook):
    """Return the tree of the units of a map.

    Units that all cuts hold together join first, the nearest ones before others.

    Parameters
    ----------
    cuts : ndarray of int of shape (n_units, n_numbers)
        Cluster of each unit when there are so many.
    hits : ndarray of shape (n_units,)
        Samples of each unit, all above 0.
    codebook : ndarray of shape (n_units, n_features)

    Returns
    -------
    tree : ClusterTree
        Its leaves are the units.
    """
    if cuts.shape[1] == 0:
        cuts = np.zeros((len(hits), 1), dtype=np.int16)
    groups, piece = np.unique(cuts, axis=0, return_inverse=True)
    piece = piece.ravel()
    sizes = hits.astype(np.float64)
    joined, heights = _joined_inside(piece, codebook)
    if len(groups) > 1:
        held = np.bincount(piece, weights=sizes)
        centers = np.zeros((len(groups), codebook.shape[1]))
        np.add.at(centers, piece, codebook * sizes[:, np.newaxis])
        centers /= held[:, np.newaxis]
        upper = average_linkage(_votes(groups), held, cdist(centers, centers))
        first = np.unique(piece, return_index=True)[1].tolist()
        stands_for = first + [0] * len(upper.children)
        for step, (one, other) in enumerate(upper.children):
            stands_for[len(first) + step] = stands_for[one]
            joined.append((stands_for[one], stands_for[other]))
            # Above all joins inside, which come first.
            heights.append(max(upper.heights[step], _NEARNESS))
    return _sorted_tree(len(sizes), joined, heights)


def _votes(groups):
    """Return the share of the cuts that hold two pieces together, coarse ones first.

    What few clusters part is farther apart than what only many part, and finer cuts of
    thin bodies are less sure: each number counts less than the one before.
    """
    weights = _FINER ** np.arange(groups.shape[1])
    together = [of_pieces == of_pieces[:, np.newaxis] for of_pieces in groups.T]
    return np.tensordot(weights / weights.sum(), np.array(together, float), axes=1)


def _joined_inside(piece_of_unit, codebook):
    """Return the joins of the units inside of pieces, and heights below any vote."""
    joined, distances = [], []
    for piece in range(piece_of_unit.max() + 1):
        units = np.flatnonzero(piece_of_unit == piece)
        if len(units) < 2:
            continue
        steps = linkage(codebook[units], "average")
        stands_for = [*units.tolist(), *([0] * len(steps))]
        for step, (one, other) in enumerate(steps[:, :2].astype(np.intp).tolist()):
            stands_for[len(units) + step] = stands_for[one]
            joined.append((stands_for[one], stands_for[other]))
        distances += steps[:, 2].tolist()
    largest = max(distances, default=0.0)
    scale = _NEARNESS**2 / largest if largest > 0 else 0.0
    return joined, [distance * scale for distance in distances]


def check_cut(tree, n_clusters):
    """Refuse a number of clusters that no cut of the tree has."""
    n_leaves = tree.n_leaves
    is_number = isinstance(n_clusters, Integral) and not isinstance(n_clusters, bool)
    if not is_number or not 1 <= n_clusters <= n_leaves:
        raise ValueError(
            f"n_clusters must be an int from 1 to the {n_leaves} leaves of the tree. "
            f"Got {n_clusters!r}."
        )


class NumberGap(NamedTuple):
    """A number of clusters, and how much lower the next step of the tree is."""

    width: float
    n_clusters: int


def falls_of(tree):
    """Return the gaps between the heights of the first steps, the widest first."""
    heights = np.append(tree.heights[::-1], 0.0)[:_MOST_CLUSTERS]
    widths = -np.diff(heights, prepend=1.0)
    order = np.argsort(-widths, kind="stable").tolist()
    return [NumberGap(float(widths[place]), place + 1) for place in order]


class PieceTree(NamedTuple):
    """The tree over the pieces of a fitted map or consensus, for who looks at it.

    Pieces are numbered as by ``labels_at(n_pieces)``.
    """

    children: np.ndarray  # (n_pieces - 1, 2), as in AgglomerativeClustering
    heights: np.ndarray  # (n_pieces - 1,)
    sizes: np.ndarray  # (n_pieces,), samples of each
    clusters: np.ndarray  # (n_pieces,), cluster of the fit
    persistence: np.ndarray  # (n_clusters,), of `ClusterTree.persistence`


def has_tree(estimator):
    """Return whether a fitted map or consensus has a tree of clusters."""
    return isinstance(estimator, HasClusterTree) and estimator._has_tree()


def tree_of_pieces(estimator):
    """Return the tree over the pieces of a fitted map or consensus.

    A map has a leaf for each unit: those that hardly any cut parts are one piece.
    """
    tree, sizes = estimator._tree_and_sizes()
    n_clusters = estimator.n_clusters_
    n_pieces = min(max(N_PIECES, n_clusters), tree.n_leaves)
    piece_of_leaf = tree.clusters(n_pieces, sizes)
    cluster_of_leaf = tree.clusters(n_clusters, sizes)
    clusters = np.empty(n_pieces, dtype=np.int32)
    clusters[piece_of_leaf] = cluster_of_leaf
    pruned = tree.pruned(n_pieces, sizes)
    held = np.bincount(piece_of_leaf, weights=sizes, minlength=n_pieces)
    return PieceTree(
        children=pruned.children,
        heights=pruned.heights,
        sizes=held,
        clusters=clusters,
        persistence=pruned.persistence(clusters),
    )
