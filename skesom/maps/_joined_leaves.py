# SPDX-License-Identifier: BSD-3-Clause
"""A tree that joins leaves step by step: its cuts, its partings, what is nearest."""

from numbers import Integral

import numpy as np


class JoinedLeaves:
    """Leaves, and the steps that join them.

    Parameters
    ----------
    children : array-like of int of shape (n_leaves - 1, 2)
        The two nodes that each step joins, leaves first.
    distances : array-like of shape (n_leaves - 1,)
        Height of each step, not falling.

    Attributes
    ----------
    n_leaves : int
    heights : ndarray of shape (n_leaves, n_leaves)
        Height of the step that joins two leaves.

    Raises
    ------
    ValueError
        If the steps do not join all leaves to one tree.
    """

    def __init__(self, children, distances):
        children = np.asarray(children, dtype=np.intp).reshape(-1, 2)
        distances = np.asarray(distances, dtype=np.float64).ravel()
        n_leaves = len(children) + 1
        next_node = n_leaves + np.arange(n_leaves - 1)[:, np.newaxis]
        is_there = ((children >= 0) & (children < next_node)).all()
        is_joined_once = len(np.unique(children)) == children.size
        if not (is_there and is_joined_once and len(distances) == len(children)):
            raise ValueError(
                "children and distances are no tree: each of n_leaves - 1 steps joins "
                "two nodes that are not joined yet, leaves before, at a height."
            )
        self.n_leaves = n_leaves
        self.heights = np.zeros((n_leaves, n_leaves))
        self._children = children
        self._leaves_of_node = [(leaf,) for leaf in range(n_leaves)]
        for (one, other), height in zip(children, distances, strict=True):
            first = self._leaves_of_node[one]
            second = self._leaves_of_node[other]
            self.heights[np.ix_(first, second)] = height
            self.heights[np.ix_(second, first)] = height
            self._leaves_of_node.append((*first, *second))

    def cut(self, n_clusters):
        """Return the leaves of each of `n_clusters` clusters, rising.

        Raises
        ------
        ValueError
            If there are fewer leaves.
        """
        n_leaves = self.n_leaves
        if not isinstance(n_clusters, Integral) or not 1 <= n_clusters <= n_leaves:
            raise ValueError(
                f"n_clusters must be an int from 1 to the {n_leaves} leaves of the "
                f"tree. Got {n_clusters!r}."
            )
        nodes = set(range(n_leaves))
        for step in range(n_leaves - n_clusters):
            nodes.difference_update(self._children[step].tolist())
            nodes.add(n_leaves + step)
        return [tuple(sorted(self._leaves_of_node[node])) for node in nodes]

    def part(self, leaves):
        """Return the two parts of some leaves where the tree parts them first."""
        for one, other in self._children[::-1]:
            first = set(leaves).intersection(self._leaves_of_node[one])
            second = set(leaves).intersection(self._leaves_of_node[other])
            if first and second:
                return tuple(sorted(first)), tuple(sorted(second))
        raise AssertionError("a tree joins all leaves")

    def nearest(self, leaves, candidates):
        """Return the candidate that is joined first with each leaf.

        Of candidates that are joined as early, it is the first in their order.
        """
        heights = self.heights[np.ix_(leaves, candidates)]
        return np.asarray(candidates)[heights.argmin(axis=1)].tolist()
