# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a consensus: pieces that all members see, joined by their votes."""

from typing import NamedTuple

import numpy as np

from skesom._common.labels import MASKED
from skesom._common.pipelines import pipeline_end
from skesom.som._base import CodebookMap
from skesom.som._folded_graph import FoldedGraph, Votes, likeness, or_last, shared_rows
from skesom.som._metric import sums_by_group
from skesom.som._second_stage._units import contingency
from skesom.som._tree import N_PIECES, mean_of_cuts, tree_of_pieces_in

_ENOUGH_TO_FOLD = 65_536  # rows, by which clusterings of one number are compared
# Of the rows: a smaller piece is a border, and goes to the piece that most clusterings
# hold it together with, if at least half of them do. So single rows at borders take no
# clusters, and what stands apart keeps its own.
_SMALL = 0.005
_MOSTLY = 0.5
_FEWEST = 3  # rows of a piece that is no border
_MOST_PIECES = 128  # so that votes take little time, and models little room


class PieceVotes(NamedTuple):
    """Votes of the units, or labels, of the members for the pieces of the tree."""

    votes: Votes  # overlaps are with the clusters of the pieces

    def pieces(self, members, X, errors):
        """Return the piece of each row, and how much the members agree on it."""
        return self.votes.counted(views(members, X, errors))

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

    For each number of the ladder the members agree on one clustering of the rows. Rows
    that all of these hold together are a piece. The tree joins pieces by the share of
    the cuts of all members that hold them together.

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
    cuts = _cuts_of(members, seen)
    agreed = [_agreed(number, seen) for number in cuts]
    if len(cuts) == 1:  # of members without a ladder: finer than each of them
        agreed.append(_agreed(cuts[0], seen, N_PIECES))
    of_rows = np.stack(agreed, axis=1)
    is_noise = of_rows.min(axis=1) < 0
    pieces = np.full(len(of_rows), -1, dtype=np.intp)
    _, found = np.unique(of_rows[~is_noise], axis=0, return_inverse=True)
    pieces[~is_noise] = found.ravel()
    pieces[is_noise] = of_rows[is_noise].min(axis=1)
    pieces = _largest(pieces)
    votes = _votes_for(pieces, cuts[0], seen)
    pieces, _ = votes.counted(seen)
    kept = np.unique(pieces[pieces >= 0])
    votes = votes.kept(kept)
    pieces, _ = votes.counted(seen)
    together, sizes = _together(pieces, len(kept), cuts, seen)
    owner = _owners(together, sizes)
    together, _ = _together(_looked_up(owner, pieces), owner.max() + 1, cuts, seen)
    means = _means(X, pieces, len(kept))
    tree = tree_of_pieces_in(owner, together, sizes, means)
    return PieceVotes(votes), pieces, tree


def _cuts_of(members, seen):
    """Return for each number the group of each unit, or label, of each member.

    Maps choose for each number together whether links or normals cut them. A member
    that is no map has one clustering, for all numbers.
    """
    ladders = [_ladder_of(member) for member in members]
    known = [ladder for ladder in ladders if ladder is not None]
    if not known or min(len(ladder.costs) for ladder in known) == 0:
        return [[np.arange(own.max(initial=0) + 1) for own in seen]]
    n_numbers = min(len(ladder.costs) for ladder in known)
    costs = np.median([ladder.costs[:n_numbers] for ladder in known], axis=0)
    tables = []
    for ladder, own in zip(ladders, seen, strict=True):
        if ladder is None:
            labels = np.arange(own.max(initial=0) + 1)
            tables.append(np.repeat(labels[:, np.newaxis], n_numbers, axis=1))
        else:
            tables.append(ladder.cuts(costs))
    return [[table[:, place] for table in tables] for place in range(n_numbers)]


