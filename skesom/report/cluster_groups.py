# SPDX-License-Identifier: BSD-3-Clause
"""Groups of clusters with names and colors of their own."""

from __future__ import annotations

import re
from collections import Counter
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skesom._common.extras import import_extra
from skesom._common.labels import without_mask
from skesom._types import ClusterGroups
from skesom.displays.colors import cluster_palette

FORMAT = "skesom clusters"
_N_LABELS = 2**31  # labels are integers of 32 bits
_LONGEST_NAME = 1000  # characters
_NOT_IN_NAMES = set("{};")  # of region files


class ClusterGroup(NamedTuple):
    """Clusters of a run that are one: name, labels, and color as "#rrggbb" or None.

    Parts of clusters are leaves of the tree of the run.
    """

    name: str | None
    labels: tuple
    color: str | None = None
    leaves: tuple = ()

    @property
    def default_name(self):
        """The stand-in of the name if there is none."""
        names = [f"cluster {label}" for label in self.labels]
        names += [f"leaf {leaf}" for leaf in self.leaves]
        return " + ".join(names)


def merge_clusters(
    label_map: ArrayLike, groups: ClusterGroups
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Give the clusters of each group one label.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels stay as they are.
    groups : sequence of tuple (name, labels) or (name, labels, color)
        Each cluster in one group at most; those in none stay as "cluster <number>".

    Returns
    -------
    label_map : ndarray of shape (n_rows, n_columns), dtype int32
        Groups from 0 by falling size.
    names : tuple of str
        Name of each new label.

    Raises
    ------
    ValueError
        If a label is not in the map, or in two groups.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.report import merge_clusters
    >>> label_map = np.array([[0, 0, 0, 1, 1, 2, 2, -3]])
    >>> merged, names = merge_clusters(label_map, [("nebulae", [1, 2])])
    >>> merged, names
    (array([[ 1,  1,  1,  0,  0,  0,  0, -3]], dtype=int32), ('nebulae', 'cluster 0'))
    """
    label_map = without_mask(label_map)
    sizes = np.bincount(label_map[label_map >= 0].ravel())
    groups = by_size(complete_groups(groups, len(sizes)), sizes)
    names = tuple(group.name or group.default_name for group in groups)
    check_names(names)
    return merged_labels(label_map, groups), names


def carried_groups(groups, before, after):
    """Return the named groups of clusters that hold the same pixels in another map."""
    new_labels = _unchanged_clusters(before, after)
    n_clusters = int(before.max(initial=-1)) + 1
    # Nobody has chosen a color of the palette: the new map has its own.
    palette = {_as_hex(color, "") for color in cluster_palette(n_clusters).tolist()}
    carried = []
    for group in groups:
        if group.name is None:
            continue
        if group.leaves:  # parts of clusters may be clusters of another cut
            continue
        if not set(group.labels) <= new_labels.keys():
            continue
        labels = tuple(new_labels[label] for label in group.labels)
        color = None if group.color in palette else group.color
        carried.append(ClusterGroup(group.name, labels, color))
    return carried


def _unchanged_clusters(before, after):
    """Return the new labels, by the old ones, of clusters that hold the same pixels."""
    n_before = int(before.max(initial=-1)) + 2  # the first one is no cluster
    n_after = int(after.max(initial=-1)) + 2
    pairs = (before.clip(-1) + 1) * n_after + after.clip(-1) + 1
    is_shared = np.bincount(pairs.ravel(), minlength=n_before * n_after) > 0
    is_shared = is_shared.reshape(n_before, n_after)
    has_one_before = is_shared.sum(axis=0) == 1
    has_one_after = is_shared.sum(axis=1) == 1
    is_same = is_shared & has_one_before & has_one_after[:, np.newaxis]
    return {old - 1: new - 1 for old, new in np.argwhere(is_same).tolist()}


def complete_groups(groups, n_clusters):
    """Return the groups of a map, and each cluster that is in none as one."""
    groups = check_groups(groups)
    if any(group.leaves for group in groups):
        raise ValueError(
            "Some groups hold parts of clusters, which a label map does not tell: give "
            "the groups to Run or explore, or write the result with "
            "`skesom name`."
        )
    grouped = set()
    for group in groups:
        grouped.update(group.labels)
    last_label = max(grouped, default=-1)
    if last_label >= n_clusters:
        raise ValueError(
            f"A group has the cluster {last_label}, but the map has those from 0 to "
            f"{n_clusters - 1}. Are they of another run?"
        )
    ungrouped = [label for label in range(n_clusters) if label not in grouped]
    return groups + [ClusterGroup(None, (label,)) for label in ungrouped]


def leaf_groups(groups, clusters):
    """Return groups of clusters and of leaves as groups of leaves alone.

    What is left of each cluster is one more. `clusters` has the cluster of each leaf.
    """
    n_leaves = len(clusters)
    names = {}  # of the group of each leaf
    of_leaves = []
    for group in check_groups(groups):
        if max(group.leaves, default=-1) >= n_leaves:
            raise ValueError(
                f"A group has the leaf {max(group.leaves)}, but the tree has those "
                f"from 0 to {n_leaves - 1}. Are they of another run?"
            )
        if max(group.labels, default=-1) > clusters.max():
            raise ValueError(
                f"A group has the cluster {max(group.labels)}, but the map has those "
                f"from 0 to {clusters.max()}. Are they of another run?"
            )
        leaves = set(group.leaves)
        leaves.update(np.flatnonzero(np.isin(clusters, group.labels)).tolist())
        leaves = tuple(sorted(leaves))
        for leaf in leaves:
            _claim(names, leaf, f"Leaf {leaf}", group)
        of_leaves.append(group._replace(labels=(), leaves=leaves))
    for cluster in np.unique(clusters).tolist():
        leaves = np.flatnonzero(clusters == cluster).tolist()
        ungrouped = tuple(leaf for leaf in leaves if leaf not in names)
        if ungrouped:
            of_leaves.append(ClusterGroup(None, (), None, ungrouped))
    return of_leaves


def _claim(names, member, title, group):
    """Note the name of the group of a cluster or leaf; refuse a second one."""
    if member in names:
        raise ValueError(
            f"{title} is in the groups {names[member]!r} and {group.name!r}. It can be "
            "in one."
        )
    names[member] = group.name


def whole_groups(groups, clusters):
    """Return groups of leaves as groups of clusters, None if one has a part of one."""
    of_clusters = []
    for group in groups:
        labels = np.unique(clusters[list(group.leaves)])
        n_leaves_of_clusters = np.count_nonzero(np.isin(clusters, labels))
        if n_leaves_of_clusters > len(group.leaves):
            return None
        labels = tuple(labels[labels >= 0].tolist())
        if labels:  # a cluster that lost its pixels to a vote is none
            of_clusters.append(group._replace(labels=labels, leaves=()))
    return of_clusters


def by_size(groups, sizes):
    """Return groups, the largest first, from the sizes of the clusters."""

    def key(group):
        return -sizes[list(group.labels)].sum(), group.labels

    return sorted(groups, key=key)


def merged_labels(labels, groups):
    """Return labels as positions of their groups, which are all; negative ones stay."""
    n_clusters = sum(len(group.labels) for group in groups)
    n_negative = -min(int(labels.min(initial=0)), 0)
    new_labels = np.arange(n_clusters + n_negative, dtype=np.int32)
    # Negative labels find themselves from the end.
    new_labels[n_clusters:] -= len(new_labels)
    for position, group in enumerate(groups):
        new_labels[list(group.labels)] = position
    return new_labels[labels]


def check_groups(groups):
    """Return groups of clean names, labels and colors; refuse impossible ones."""
    groups = [_checked(*group) for group in groups]
    names_by_label = {}
    names_by_leaf = {}
    for group in groups:
        for label in group.labels:
            _claim(names_by_label, label, f"Cluster {label}", group)
        for leaf in group.leaves:
            _claim(names_by_leaf, leaf, f"Leaf {leaf}", group)
    check_names(group.name for group in groups if group.name is not None)
    return groups


def _checked(name, labels, color=None, leaves=()):
    """Return a group after checking it alone."""
    title = f"The group {name!r:.80}"
    labels = list(labels)
    leaves = list(leaves)
    if not labels and not leaves:
        raise ValueError(f"{title} has no cluster.")
    for label in [*labels, *leaves]:
        if not _is_label(label):
            raise ValueError(
                f"{title} has {label!r:.80} among its labels, which must be whole "
                "numbers from 0."
            )
    group = ClusterGroup(
        name=_checked_name(name, title),
        labels=tuple(int(label) for label in labels),
        color=_as_hex(color, title),
        leaves=tuple(int(leaf) for leaf in leaves),
    )
    if group.name == group.default_name:  # as pages export what has no name
        return group._replace(name=None)
    return group


def _is_label(label):
    """Return whether something is a whole number that can be in a label map."""
    if not isinstance(label, Real) or isinstance(label, bool):
        return False
    return 0 <= label < _N_LABELS and label == int(label)


def _checked_name(name, title):
    """Return the name of a group that files can hold, None without one."""
    if not isinstance(name, str | None):
        raise ValueError(f"{title} needs a text as its name.")
    if name is None:
        return None
    name = name.strip()
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"{title} has a name of more than {_LONGEST_NAME} characters.")
    if not name.isprintable() or _NOT_IN_NAMES & set(name):
        raise ValueError(
            f"{title} cannot have braces, semicolons or line breaks in its name, which "
            "region files cannot hold."
        )
    return name or None


def check_names(names):
    """Refuse a name that is given twice."""
    for name, count in Counter(names).most_common(1):
        if count > 1:
            raise ValueError(
                f"{count} groups have the name {name!r}. Name them apart, or make one "
                "group of all their labels."
            )


def _as_hex(color, title):
    """Return a color as "#rrggbb", None for none."""
    if color is None:
        return None
    if isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color):
        return color.lower()
    try:
        if not isinstance(color, str):
            return _hex_of_levels(color)
        colors = import_extra(
            "matplotlib.colors",
            f"{title} has the color {color!r:.80}, and names of colors need "
            "matplotlib: pip install 'skesom[plot]', or give colors as \"#d95f02\".",
        )
        return colors.to_hex(color)
    except (TypeError, ValueError):
        raise ValueError(
            f"{title} has the color {color!r:.80}, which cannot be read. Give one as "
            '"#d95f02" or "orange".'
        ) from None


def _hex_of_levels(color):
    """Return red, green, blue, and perhaps opacity, from 0 to 1 as "#rrggbb"."""
    levels = np.asarray(color, dtype=float)
    if levels.shape not in ((3,), (4,)) or not np.all((levels >= 0) & (levels <= 1)):
        raise ValueError("these are no levels of a color")
    return f"#{bytes(np.rint(255 * levels[:3]).astype('u1')).hex()}"
