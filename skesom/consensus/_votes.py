# SPDX-License-Identifier: BSD-3-Clause
"""Votes of the members of a consensus for the cluster of each row."""

from typing import NamedTuple

import numpy as np

from skesom._common.labels import MASKED
from skesom.som.grouping import count_votes
from skesom.som.second_stage.units import contingency
from skesom.som.threads import effective_n_threads


class Votes(NamedTuple):
    """Votes of the clusters of the members for those of the consensus."""

    # Of each member an array with a row for each of its clusters, or units, and a last
    # row for what it does not label.
    tables: list  # (n_rows, n_clusters), how much each votes for each cluster
    overlaps: list  # (n_rows, n_clusters + 1), how much alike both are
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