def _agreed(cut, seen, n_groups=None):
    """Return the clustering of rows that members agree on, of their own number."""
    labels = [_looked_up(of_unit, own) for of_unit, own in zip(cut, seen, strict=True)]
    if n_groups is None:
        n_groups = max(int(of_unit.max(initial=0)) for of_unit in cut) + 1
    few = slice(None, None, max(1, len(labels[0]) // _ENOUGH_TO_FOLD))
    graph = FoldedGraph([of_member[few] for of_member in labels], n_groups)
    # The tree of a table is always the same.
    votes = graph.votes(min(n_groups, graph.rank()), np.random.RandomState(0))
    agreed, _ = votes.counted(labels)
    return agreed


def _largest(pieces):
    """Return pieces of which small ones beyond a number are no pieces: -1."""
    sizes = np.bincount(pieces[pieces >= 0])
    number = np.full(len(sizes), -1)
    largest = np.sort(np.argsort(-sizes, kind="stable")[:_MOST_PIECES])
    number[largest] = np.arange(len(largest))
    return _looked_up(number, pieces)


def _owners(together, sizes):
    """Return the number of the piece that each piece belongs to.

    It is itself, or for a small one at a border that which most clusterings hold it
    together with.
    """
    is_small = sizes < max(int(_SMALL * sizes.sum()), _FEWEST)
    if is_small.all():
        is_small[np.argmax(sizes)] = False
    large = np.flatnonzero(~is_small)
    owner = np.arange(len(sizes))
    for piece in np.flatnonzero(is_small):
        nearest = large[np.argmax(together[piece, large])]
        if together[piece, nearest] >= _MOSTLY:
            owner[piece] = nearest
    return np.unique(owner, return_inverse=True)[1]


def _votes_for(pieces, cut, seen):
    """Let each unit of a member vote for the pieces of its rows, by their shares."""
    n_pieces = int(pieces.max()) + 1
    tables = []
    for of_unit, own in zip(cut, seen, strict=True):
        held = contingency(own, pieces, (len(of_unit), n_pieces)).astype(np.float64)
        shares = held / held.sum(axis=1, keepdims=True).clip(1)
        tables.append(np.pad(shares, ((0, 1), (0, 0))))
    unknown = [np.zeros((len(t), n_pieces + 1), np.float32) for t in tables]
    return Votes(tables, unknown, np.zeros(n_pieces))


def _together(pieces, n_pieces, cuts, seen):
    """Return the share of the cuts that hold rows of two pieces together, and sizes."""
    together = np.zeros((len(cuts), n_pieces, n_pieces))
    for member, own in enumerate(seen):
        n_own = len(cuts[0][member])
        of_units = contingency(pieces, own, (n_pieces, n_own)).astype(np.float64)
        for place, cut in enumerate(cuts):
            groups = cut[member]
            counts = of_units @ np.eye(groups.max(initial=0) + 1)[groups]
            together[place] += counts @ counts.T
    sizes = np.bincount(pieces[pieces >= 0], minlength=n_pieces).astype(np.float64)
    pairs = np.outer(sizes, sizes)
    return mean_of_cuts(together) / (len(seen) * pairs), sizes


def _means(X, pieces, n_pieces):
    """Return the means of pieces; a feature that a piece has not is the usual one."""
    values = X.astype(np.float64)
    sums, counts = sums_by_group(values, pieces.astype(np.intp), n_pieces, missing=True)
    usual = sums.sum(axis=0) / counts.sum(axis=0).clip(1)
    return np.where(counts > 0, sums / counts.clip(1), usual)


def _ladder_of(member):
    """Return the cuts of the units of a map, None for another member."""
    last, _ = pipeline_end(member)
    return last.grouping_.unit_tree.ladder if _has_cuts(last) else None


def _has_cuts(last):
    return isinstance(last, CodebookMap) and last._has_tree()


def view(member, X, errors):
    """Return the unit of each row in a map, and the label in a member without units."""
    last, table = pipeline_end(member, X)
    if _has_cuts(last):
        units = last.winners(table, errors=errors)
        return np.where(units < 0, MASKED, units).astype(np.int32)
    found = member.predict(X) if errors is None else member.predict(X, errors=errors)
    return np.asarray(found).astype(np.int32, copy=False)


def views(members, X, errors):
    """Return the units, or labels, of rows in each member."""
    return [view(member, X, errors) for member in members]


def _looked_up(values, places):
    """Return the value at each place; places below 0 stay."""
    found = values[np.maximum(places, 0)]
    return np.where(places >= 0, found, places).astype(np.int32)


def are_equal(seen):
    """Return whether all of several members see the same, under any numbers."""
    if len(seen) < 2:
        return False
    first = _in_order(seen[0])
    return all(np.array_equal(first, _in_order(own)) for own in seen[1:])


def _in_order(labels):
    """Return labels numbered by their first rows; those below 0 stay."""
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[number]
    return np.where(labels < 0, labels, number)
