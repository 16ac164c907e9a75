# SPDX-License-Identifier: BSD-3-Clause
"""Names that fluxes suggest, given to clusters that have none."""

from collections import Counter


def suggested_groups(groups, suggestions):
    """Return groups, of which those without a name have the suggested one.

    Parameters
    ----------
    groups : list of ClusterGroup
    suggestions : list of Suggestion or None
        One for each group; None of classes.
    """
    if not any(suggestion.name for suggestion in suggestions or ()):
        text = "because the filters are unknown or no rule holds"
        if suggestions is None:
            text = "because the classes are those that were taught"
        raise ValueError(f"no names are suggested, {text}")
    pairs = zip(groups, suggestions, strict=True)
    names = [group.name or suggestion.name for group, suggestion in pairs]
    counts, numbers, named = Counter(names), Counter(), []
    for group, name in zip(groups, names, strict=True):
        numbers[name] += 1
        if name and group.name is None and counts[name] > 1:
            name = f"{name} {numbers[name]}"
        named.append(group._replace(name=name))
    return named
