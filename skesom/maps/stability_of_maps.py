# SPDX-License-Identifier: BSD-3-Clause
"""How often pixels keep their clusters when a clustering is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from skesom._common.estimator import check_estimator
from skesom._common.pipelines import random_states
from skesom._types import CubeLike
from skesom.maps.cluster_matching import (
    adjusted_rand,
    check_cluster_labels,
    count_common_pixels,
    jaccard,
    match_clusters,
    numbers_by_matches,
    renumber,
)

N_SEEDS = 10  # the spread of ten is known to a quarter of itself


class Stability(NamedTuple):
    """How stable a clustering is: result of `stability`."""

    label_map: np.ndarray
    stability: np.ndarray
    table: Table
    adjusted_rand: np.ndarray
    n_clusters: np.ndarray


def stability(
    runs: BaseEstimator | Iterable[ArrayLike],
    X: CubeLike | None = None,
    *,
    seeds: int | Sequence[int] = N_SEEDS,
    reference: ArrayLike | None = None,
) -> Stability:
    """Count how often pixels keep their clusters in other clusterings of them.

    Runs with other seeds differ by the random order of the training; label maps may
    differ by anything, such as noise that is added to the images. The clusters of each
    are matched to those of the reference one to one, see `compare_clusterings`.

    Parameters
    ----------
    runs : clusterer, Pipeline or iterable of array-like of int
        An estimator that clusters X anew with each seed: it takes X in ``fit_predict``,
        and each parameter ``random_state`` of a clone gets the seed. Or clusterings of
        the same pixels: clusters from 0, of shape (n_rows, n_columns) or (n_samples,);
        negative labels are none.
    X : Cube, array-like or list of Cube, default=None
        Images or a table, as the estimator takes them.
    seeds : int or sequence of int, default=10
        The seeds for an estimator, or how many: 0, 1, 2, ...
    reference : array-like of int of the same shape, default=None
        What they are compared with, by default the one with the largest mean adjusted
        Rand index with the others.

    Returns
    -------
    stability : Stability
        A named tuple.

        - ``label_map``: int32, the reference.
        - ``stability``: float32 of its shape, share of the other runs in which each
          pixel keeps its cluster, NaN where it is in none.
        - ``table``: an `astropy.table.Table` with a row for each cluster of the
          reference. Columns: ``cluster``, ``n_pixels``, ``stability`` (mean of the
          pixels), ``always`` (share of the pixels that keep the cluster in all runs)
          and ``jaccard`` (mean over the runs of the largest Jaccard index with any of
          their clusters: above 0.75 stable, down to 0.6 doubtful [1]_).
        - ``adjusted_rand``: float of shape (n_runs,), adjusted Rand index of each other
          run with the reference.
        - ``n_clusters``: int of shape (n_runs,), numbers of clusters of these runs.

    Raises
    ------
    ValueError
        If there is no ``random_state`` in the estimator, clusterings are too few or
        differ in shape, or the reference has no cluster.

    References
    ----------
    .. [1] Hennig, C. (2007), "Cluster-wise assessment of cluster stability", Comput.
       Stat. Data Anal. 52, 258-271, doi:10.1016/j.csda.2006.11.025

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.maps import make_cluster_pipeline, stability
    >>> from skesom.som import ESOM
    >>> cube, _ = make_galaxy_cube((64, 64), random_state=0)
    >>> pipeline = make_cluster_pipeline(ESOM(n_clusters=4))
    >>> stability(pipeline, cube, seeds=3).stability.shape
    (64, 64)
    >>> runs = [[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]
    >>> stability(runs, reference=[0, 0, 0, 1, 1]).stability.tolist()
    [1.0, 1.0, 0.5, 1.0, 1.0]
    """
    if isinstance(runs, str | type):
        check_estimator(runs, "runs", "skesom.som.ESOM(8)")
    is_estimator = hasattr(runs, "fit_predict")
    if is_estimator != (X is not None):
        raise ValueError("Give an estimator and X, or clusterings without X.")
    if not is_estimator and seeds is not N_SEEDS:
        raise ValueError("seeds are those of an estimator: give clusterings without.")
    if is_estimator:
        label_maps = _cluster_with_seeds(runs, X, seeds)
    else:
        label_maps = runs
    if reference is None:
        reference, label_maps = _take_most_typical(label_maps)
    reference = check_cluster_labels(reference).astype(np.int32)
    sizes = np.bincount(reference[reference >= 0])
    if len(sizes) == 0:
        raise ValueError("No pixel of the reference is in a cluster: all are masked.")

    # How many runs have each pixel in its cluster; and of each run, facts about it.
    n_same = np.zeros(reference.shape, dtype=np.int32)
    adjusted_rands = []
    n_clusters = []
    largest_jaccards = []
    for labels in label_maps:
        labels = check_cluster_labels(labels)
        sizes_in_run = np.bincount(labels[labels >= 0])
        contingency = count_common_pixels(reference, labels)
        matches = match_clusters(contingency)
        numbers = numbers_by_matches(matches, labels, len(contingency))
        n_same += renumber(labels, numbers) == reference
        adjusted_rands.append(adjusted_rand(contingency))
        n_clusters.append(np.count_nonzero(sizes_in_run))
        # Pixels count too that are in a cluster of only one of the two.
        jaccards = jaccard(contingency, sizes, sizes_in_run)
        largest_jaccards.append(jaccards.max(axis=1, initial=0))
    n_runs = len(adjusted_rands)
    if n_runs == 0:
        raise ValueError("There is no run to compare with the reference.")
    shares = (n_same / n_runs).astype(np.float32)
    shares[reference < 0] = np.nan
    mean_jaccards = np.mean(largest_jaccards, axis=0)
    return Stability(
        label_map=reference,
        stability=shares,
        table=_tabulate_stability(reference, sizes, n_same, n_runs, mean_jaccards),
        adjusted_rand=np.array(adjusted_rands),
        n_clusters=np.array(n_clusters),
    )


def _cluster_with_seeds(estimator, X, seeds):
    """Yield clusterings of X with other seeds, one after the other."""
    if isinstance(seeds, Integral):
        seeds = range(seeds)
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise ValueError(f"seeds must be an int or a sequence of int, got {seeds!r}.")
    if not random_states(estimator):
        raise ValueError(
            f"{type(estimator).__name__} has no parameter random_state, so every run "
            "is the same. Give label maps of other runs instead."
        )
    estimator = clone(estimator)
    if isinstance(estimator, Pipeline):
        # Steps before the first random one give the same for all seeds.
        n_steps = 0
        for step in estimator.named_steps.values():
            if random_states(step):
                break
            n_steps += 1
        if n_steps > 0:
            X = estimator[:n_steps].fit_transform(X)
        estimator = estimator[n_steps:]
    names = random_states(estimator)
    for seed in seeds:
        clusterer = clone(estimator)
        clusterer.set_params(**dict.fromkeys(names, seed))
        yield clusterer.fit_predict(X)


def _take_most_typical(label_maps):
    """Return the clustering that agrees best with all others, and the others."""
    # In few bytes, as all are kept until the most typical one is known.
    label_maps = [
        check_cluster_labels(labels).astype(np.int16) for labels in label_maps
    ]
    if len(label_maps) < 2:
        raise ValueError("Give two or more runs, or a run and a reference.")
    sums = np.zeros(len(label_maps))
    for first, second in combinations(range(len(label_maps)), 2):
        contingency = count_common_pixels(label_maps[first], label_maps[second])
        sums[[first, second]] += adjusted_rand(contingency)
    most_typical = label_maps.pop(int(np.argmax(sums)))
    return most_typical, label_maps


def _tabulate_stability(reference, sizes, n_same, n_runs, mean_jaccards):
    """Return the table of the clusters of the reference.

    Parameters
    ----------
    reference : ndarray of int32
        Its label map.
    sizes : ndarray of int of shape (n_clusters,)
        Numbers of pixels.
    n_same : ndarray of int of the shape of the label map
        Number of runs in which each pixel keeps its cluster.
    n_runs : int
    mean_jaccards : ndarray of shape (n_clusters,)
    """
    inside = reference >= 0
    labels = reference[inside]
    n_same = n_same[inside]
    at_least_one = np.maximum(sizes, 1)
    sums = np.bincount(labels, n_same, minlength=len(sizes))
    n_always = np.bincount(labels[n_same == n_runs], minlength=len(sizes))
    table = Table()
    table["cluster"] = np.arange(len(sizes))
    table["n_pixels"] = sizes
    table["stability"] = sums / at_least_one / n_runs
    table["always"] = n_always / at_least_one
    table["jaccard"] = mean_jaccards
    for column in ("stability", "always", "jaccard"):
        table[column].info.format = ".3f"
    return table[sizes > 0]
