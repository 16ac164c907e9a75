# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a consensus: pieces that all members see, joined by their votes."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from skesom._common.pipelines import pipeline_end
from skesom._common.threads import one_blas_thread
from skesom.consensus._folded_graph import (
    FoldedGraph,
    Votes,
    likeness,
    or_last,
    shared_rows,
)
from skesom.consensus._piece_sums import means_of_pieces
from skesom.consensus._seen_rows import has_cuts, looked_up, views
from skesom.som.second_stage.units import contingency
from skesom.som.tree import N_PIECES, ClusterTree, average_linkage

_AGREED_AT = (8, 20, 40)  # clusters; more numbers find the same trees
_SPLIT_AT = 80  # clusters: pieces of pieces, for who asks for many clusters
_MOST_PIECES = 256  # so that votes take little time, and models little room
_MOST_FOLDED = 4000  # rows, or clusters of all members: eigenvectors take 9 s


class PieceVotes(NamedTuple):
    """Votes of the units, or labels, of the members for the pieces of the tree."""

    votes: Votes  # overlaps are with the clusters of the pieces

    def pieces(self, members, samples):
        """Return the piece of each row, and how much the members agree on it."""
        return self.votes.counted(views(members, samples))

    def comparing(self, seen, pieces, groups):
        """Return the votes with the overlaps of a cut, and what members make of it.

        Members are compared by clusters of their own: what each sees mostly in one
        group of the cut is one.

        Parameters
        ----------
        seen : list of ndarray of shape (n_rows,)
            Unit or label of each row in each member.
        pieces : ndarray of shape (n_rows,)
            Piece of each row.
        groups : ndarray of shape (n_pieces,)
            Group of each piece in the cut.

        Returns
        -------
        piece_votes : PieceVotes
        own_groups : list of ndarray of shape (n_rows,)
            Group in which each member sees each row, negative outside of all.
        """
        n_groups = int(groups.max()) + 1
        of_row = np.where(pieces >= 0, groups[np.maximum(pieces, 0)], pieces)
        of_piece = np.append(groups, n_groups)
        overlaps = []
        own_groups = []
        for of_member, table in zip(seen, self.votes.tables, strict=True):
            n_own = len(table) - 1
            shared = shared_rows(of_member, n_own, of_row, n_groups)
            home = shared.argmax(axis=1)
            alike = likeness(np.eye(n_groups + 1)[home].T @ shared)[home]
            overlaps.append(np.ascontiguousarray(alike[:, of_piece]))
            home = np.where(home < n_groups, home, -1)
            own = home[or_last(of_member, n_own)]
            own_groups.append(np.where(of_member < 0, of_member, own))
        return PieceVotes(self.votes._replace(overlaps=overlaps)), own_groups


def grown(members, seen, X):
    """Return the votes for pieces, the piece of each row, and the tree over them.

    For a few numbers the members agree on one clustering of the rows, by the cuts of
    their own trees. Rows that all of these hold together are a piece. The tree joins
    pieces that only the finest clustering parts first, and then all others by the
    share of all cuts of all members that hold them together.

    Parameters
    ----------
    members : list of clusterer
    seen : list of ndarray of shape (n_rows,)
        Unit of each row in each member that is a map, and its label in others.
    X : ndarray of shape (n_rows, n_features)

    Returns
    -------
    piece_votes : PieceVotes
    pieces : ndarray of shape (n_rows,)
        Negative for noise, and rows without any present feature.
    tree : ClusterTree
        Over the pieces.
    """
    cuts = [_cuts_of(member, own) for member, own in zip(members, seen, strict=True)]
    clusterings = _agreed_clusterings(cuts, seen)
    coarse = _held_together(clusterings[: len(_AGREED_AT)])
    pieces = _largest(_held_together([coarse, *clusterings[len(_AGREED_AT) :]]))
    _, first = np.unique(pieces[pieces >= 0], return_index=True)
    coarse = coarse[pieces >= 0][first]
    votes = _votes_for(pieces, cuts, seen)
    pieces, _ = votes.counted(seen)
    kept = np.unique(pieces[pieces >= 0])  # others have a vote in no row
    votes = votes.kept(kept)
    coarse = coarse[kept]
    n_pieces = len(kept)
    pieces = np.where(pieces >= 0, np.searchsorted(kept, pieces), pieces)
    sizes = np.bincount(pieces[pieces >= 0], minlength=n_pieces).astype(np.float64)
    together = _together(pieces, sizes, cuts, seen)
    together[coarse == coarse[:, np.newaxis]] = 1
    means = means_of_pieces(X, pieces, n_pieces)
    tree = average_linkage(together, sizes, cdist(means, means))
    return PieceVotes(votes), pieces, tree


def _held_together(clusterings):
    """Return groups of rows that all clusterings hold together, below 0 for noise."""
    clusters = np.stack(clusterings, axis=1)
    groups = clusters.min(axis=1).astype(np.intp)
    known = groups >= 0
    _, groups_of_known = np.unique(clusters[known], axis=0, return_inverse=True)
    groups[known] = groups_of_known.ravel()
    return groups


