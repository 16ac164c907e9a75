# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a consensus: pieces that all members see, joined by their votes."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from skesom._common.labels import MASKED
from skesom._common.pipelines import pipeline_end
from skesom.som._base import CodebookMap
from skesom.som._folded_graph import FoldedGraph, Votes, likeness, or_last, shared_rows
from skesom.som._metric import sums_by_group
from skesom.som._second_stage._units import contingency
from skesom.som._tree import LADDER, N_PIECES, average_linkage

# Parts of all members together, at the most: the pieces are found in a table of all
# pairs of them. With 12 maps each has its finest cut.
_MOST_PARTS = 1200


class PieceVotes(NamedTuple):
    """Votes of the parts of the members for the pieces, the leaves of the tree."""

    parts: list  # of each member: the part of each unit of a map, or None
    votes: Votes  # overlaps are with the clusters of the pieces

    def seen(self, members, X, errors):
        """Return the part of each row that each member sees."""
        return [
            of_rows(part, view(member, X, errors))
            for member, part in zip(members, self.parts, strict=True)
        ]

    def parts_of(self, views):
        """Return the part of each row by its unit or label in each member."""
        return [of_rows(part, own) for part, own in zip(self.parts, views, strict=True)]

    def pieces(self, members, X, errors):
        """Return the piece of each row, and how much the members agree on it."""
        return self.votes.counted(self.seen(members, X, errors))

    def comparing(self, seen, pieces, groups):
        """Return the votes with the overlaps of a cut, and what members make of it.

        Members are compared by clusters of their own: what each sees mostly in one
        group of the cut is one.

        Parameters
        ----------
        seen : list of ndarray of shape (n_rows,)
            Part of each row that each member sees.
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
            n_parts = len(table) - 1
            shared = shared_rows(of_member, n_parts, of_row, n_groups)
            home = shared.argmax(axis=1)
            alike = likeness(np.eye(n_groups + 1)[home].T @ shared)[home]
            overlaps.append(np.ascontiguousarray(alike[:, of_piece]))
            home = np.where(home < n_groups, home, -1)
            own = home[or_last(of_member, n_parts)]
            own_groups.append(np.where(of_member < 0, of_member, own))
        votes = self.votes._replace(overlaps=overlaps)
        return self._replace(votes=votes), own_groups


def grown(members, views, X, n_clusters):
    """Return the votes for pieces, the piece of each row, and the tree over them.

    Parameters
    ----------
    members : list of clusterer
    views : list of ndarray of shape (n_rows,)
        Unit of each row in each member that is a map, and its label in others.
    X : ndarray of shape (n_rows, n_features)
    n_clusters : int
        There are at least as many pieces, if members distinguish as many.

    Returns
    -------
    piece_votes : PieceVotes
    pieces : ndarray of shape (n_rows,)
        Negative for noise, and rows without any present feature.
    tree : ClusterTree
        Over the pieces.
    """
    cuts = [cuts_of(member) for member in members]
    finest = _finest(len(members), n_clusters)
    parts = [None if cut is None else _part_of_unit(cut, finest) for cut in cuts]
    seen = [of_rows(part, view) for part, view in zip(parts, views, strict=True)]
    n_pieces = max(N_PIECES, n_clusters)
    graph = FoldedGraph(seen, n_pieces)
    # The pieces of a table are always the same.
    votes = graph.votes(min(n_pieces, graph.rank()), np.random.RandomState(0))
    pieces, _ = votes.counted(seen)
    kept = np.unique(pieces[pieces >= 0])
    votes = votes.kept(kept)
    pieces, _ = votes.counted(seen)
    tree = _joined_pieces(pieces, len(kept), views, cuts, X)
    return PieceVotes(parts, votes), pieces, tree


def _finest(n_members, n_clusters):
    """Return the number of the cut of each map that the pieces are found by."""
    most = max(_MOST_PARTS // n_members, LADDER[0])
    finest = max(number for number in LADDER if number <= most)
    return max(finest, min(n_clusters, most))


def _part_of_unit(cuts, finest):
    """Return the part of each unit in the finest cut up to a number."""
    numbers = cuts.max(axis=0) + 1
    place = np.flatnonzero(numbers <= max(finest, numbers.min()))[-1]
    return cuts[:, place].astype(np.int32)


def _joined_pieces(pieces, n_pieces, views, cuts, X):
    """Return the tree of the pieces, by the shares of cuts that hold them together."""
    together = np.zeros((n_pieces, n_pieces))
    for view, cut in zip(views, cuts, strict=True):
        if cut is None:
            shape = (n_pieces, int(view.max(initial=0)) + 1)
            counts = contingency(pieces, view, shape).astype(np.float64)
            together += counts @ counts.T
            continue
        of_units = contingency(pieces, view, (n_pieces, len(cut))).astype(np.float64)
        for groups in cut.T:
            counts = of_units @ np.eye(groups.max() + 1)[groups]
            together += counts @ counts.T / cut.shape[1]
    sizes = np.bincount(pieces[pieces >= 0], minlength=n_pieces).astype(np.float64)
    together /= len(views) * np.outer(sizes, sizes)
    means = _means(X, pieces, n_pieces)
    return average_linkage(together, sizes, cdist(means, means))


def _means(X, pieces, n_pieces):
    """Return the means of pieces; a feature that a piece has not is the usual one."""
    values = X.astype(np.float64)
    sums, counts = sums_by_group(values, pieces.astype(np.intp), n_pieces, missing=True)
    usual = sums.sum(axis=0) / counts.sum(axis=0).clip(1)
    return np.where(counts > 0, sums / counts.clip(1), usual)


def cuts_of(member):
    """Return the cuts of the units of a map, None for another member."""
    last, _ = pipeline_end(member)
    if not _has_cuts(last):
        return None
    cuts = last.grouping_.unit_tree.cuts
    return cuts if cuts.shape[1] > 0 else np.zeros((len(cuts), 1), dtype=np.int16)


def _has_cuts(last):
    return isinstance(last, CodebookMap) and last._has_tree()


def view(member, X, errors):
    """Return the unit of each row in a map, and the label in a member without units."""
    last, table = pipeline_end(member, X)
    if _has_cuts(last):
        return last.winners(table, errors=errors)
    found = member.predict(X) if errors is None else member.predict(X, errors=errors)
    return np.asarray(found).astype(np.int32, copy=False)


def of_rows(part, view):
    """Return the part of each row by its unit; without parts, these are the labels."""
    if part is None:
        return view
    return np.where(view >= 0, part[view], MASKED).astype(np.int32)


def are_equal(seen):
    """Return whether all of several members see the same."""
    first = seen[0]
    return len(seen) > 1 and all(np.array_equal(first, own) for own in seen[1:])
