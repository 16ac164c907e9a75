# SPDX-License-Identifier: BSD-3-Clause
"""The members of a consensus: how they are fitted, and what they are asked for."""

import inspect

import numpy as np
from joblib import effective_n_jobs
from sklearn.metrics import adjusted_rand_score

from skesom._common.pipelines import pipeline_end
from skesom._common.thread_pools import each_in_threads, in_threads, jobs_possible
from skesom._common.threads import one_thread
from skesom.som.base import CodebookMap


def name_of_number(clusterer):
    """Return the parameter of a clusterer that is the number of clusters, or None."""
    if isinstance(clusterer, CodebookMap) and not clusterer._takes_number():
        return None
    names = clusterer.get_params(deep=False)
    return next((n for n in ("n_clusters", "n_components") if n in names), None)


def default_of(estimator, name):
    return inspect.signature(type(estimator)).parameters[name].default


def fit_member(member, X, errors, rows):
    """Fit a member; return it, its labels of all rows if it has them, and an error."""
    labels = error = None
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


def fit_in_one_thread(*arguments):
    with one_thread():
        return fit_member(*arguments)


def in_single_threads(function, items, n_jobs):
    """Return an iterator of the results of a function for items, in their order."""
    if effective_n_jobs(jobs_possible(n_jobs)) == 1:
        return map(function, items)

    def alone(item):
        with one_thread():  # several with more would wait for each other
            return function(item)

    return each_in_threads(alone, items, n_jobs)


def closest(groups, own_groups, n_jobs):
    """Return the member that sees rows most as the consensus groups them."""

    def likeness(of_member):
        known = (groups >= 0) & (of_member >= 0)
        return adjusted_rand_score(groups[known], of_member[known])

    return int(np.argmax(in_threads(likeness, own_groups, n_jobs)))


def usual_number(members):
    """Return the number of clusters that most maps find; 0 of members that are none."""
    lasts = [pipeline_end(member)[0] for member in members]
    found = [last.n_clusters_ for last in lasts if isinstance(last, CodebookMap)]
    return int(np.bincount(found).argmax()) if found else 0
