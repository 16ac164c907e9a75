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
from skesom.maps.comparison import (
    adjusted_rand,
    check_labels,
    count_pairs,
    jaccard,
    match_clusters,
    new_numbers,
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
    label_maps = _of_seeds(runs, X, seeds) if is_estimator else runs
    if reference is None:
        # In few bytes, as all are kept until the most typical one is known.
        label_maps = [check_labels(labels).astype(np.int16) for labels in label_maps]
        if len(label_maps) < 2:
            raise ValueError("Give two or more runs, or a run and a reference.")
        reference = label_maps.pop(_most_typical(label_maps))
    reference = check_labels(reference).astype(np.int32)
    sizes = np.bincount(reference[reference >= 0])
    if len(sizes) == 0:
        raise ValueError("No pixel of the reference is in a cluster: all are masked.")
    counts = np.zeros(reference.shape, dtype=np.int32)
    indices, n_clusters, best = [], [], []
    for labels in label_maps:
        labels = check_labels(labels)
        pairs = count_pairs(reference, labels)
        numbers = new_numbers(match_clusters(pairs), labels, len(pairs))
        counts += renumber(labels, numbers) == reference
        indices.append(adjusted_rand(pairs))
        n_clusters.append(len(np.unique(labels[labels >= 0])))
        # Pixels count too that are in a cluster of only one of the two.
        similar = jaccard(pairs, sizes, np.bincount(labels[labels >= 0]))
        best.append(similar.max(axis=1, initial=0))
    if not indices:
        raise ValueError("There is no run to compare with the reference.")
    shares = (counts / len(indices)).astype(np.float32)
    shares[reference < 0] = np.nan
    return Stability(
        reference,
        shares,
        _table_of(reference, sizes, counts, len(indices), np.mean(best, axis=0)),
        np.array(indices),
        np.array(n_clusters),
    )


def _of_seeds(estimator, X, seeds):
    """Return clusterings with other seeds, one after the other."""
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
    if isinstance(estimator, Pipeline):  # what no seed changes is done once
        steps = list(estimator.named_steps.values())
        first = next(i for i, step in enumerate(steps) if random_states(step))
        if first > 0:
            X = estimator[:first].fit_transform(X)
        estimator = estimator[first:]
    names = random_states(estimator)
    seeded = (clone(estimator).set_params(**dict.fromkeys(names, s)) for s in seeds)
    return (clusterer.fit_predict(X) for clusterer in seeded)


def _most_typical(label_maps):
    """Return the place of the clustering that agrees best with all others."""
    sums = np.zeros(len(label_maps))
    for i, j in combinations(range(len(label_maps)), 2):
        sums[[i, j]] += adjusted_rand(count_pairs(label_maps[i], label_maps[j]))
    return int(np.argmax(sums))


def _table_of(reference, sizes, counts, n_runs, similarity):
    """Return the table of the clusters of the reference."""
    used = reference >= 0
    labels, counts = reference[used], counts[used]
    known = np.maximum(sizes, 1)
    sums = np.bincount(labels, counts, minlength=len(sizes))
    always = np.bincount(labels[counts == n_runs], minlength=len(sizes))
    table = Table()
    table["cluster"] = np.arange(len(sizes))
    table["n_pixels"] = sizes
    table["stability"] = sums / known / n_runs
    table["always"] = always / known
    table["jaccard"] = similarity
    for column in ("stability", "always", "jaccard"):
        table[column].info.format = ".3f"
    return table[sizes > 0]
