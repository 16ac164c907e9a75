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

    def tally(self, labels):
        """Return the cluster of each row, and how much the members agree on it.

        Parameters
        ----------
        labels : sequence of ndarray of int of shape (n_rows,)
            Of each member.

        Returns
        -------
        clusters : ndarray of int32 of shape (n_rows,)
            Below 0 where less than half of the members have a label.
        agreement : ndarray of float32 of shape (n_rows,)
        """
        labels = np.stack(labels).astype(np.int32, copy=False)
        n_clusters = len(self.bias)
        lengths = [len(table) for table in self.tables]
        n_threads = effective_n_threads(labels.size * n_clusters)
        clusters = np.empty(labels.shape[1], dtype=np.int32)
        agreement = np.empty(labels.shape[1], dtype=np.float32)
        count_votes(
            labels,
            first=np.concatenate([[0], np.cumsum(lengths)]),
            votes=np.ascontiguousarray(np.concatenate(self.tables)),
            overlaps=np.ascontiguousarray(np.concatenate(self.overlaps)),
            bias=self.bias,
            room=np.empty((n_threads, n_clusters)),
            winner=clusters,
            agreement=agreement,
            n_threads=n_threads,
        )
        return clusters, agreement

    def agreement(self, labels, clusters):
        """Return how much the members agree on rows whose clusters are known.

        It is that of `tally`, bit for bit, without a vote.

        Parameters
        ----------
        labels : sequence of ndarray of int of shape (n_rows,)
            Of each member.
        clusters : ndarray of int of shape (n_rows,)
            Cluster of each row, below 0 for none.

        Returns
        -------
        agreement : ndarray of float32 of shape (n_rows,)
            NaN for rows without any present feature.
        """
        total = np.zeros(len(clusters))
        largest_label = np.full(len(clusters), MASKED, dtype=np.int32)
        columns = np.where(clusters >= 0, clusters, len(self.bias))
        for labels_of_member, overlap in zip(labels, self.overlaps, strict=True):
            total += overlap[or_last(labels_of_member, len(overlap) - 1), columns]
            np.maximum(largest_label, labels_of_member, out=largest_label)
        agreement = (total / len(self.overlaps)).astype(np.float32)
        agreement[largest_label < -1] = np.nan
        return agreement

    def keep(self, clusters):
        """Return the votes for some of the clusters, numbered in the order given."""
        with_noise = np.append(clusters, len(self.bias))
        return Votes(
            tables=[table[:, clusters] for table in self.tables],
            overlaps=[overlap[:, with_noise] for overlap in self.overlaps],
            bias=self.bias[clusters],
        )


