# SPDX-License-Identifier: BSD-3-Clause
"""Names that a person gives to clusters and places: split, merge, say, undo."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skesom._common.labels import MASKED, without_mask
from skesom._types import ClusterGroups, CubeLike
from skesom.maps._joined_leaves import JoinedLeaves
from skesom.maps.cube_clusterer import CubeClusterer
from skesom.maps.leaves import has_leaves, leaf_map_of, leaf_tree
from skesom.maps.middles import middles_of

_USUAL = 8  # clusters to begin with, as in scikit-learn


class LeafGroup(NamedTuple):
    """Leaves that are one cluster."""

    name: str | None
    leaves: tuple[int, ...]  # rising
    color: str | None = None


class Place(NamedTuple):
    """A place that a person is asked to name."""

    leaf: int
    pixel: tuple[int, ...]  # the middle of its widest part, (row, column)
    n_pixels: int  # of the leaf


class _State(NamedTuple):
    """What is undone and redone."""

    groups: tuple[LeafGroup, ...]  # by falling size
    words: dict[int, str]  # what was said of leaves, the first word first


class ClusterNames:
    """Let a person split, merge and name clusters, with undo and redo.

    A fitted tree has fine leaves. Clusters are groups of leaves; they are numbered by
    falling size after each step, and may be given by their numbers or their names.

    Parameters
    ----------
    leaf_map : array-like of int of shape (n_rows, n_columns) or (n_samples,)
        Leaf of each pixel, or of each row of a table; negative ones are in none.
    children : array-like of int of shape (n_leaves - 1, 2)
        The two nodes that each step of the tree joins, leaves first, as in
        ``AgglomerativeClustering``.
    distances : array-like of shape (n_leaves - 1,)
        Height of each step, from 0 and not falling.
    n_clusters : int, default=None
        Number of clusters to begin with; 8 by default, or all leaves if these are
        fewer.

    Attributes
    ----------
    leaf_map : ndarray of int of shape (n_rows, n_columns) or (n_samples,)
        Leaf of each pixel or row, dtype int32.
    sizes : ndarray of int of shape (n_leaves,)
        Number of pixels in each leaf.
    heights : ndarray of shape (n_leaves, n_leaves)
        Height of the step that joins two leaves, by which `say` and `offer` go.

    Raises
    ------
    ValueError
        If the tree is none, `leaf_map` holds other leaves than it has, or `n_clusters`
        is more than its leaves.

    See Also
    --------
    skesom.report.explore : The same on a page for the browser.
    skesom.runs.read_cluster_groups : Read what was saved there.

    Notes
    -----
    `say` gives a name to a place, and the nearest leaves of its cluster take it: all of
    a cluster in which nothing has been said, and of another those that the tree joins
    with this place before it joins them with another place that has a name (of two that
    are joined as early, the one with more pixels). `offer` finds the leaf with the most
    pixels times the height at which it is joined with the nearest place that has a
    name. `docs/naming.md` compares these rules with others.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import ClusterNames
    >>> leaf_map = np.array([[0, 0, 0, 1, 1, 2, 3, -3]])
    >>> children, distances = [[1, 2], [0, 4], [3, 5]], [0.2, 0.5, 0.9]
    >>> names = ClusterNames(leaf_map, children, distances, n_clusters=2)
    >>> names.label_map
    array([[ 0,  0,  0,  0,  0,  0,  1, -3]], dtype=int32)
    >>> names.say((0, 0), "disc")
    >>> names.say((0, 3), "dust")
    >>> names.label_map, names.names
    (array([[ 0,  0,  0,  1,  1,  1,  2, -3]], dtype=int32), ('disc', 'dust', None))
    >>> names.undo(), names.names
    (True, ('disc', None))
    """

    def __init__(
        self,
        leaf_map: ArrayLike,
        children: ArrayLike,
        distances: ArrayLike,
        *,
        n_clusters: int | None = None,
    ) -> None:
        self._tree = JoinedLeaves(children, distances)
        n_leaves = self._tree.n_leaves
        self.heights = self._tree.heights
        self.leaf_map = _check_leaf_map(leaf_map, n_leaves)
        self.sizes = np.bincount(self.leaf_map[self.leaf_map >= 0], minlength=n_leaves)
        self._middles = None  # of all leaves, when the first is asked for
        if n_clusters is None:
            n_clusters = min(_USUAL, n_leaves)
        self._cluster_of_leaf = np.arange(n_leaves)  # no labels of a run are known
        self._start([LeafGroup(None, leaves) for leaves in self._tree.cut(n_clusters)])

    @classmethod
    def from_clusterer(cls, clusterer: BaseEstimator, cube: CubeLike) -> Self:
        """Begin with the clusters of a fitted clusterer.

        Parameters
        ----------
        clusterer : CubeClusterer or Pipeline that ends in one
            Fitted on the cube, with a tree of clusters.
        cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
            What the clusterer or the pipeline was fitted on.

        Returns
        -------
        names : ClusterNames
            With a cluster for each of the fit, and its numbers.

        Raises
        ------
        ValueError
            If the clusterer has no tree, as `KMeans`, or the cube is another one.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import ClusterNames, CubeClusterer
        >>> from skesom.consensus import ConsensusClusterer
        >>> from skesom.som import ESOM
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> consensus = ConsensusClusterer(ESOM(4), n_estimators=3, random_state=0)
        >>> clusterer = CubeClusterer(consensus).fit(cube)
        >>> names = ClusterNames.from_clusterer(clusterer, cube)
        >>> bool((names.label_map == clusterer.labels_).all())
        True
        """
        step = clusterer
        if isinstance(clusterer, Pipeline):
            step = clusterer[-1]
            if len(clusterer) > 1:
                cube = clusterer[:-1].transform(cube)
        if not isinstance(step, CubeClusterer) or not has_leaves(step):
            raise ValueError(
                "There is no tree of clusters to name parts of. Take a fitted "
                "CubeClusterer of a clusterer with labels_at, or a Pipeline that ends "
                "in one."
            )
        if np.shape(cube)[:2] != step.labels_.shape:
            raise ValueError(
                f"The cube has {np.shape(cube)[:2]} pixels, but the label map has "
                f"{step.labels_.shape}. Give the cube that was clustered."
            )
        tree = leaf_tree(step)
        leaf_map = leaf_map_of(step, cube, step.labels_)
        names = cls(leaf_map, tree.children, tree.distances)
        names._cluster_of_leaf = tree.clusters
        groups = []
        # A vote of neighbors may have left a cluster, -1, without any pixel.
        for cluster in np.unique(tree.clusters):
            leaves = np.flatnonzero(tree.clusters == cluster)
            groups.append(LeafGroup(None, tuple(leaves.tolist())))
        names._start(groups)
        return names

    @property
    def label_map(self) -> NDArray[np.int32]:
        """Cluster of each pixel, by falling size; negative as in the leaf map."""
        numbers = np.empty(len(self.sizes), dtype=np.int32)
        for number, group in enumerate(self._state.groups):
            numbers[list(group.leaves)] = number
        leaves = self.leaf_map
        return np.where(leaves >= 0, numbers[np.maximum(leaves, 0)], leaves)

    @property
    def names(self) -> tuple[str | None, ...]:
        """Name of each cluster, None for those without one."""
        return tuple(group.name for group in self._state.groups)

    @property
    def groups(self) -> list[tuple[Any, ...]]:
        """Groups for `Run` and `explore`: name, labels, color, leaves."""
        return [(group.name, (), group.color, group.leaves) for group in self._groups]

    @property
    def words(self) -> dict[int, str]:
        """The leaves of which something was said, and what."""
        return dict(self._state.words)

    def cut(self, n_clusters: int) -> None:
        """Cut the tree into a number of clusters; what was said of places stays.

        Parameters
        ----------
        n_clusters : int
            From 1 to the number of leaves, before clusters of one name are joined.

        Raises
        ------
        ValueError
            If the tree has fewer leaves.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.cut(2)
        >>> names.label_map
        array([0, 0, 0, 1], dtype=int32)
        """
        groups = []
        for leaves in self._tree.cut(n_clusters):
            groups += self._parted_by_words(leaves)
        self._become(groups, self.words)

    def split(self, cluster: int | str) -> None:
        """Split a cluster into its two children in the tree.

        Merged clusters are split where the tree parts them first. The part with more
        places of which something was said keeps the name, or the larger one.

        Parameters
        ----------
        cluster : int or str
            Its number or name.

        Raises
        ------
        ValueError
            If there is no such cluster, or it is a single leaf.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.cut(2)
        >>> names.split(0)
        >>> len(names.names)
        3
        """
        group = self._group(cluster)
        if len(group.leaves) < 2:
            raise ValueError(
                f"Cluster {cluster!r} is a single leaf of the tree, which cannot be "
                "split."
            )

        def order(leaves):
            n_said = len(self.words.keys() & set(leaves))
            return -n_said, -self._n_pixels(leaves)

        kept, lost = sorted(self._tree.part(group.leaves), key=order)
        groups = self._others(group)
        groups.append(LeafGroup(group.name, kept, group.color))
        groups.append(LeafGroup(None, lost))
        self._become(groups, self._words_outside(lost))

    def merge(self, clusters: Sequence[int | str], name: str | None = None) -> None:
        """Make one cluster of several.

        Parameters
        ----------
        clusters : sequence of int or str
            Their numbers or names.
        name : str, default=None
            Name of the merged cluster; by default that of the largest with a name.

        Raises
        ------
        ValueError
            If one is not there, or there are fewer than two.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.merge([1, 2], "rims")
        >>> sorted(names.names, key=str)
        [None, 'rims']
        """
        merged = {self._group(cluster) for cluster in clusters}
        if len(merged) < 2:
            raise ValueError(f"Give two clusters to merge, got {list(clusters)!r}.")
        if name is not None:
            name = _checked_name(name)
        others = []
        leaves = []
        colors = []
        for group in self._groups:  # by falling size
            if group not in merged:
                others.append(group)
                continue
            if name is None:
                name = group.name
            leaves += group.leaves
            colors.append(group.color)
        whole = LeafGroup(None, tuple(sorted(leaves)), colors[0])
        self._rename(others, whole, name)

    def name(self, cluster: int | str, name: str | None) -> None:
        """Name a cluster; two of one name become one.

        Parameters
        ----------
        cluster : int or str
            Its number or name.
        name : str or None
            The new name, None to take the old one away.

        Raises
        ------
        ValueError
            If there is no such cluster, or the name is empty.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.name(0, "disc")
        >>> names.names
        ('disc', None, None)
        """
        group = self._group(cluster)
        if name is not None:
            name = _checked_name(name)
        self._rename(self._others(group), group, name)

    def say(self, place: tuple[int, int] | int, name: str) -> None:
        """Say what a place is: the nearest leaves of its cluster take the name.

        Parameters
        ----------
        place : tuple of int or int
            Row and column of a pixel, or the number of a leaf.
        name : str
            What it is. If a cluster has this name, the leaves join it.

        Raises
        ------
        ValueError
            If the place is not in the map, or in no cluster, or the name is empty.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.cut(1)
        >>> names.say(0, "disc")
        >>> names.say(2, "knot")
        >>> names.label_map, names.names
        (array([0, 0, 0, 1], dtype=int32), ('disc', 'knot'))
        """
        leaf = self._leaf(place)
        name = _checked_name(name)
        group = self._group_of_leaf(leaf)
        words = self._words_outside([leaf])
        said = words.keys() & set(group.leaves)
        words[leaf] = name
        groups = self._others(group)
        if not said:  # nothing else is known of this cluster
            groups.append(group._replace(name=name))
            self._become(groups, words)
            return
        taken = []
        left = []
        nearest = self._nearest_said(group.leaves, said | {leaf})
        for other, near in zip(group.leaves, nearest, strict=True):
            if near == leaf:
                taken.append(other)
            else:
                left.append(other)
        groups.append(LeafGroup(name, tuple(taken)))
        groups.append(group._replace(leaves=tuple(left)))
        self._become(groups, words)

    def offer(self) -> Place | None:
        """Return the most uncertain place, of which something should be said next.

        Returns
        -------
        place : Place or None
            `leaf`, `pixel` (row and column in the middle of its widest part; of a table
            its first row) and `n_pixels`; None if something is known of all leaves.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.offer()
        Place(leaf=0, pixel=(0,), n_pixels=2)
        >>> names.say(0, "disc")
        >>> names.offer().leaf
        2
        """
        said = list(self.words)
        height = np.ones(len(self.sizes))
        if said:
            height = self.heights[:, said].min(axis=1)
        doubt = self.sizes * height
        doubt[said] = 0
        leaf = int(doubt.argmax())
        if doubt[leaf] == 0:
            return None
        return Place(leaf, self._middle_of(leaf), int(self.sizes[leaf]))

    def undo(self) -> bool:
        """Take the last step back.

        Returns
        -------
        is_undone : bool
            False if there is none.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.undo()
        False
        """
        if self._now == 0:
            return False
        self._now -= 1
        return True

    def redo(self) -> bool:
        """Take the last step that was undone again.

        Returns
        -------
        is_redone : bool
            False if there is none.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.name(0, "disc")
        >>> names.undo(), names.redo(), names.names[0]
        (True, True, 'disc')
        """
        if self._now == len(self._history) - 1:
            return False
        self._now += 1
        return True

    def restore(self, groups: ClusterGroups) -> None:
        """Take groups that were saved, as `read_cluster_groups` returns them.

        Parameters
        ----------
        groups : sequence of tuple (name, labels, color, leaves)
            Labels are those of the run, leaves of its tree. What is in no group stays
            as it was in the run.

        Raises
        ------
        ValueError
            If the groups are of another map, or one leaf is in two. Nothing is changed
            then.

        Examples
        --------
        >>> from skesom.maps import ClusterNames
        >>> names = ClusterNames([0, 0, 1, 2], [[0, 1], [2, 3]], [0.4, 0.9])
        >>> names.restore([("rims", (), None, (1, 2))])
        >>> sorted(names.names, key=str)
        [None, 'rims']
        """
        taken = set()
        found = []
        for name, labels, *color_and_leaves in groups:
            color = None
            leaves = ()
            if color_and_leaves:
                color = color_and_leaves[0]
            if len(color_and_leaves) > 1:
                leaves = color_and_leaves[1] or ()
            held = self._leaves_of(name, labels, leaves)
            if taken & held:
                raise ValueError(f"Leaf {min(taken & held)} is in two groups.")
            taken |= held
            found.append(LeafGroup(name, tuple(sorted(held)), color))
        for cluster in np.unique(self._cluster_of_leaf):
            held = set(np.flatnonzero(self._cluster_of_leaf == cluster).tolist())
            if held - taken:
                found.append(LeafGroup(None, tuple(sorted(held - taken))))
        words = {}
        for group in found:
            if group.name is not None:
                words[self._largest(group.leaves)] = group.name
        self._become(found, words)

    def _leaves_of(self, name, labels, leaves):
        """Return all leaves of a group that is given by labels and leaves."""
        labels = list(labels)
        held = {int(leaf) for leaf in leaves}
        strange = set(labels) - set(self._cluster_of_leaf.tolist())
        strange = [*strange, *(held - set(range(len(self.sizes))))]
        if strange:
            raise ValueError(
                f"The group {name!r} has {strange[0]}, which is no cluster or leaf "
                "here: it is of another map."
            )
        is_of_labels = np.isin(self._cluster_of_leaf, labels)
        return held.union(np.flatnonzero(is_of_labels).tolist())

    def _start(self, groups):
        """Begin a history."""
        self._history = []
        self._now = -1
        self._become(groups, {})

    def _become(self, groups, words):
        """Join groups of one name, order all by size, and forget what was undone."""
        joined = {}
        for group in sorted(groups, key=self._order):
            key = group.leaves
            if group.name is not None:
                key = group.name
            if key in joined:
                leaves = tuple(sorted(joined[key].leaves + group.leaves))
                group = joined[key]._replace(leaves=leaves)
            joined[key] = group
        state = _State(tuple(sorted(joined.values(), key=self._order)), words)
        del self._history[self._now + 1 :]
        self._history.append(state)
        self._now += 1

    def _rename(self, others, group, name):
        """Give a group a name, said of its places with a word or its largest leaf."""
        words = self._words_outside(group.leaves)
        if name is not None:
            said = [leaf for leaf in self.words if leaf in group.leaves]
            for leaf in said or [self._largest(group.leaves)]:
                words[leaf] = name
        self._become([*others, group._replace(name=name)], words)

    @property
    def _state(self):
        return self._history[self._now]

    @property
    def _groups(self):
        return self._state.groups

    def _others(self, group):
        return [other for other in self._groups if other != group]

    def _order(self, group):
        return -self._n_pixels(group.leaves), group.leaves

    def _n_pixels(self, leaves):
        """Return the number of pixels in leaves."""
        return int(self.sizes[list(leaves)].sum())

    def _largest(self, leaves):
        return max(leaves, key=lambda leaf: (self.sizes[leaf], -leaf))

    def _words_outside(self, leaves):
        """Return what was said of other leaves."""
        return {leaf: name for leaf, name in self.words.items() if leaf not in leaves}

    def _group(self, cluster):
        """Return the group of a number or a name."""
        if isinstance(cluster, str):
            for group in self._groups:
                if group.name == cluster:
                    return group
            known = [repr(name) for name in self.names if name is not None]
            names = "none has a name"
            if known:
                names = f"names are {', '.join(known)}"
            raise ValueError(f"No cluster is named {cluster!r}: {names}.")
        if not isinstance(cluster, Integral) or not 0 <= cluster < len(self._groups):
            raise ValueError(
                f"Cluster {cluster!r} is not there: clusters are 0 to "
                f"{len(self._groups) - 1}."
            )
        return self._groups[cluster]

    def _leaf(self, place):
        """Return the leaf of a pixel, or of its own number."""
        n_leaves = len(self.sizes)
        if isinstance(place, Integral):
            if not 0 <= place < n_leaves:
                raise ValueError(
                    f"Leaf {place} is not there: leaves are 0 to {n_leaves - 1}."
                )
            return int(place)
        pixel = tuple(place)
        shape = self.leaf_map.shape
        is_inside = len(pixel) == len(shape) and all(
            isinstance(index, Integral) and 0 <= index < side
            for index, side in zip(pixel, shape, strict=True)
        )
        if not is_inside:
            raise ValueError(f"{pixel} is no pixel of a map of shape {shape}.")
        leaf = int(self.leaf_map[pixel])
        if leaf < 0:
            raise ValueError(
                f"The pixel {pixel} is in no cluster: it is noise, sky, or has no data."
            )
        return leaf

    def _group_of_leaf(self, leaf):
        """Return the group that has a leaf."""
        for group in self._groups:
            if leaf in group.leaves:
                return group
        raise AssertionError("each leaf is in a group")

    def _parted_by_words(self, leaves):
        """Return a cluster of a cut as groups by what was said of its leaves."""
        words = {leaf: name for leaf, name in self.words.items() if leaf in leaves}
        if not words:
            return [LeafGroup(None, leaves)]
        parts = {}
        nearest = self._nearest_said(leaves, words)
        for leaf, near in zip(leaves, nearest, strict=True):
            parts.setdefault(words[near], []).append(leaf)
        return [LeafGroup(name, tuple(part)) for name, part in parts.items()]

    def _nearest_said(self, leaves, said):
        """Return for each leaf the nearest of those of which something was said.

        Of two that are joined as early, the one with more pixels.
        """
        by_size = sorted(said, key=lambda leaf: (-self.sizes[leaf], leaf))
        return self._tree.nearest(leaves, by_size)

    def _middle_of(self, leaf):
        """Return the pixel in the middle of the widest part of a leaf."""
        if self._middles is None:
            self._middles = middles_of(self.leaf_map, len(self.sizes))
        return self._middles[leaf]


def _check_leaf_map(leaf_map, n_leaves):
    """Return a map of leaves as int32."""
    leaf_map = without_mask(leaf_map)
    if leaf_map.dtype.kind not in "iu" or leaf_map.min(initial=0) < MASKED:
        raise ValueError(
            "leaf_map must hold whole numbers: leaves from 0, -1 for noise, -2 for "
            "sky and -3 for no data."
        )
    if leaf_map.max(initial=-1) >= n_leaves:
        raise ValueError(
            f"leaf_map holds the leaf {leaf_map.max()}, but the tree has "
            f"{n_leaves} leaves, counted from 0. Are they of one clusterer?"
        )
    return leaf_map.astype(np.int32)


def _checked_name(name):
    """Return a name without white space around it; refuse what is none."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"A name must be a text that is not empty, got {name!r}.")
    return name.strip()