class _Cuts(NamedTuple):
    """The cuts of the tree of a map into 2, 3, ... clusters.

    A member that is no map has the one clustering of its labels.
    """

    finest: np.ndarray  # (n_units,): cluster of each unit, or label, in the finest cut
    tree: ClusterTree | None  # over the clusters of the finest cut

    def at(self, number):
        """Return the cluster of each unit in the cut into a number, or the nearest."""
        if self.tree is None:
            return self.finest
        return self.tree.groups(min(number, self.tree.n_leaves))[self.finest]

    def shares(self):
        """Return the share of the cuts that hold two of the finest clusters together.

        The shape is (n_finest, n_finest). Cuts into up to `N_PIECES` clusters count.
        """
        n_finest = self.finest.max(initial=0) + 1
        if self.tree is None or n_finest == 1:
            return np.eye(n_finest)
        numbers = range(2, min(n_finest, N_PIECES) + 1)
        shares = np.zeros((n_finest, n_finest))
        for number in numbers:
            groups = self.tree.groups(number)
            shares += groups == groups[:, np.newaxis]
        return shares / len(numbers)


def _cuts_of(member, own):
    """Return the cuts of a member, of which `own` are the units or labels of rows."""
    last, _ = pipeline_end(member)
    if not has_cuts(last):
        return _Cuts(np.arange(own.max(initial=0) + 1), None)
    tree, leaf_of_unit, sizes = last.grouping_.unit_tree
    n_finest = min(_SPLIT_AT, tree.n_leaves)
    finest = tree.clusters(n_finest, sizes)[leaf_of_unit]
    return _Cuts(finest, tree.pruned(n_finest, sizes))


def _agreed_clusterings(cuts, seen):
    """Return what the members agree on for each number, labels of shape (n_rows,)."""
    if any(of_member.tree is None for of_member in cuts):  # which have one number each
        finest = [of_member.finest for of_member in cuts]
        return [_agreed(finest, seen), _agreed(finest, seen, N_PIECES)]
    most = max(of_member.tree.n_leaves for of_member in cuts)
    if len(seen[0]) > _MOST_FOLDED:
        most = min(most, _MOST_FOLDED // len(cuts))
    numbers = [n for n in (*_AGREED_AT, _SPLIT_AT) if n <= most] or [most]
    return [
        _agreed([of_member.at(number) for of_member in cuts], seen)
        for number in numbers
    ]


def _agreed(cut, seen, n_groups=None):
    """Return the clustering of rows that members agree on, of their own number."""
    labels = [looked_up(of_unit, own) for of_unit, own in zip(cut, seen, strict=True)]
    if n_groups is None:
        n_groups = max(int(of_unit.max(initial=0)) for of_unit in cut) + 1
    graph = FoldedGraph(labels, n_groups)
    # The tree of a table is always the same.
    generator = np.random.RandomState(0)
    return graph.agreed(min(n_groups, graph.rank()), generator)


def _largest(pieces):
    """Return pieces of which small ones beyond a number are no pieces: -1."""
    sizes = np.bincount(pieces[pieces >= 0])
    number = np.full(len(sizes), -1)
    largest = np.sort(np.argsort(-sizes, kind="stable")[:_MOST_PIECES])
    number[largest] = np.arange(len(largest))
    return looked_up(number, pieces)


def _votes_for(pieces, cuts, seen):
    """Let each unit of a member vote for the pieces of its rows, by their shares."""
    n_pieces = int(pieces.max()) + 1
    tables = []
    for of_member, own in zip(cuts, seen, strict=True):
        shape = len(of_member.finest), n_pieces
        held = contingency(own, pieces, shape).astype(np.float64)
        of_clusters = np.zeros((of_member.finest.max(initial=0) + 1, n_pieces))
        np.add.at(of_clusters, of_member.finest, held)
        # A unit without rows here votes as its cluster does.
        is_seen = held.any(axis=1, keepdims=True)
        held = np.where(is_seen, held, of_clusters[of_member.finest])
        shares = held / held.sum(axis=1, keepdims=True).clip(1)
        tables.append(np.pad(shares, ((0, 1), (0, 0))))
    unknown = [np.zeros((len(t), n_pieces + 1), np.float32) for t in tables]
    return Votes(tables, unknown, np.zeros(n_pieces))


def _together(pieces, sizes, cuts, seen):
    """Return the share of the cuts that hold rows of two pieces together."""
    n_pieces = len(sizes)
    together = np.zeros((n_pieces, n_pieces))
    for of_member, own in zip(cuts, seen, strict=True):
        shares = of_member.shares()
        counts = contingency(
            pieces, looked_up(of_member.finest, own), (n_pieces, len(shares))
        )
        with one_blas_thread():  # each thread would add up on its own, in any order
            together += counts @ shares @ counts.T
    return together / (len(seen) * np.outer(sizes, sizes))
