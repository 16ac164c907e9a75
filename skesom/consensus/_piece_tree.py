# SPDX-License-Identifier: BSD-3-Clause
"""The tree of a consensus: pieces that all members see, joined by their votes."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from skesom._common.pipelines import pipeline_end
from skesom._common.threads import one_blas_thread
from skesom.consensus._folded_graph import FoldedGraph
from skesom.consensus._piece_sums import means_of_pieces
from skesom.consensus._seen_rows import has_cuts, look_up
from skesom.consensus._votes import Votes, likeness, or_last, shared_rows
from skesom.som.second_stage.units import contingency
from skesom.som.tree import N_PIECES, ClusterTree, average_linkage

# docs/consensus.md, "How it works", tells what these are for, and
# docs/benchmarks/tree_constants.py measures others.
_AGREED_AT = (8, 20, 40)  # clusters; more numbers find the same trees
_SPLIT_AT = 80  # clusters: pieces of pieces, for who asks for many clusters
_MOST_PIECES = 256  # so that votes take little time, and models little room
_MOST_FOLDED = 4000  # rows, or clusters of all members: eigenvectors take 9 s


class PieceVotes(NamedTuple):
    """Votes of the units, or labels, of the members for the pieces of the tree."""

    votes: Votes  # overlaps are with the clusters of the pieces

    def compare(self, seen, pieces, groups):
        """Return the votes with the overlaps of a cut, and what members make of it.

        Members are compared by clusters of their own: what each sees mostly in one
        group of the cut is one.

        Parameters
        ----------
        seen : SeenRows
        pieces : ndarray of shape (n_rows,)
            Piece of each row.
        groups : ndarray of shape (n_pieces,)
            Group of each piece in the cut.

        Returns
        -------
        piece_votes : PieceVotes
        groups_of_members : list of ndarray of shape (n_rows,)
            Group in which each member sees each row, negative outside of all.
        """
        n_groups = int(groups.max()) + 1
        groups_of_rows = look_up(groups, pieces)
        columns = np.append(groups, n_groups)  # the last for rows without a piece
        overlaps = []
        groups_of_members = []
        for units, table in zip(seen.members, self.votes.tables, strict=True):
            n_units = len(table) - 1
            shared = shared_rows(units, n_units, groups_of_rows, n_groups)
            # The clusters of the member: its units by the group with most of their
            # rows. The last is what it does not label.
            home = shared.argmax(axis=1)
            is_of_cluster = np.eye(n_groups + 1)[home]
            overlap = likeness(is_of_cluster.T @ shared)[home]
            overlaps.append(np.ascontiguousarray(overlap[:, columns]))
            home = np.where(home < n_groups, home, -1)
            homes_of_rows = home[or_last(units, n_units)]
            groups_of_members.append(np.where(units < 0, units, homes_of_rows))
        return PieceVotes(self.votes._replace(overlaps=overlaps)), groups_of_members


def grow_tree(members, seen):
    """Return the votes for pieces, the piece of each row, and the tree over them.

    For a few numbers the members agree on one clustering of the rows, by the cuts of
    their own trees. Rows that all of these hold together are a piece. The tree joins
    pieces that only the finest clustering parts first, and then all others by the
    share of all cuts of all members that hold them together (evidence accumulation,
    Fred & Jain 2005).

    Parameters
    ----------
    members : list of clusterer
    seen : SeenRows
        With samples.

    Returns
    -------
    piece_votes : PieceVotes
    pieces : ndarray of shape (n_rows,)
        Negative for noise, and rows without any present feature.
    tree : ClusterTree
        Over the pieces.
    """
    cuts = []
    for member, units in zip(members, seen.members, strict=True):
        cuts.append(_cuts_of_member(member, units))
    clusterings = _agreed_clusterings(cuts, seen)
    n_coarse = len(_AGREED_AT)
    coarse_of_rows = _common_refinement(clusterings[:n_coarse])
    pieces = _common_refinement([coarse_of_rows, *clusterings[n_coarse:]])
    pieces = _without_small(pieces)
    has_piece = pieces >= 0
    _, first_rows = np.unique(pieces[has_piece], return_index=True)
    coarse_of_pieces = coarse_of_rows[has_piece][first_rows]

    votes = _votes_for_pieces(pieces, cuts, seen)
    pieces, _ = votes.tally(seen.members)
    kept = np.unique(pieces[pieces >= 0])  # others have a vote in no row
    votes = votes.keep(kept)
    coarse_of_pieces = coarse_of_pieces[kept]
    n_pieces = len(kept)
    pieces = np.where(pieces >= 0, np.searchsorted(kept, pieces), pieces)

    sizes = np.bincount(pieces[pieces >= 0], minlength=n_pieces).astype(np.float64)
    similarities = _shares_together(pieces, sizes, cuts, seen)
    # Pieces of one coarse piece join before any two coarse pieces.
    similarities[coarse_of_pieces == coarse_of_pieces[:, np.newaxis]] = 1
    means = means_of_pieces(seen.samples.X, pieces, n_pieces)
    tree = average_linkage(similarities, sizes, cdist(means, means))
    return PieceVotes(votes), pieces, tree


class _Cuts(NamedTuple):
    """The cuts of the tree of a map into 2, 3, ... clusters.

    Another member has the one clustering of its labels.
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


def _cuts_of_member(member, units):
    """Return the cuts of a member, which sees rows in these units or labels."""
    last, _ = pipeline_end(member)
    if not has_cuts(last):
        return _Cuts(np.arange(units.max(initial=0) + 1), None)
    tree, leaf_of_unit, sizes = last.grouping_.unit_tree
    n_finest = min(_SPLIT_AT, tree.n_leaves)
    finest = tree.clusters(n_finest, sizes)[leaf_of_unit]
    return _Cuts(finest, tree.pruned(n_finest, sizes))


