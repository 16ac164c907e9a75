# SPDX-License-Identifier: BSD-3-Clause
"""The graph of many clusterings, as in the notes of `ConsensusClusterer`."""

from itertools import combinations_with_replacement, pairwise
from typing import NamedTuple

import numpy as np
from scipy import linalg
from sklearn.cluster import KMeans

from skesom._common.labels import MASKED
from skesom._common.threads import one_blas_thread, one_thread
from skesom.som.grouping import count_votes
from skesom.som.second_stage.units import contingency
from skesom.som.threads import effective_n_threads

_N_STARTS = 4  # of k-means: pieces are many, and what joins them forgives
_ROUNDING = 1e-9  # of an eigenvalue, of which the largest is 1


class Votes(NamedTuple):
    """Votes of the clusters of the members for those of the consensus."""

    # The last row of a member is for what it does not label.
    tables: list  # of (n_own_clusters + 1, n_clusters): the votes of own clusters
    overlaps: list  # of (n_own_clusters + 1, n_clusters + 1): how much alike both are
    bias: np.ndarray  # (n_clusters,), added for every member that votes

    def counted(self, labels):
        """Return the cluster of each row, and how much the members agree on it.

        It is below 0 where less than half of the members have a label.
        """
        labels = np.stack(labels).astype(np.int32, copy=False)
        first = np.cumsum([0, *map(len, self.tables)])
        votes = np.ascontiguousarray(np.concatenate(self.tables))
        n_threads = effective_n_threads(labels.size * len(self.bias))
        winner = np.empty(labels.shape[1], dtype=np.int32)
        agreement = np.empty(labels.shape[1], dtype=np.float32)
        room = np.empty((n_threads, len(self.bias)))
        overlaps = np.ascontiguousarray(np.concatenate(self.overlaps))
        tables = first, votes, overlaps, self.bias, room
        count_votes(labels, *tables, winner, agreement, n_threads)
        return winner, agreement

    def agreement(self, labels, winner):
        """Return how much the members agree on rows whose clusters are known.

        It is that of `counted`, bit for bit, without a vote.

        Parameters
        ----------
        labels : sequence of ndarray of int of shape (n_rows,)
            Of each member.
        winner : ndarray of int of shape (n_rows,)
            Cluster of each row, below 0 for none.

        Returns
        -------
        agreement : ndarray of shape (n_rows,), dtype float32
            NaN for rows without any present feature.
        """
        total = np.zeros(len(winner))
        most = np.full(len(winner), MASKED, dtype=np.int32)
        place = np.where(winner >= 0, winner, len(self.bias))
        for of_member, overlap in zip(labels, self.overlaps, strict=True):
            total += overlap[or_last(of_member, len(overlap) - 1), place]
            np.maximum(most, of_member, out=most)
        agreement = (total / len(self.overlaps)).astype(np.float32)
        agreement[most < -1] = np.nan
        return agreement

    def kept(self, clusters):
        """Return the votes for some of the clusters, numbered in the order given."""
        with_noise = np.append(clusters, len(self.bias))
        return Votes(
            [table[:, clusters] for table in self.tables],
            [overlap[:, with_noise] for overlap in self.overlaps],
            self.bias[clusters],
        )


