# SPDX-License-Identifier: BSD-3-Clause
"""What members see of rows: units of maps that have a tree, and labels of others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from skesom._common.labels import MASKED
from skesom._common.pipelines import pipeline_end
from skesom.consensus._member_fits import each_in_single_threads
from skesom.som.base import CodebookMap
from skesom.som.samples import Samples

_ROUNDING_OF_TWINS = 16  # of a mean of equal rows, in the last digits


@dataclass(frozen=True)
class SeenRows:
    """Rows of a table, and what each member sees of them."""

    # Of each member an array of shape (n_rows,): the unit of each row in a map that has
    # a tree, and its label in others; below 0 for noise or no data.
    members: Sequence[np.ndarray]
    samples: Samples | None = None  # the rows, or None where they are not at hand

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.members[0])

    def take(self, rows):
        """Return some of the rows, by a slice."""
        samples = None if self.samples is None else self.samples[rows]
        return SeenRows([numbers[rows] for numbers in self.members], samples)

    def n_voters(self):
        """Return how many members have a unit, or a cluster, for each row."""
        return np.sum([numbers >= 0 for numbers in self.members], axis=0)

    def are_equal(self):
        """Return whether all of several members see the same, under any numbers."""
        if len(self.members) < 2:
            return False
        first = _in_order(self.members[0])
        return all(
            np.array_equal(first, _in_order(numbers)) for numbers in self.members[1:]
        )

    def compact(self):
        """Return what members see as one array of the smallest integers."""
        largest = max(int(numbers.max(initial=0)) for numbers in self.members)
        dtype = np.int16 if largest < 2**15 else np.int32
        return np.array(self.members, dtype=dtype)


def see_rows(members, samples, n_jobs=1):
    """Return what each member sees of rows.

    Parameters
    ----------
    members : list of clusterer
    samples : Samples
    n_jobs : int or None, default=1
        Threads, each for members of its own.
    """

    def see(member):
        return units_or_labels(member, samples)

    return SeenRows(list(each_in_single_threads(see, members, n_jobs)), samples)


def has_cuts(last):
    """Return whether an estimator is a map whose units have a tree."""
    return isinstance(last, CodebookMap) and last._has_tree()


def units_or_labels(member, samples):
    """Return the unit of each row in a map, and the label in a member without units."""
    last, X_of_last = pipeline_end(member, samples.X)
    if has_cuts(last):
        units = last.winners(X_of_last, errors=samples.errors)
        return np.where(units < 0, MASKED, units).astype(np.int32)
    if samples.errors is None:
        labels = member.predict(samples.X)
    else:
        labels = member.predict(samples.X, errors=samples.errors)
    labels = np.asarray(labels).astype(np.int32, copy=False)
    centers = getattr(last, "cluster_centers_", None)
    if centers is None:
        return labels
    return _without_twins(labels, centers)


def _without_twins(labels, centers):
    """Return labels with the first of all that have the same center, but for rounding.

    k-means of fewer distinct rows than clusters has such centers. Which of them a row
    gets is rounding, which depends on how many rows are looked up at a time.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
    centers : array-like of shape (n_clusters, n_features)

    Returns
    -------
    labels : ndarray of int32 of shape (n_rows,)
    """
    centers = np.asarray(centers)
    if centers.ndim != 2 or len(centers) <= labels.max(initial=-1):
        return labels  # of an estimator that means something else by them
    lengths = np.linalg.norm(centers, axis=1).astype(np.float64)
    rounding = _ROUNDING_OF_TWINS * np.finfo(centers.dtype).eps
    distances = cdist(centers, centers)
    twins = distances <= rounding * np.maximum(lengths, lengths[:, np.newaxis])
    first_twin = twins.argmax(axis=1)
    return look_up(first_twin, labels)


def look_up(values, numbers):
    """Return the value at each number; numbers below 0 stay.

    Parameters
    ----------
    values : ndarray of int of shape (n_values,)
        Such as the cluster of each unit, or of each piece.
    numbers : ndarray of int of shape (n_rows,)
        Such as the unit, or the piece, of each row.

    Returns
    -------
    values : ndarray of int32 of shape (n_rows,)
    """
    values_of_rows = values[np.maximum(numbers, 0)]
    return np.where(numbers >= 0, values_of_rows, numbers).astype(np.int32)


def _in_order(labels):
    """Return labels numbered by their first rows; those below 0 stay."""
    _, first_rows, number = np.unique(labels, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first_rows))[number]
    return np.where(labels < 0, labels, number)
