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
_MOST = 2**31  # labels are integers of 32 bits
_LONGEST = 1000  # characters of a name
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
        return " + ".join(
            [
                *(f"cluster {label}" for label in self.labels),
                *(f"leaf {leaf}" for leaf in self.leaves),
            ]
        )


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
    n_before, n_after = (int(labels.max(initial=-1)) + 2 for labels in (before, after))
    places = (before.clip(-1) + 1) * n_after + after.clip(-1) + 1
    shared = np.bincount(places.ravel(), minlength=n_before * n_after) > 0
    shared = shared.reshape(n_before, n_after)
    alone = shared & (shared.sum(axis=0) == 1) & (shared.sum(axis=1)[:, None] == 1)
    new = {old - 1: own - 1 for old, own in np.argwhere(alone).tolist()}
    palette = cluster_palette(n_before - 1).tolist()
    usual = {_as_hex(color, "") for color in palette}  # which nobody has chosen
    return [
        ClusterGroup(
            group.name,
            tuple(new[label] for label in group.labels),
            None if group.color in usual else group.color,
        )
        for group in groups
        if group.name is not None
        and not group.leaves  # parts of clusters may be clusters of another cut
        and {*group.labels} <= new.keys()
    ]


def complete_groups(groups, n_clusters):
    """Return the groups of a map, and each cluster that is in none as one."""
    groups = check_groups(groups)
    if any(group.leaves for group in groups):
        raise ValueError(
            "Some groups hold parts of clusters, which a label map does not tell: give "
            "the groups to Run or explore, or write the result with "
            "`skesom name`."
        )
    grouped = {label for group in groups for label in group.labels}
    if (most := max(grouped, default=-1)) >= n_clusters:
        text = f"the map has those from 0 to {n_clusters - 1}. Are they of another run?"
        raise ValueError(f"A group has the cluster {most}, but {text}")
    alone = [label for label in range(n_clusters) if label not in grouped]
    return groups + [ClusterGroup(None, (label,)) for label in alone]


def leaf_groups(groups, clusters):
    """Return groups of clusters and of leaves as groups of leaves alone.

    What is left of each cluster is one more. `clusters` has the cluster of each leaf.
    """
    n_leaves, owners, found = len(clusters), {}, []
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
        whole = np.flatnonzero(np.isin(clusters, group.labels)).tolist()
        leaves = sorted({*group.leaves, *whole})
        for leaf in leaves:
            if leaf in owners:
                text = f"{owners[leaf]!r} and {group.name!r}. It can be in one"
                raise ValueError(f"Leaf {leaf} is in the groups {text}.")
            owners[leaf] = group.name
        found.append(group._replace(labels=(), leaves=tuple(leaves)))
    for cluster in np.unique(clusters).tolist():
        own = np.flatnonzero(clusters == cluster).tolist()
        rest = tuple(leaf for leaf in own if leaf not in owners)
        if rest:
            found.append(ClusterGroup(None, (), None, rest))
    return found


def whole_groups(groups, clusters):
    """Return groups of leaves as groups of clusters, None if one has a part of one."""
    found = []
    for group in groups:
        labels = np.unique(clusters[list(group.leaves)])
        if np.count_nonzero(np.isin(clusters, labels)) > len(group.leaves):
            return None
        labels = tuple(labels[labels >= 0].tolist())
        if labels:  # a cluster that lost its pixels to a vote is none
            found.append(group._replace(labels=labels, leaves=()))
    return found


def by_size(groups, sizes):
    """Return groups, the largest first, from the sizes of the clusters."""
    return sorted(groups, key=lambda each: (-sizes[[*each.labels]].sum(), each.labels))


def merged_labels(labels, groups):
    """Return labels as places of their groups, which are all; negative ones stay."""
    n_clusters = sum(len(group.labels) for group in groups)
    new = np.arange(n_clusters - min(int(labels.min(initial=0)), 0), dtype=np.int32)
    new[n_clusters:] -= len(new)  # found by negative labels from the end
    for place, group in enumerate(groups):
        new[[*group.labels]] = place
    return new[labels]


def check_groups(groups):
    """Return groups of clean names, labels and colors; refuse impossible ones."""
    groups, seen = [_checked(*group) for group in groups], {}
    for group in groups:
        for label in group.labels:
            if label in seen:
                text = f"{seen[label]!r} and {group.name!r}. It can be in one"
                raise ValueError(f"Cluster {label} is in the groups {text}.")
            seen[label] = group.name
        for leaf in group.leaves:
            if ("leaf", leaf) in seen:
                text = f"{seen['leaf', leaf]!r} and {group.name!r}. It can be in one"
                raise ValueError(f"Leaf {leaf} is in the groups {text}.")
            seen["leaf", leaf] = group.name
    check_names(group.name for group in groups if group.name is not None)
    return groups


def _checked(name, labels, color=None, leaves=()):
    """Return a group after checking it alone."""
    what = f"The group {name!r:.80}"
    labels, leaves = list(labels), list(leaves)
    if not labels and not leaves:
        raise ValueError(f"{what} has no cluster.")
    for label in [*labels, *leaves]:
        is_number = isinstance(label, Real) and not isinstance(label, bool)
        if not (is_number and 0 <= label < _MOST and label == int(label)):
            text = f"{what} has {label!r:.80}, which is no label"
            raise ValueError(f"{text}: labels are whole numbers from 0.")
    if not isinstance(name, str | None):
        raise ValueError(f"{what} has a name that is no text.")
    name = name and name.strip()
    if name and len(name) > _LONGEST:
        raise ValueError(f"{what} has a name of more than {_LONGEST} characters.")
    if name and (not name.isprintable() or _NOT_IN_NAMES & set(name)):
        text = "cannot have braces, semicolons or line breaks in its name"
        raise ValueError(f"{what} {text}, which region files cannot hold.")
    group = ClusterGroup(
        name or None,
        tuple(map(int, labels)),
        _as_hex(color, what),
        tuple(map(int, leaves)),
    )
    is_default = name == group.default_name  # as pages export what has no name
    return group._replace(name=None) if is_default else group


def check_names(names):
    """Refuse a name that is given twice."""
    for name, count in Counter(names).most_common(1):
        if count > 1:
            text = "Name them apart, or make one group of all their labels."
            raise ValueError(f"{count} groups have the name {name!r}. {text}")


def _as_hex(color, what):
    """Return a color as "#rrggbb", None for none."""
    if color is None:
        return None
    if isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color):
        return color.lower()
    try:
        if not isinstance(color, str):
            return _hex_of_levels(color)
        text = (
            f"{what} has the color {color!r:.80}, and names of colors need matplotlib: "
            "pip install 'skesom[plot]', or give colors as \"#d95f02\"."
        )
        return import_extra("matplotlib.colors", text).to_hex(color)
    except (TypeError, ValueError):
        text = f"has the color {color!r:.80}, which is none. Give one as"
        raise ValueError(f'{what} {text} "#d95f02" or "orange".') from None


def _hex_of_levels(color):
    """Return red, green, blue, and perhaps opacity, from 0 to 1 as "#rrggbb"."""
    levels = np.asarray(color, dtype=float)
    if levels.shape not in ((3,), (4,)) or not np.all((levels >= 0) & (levels <= 1)):
        raise ValueError("these are no levels of a color")
    return f"#{bytes(np.rint(255 * levels[:3]).astype('u1')).hex()}"
