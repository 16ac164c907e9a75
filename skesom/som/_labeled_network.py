# SPDX-License-Identifier: BSD-3-Clause
"""A network of the evolving map whose samples have classes."""

import numpy as np

from skesom.som._codebook import nearest_units


class LabeledLesson:
    """A network that is told the classes of the rows that it learns.

    Parameters
    ----------
    network : Network
        To learn.
    y : ndarray of shape (n_samples,), dtype int64
        Classes of the rows.
    """

    def __init__(self, network, y):
        self._network = network
        self._y = y

    @property
    def n_nodes(self):
        """Number of nodes."""
        return self._network.n_nodes

    def learn(self, X, order, **rule):
        """Learn rows of X as `Network.learn`, together with their classes."""
        return self._network.learn(X, order, classes=self._y, **rule)


def nearest_of_class(X, y, codebook, node_class):
    """Find the nearest node of the class of every sample."""
    winners = np.full(len(X), -1, dtype=np.intp)
    for label in np.intersect1d(y, node_class):
        own = np.flatnonzero(node_class == label)
        rows = y == label
        nearest, _ = nearest_units(X[rows], codebook[own])
        winners[rows] = np.where(nearest < 0, -1, own[nearest])
    return winners


def inherited(hits, before, after, nearest):
    """Hand the hits of the nodes of a network on to those of a later state of it."""
    by_identity = np.argsort(after)
    place = np.searchsorted(after, before, sorter=by_identity)
    place = by_identity[np.minimum(place, len(after) - 1)]
    heirs = np.where(after[place] == before, place, nearest)
    handed = np.zeros((len(after), hits.shape[1]), dtype=hits.dtype)
    np.add.at(handed, heirs[heirs >= 0], hits[heirs >= 0])
    return handed
