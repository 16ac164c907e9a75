# SPDX-License-Identifier: BSD-3-Clause
"""Groups of a run after clusters were named or merged."""

from collections import Counter

from skesom.report.cluster_groups import ClusterGroup


def rename_groups(groups, names):
    """Return groups of which some have other names.

    Parameters
    ----------
    groups : list of ClusterGroup
        One for each cluster of the label map.
    names : mapping of int to str or None
        By label; None takes the name away.

    Returns
    -------
    groups : list of ClusterGroup

    Raises
    ------
    ValueError
        If a label is not in the map.
    """
    _check_labels(names, len(groups))
    return [
        group._replace(name=names.get(label, group.name))
        for label, group in enumerate(groups)
    ]


def merge_groups(groups, labels, name):
    """Return groups of which several are one, which is the last.

    Parameters
    ----------
    groups : list of ClusterGroup
        One for each cluster of the label map.
    labels : iterable of int
        Of the clusters to merge.
    name : str or None
        Of the merged group; None takes that of the only one that has a name.

    Returns
    -------
    groups : list of ClusterGroup

    Raises
    ------
    ValueError
        If a label is not in the map, or there are fewer than two.
    """
    labels = sorted(set(labels))
    _check_labels(labels, len(groups))
    if len(labels) < 2:
        raise ValueError(f"Give two labels or more to merge, got {labels}.")
    merged_names = set()
    merged_labels = []
    merged_leaves = []
    others = []
    for label, group in enumerate(groups):
        if label not in labels:
            others.append(group)
            continue
        merged_labels += group.labels
        merged_leaves += group.leaves
        if group.name is not None:
            merged_names.add(group.name)
    if name is None and len(merged_names) == 1:
        name = merged_names.pop()
    merged_group = ClusterGroup(
        name,
        labels=tuple(merged_labels),
        color=groups[labels[0]].color,
        leaves=tuple(merged_leaves),
    )
    return [*others, merged_group]


def _check_labels(labels, n_clusters):
    """Refuse labels that no cluster has."""
    for label in labels:
        if label not in range(n_clusters):
            raise ValueError(
                f"There is no cluster {label!r}: labels are from 0 to {n_clusters - 1}."
            )


def name_by_suggestions(groups, suggestions):
    """Return groups, of which those without a name have the suggested one.

    Several groups that would have one name are numbered.

    Parameters
    ----------
    groups : list of ClusterGroup
    suggestions : list of Suggestion or None
        One for each group; None of classes.

    Returns
    -------
    groups : list of ClusterGroup

    Raises
    ------
    ValueError
        If no name is suggested.
    """
    if suggestions is None:
        raise ValueError(
            "no names are suggested, because the classes are those that were learned"
        )
    if not any(suggestion.name for suggestion in suggestions):
        raise ValueError(
            "no names are suggested, because the filters are unknown or no rule holds"
        )
    names = []
    for group, suggestion in zip(groups, suggestions, strict=True):
        names.append(group.name or suggestion.name)
    n_of_name = Counter(names)
    n_so_far = Counter()
    named_groups = []
    for group, name in zip(groups, names, strict=True):
        n_so_far[name] += 1
        if name and group.name is None and n_of_name[name] > 1:
            name = f"{name} {n_so_far[name]}"
        named_groups.append(group._replace(name=name))
    return named_groups