class FoldedGraph:
    """Rows that the clusters of many clusterings share, from the labels of each."""

    def __init__(self, labels, most):
        """Fold clusterings into a graph that is to be cut into `most` groups."""
        self.labels = labels
        self.counts = [int(of_member.max(initial=-1)) + 1 for of_member in labels]
        self.first = np.concatenate([[0], np.cumsum(self.counts)])
        held = [np.bincount(of_member[of_member >= 0]) for of_member in labels]
        self.held = np.concatenate(held)
        scale = 1 / np.sqrt(np.maximum(self.held, 1))
        with one_blas_thread():
            if len(labels[0]) < len(scale):
                values, vectors = self._spectrum_of_rows(scale, most + 1)
            else:
                folded = scale[:, np.newaxis] * self._fold() * scale
                values, vectors = _largest_first(folded, most + 1)
        self.eigenvalues = values.clip(0, 1)
        self.vectors = scale[:, np.newaxis] * vectors

    def rank(self):
        """Return how many clusters the members can distinguish."""
        return int(np.count_nonzero(self.eigenvalues > _ROUNDING))

    def places(self, n_clusters, generator):
        """Group the clusters of the members; a row gets the group that is nearest."""
        with one_thread():  # KMeans, too, adds up by threads
            # Where the rows of a cluster lie on the average.
            places = self.vectors[:, :n_clusters] * self.eigenvalues[:n_clusters]
            means = KMeans(n_clusters, n_init=_N_STARTS, random_state=generator)
            means.fit(places, sample_weight=self.held)
            centers = means.cluster_centers_
            table = self.vectors[:, :n_clusters] @ centers.T
        bias = -0.5 * np.square(centers).sum(axis=1)
        largest = max(np.abs(table).max(), np.abs(bias).max(), 1e-300)
        tables = np.split(table / largest, self.first[1:-1])
        tables = [np.pad(of_member, ((0, 1), (0, 0))) for of_member in tables]
        unknown = [np.zeros((len(t), n_clusters + 1), np.float32) for t in tables]
        return Votes(tables, unknown, bias / largest)

    def agreed(self, n_clusters, generator):
        """Return the group of each row: each cluster of a member votes for one.

        That is the group with most of its rows. Where members are so much at odds that
        a group would win no row, rows are given the nearest group.
        """
        places = self.places(n_clusters, generator)
        winner, _ = places.counted(self.labels)
        ballots, least = [], 4 * len(places.tables)  # places part ties only
        groups = np.eye(n_clusters + 1, n_clusters)
        shared_with = self._shared_with(winner, n_clusters)
        for place, shared in zip(places.tables, shared_with, strict=True):
            rows = shared[:, :-1]
            home = np.where(rows.any(axis=1), rows.argmax(axis=1), n_clusters)
            home[-1] = n_clusters
            ballots.append(groups[home] + place / least)
        votes = Votes(ballots, places.overlaps, places.bias / least)
        of_majority, _ = votes.counted(self.labels)
        return of_majority if np.isin(winner, of_majority).all() else winner

    def _spectrum_of_rows(self, scale, n_vectors):
        """Return what `_largest_first` does of the folded graph, of which rows are few.

        Both are the singular vectors of one table, of rows by clusters of members.
        """
        n_rows = len(self.labels[0])
        table = np.zeros((n_rows, len(scale)))
        for of_member, first in zip(self.labels, self.first[:-1], strict=True):
            rows = np.flatnonzero(of_member >= 0)
            clusters = first + of_member[rows]
            table[rows, clusters] = scale[clusters]
        voters = np.sum([of_member >= 0 for of_member in self.labels], axis=0)
        table /= np.sqrt(np.maximum(voters, 1))[:, np.newaxis]
        values, of_rows = _largest_first(table @ table.T, n_vectors)
        # Those of no weight have no direction among the clusters.
        lengths = np.sqrt(np.where(values > _ROUNDING, values, np.inf))
        return values, table.T @ (of_rows / lengths)

    def _fold(self):
        """Return the rows that two clusters share, each divided by its members."""
        shared = np.zeros((self.first[-1], self.first[-1]))
        voters = np.sum([of_member >= 0 for of_member in self.labels], axis=0)
        for number in np.unique(voters[voters > 0]):
            rows = voters == number
            some = [of_member[rows] for of_member in self.labels]
            shared += self._contingency(some) / number
        return shared

    def _contingency(self, labels):
        """Count the rows that two clusters of any members share."""
        counts = np.zeros((self.first[-1], self.first[-1]), dtype=np.int64)
        # Place 0 is for rows that a member does not label: so none has to be left out.
        places = [of_member.clip(-1) + 1 for of_member in labels]
        parts = [slice(*ends) for ends in pairwise(self.first)]
        for one, other in combinations_with_replacement(range(len(labels)), 2):
            width = self.counts[other] + 1
            table = np.bincount(
                places[one] * width + places[other],
                minlength=(self.counts[one] + 1) * width,
            ).reshape(-1, width)[1:, 1:]
            counts[parts[one], parts[other]] = table
            counts[parts[other], parts[one]] = table.T
        return counts

    def _shared_with(self, winner, n_clusters):
        """Count the rows that clusters of each member share with those found."""
        for of_member, count in zip(self.labels, self.counts, strict=True):
            yield shared_rows(of_member, count, winner, n_clusters)


def _largest_first(table, n_vectors):
    """Return the largest eigenvalues of a symmetric table, and their vectors."""
    last = len(table) - 1
    few = [max(last + 1 - n_vectors, 0), last]
    values, vectors = linalg.eigh(table, subset_by_index=few)
    return values[::-1], vectors[:, ::-1]


def or_last(labels, last):
    """Return labels as rows of a table, of which the last is for all others."""
    return np.where((labels < 0) | (labels >= last), last, labels).astype(np.intp)


def shared_rows(own, n_own, clusters, n_clusters):
    """Count the rows that clusters of a member share with others.

    The last row and column are for noise, as far as a row is seen at all.
    """
    known = (own >= -1) & (clusters >= -1)
    own, clusters = or_last(own[known], n_own), or_last(clusters[known], n_clusters)
    return contingency(own, clusters, (n_own + 1, n_clusters + 1))


def likeness(shared):
    """Return how much alike sets are of which the shared rows are known (Dice 1945)."""
    held = shared.sum(axis=1)[:, np.newaxis] + shared.sum(axis=0)
    return (2 * shared / np.maximum(held, 1)).astype(np.float32)
