# SPDX-License-Identifier: BSD-3-Clause
"""Compare clusters with a map of known classes."""

from typing import NamedTuple

import numpy as np
from astropy.table import Table
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    homogeneity_completeness_v_measure,
)

from skesom._common.labels import SKY


class TruthComparison(NamedTuple):
    """How clusters and known classes go together."""

    scores: dict
    """"adjusted Rand index", "adjusted mutual information", "homogeneity",
    "completeness", "V-measure", "accuracy", and the numbers of "pixels compared" and
    of "pixels without cluster", whose class is known, and how many "of these, sky set
    aside" are; the others have no data."""
    confusion: Table
    """A row per cluster ("cluster", -1 is noise), a column per class: pixels."""
    classes: Table
    """A row per class: "class", "pixels", "clusters" that stand for it, "completeness"
    and "purity"."""


def compare_with_truth(label_map, truth, *, names=None):
    """Compare clusters with a map of known classes.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; -1 is noise, -2 is sky that was set aside, -3 is no data.
    truth : array-like of int of shape (n_rows, n_columns)
        Classes from 0; pixels of negative ones are not known and left out.
    names : dict of int to str or sequence of str, default=None
        Of the classes, their numbers by default.

    Returns
    -------
    comparison : TruthComparison
        The tuple (scores, confusion, classes).

    Raises
    ------
    ValueError
        If the maps have other shapes, or no pixel is known in both.

    Notes
    -----
    Clusters have no names, so each stands for the class that most of its pixels have;
    the completeness of a class is the share of its pixels that are in such clusters,
    and its purity the share of the pixels of these clusters that are of the class. A
    class that no cluster stands for has the completeness 0 and the purity NaN.
    "accuracy" is the share of all pixels whose cluster stands for their class. Noise
    is a cluster like others, and masked pixels are left out. The first five scores do
    not depend on any assignment.

    Examples
    --------
    >>> from skesom.maps import compare_with_truth
    >>> comparison = compare_with_truth([[0, 0, 1, 2]], [[1, 1, 0, 0]])
    >>> comparison.scores["accuracy"], comparison.scores["completeness"] < 1
    (1.0, True)
    """
    label_map, truth = np.asarray(label_map), np.asarray(truth)
    if label_map.shape != truth.shape:
        raise ValueError(
            f"The map of clusters has the shape {label_map.shape}, but that of the "
            f"classes {truth.shape}. Bring them to one grid."
        )
    is_known = truth >= 0
    both = is_known & (label_map >= -1)
    if not both.any():
        raise ValueError("No pixel has both a cluster and a known class.")
    labels, known = label_map[both], truth[both]
    clusters, rows = np.unique(labels, return_inverse=True)
    classes, columns = np.unique(known, return_inverse=True)
    names = names if isinstance(names, dict) else dict(enumerate(names or ()))
    names = [str(names.get(int(number), number)) for number in classes]
    shape = len(clusters), len(classes)
    pairs = rows * len(classes) + columns
    counts = np.bincount(pairs, minlength=np.prod(shape)).reshape(shape)
    confusion = Table([clusters, *counts.T], names=["cluster", *names])
    table, accuracy = _class_table(counts, clusters, names)
    keys = ("homogeneity", "completeness", "V-measure")
    parts = homogeneity_completeness_v_measure(known, labels)
    scores = {
        "adjusted Rand index": float(adjusted_rand_score(known, labels)),
        "adjusted mutual information": float(adjusted_mutual_info_score(known, labels)),
        **{key: float(value) for key, value in zip(keys, parts, strict=True)},
        "accuracy": accuracy,
        "pixels compared": int(counts.sum()),
        "pixels without cluster": int(np.count_nonzero(is_known & ~both)),
        "of these, sky set aside": int(np.count_nonzero(is_known & (label_map == SKY))),
    }
    return TruthComparison(scores, confusion, table)


def _class_table(counts, clusters, names):
    """Return the table of the classes, and the share of the pixels that fit."""
    stands_for = counts.argmax(axis=1)
    sizes, cluster_sizes = counts.sum(axis=0), counts.sum(axis=1)
    rows, n_right = [], 0
    for number, name in enumerate(names):
        mine = stands_for == number
        right, claimed = counts[mine, number].sum(), cluster_sizes[mine].sum()
        n_right += right
        rows.append(
            (
                *(name, sizes[number], " ".join(map(str, clusters[mine]))),
                *(right / sizes[number], right / claimed if claimed else np.nan),
            )
        )
    columns = ["class", "pixels", "clusters", "completeness", "purity"]
    table = Table(rows=rows, names=columns, dtype=[str, np.int64, str, float, float])
    for column in ("completeness", "purity"):
        table[column].info.format = ".3f"
    return table, float(n_right / counts.sum())
