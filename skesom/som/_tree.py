# SPDX-License-Identifier: BSD-3-Clause
"""A tree of clusters, anchored at those that were asked for, and cuts of it."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils import gen_batches

from skesom._common.labels import MASKED
from skesom._common.pipelines import pipeline_end
from skesom._common.threads import one_blas_thread
from skesom.som._base import CodebookMap, cuts_of_units
from skesom.som._folded_graph import FoldedGraph, Votes, likeness, or_last, shared_rows
from skesom.som._metric import sums_by_group
from skesom.som._second_stage._units import contingency

_PARTS_EACH = 4  # parts of a map for each cluster: finer ones hold too few units
_FEWEST_PARTS = 32  # for who asked for few clusters, or "auto" found one, wants more
_MOST_FEWER = 8  # smaller numbers that a map is asked for too, or a few more: of time
_ROWS_IN_CACHE = 16_384  # whose votes for all leaves stay there
_EQUAL = 1e-9  # shares that differ by less are equal but for rounding


class ClusterTree(NamedTuple):
    """A tree that is anchored at clusters: its cuts nest, and one of them is these."""

    clusters: np.ndarray  # (n_leaves,)
    sizes: np.ndarray  # (n_leaves,), rows of each
    children: np.ndarray  # (n_leaves - 1, 2), as in AgglomerativeClustering
    distances: np.ndarray  # (n_leaves - 1,), of the children, not falling

    def numbers(self, n_clusters):
        """Return the cluster of each leaf when there are n_clusters.

        Numbers stay: the smaller part of a cluster gets a new one, and two that are
        joined have the lower one of them, so that those above close up.
        """
        numbers, n_leaves = self.clusters.copy(), len(self.clusters)
        leaves = [np.array([leaf]) for leaf in range(n_leaves)]
        for pair in self.children:
            leaves.append(np.concatenate([leaves[node] for node in pair]))
        n_anchored, n_wanted = numbers.max() + 1, min(n_clusters, n_leaves)
        for step in range(n_leaves - n_anchored - 1, n_leaves - n_wanted - 1, -1):
            parts = [leaves[node] for node in self.children[step]]
            smaller = min(parts, key=lambda own: self.sizes[own].sum())
            numbers[smaller] = numbers.max() + 1
        for step in range(n_leaves - n_anchored, n_leaves - n_wanted):
            own = leaves[n_leaves + step]
            numbers[own] = numbers[own].min()
        return np.unique(numbers, return_inverse=True)[1].astype(np.int32)


def anchored_tree(clusters, together, sizes, means):
    """Join leaves inside clusters, and then the clusters, by average linkage.

    `together`, of shape (n_leaves, n_leaves) and changed here, counts for two leaves in
    how many clusterings a row of one is together with a row of the other, summed over
    all such rows; after Fred & Jain (2005), doi:10.1109/TPAMI.2005.113. Where that is
    equal, as between clusters that no member puts together, the nearest means join.
    """
    n_leaves, held = len(clusters), sizes.astype(np.float64)
    node, alive = np.arange(n_leaves), np.ones(n_leaves, dtype=bool)
    children = np.empty((n_leaves - 1, 2), dtype=np.intp)
    likeness = np.empty(n_leaves - 1)
    for step in range(n_leaves - 1):
        pairs = np.triu(alive[:, None] & alive, 1)
        # Leaves of one cluster first: so one of the cuts is these clusters.
        inside = pairs & (clusters[:, None] == clusters)
        pairs = inside if inside.any() else pairs
        mean = np.where(pairs, together / np.maximum(held[:, None] * held, 1), -1)
        apart = np.nan_to_num(cdist(means, means), nan=np.inf)
        apart[mean < mean.max() - _EQUAL] = np.nan  # only of equal ones
        one, other = np.unravel_index(np.nanargmin(apart), mean.shape)
        likeness[step], children[step] = mean[one, other], np.sort(node[[one, other]])
        together[one] += together[other]
        together[:, one] += together[:, other]
        means[one] = np.average(means[[one, other]], axis=0, weights=held[[one, other]])
        held[one] += held[other]
        alive[other], node[one] = False, n_leaves + step
    # Average linkage inside of clusters may join later what is more alike.
    distances = np.maximum.accumulate(1 - likeness)
    distances *= 1 - n_leaves * _EQUAL  # each cut has a height of its own, up to 1
    distances += np.arange(n_leaves - 1) * _EQUAL
    return ClusterTree(np.asarray(clusters), sizes, children, distances)


class PartVotes(NamedTuple):
    """Votes that give each row with a cluster one of its leaves."""

    parts: list  # of each member: the part of each unit of a map, or None
    votes: Votes  # of the parts of the members for the leaves
    clusters: np.ndarray  # of each leaf

    def parts_of(self, members, X, errors):
        """Return the part of each row that each member sees."""
        return [
            _of_units(part, _seen(member, part, X, errors))
            for member, part in zip(members, self.parts, strict=True)
        ]

    def leaves(self, parts, labels):
        """Return the leaf of each row, one of its cluster; a label below 0 stays."""
        leaves = np.array(labels, dtype=np.int32)
        for rows in gen_batches(len(leaves), _ROWS_IN_CACHE):
            own = leaves[rows]
            known = own >= 0
            score = self.votes.scores([of_member[rows][known] for of_member in parts])
            score[self.clusters != own[known, None]] = -np.inf
            own[known] = score.argmax(axis=1)
        return leaves


def tree_of_members(members, X, errors, labels, n_clusters, given=None):
    """Return the tree of a consensus, and the votes that give rows its leaves.

    Maps are asked for more clusters: these are grouped as those that they were asked
    for, and each group is a leaf of the cluster that holds most of its rows. How early
    leaves join is told by these parts, and by what maps find when asked for fewer.
    """
    most = max(_PARTS_EACH * n_clusters, _FEWEST_PARTS)
    step = max(1, n_clusters // _MOST_FEWER)
    numbers = [most, *range(n_clusters - 1, 1, -step)]
    cuts = [_cuts_of_units(member, X, errors, numbers) for member in members]
    of_units = [None if cut is None else cut[0] for cut in cuts]
    units = given or [
        _seen(member, of_unit, X, errors)
        for member, of_unit in zip(members, of_units, strict=True)
    ]
    parts = list(map(_of_units, of_units, units))
    graph = FoldedGraph(parts)
    # The tree of a fitted consensus is always the same.
    votes = graph.places(min(most, graph.rank()), np.random.RandomState(0))
    found, _ = votes.counted(parts)
    clusters, kept = _homes(found, labels, len(votes.bias), n_clusters)
    voting = PartVotes(of_units, votes.kept(kept), clusters)
    leaves = voting.leaves(parts, labels)
    seen = np.bincount(leaves[leaves >= 0], minlength=len(kept)) > 0
    # A cluster without any of these rows is a leaf, too.
    order = np.flatnonzero(seen | ~np.isin(clusters, clusters[seen]))
    order = order[np.argsort(clusters[order], kind="stable")]
    voting = PartVotes(of_units, voting.votes.kept(order), clusters[order])
    leaves = voting.leaves(parts, labels)
    together = np.zeros((len(order), len(order)))
    for own, cut, part in zip(units, cuts, parts, strict=True):
        fewer = [] if cut is None else cut[1:]
        found = [part, *(_of_units(of_number, own) for of_number in fewer)]
        for one in found:
            shape = len(order), one.max(initial=0) + 1
            counts = contingency(leaves, one, shape).astype(np.float64)
            together += counts @ counts.T / (len(found) * len(members))
    sizes = np.bincount(leaves[leaves >= 0], minlength=len(order))
    values, rows = X.astype(np.float64), leaves.astype(np.intp)
    sums, counts = sums_by_group(values, rows, len(order), missing=True)
    usual = sums.sum(axis=0) / counts.sum(axis=0).clip(1)
    means = np.where(counts > 0, sums / counts.clip(1), usual)
    means[sizes == 0] = np.nan  # nobody knows where it is: it joins last
    return anchored_tree(clusters[order], together, sizes.clip(1), means), voting


def _homes(group, labels, n_groups, n_clusters):
    """Return the cluster of each leaf, and the group whose votes it gets."""
    table = contingency(group, labels, (n_groups, n_clusters))
    kept = np.flatnonzero(table.any(axis=1))
    clusters = table[kept].argmax(axis=1)
    # A cluster that is the home of no group is a leaf by itself.
    lone = np.setdiff1d(np.arange(n_clusters), clusters)
    kept = np.concatenate([kept, table[:, lone].argmax(axis=0)])
    return np.concatenate([clusters, lone]), kept


def _cuts_of_units(member, X, errors, numbers):
    """Return the clusters of the units of a map when asked for each of the numbers."""
    last, X = pipeline_end(member, X)
    if not isinstance(last, CodebookMap):
        return None
    with one_blas_thread():
        return cuts_of_units(last, *last._checked(X, errors), numbers)


def _units_of_rows(member, X, errors):
    last, X = pipeline_end(member, X)
    return last.winners(X, errors=errors)


def _of_units(of_unit, units):
    """Return the parts of rows by their units; without a map, these are their parts."""
    if of_unit is None:
        return units
    return np.where(units >= 0, of_unit[units], MASKED).astype(np.int32)


def labels_of(member, X, errors):
    """Return the labels that a member gives to rows."""
    found = member.predict(X) if errors is None else member.predict(X, errors=errors)
    return np.asarray(found).astype(np.int32, copy=False)


def _seen(member, of_unit, X, errors):
    """Return the units of rows, or the labels of a member without a map."""
    return (labels_of if of_unit is None else _units_of_rows)(member, X, errors)


class Cut(NamedTuple):
    """Clusters of a cut for rows, from the labels of members or their parts.

    Members are compared by clusters of their own: what each sees mostly in one cluster
    of the cut is one, so that `overlaps` are as in `Votes`.
    """

    numbers: np.ndarray  # cluster of each cluster of the consensus, or of each leaf
    votes: Votes  # of the consensus
    voting: PartVotes | None  # of its leaves, if there are more than its clusters
    overlaps: list = ()  # of each member, none while they are not known

    def votes_of_rows(self, members, labels, X, errors):
        """Return the cluster of each row, and how much the members agree on it."""
        clusters, _, seen = self._clusters_of_rows(members, labels, X, errors)
        return clusters, self._agreement(clusters, seen)

    def _agreement(self, clusters, seen):
        """Return how much the members agree on each row, by the views of all."""
        known = np.maximum(clusters, -1)  # the last column is for noise
        agreement = np.zeros(len(clusters), dtype=np.float32)
        for overlap, of_member in zip(self.overlaps, seen, strict=True):
            agreement += overlap[or_last(of_member, len(overlap) - 1), known]
        agreement[np.max(seen, axis=0) < -1] = np.nan
        return agreement / np.float32(len(seen))

    def _clusters_of_rows(self, members, labels, X, errors):
        """Return the cluster of each row, the votes, and the view of each member."""
        places, _ = self.votes.counted(labels)
        votes, seen = self.votes, labels
        if self.voting is not None:
            votes, seen = self.voting.votes, self.voting.parts_of(members, X, errors)
            places = self.voting.leaves(seen, places)
        known = self.numbers[np.maximum(places, 0)]
        return np.where(places >= 0, known, places), votes, seen

    def compared(self, members, labels, X, errors):
        """Return the cut with the overlaps in rows, their clusters and agreement."""
        clusters, votes, seen = self._clusters_of_rows(members, labels, X, errors)
        n_clusters = int(self.numbers.max()) + 1
        overlaps = [
            _overlaps(of_member, len(table) - 1, clusters, n_clusters)
            for of_member, table in zip(seen, votes.tables, strict=True)
        ]
        known = self._replace(overlaps=overlaps)
        return known, clusters, known._agreement(clusters, seen)


def _overlaps(seen, n_seen, clusters, n_clusters):
    """Return the likeness of the home of each cluster of a member with all clusters."""
    table = shared_rows(seen, n_seen, clusters, n_clusters)
    home = table.argmax(axis=1)
    return likeness(np.eye(n_clusters + 1)[home].T @ table)[home]
