# SPDX-License-Identifier: BSD-3-Clause
"""The graph of many clusterings, and the one clustering that they agree on.

The symbols are those of the notes of `ConsensusClusterer`.
"""

from itertools import combinations_with_replacement, pairwise

import numpy as np
from scipy import linalg
from sklearn.cluster import KMeans

from skesom._common.threads import one_blas_thread, one_thread
from skesom.consensus._votes import Votes, shared_rows

# Starts of k-means. Few are enough, because pieces are many, and the tree joins those
# that a worse start parts.
_N_STARTS = 4
_ROUNDING = 1e-9  # of an eigenvalue, of which the largest is 1


class FoldedGraph:
    """The bipartite graph of rows and of the clusters of many clusterings.

    A row is linked with the clusters that hold it. Folded, it is a graph of clusters
    alone, F of the notes of `ConsensusClusterer`: so its spectrum takes no more memory
    for more rows.

    Parameters
    ----------
    labels : list of ndarray of int of shape (n_rows,)
        Of each member, from 0 on; below 0 where it has no label.
    max_groups : int
        Into how many groups the graph is to be cut at most.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n_vectors,)
        Of G = D^-1/2 F D^-1/2, the largest first, from 0 to 1.
    vectors : ndarray of shape (n_member_clusters, n_vectors)
        The eigenvectors, times D^-1/2.
    """

    def __init__(self, labels, max_groups):
        self.labels = labels
        # The clusters of all members are numbered through: those of a member begin at
        # its `_first`.
        self._counts = []
        sizes = []
        for labels_of_member in labels:
            self._counts.append(int(labels_of_member.max(initial=-1)) + 1)
            sizes.append(np.bincount(labels_of_member[labels_of_member >= 0]))
        self._first = np.concatenate([[0], np.cumsum(self._counts)])
        self._sizes = np.concatenate(sizes)
        scale = 1 / np.sqrt(np.maximum(self._sizes, 1))  # D^-1/2
        n_vectors = max_groups + 1
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

    def nearest_group_votes(self, n_clusters, generator):
        """Group the clusters of the members by k-means in the plane of eigenvectors.

        Parameters
        ----------
        n_clusters : int
            Number of groups.
        generator : RandomState
            For the starts of k-means.

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
        for table_of_member in np.split(table / largest, self._first[1:-1]):
            n_rows = len(table_of_member) + 1  # the last for what it does not label
            tables.append(np.pad(table_of_member, ((0, 1), (0, 0))))
            overlaps.append(np.zeros((n_rows, n_clusters + 1), dtype=np.float32))
        return Votes(tables, overlaps, bias / largest)

    def agreed_groups(self, n_clusters, generator):
        """Return the group of each row: each cluster of a member votes for one.

        That is the group with most of its rows. Where members are so much at odds that
        a group would win no row, rows are given the nearest group.

        Parameters
        ----------
        n_clusters : int
            Number of groups.
        generator : RandomState
            For the starts of k-means.

        Returns
        -------
        groups : ndarray of int32 of shape (n_rows,)
            Below 0 where less than half of the members have a label.
        """
        nearest_votes = self.nearest_group_votes(n_clusters, generator)
        nearest, _ = nearest_votes.tally(self.labels)
        # Distances part ties only: a member adds its table and the bias, each at most
        # 1, so that all members together add half a vote at most to a group.
        weight = 4 * len(nearest_votes.tables)
        tables = []
        vote_for_group = np.eye(n_clusters + 1, n_clusters)  # the last row: no group
        for labels, n_labels, nearest_table in zip(
            self.labels, self._counts, nearest_votes.tables, strict=True
        ):
            rows = shared_rows(labels, n_labels, nearest, n_clusters)[:, :-1]
            group = np.where(rows.any(axis=1), rows.argmax(axis=1), n_clusters)
            group[-1] = n_clusters  # what the member does not label has no vote
            tables.append(vote_for_group[group] + nearest_table / weight)
        votes = Votes(tables, nearest_votes.overlaps, nearest_votes.bias / weight)
        groups_by_majority, _ = votes.tally(self.labels)
        if np.isin(nearest, groups_by_majority).all():
            return groups_by_majority
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
            counts = self._shared_rows([labels[rows] for labels in self.labels])
            folded += counts / number
        return folded

    def _n_voters(self):
        """Return how many members have a label for each row."""
        return np.sum([labels >= 0 for labels in self.labels], axis=0)

    def _shared_rows(self, labels):
        """Count the rows that two clusters of any members share."""
        n_clusters = self._first[-1]
        counts = np.zeros((n_clusters, n_clusters), dtype=np.int64)
        # Number 0 is for rows that a member does not label: so none is left out.
        numbers = [labels_of_member.clip(-1) + 1 for labels_of_member in labels]
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
