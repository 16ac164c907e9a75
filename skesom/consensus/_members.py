# SPDX-License-Identifier: BSD-3-Clause
"""The members of a consensus: how they are fitted, and what they are asked for."""

import inspect
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from skesom._common.pipelines import pipeline_end, random_states
from skesom._common.thread_pools import each_in_threads, in_threads, jobs_possible
from skesom._common.threads import one_thread
from skesom.som.base import CodebookMap

USUAL_NUMBER = 8  # of clusters, as in scikit-learn, where nobody gives one


def name_of_number(clusterer):
    """Return the parameter of a clusterer that is the number of clusters, or None."""
    if isinstance(clusterer, CodebookMap) and not clusterer._takes_number():
        return None
    names = clusterer.get_params(deep=False)
    for name in ("n_clusters", "n_components"):
        if name in names:
            return name
    return None


def default_of(estimator, name):
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
    member.set_params(**dict.fromkeys(random_states(member), int(seed)))
    last, _ = pipeline_end(member)
    name = name_of_number(last)
    if n_clusters is None and name is not None and getattr(last, name) is None:
        # Clusters of one unit each would tell nothing.
        n_clusters = USUAL_NUMBER
    if isinstance(n_clusters, Integral) and name is not None:
        setattr(last, name, n_clusters)
    elif n_clusters == "auto" and isinstance(last, CodebookMap):
        last.set_params(n_clusters="auto")
    return member


def fit_member(member, X, errors, rows):
    """Fit a member; return it, its labels of all rows if it has them, and an error."""
    labels = None
    error = None
    try:
        if errors is not None:
            member.fit(X[rows], errors=errors[rows])
        elif hasattr(member, "predict"):
            member.fit(X[rows])
        else:
            labels = np.empty(len(X), dtype=np.int32)
            labels[rows] = member.fit_predict(X[rows])
    except (ArithmeticError, RuntimeError, ValueError) as failure:
        error = failure
    return member, labels, error


def fit_in_one_thread(member, X, errors, rows):
    """Do `fit_member` as a task of dask, of which several run at a time."""
    with one_thread():
        return fit_member(member, X, errors, rows)


def in_single_threads(function, items, n_jobs):
    """Return an iterator of the results of a function for items, in their order."""
    if effective_n_jobs(jobs_possible(n_jobs)) == 1:
        return map(function, items)

    def alone(item):
        with one_thread():  # several with more would wait for each other
            return function(item)

    return each_in_threads(alone, items, n_jobs)


def closest(groups, groups_of_members, n_jobs):
    """Return the member that sees rows most as the consensus groups them."""

    def rand_index(groups_of_member):
        has_both = (groups >= 0) & (groups_of_member >= 0)
        return adjusted_rand_score(groups[has_both], groups_of_member[has_both])

    return int(np.argmax(in_threads(rand_index, groups_of_members, n_jobs)))


def usual_number(members):
    """Return the number of clusters that most maps find; 0 of members that are none."""
    numbers = []
    for member in members:
        last, _ = pipeline_end(member)
        if isinstance(last, CodebookMap):
            numbers.append(last.n_clusters_)
    return int(np.bincount(numbers).argmax()) if numbers else 0