class FoldedGraph:
    """The bipartite graph of rows and of the clusters of many clusterings.

    A row is linked with the clusters that hold it. Folded, it is a graph of clusters
    alone, F of the notes of `ConsensusClusterer`: so its spectrum takes no more memory
    for more rows.

    Parameters
    ----------
    labels : list of ndarray of int of shape (n_rows,)
        Of each member, from 0 on; below 0 where it has no label.
    most : int
        Into how many groups the graph is to be cut at most.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_vectors,)
        Of G = D^-1/2 F D^-1/2, the largest first, from 0 to 1.
    vectors : ndarray of shape (n_member_clusters, n_vectors)
        The eigenvectors, times D^-1/2.
    """

    def __init__(self, labels, most):
        self.labels = labels
        # The clusters of all members are numbered through.
        self._counts = []
        sizes = []
        for of_member in labels:
            self._counts.append(int(of_member.max(initial=-1)) + 1)
            sizes.append(np.bincount(of_member[of_member >= 0]))
        self._first = np.concatenate([[0], np.cumsum(self._counts)])
        self._sizes = np.concatenate(sizes)
        scale = 1 / np.sqrt(np.maximum(self._sizes, 1))  # D^-1/2
        n_vectors = most + 1
        with one_blas_thread():
            if len(labels[0]) < len(scale):
                eigenvalues, vectors = self._spectrum_by_rows(scale, n_vectors)
            else:
                folded = scale[:, np.newaxis] * self._fold() * scale
                eigenvalues, vectors = _largest_eigenpairs(folded, n_vectors)
        self.eigenvalues = eigenvalues.clip(0, 1)
        self.vectors = scale[:, np.newaxis] * vectors

    def rank(self):
        """Return how many clusters the members can distinguish."""
        return int(np.count_nonzero(self.eigenvalues > _ROUNDING))

    def places(self, n_clusters, generator):
        """Group the clusters of the members by k-means in the plane of eigenvectors.

        Returns
        -------
        votes : Votes
            By which a row gets the group whose mean is nearest to the row. They are
            scaled to at most 1.
        """
        with one_thread():  # KMeans, too, adds up by threads
            # Where the rows of a cluster lie on the average.
            means_of_rows = self.vectors[:, :n_clusters] * self.eigenvalues[:n_clusters]
            k_means = KMeans(n_clusters, n_init=_N_STARTS, random_state=generator)
            k_means.fit(means_of_rows, sample_weight=self._sizes)
            centers = k_means.cluster_centers_
            table = self.vectors[:, :n_clusters] @ centers.T
        # |x - c|^2 is least where x.c - |c|^2 / 2 is largest, and x is the mean of the
        # vectors of the clusters of a row.
        bias = -0.5 * np.square(centers).sum(axis=1)
        largest = max(np.abs(table).max(), np.abs(bias).max(), 1e-300)
        tables = []
        overlaps = []
        for of_member in np.split(table / largest, self._first[1:-1]):
            tables.append(np.pad(of_member, ((0, 1), (0, 0))))
            overlaps.append(np.zeros((len(of_member) + 1, n_clusters + 1), np.float32))
        return Votes(tables, overlaps, bias / largest)

    def agreed(self, n_clusters, generator):
        """Return the group of each row: each cluster of a member votes for one.

        That is the group with most of its rows. Where members are so much at odds that
        a group would win no row, rows are given the nearest group.
        """
        places = self.places(n_clusters, generator)
        nearest, _ = places.tally(self.labels)
        # Places part ties only: those of all members add up to less than one vote.
        weight_of_places = 4 * len(places.tables)
        ballots = []
        groups = np.eye(n_clusters + 1, n_clusters)  # the last row is of no group
        for labels, n_labels, place in zip(
            self.labels, self._counts, places.tables, strict=True
        ):
            rows = shared_rows(labels, n_labels, nearest, n_clusters)[:, :-1]
            home = np.where(rows.any(axis=1), rows.argmax(axis=1), n_clusters)
            home[-1] = n_clusters
            ballots.append(groups[home] + place / weight_of_places)
        votes = Votes(ballots, places.overlaps, places.bias / weight_of_places)
        by_majority, _ = votes.tally(self.labels)
        if np.isin(nearest, by_majority).all():
            return by_majority
        return nearest

    def _spectrum_by_rows(self, scale, n_vectors):
        """Return the spectrum of the folded graph from that of rows, if they are fewer.

        Both are the singular vectors of one table, of rows by clusters of members.
        """
        n_rows = len(self.labels[0])
        table = np.zeros((n_rows, len(scale)))
        for labels, first in zip(self.labels, self._first[:-1], strict=True):
            rows = np.flatnonzero(labels >= 0)
            clusters = first + labels[rows]
            table[rows, clusters] = scale[clusters]
        table /= np.sqrt(np.maximum(self._n_voters(), 1))[:, np.newaxis]
        eigenvalues, vectors_of_rows = _largest_eigenpairs(table @ table.T, n_vectors)
        # Those of no weight have no direction among the clusters.
        lengths = np.sqrt(np.where(eigenvalues > _ROUNDING, eigenvalues, np.inf))
        return eigenvalues, table.T @ (vectors_of_rows / lengths)

    def _fold(self):
        """Return the rows that two clusters share, each divided by its members."""
        n_clusters = self._first[-1]
        folded = np.zeros((n_clusters, n_clusters))
        n_voters = self._n_voters()
        for number in np.unique(n_voters[n_voters > 0]):
            rows = n_voters == number
            counts = self._contingency([labels[rows] for labels in self.labels])
            folded += counts / number
        return folded

    def _n_voters(self):
        """Return how many members have a label for each row."""
        return np.sum([labels >= 0 for labels in self.labels], axis=0)

    def _contingency(self, labels):
        """Count the rows that two clusters of any members share."""
        n_clusters = self._first[-1]
        counts = np.zeros((n_clusters, n_clusters), dtype=np.int64)
        # Number 0 is for rows that a member does not label: so none is left out.
        numbers = [of_member.clip(-1) + 1 for of_member in labels]
        blocks = [slice(first, end) for first, end in pairwise(self._first)]
        for one, other in combinations_with_replacement(range(len(labels)), 2):
            height = self._counts[one] + 1
            width = self._counts[other] + 1
            cells = numbers[one] * width + numbers[other]
            table = np.bincount(cells, minlength=height * width).reshape(-1, width)
            table = table[1:, 1:]
            counts[blocks[one], blocks[other]] = table
            counts[blocks[other], blocks[one]] = table.T
        return counts


def _largest_eigenpairs(table, n_vectors):
    """Return the largest eigenvalues of a symmetric table, and their vectors."""
    last = len(table) - 1
    first = max(last + 1 - n_vectors, 0)
    values, vectors = linalg.eigh(table, subset_by_index=[first, last])
    return values[::-1], vectors[:, ::-1]


def or_last(labels, last):
    """Return labels as rows of a table, of which the last is for all others."""
    return np.where((labels < 0) | (labels >= last), last, labels).astype(np.intp)


def shared_rows(labels, n_labels, clusters, n_clusters):
    """Count the rows that the clusters of a member share with others.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
        Of the member; -1 for noise, less for rows that are not seen at all.
    n_labels : int
    clusters : ndarray of int of shape (n_rows,)
    n_clusters : int

    Returns
    -------
    counts : ndarray of int of shape (n_labels + 1, n_clusters + 1)
        The last row and column are for noise, as far as both see the row at all.
    """
    is_seen = (labels >= -1) & (clusters >= -1)
    return contingency(
        or_last(labels[is_seen], n_labels),
        or_last(clusters[is_seen], n_clusters),
        (n_labels + 1, n_clusters + 1),
    )


def likeness(shared):
    """Return how much alike sets are of which the shared rows are known (Dice 1945).

    Parameters
    ----------
    shared : ndarray of shape (n_sets, n_other_sets)
        Rows in both.

    Returns
    -------
    likeness : ndarray of float32 of the same shape
        Shared rows over the mean of what each holds.
    """
    held = shared.sum(axis=1)[:, np.newaxis] + shared.sum(axis=0)
    return (2 * shared / np.maximum(held, 1)).astype(np.float32)
