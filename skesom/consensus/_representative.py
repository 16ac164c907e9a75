# SPDX-License-Identifier: BSD-3-Clause
"""The member that stands for a consensus, with the clusters of the consensus."""

import copy

import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom._common.pipelines import pipeline_end
from skesom._common.thread_pools import in_threads
from skesom.consensus._row_samples import rows_to_name_units
from skesom.consensus._seen_rows import has_cuts
from skesom.som.base import CodebookMap


def closest_member(groups, groups_of_members, n_jobs):
    """Return the number of the member that groups rows most as the consensus does.

    Parameters
    ----------
    groups : ndarray of int of shape (n_rows,)
        Of the consensus, below 0 for none.
    groups_of_members : list of ndarray of int of shape (n_rows,)
    n_jobs : int or None
        Threads.
    """

    def rand_index(groups_of_member):
        has_both = (groups >= 0) & (groups_of_member >= 0)
        return adjusted_rand_score(groups[has_both], groups_of_member[has_both])

    return int(np.argmax(in_threads(rand_index, groups_of_members, n_jobs)))


def with_clusters_of_rows(member, units, labels, samples):
    """Return a copy of a member; the units of a map get the clusters of their rows.

    Parameters
    ----------
    member : clusterer or Pipeline
    units : ndarray of int of shape (n_rows,)
        What the member sees of rows, as in `SeenRows`.
    labels : ndarray of int of shape (n_rows,)
        Cluster of each row in the consensus.
    samples : Samples or None
        The rows, which are needed for maps whose units have no tree.
    """
    member = copy.deepcopy(member)
    last, _ = pipeline_end(member)
    if not isinstance(last, CodebookMap):
        return member
    rows = rows_to_name_units(len(labels))
    if has_cuts(last):
        winners = units[rows]
    else:
        samples = samples[rows]
        last, X = pipeline_end(member, samples.X)
        winners = last.winners(X, errors=samples.errors)
    last._relabel_units(winners, labels[rows])
    return member