def _agreed_clusterings(cuts, seen):
    """Return what the members agree on for each number, labels of shape (n_rows,)."""
    if any(cuts_of_member.tree is None for cuts_of_member in cuts):
        # Members without a tree have one number each.
        finest = [cuts_of_member.finest for cuts_of_member in cuts]
        n_finest = max(int(clusters.max(initial=0)) for clusters in finest) + 1
        return [
            _agreed_clustering(finest, seen, n_finest),
            _agreed_clustering(finest, seen, N_PIECES),
        ]
    largest_number = max(cuts_of_member.tree.n_leaves for cuts_of_member in cuts)
    if seen.n_rows > _MOST_FOLDED:
        largest_number = min(largest_number, _MOST_FOLDED // len(cuts))
    numbers = []
    for number in (*_AGREED_AT, _SPLIT_AT):
        if number <= largest_number:
            numbers.append(number)
    if not numbers:
        numbers = [largest_number]
    clusterings = []
    for number in numbers:
        clusters_of_units = [cuts_of_member.at(number) for cuts_of_member in cuts]
        # Trees of few units cannot be cut into so many clusters.
        largest_cluster = max(
            int(clusters.max(initial=0)) for clusters in clusters_of_units
        )
        clusterings.append(
            _agreed_clustering(clusters_of_units, seen, largest_cluster + 1)
        )
    return clusterings


def _agreed_clustering(clusters_of_units, seen, n_clusters):
    """Return the clustering of rows that members agree on.

    Parameters
    ----------
    clusters_of_units : list of ndarray of int of shape (n_units,)
        Of each member, the cluster of each of its units.
    seen : SeenRows
    n_clusters : int
        Asked for; fewer if the members distinguish fewer.

    Returns
    -------
    labels : ndarray of int of shape (n_rows,)
    """
    labels = []
    for clusters, units in zip(clusters_of_units, seen.members, strict=True):
        labels.append(look_up(clusters, units))
    graph = FoldedGraph(labels, n_clusters)
    # The tree of a table is always the same.
    generator = np.random.RandomState(0)
    return graph.agreed_groups(min(n_clusters, graph.rank()), generator)


def _common_refinement(clusterings):
    """Return groups of rows that are in one cluster of each clustering.

    Parameters
    ----------
    clusterings : list of ndarray of int of shape (n_rows,)
        Below 0 for noise, or no data.

    Returns
    -------
    groups : ndarray of intp of shape (n_rows,)
        Below 0, as in the clusterings, for rows that any of them sees as noise.
    """
    clusters = np.stack(clusterings, axis=1)
    groups = clusters.min(axis=1).astype(np.intp)
    has_cluster = groups >= 0
    _, numbers = np.unique(clusters[has_cluster], axis=0, return_inverse=True)
    groups[has_cluster] = numbers.ravel()
    return groups


def _without_small(pieces):
    """Return pieces numbered anew, of which only the largest are left: others are -1.

    There are `_MOST_PIECES` at most. Rows of the others get a piece by their votes.
    """
    sizes = np.bincount(pieces[pieces >= 0])
    largest = np.sort(np.argsort(-sizes, kind="stable")[:_MOST_PIECES])
    new_number = np.full(len(sizes), -1)
    new_number[largest] = np.arange(len(largest))
    return look_up(new_number, pieces)


def _votes_for_pieces(pieces, cuts, seen):
    """Let each unit of a member vote for the pieces of its rows, by their shares."""
    n_pieces = int(pieces.max()) + 1
    tables = []
    overlaps = []
    for cuts_of_member, units in zip(cuts, seen.members, strict=True):
        clusters = cuts_of_member.finest
        rows = contingency(units, pieces, (len(clusters), n_pieces)).astype(np.float64)
        rows_of_clusters = np.zeros((clusters.max(initial=0) + 1, n_pieces))
        np.add.at(rows_of_clusters, clusters, rows)
        # A unit without rows here votes as its cluster does.
        has_rows = rows.any(axis=1, keepdims=True)
        rows = np.where(has_rows, rows, rows_of_clusters[clusters])
        shares = rows / rows.sum(axis=1, keepdims=True).clip(1)
        tables.append(np.pad(shares, ((0, 1), (0, 0))))
        # Overlaps are not known before a cut: see `PieceVotes.compare`.
        overlaps.append(np.zeros((len(clusters) + 1, n_pieces + 1), np.float32))
    return Votes(tables, overlaps, np.zeros(n_pieces))


def _shares_together(pieces, sizes, cuts, seen):
    """Return the share of the cuts that hold rows of two pieces together.

    It is the mean over all pairs of a row of the one and a row of the other, and over
    all cuts of all members.

    Parameters
    ----------
    pieces : ndarray of int of shape (n_rows,)
    sizes : ndarray of float of shape (n_pieces,)
        Rows of each piece.
    cuts : list of _Cuts
    seen : SeenRows

    Returns
    -------
    shares : ndarray of shape (n_pieces, n_pieces)
    """
    n_pieces = len(sizes)
    pairs_together = np.zeros((n_pieces, n_pieces))
    for cuts_of_member, units in zip(cuts, seen.members, strict=True):
        shares = cuts_of_member.shares()
        clusters = look_up(cuts_of_member.finest, units)
        counts = contingency(pieces, clusters, (n_pieces, len(shares)))
        with one_blas_thread():  # each thread would add up on its own, in any order
            pairs_together += counts @ shares @ counts.T
    return pairs_together / (len(cuts) * np.outer(sizes, sizes))
