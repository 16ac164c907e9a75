# SPDX-License-Identifier: BSD-3-Clause
"""Groups of clusters with names of their own: merged, and kept in a file."""

import json
from numbers import Real

import numpy as np

from skesom.io import atomic_path
from skesom.report._json_values import read_json

FORMAT = "skesom clusters"
_MOST = 2**31  # labels are integers of 32 bits


def read_cluster_groups(path):
    """Read the names of clusters, and which clusters are one group.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file of the page of `explore` or of `write_cluster_groups`.

    Returns
    -------
    groups : list of tuple (name, labels)
        In the order of the file; labels are a tuple of int.

    Raises
    ------
    ValueError
        If the file is no such list.

    Examples
    --------
    >>> import tempfile
    >>> from skesom.report import read_cluster_groups, write_cluster_groups
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_cluster_groups(f"{folder}/clusters.json", [("nebulae", [1, 2])])
    ...     read_cluster_groups(f"{folder}/clusters.json")
    [('nebulae', (1, 2))]
    """
    content = read_json(path, FORMAT, "list of clusters exported from a page")
    try:
        listed = content["clusters"]
        groups = [(str(each["name"]), list(each["labels"])) for each in listed]
        _check_groups(groups)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return [(name, tuple(map(int, labels))) for name, labels in groups]


def write_cluster_groups(path, groups):
    """Write the names of clusters, and which clusters are one group.

    Parameters
    ----------
    path : str or os.PathLike
        JSON file to write; replaced if it exists.
    groups : sequence of tuple (name, labels)
        Each cluster in one group at most.

    Raises
    ------
    ValueError
        If a group is empty, a label is no number from 0, or is in two groups.
    """
    groups = [(name, list(labels)) for name, labels in groups]
    _check_groups(groups)
    clusters = [{"name": name, "labels": [*map(int, own)]} for name, own in groups]
    content = {"format": FORMAT, "version": 1, "clusters": clusters}
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def merge_clusters(label_map, groups):
    """Give the clusters of each group one label.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels stay as they are.
    groups : sequence of tuple (name, labels)
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
    label_map = np.asarray(label_map)
    sizes = np.bincount(label_map[label_map >= 0].ravel())
    groups = complete_groups(groups, len(sizes))
    totals = [sizes[labels].sum() for _, labels in groups]
    order = np.argsort(-np.array(totals), kind="stable")
    new = np.empty(len(sizes), dtype=np.int32)
    for place, group in enumerate(order):
        new[groups[group][1]] = place
    merged = np.where(label_map >= 0, new[np.maximum(label_map, 0)], label_map)
    return merged.astype(np.int32), tuple(groups[group][0] for group in order)


def complete_groups(groups, n_clusters):
    """Return the groups of a map, and each cluster that is in none as one."""
    groups = [(name, list(labels)) for name, labels in groups]
    _check_groups(groups)
    for name, labels in groups:
        if max(labels) >= n_clusters:
            raise ValueError(
                f"The group {name!r} has the cluster {max(labels)}, but the map has "
                f"those from 0 to {n_clusters - 1}. Are they of another run?"
            )
    grouped = {label for _, labels in groups for label in labels}
    alone = [label for label in range(n_clusters) if label not in grouped]
    return groups + [(f"cluster {label}", [label]) for label in alone]


def _check_groups(groups):
    """Refuse empty groups, labels that are none, and labels in two groups."""
    seen = {}
    for name, labels in groups:
        if len(labels) == 0:
            raise ValueError(f"The group {name!r} has no cluster.")
        for label in labels:
            is_number = isinstance(label, Real) and not isinstance(label, bool)
            if not (is_number and 0 <= label < _MOST and label == int(label)):
                text = f"The group {name!r} has {label!r}, which is no label"
                raise ValueError(f"{text}: labels are whole numbers from 0.")
            if label in seen:
                text = f"{seen[label]!r} and {name!r}. It can be in one"
                raise ValueError(f"Cluster {label} is in the groups {text}.")
            seen[label] = name
