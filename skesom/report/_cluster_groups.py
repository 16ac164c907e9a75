# SPDX-License-Identifier: BSD-3-Clause
"""Clusters by the names that people give them: merged, renamed, kept in a file."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skesom.io import atomic_path

FORMAT = "skesom clusters"


class ClusterGroup(NamedTuple):
    """Clusters that are one, and its name."""

    name: str
    labels: tuple
    """Labels of the clusters in the label map."""


def read_cluster_groups(path):
    """Read which clusters are one, and how they are called.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file, as the page of `explore` exports it and `write_cluster_groups`
        writes it.

    Returns
    -------
    groups : list of ClusterGroup
        In the order of the file.

    Raises
    ------
    ValueError
        If the file is no such list; says what is wrong.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.report import read_cluster_groups, write_cluster_groups
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clusters.json"
    ...     write_cluster_groups(path, [("nebulae", [1, 2])])
    ...     read_cluster_groups(path)
    [ClusterGroup(name='nebulae', labels=(1, 2))]
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f'{path} is no list of clusters: it has no "format": "{FORMAT}". Export '
            "one from the page of a result."
        )
    try:
        groups = [
            ClusterGroup(str(entry["name"]), tuple(entry["labels"]))
            for entry in content["clusters"]
        ]
        _check_groups(groups)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return groups


def write_cluster_groups(path, groups):
    """Write which clusters are one, and how they are called.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file to write; replaced if it exists.
    groups : sequence of ClusterGroup or of tuple (name, labels)
        Each cluster in one group at most.

    Raises
    ------
    ValueError
        If a group is empty, a label is no number from 0, or is in two groups.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skesom.report import write_cluster_groups
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clusters.json"
    ...     write_cluster_groups(path, [("nebulae", [1, 2])])
    ...     path.read_text().splitlines()[1]
    '  "format": "skesom clusters",'
    """
    groups = [ClusterGroup(name, tuple(map(int, labels))) for name, labels in groups]
    _check_groups(groups)
    content = {"format": FORMAT, "version": 1}
    content["clusters"] = [group._asdict() for group in groups]
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def merge_clusters(label_map, groups):
    """Give the clusters of each group one label.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels stay as they are.
    groups : sequence of ClusterGroup or of tuple (name, labels)
        Each cluster in one group at most; those in none stay alone and are called
        "cluster" and their number.

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
    label_map = np.asarray(label_map)
    groups = [ClusterGroup(name, tuple(labels)) for name, labels in groups]
    _check_groups(groups)
    sizes = np.bincount(label_map[label_map >= 0].ravel())
    for group in groups:
        unknown = [label for label in group.labels if label >= len(sizes)]
        if unknown:
            raise ValueError(
                f"The group {group.name!r} has the cluster {unknown[0]}, but the map "
                f"has those from 0 to {len(sizes) - 1}. Are they of another run?"
            )
    grouped = {label for group in groups for label in group.labels}
    groups += [
        ClusterGroup(f"cluster {label}", (label,))
        for label in range(len(sizes))
        if label not in grouped
    ]
    totals = [sizes[list(group.labels)].sum() for group in groups]
    order = np.argsort(-np.array(totals), kind="stable")
    new = np.empty(len(sizes), dtype=np.int32)
    for place, group in enumerate(order):
        new[list(groups[group].labels)] = place
    merged = np.where(label_map >= 0, new[np.maximum(label_map, 0)], label_map)
    return merged.astype(np.int32), tuple(groups[group].name for group in order)


def _check_groups(groups):
    """Refuse empty groups, labels that are none, and labels in two groups."""
    seen = {}
    for group in groups:
        if not group.labels:
            raise ValueError(f"The group {group.name!r} has no cluster.")
        for label in group.labels:
            if isinstance(label, bool) or int(label) != label or label < 0:
                raise ValueError(
                    f"The group {group.name!r} has {label!r}, which is no label: they "
                    "are whole numbers from 0."
                )
            if label in seen:
                raise ValueError(
                    f"Cluster {label} is in the groups {seen[label]!r} and "
                    f"{group.name!r}. It can be in one."
                )
            seen[label] = group.name
