# SPDX-License-Identifier: BSD-3-Clause
"""Names that fluxes suggest, given to clusters that have none."""

from collections import Counter


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
