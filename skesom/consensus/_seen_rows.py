# SPDX-License-Identifier: BSD-3-Clause
"""What members see of rows: units of maps that have a tree, and labels of others."""

import numpy as np
from scipy.spatial.distance import cdist

from skesom._common.labels import MASKED
from skesom._common.pipelines import pipeline_end
from skesom.som.base import CodebookMap

_ROUNDING_OF_TWINS = 16  # of a mean of equal rows, in the last digits


def has_cuts(last):
    """Return whether an estimator is a map whose units have a tree."""
    return isinstance(last, CodebookMap) and last._has_tree()


def view(member, samples):
    """Return the unit of each row in a map, and the label in a member without units."""
    X, errors = samples.X, samples.errors
    last, table = pipeline_end(member, X)
    if has_cuts(last):
        units = last.winners(table, errors=errors)
        return np.where(units < 0, MASKED, units).astype(np.int32)
    found = member.predict(X) if errors is None else member.predict(X, errors=errors)
    labels = np.asarray(found).astype(np.int32, copy=False)
    centers = getattr(last, "cluster_centers_", None)
    return labels if centers is None else _without_twins(labels, centers)


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
    apart = cdist(centers, centers)
    twins = apart <= rounding * np.maximum(lengths, lengths[:, np.newaxis])
    first = twins.argmax(axis=1)
    return looked_up(first, labels)


def views(members, samples):
    """Return the units, or labels, of rows in each member."""
    return [view(member, samples) for member in members]


def looked_up(values, places):
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


def smallest(seen):
    """Return what members see of rows as one array of the smallest integers."""
    most = max(int(of_member.max(initial=0)) for of_member in seen)
    return np.array(seen, dtype=np.int16 if most < 2**15 else np.int32)
