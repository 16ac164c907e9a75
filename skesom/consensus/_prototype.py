# SPDX-License-Identifier: BSD-3-Clause
"""What members are clones of: where its number of clusters and its seeds are."""

import inspect
from numbers import Integral

import numpy as np
from sklearn.base import clone

from skesom._common.pipelines import pipeline_end, random_states
from skesom.som.base import CodebookMap

USUAL_NUMBER = 8  # of clusters, as in scikit-learn, where nobody gives one


def number_parameter(clusterer):
    """Return the parameter of a clusterer that is the number of clusters, or None."""
    if isinstance(clusterer, CodebookMap) and not clusterer._takes_number():
        return None
    names = clusterer.get_params(deep=False)
    for name in ("n_clusters", "n_components"):
        if name in names:
            return name
    return None


def default_value(estimator, name):
    """Return the default of a parameter of an estimator."""
    return inspect.signature(type(estimator)).parameters[name].default


def uses_seeds(prototype):
    """Return whether members of other seeds can be other clusterings."""
    last, _ = pipeline_end(prototype)
    n_seeds = len(random_states(prototype))
    if isinstance(last, CodebookMap) and not last._uses_seed():
        n_seeds -= len(random_states(last))
    return n_seeds > 0


def new_member(prototype, n_clusters, seed):
    """Return a clone of a clusterer, with a seed and a number of clusters of its own.

    Parameters
    ----------
    prototype : clusterer or Pipeline
    n_clusters : int, "auto" or None
        That of the consensus; None leaves the number of the prototype.
    seed : int
        For every `random_state`.
    """
    member = clone(prototype)
    seeds = {name: int(seed) for name in random_states(member)}
    member.set_params(**seeds)
    last, _ = pipeline_end(member)
    name = number_parameter(last)
    if n_clusters is None and name is not None and getattr(last, name) is None:
        # Clusters of one unit each would tell nothing.
        n_clusters = USUAL_NUMBER
    if isinstance(n_clusters, Integral) and name is not None:
        setattr(last, name, n_clusters)
    elif n_clusters == "auto" and isinstance(last, CodebookMap):
        last.set_params(n_clusters="auto")
    return member


def number_of_most_maps(members):
    """Return the number of clusters that most maps found, or None without any map."""
    numbers = []
    for member in members:
        last, _ = pipeline_end(member)
        if isinstance(last, CodebookMap):
            numbers.append(last.n_clusters_)
    if not numbers:
        return None
    return int(np.bincount(numbers).argmax())
