# SPDX-License-Identifier: BSD-3-Clause
"""Groups of clusters with names and colors of their own, in memory and in a file."""

from __future__ import annotations

import errno
import json
import os
import re
from collections import Counter
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skesom._common.extras import import_extra
from skesom._common.labels import without_mask
from skesom._common.new_files import atomic_path
from skesom._types import ClusterGroups, StrPath
from skesom.displays._colors import cluster_palette
from skesom.report._json_values import read_json

FORMAT = "skesom clusters"
GROUPS_NAME = "groups.json"
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


def read_cluster_groups(
    path: StrPath,
    *,
    label_map_sha256: str | None = None,
    tree_sha256: str | None = None,
) -> list[ClusterGroup]:
    """Read the names and colors of clusters, and which clusters are one group.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file of a result, or of its page.
    label_map_sha256 : str, default=None
        Digest of the label map that the groups should be of (under "result" in
        ``provenance.json``). Not compared with files without one.
    tree_sha256 : str, default=None
        Digest of the tree whose leaves the groups should be of, as in the file. Not
        compared with files of whole clusters.

    Returns
    -------
    groups : list of ClusterGroup
        Tuples (name, labels, color, leaves) in the order of the file: labels and leaves
        are tuples of int, the color is "#rrggbb"; name and color are None where none is
        given. Leaves are those of the tree, for parts of clusters.

    Raises
    ------
    ValueError
        If the file is no such list, is of another label map or tree, or of a newer
        version of skesom.

    Examples
    --------
    >>> import json, tempfile
    >>> from skesom.report import read_cluster_groups
    >>> clusters = [{"name": "nebulae", "labels": [1, 2], "color": "#dc143c"}]
    >>> content = {"format": "skesom clusters", "version": 1, "clusters": clusters}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/groups.json", "w") as file:
    ...         json.dump(content, file)
    ...     read_cluster_groups(f"{folder}/groups.json")
    [ClusterGroup(name='nebulae', labels=(1, 2), color='#dc143c', leaves=())]
    """
    content = read_json(path, FORMAT, "list of clusters exported from a page")
    if content.get("version", 1) not in (1, 2):
        raise ValueError(f"{path} is of a newer version of skesom, use that one.")
    digest = content.get("label_map_sha256")
    if None not in (digest, label_map_sha256) and digest != label_map_sha256:
        raise ValueError(
            f"{path} is of another result: its names are for another label map. Take "
            "the groups.json of this result, or what its page exported."
        )
    digest = content.get("tree_sha256")
    if None not in (digest, tree_sha256) and digest != tree_sha256:
        raise ValueError(
            f"{path} is of another run: its parts of clusters are of another tree. "
            "Take the groups.json of this result, or what its page exported."
        )
    try:
        groups = []
        for each in content["clusters"]:
            leaves = each.get("leaves", ())
            labels = each.get("labels", ()) if len(leaves) else each["labels"]
            groups.append((each["name"], labels, each.get("color"), leaves))
        return check_groups(groups)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def groups_of(path, label_map_sha256, tree_sha256=None):
    """Return the groups of a folder of results, or of that of a model; or none."""
    path = Path(path)
    path = (path if path.is_dir() else path.parent) / GROUPS_NAME
    if not path.is_file():
        return []
    return read_cluster_groups(
        path, label_map_sha256=label_map_sha256, tree_sha256=tree_sha256
    )


def check_groups_file(path):
    """Refuse a file of groups by its name, before a result is read for nothing."""
    path = Path(path)
    if path.suffix.lower() != ".json":
        raise ValueError(
            f"{path} is no file of groups, whose names end in .json: take "
            f"{GROUPS_NAME} of the result after editing, or what its page exported."
        )
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def write_cluster_groups(path, groups, *, label_map_sha256=None, tree_sha256=None):
    """Write groups, and digests of the label map and the tree that they are of.

    Groups of whole clusters are written as version 1, which earlier versions read.
    """
    groups = check_groups(groups)
    content = {"format": FORMAT, "version": 1, "label_map_sha256": label_map_sha256}
    listed = [group._asdict() for group in groups]
    if any(group.leaves for group in groups):
        content |= {"version": 2, "tree_sha256": tree_sha256}
    else:
        for each in listed:
            del each["leaves"]
    content["clusters"] = listed
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


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
            "the groups to write_report or explore, or write the result with "
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
