# SPDX-License-Identifier: BSD-3-Clause
"""A consensus whose tree is cut at another number of clusters."""

from typing import NamedTuple

import numpy as np

from skesom.som._folded_graph import Votes, likeness, or_last, shared_rows
from skesom.som._tree import PartVotes


class Cut(NamedTuple):
    """What gives rows the clusters of a cut, from the labels of members or their parts.

    Members are compared by clusters of their own: what each sees mostly in one cluster
    of the cut is one, so that `overlaps` are as in `Votes`.
    """

    numbers: np.ndarray  # cluster of each cluster of the consensus, or of each leaf
    votes: Votes  # of the consensus
    voting: PartVotes | None  # of its leaves, if there are more than its clusters
    overlaps: list = ()  # of each member, none while they are not known

    def votes_of_rows(self, members, labels, X, errors):
        """Return the cluster of each row, and how much the members agree on it."""
        clusters, _, seen = self.clusters_of_rows(members, labels, X, errors)
        return clusters, self._agreement(clusters, seen)

    def _agreement(self, clusters, seen):
        known = np.maximum(clusters, -1)  # the last column is for noise
        agreement = np.zeros(len(clusters), dtype=np.float32)
        for overlap, of_member in zip(self.overlaps, seen, strict=True):
            agreement += overlap[or_last(of_member, len(overlap) - 1), known]
        agreement[np.max(seen, axis=0) < -1] = np.nan
        return agreement / np.float32(len(seen))

    def clusters_of_rows(self, members, labels, X, errors):
        """Return the cluster of each row, and votes of what each member sees there."""
        places, _ = self.votes.counted(labels)
        votes, seen = self.votes, labels
        if self.voting is not None:
            votes, seen = self.voting.votes, self.voting.parts_of(members, X, errors)
            places = self.voting.leaves(seen, places)
        known = self.numbers[np.maximum(places, 0)]
        return np.where(places >= 0, known, places), votes, seen

    def compared(self, members, labels, X, errors):
        """Return the cut with the overlaps in rows, their clusters and agreement."""
        clusters, votes, seen = self.clusters_of_rows(members, labels, X, errors)
        n_clusters = int(self.numbers.max()) + 1
        overlaps = [
            _overlaps(of_member, len(table) - 1, clusters, n_clusters)
            for of_member, table in zip(seen, votes.tables, strict=True)
        ]
        known = self._replace(overlaps=overlaps)
        return known, clusters, known._agreement(clusters, seen)


def _overlaps(seen, n_seen, clusters, n_clusters):
    """Return how much like each cluster that is which all that a member sees is for."""
    table = shared_rows(seen, n_seen, clusters, n_clusters)
    home = table.argmax(axis=1)
    return likeness(np.eye(n_clusters + 1)[home].T @ table)[home]
