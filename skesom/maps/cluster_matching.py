# SPDX-License-Identifier: BSD-3-Clause
"""Match the clusters of two clusterings by the pixels that they have in common.

All functions take label arrays of any shape: clusters from 0, negative labels are no
clusters. A contingency table has a row for each cluster of the first clustering and a
column for each of the second, and holds numbers of pixels.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skesom._common.labels import without_mask

_MAX_CLUSTERS = 5000  # a contingency table of so many rows and columns takes 200 MB


def check_integer_labels(labels):
    """Return labels of any shape as an array of signed integers."""
    labels = without_mask(labels)
    if labels.dtype.kind not in "iu" or labels.ndim == 0:
        raise ValueError(
            f"Labels must be integers, got {labels.dtype} of shape {labels.shape}."
        )
    if labels.dtype.kind == "u":
        return labels.astype(np.int32)
    return labels


def check_cluster_labels(labels):
    """Return labels as signed integers, of so few that all pairs can be counted."""
    labels = without_mask(labels)
    if labels.dtype.kind in "iu" and labels.max(initial=0) >= _MAX_CLUSTERS:
        raise ValueError(
            f"Labels go up to {labels.max()}, but at most {_MAX_CLUSTERS} clusters can "
            "be compared."
        )
    return check_integer_labels(labels)


def check_same_pixels(first, second):
    """Refuse clusterings of different pixels."""
    if first.shape != second.shape:
        raise ValueError(
            f"Clusterings must be of the same pixels; got shapes {first.shape} and "
            f"{second.shape}. Bring them to one grid."
        )


def count_common_pixels(first, second):
    """Return the contingency table of two clusterings, of dtype int64."""
    check_same_pixels(first, second)
    n_first = int(first.max(initial=-1)) + 1
    n_second = int(second.max(initial=-1)) + 1
    in_both = (first >= 0) & (second >= 0)
    pairs = first[in_both].astype(np.int64) * n_second + second[in_both]
    counts = np.bincount(pairs, minlength=n_first * n_second)
    return counts.reshape(n_first, n_second)


def match_clusters(contingency):
    """Match clusters one to one, with as many pixels as possible in those that match.

    This is the assignment problem, which SciPy solves. An assignment also pairs
    clusters that have only a few pixels in common, so pairs count only if these are as
    many as by chance, or half of the smaller cluster.

    Returns
    -------
    matches : dict of int to int
        Clusters of the second by those of the first, without those that match none.
    """
    n_first = contingency.sum(axis=1, keepdims=True)
    n_second = contingency.sum(axis=0, keepdims=True)
    by_chance = n_first * (n_second / max(contingency.sum(), 1))
    half = np.minimum(n_first, n_second) / 2
    is_rare = contingency < np.minimum(by_chance, half)
    common = np.where(is_rare, 0, contingency)
    first, second = linear_sum_assignment(common, maximize=True)
    is_match = common[first, second] > 0
    first, second = first[is_match], second[is_match]
    return dict(zip(first.tolist(), second.tolist(), strict=True))


def numbers_by_matches(matches, second, n_first):
    """Return the numbers that clusters of the second get by those that they match.

    Parameters
    ----------
    matches : dict of int to int
        From `match_clusters`.
    second : ndarray of int
        The second clustering.
    n_first : int
        Number of clusters of the first. Clusters without a match count on from it, by
        falling size.

    Returns
    -------
    numbers : ndarray of int32 of shape (n_second,)
    """
    sizes = np.bincount(second[second >= 0])
    numbers = np.full(len(sizes), -1, dtype=np.int32)
    numbers[list(matches.values())] = list(matches)
    by_size = np.argsort(-sizes, kind="stable")
    without_match = by_size[numbers[by_size] < 0]
    numbers[without_match] = n_first + np.arange(len(without_match))
    return numbers


def renumber(labels, numbers):
    """Return labels with new numbers, int32; negative ones stay as they are."""
    renumbered = labels.astype(np.int32)
    inside = labels >= 0
    renumbered[inside] = numbers[labels[inside]]
    return renumbered


def adjusted_rand(contingency):
    """Return the adjusted Rand index of a contingency table (Hubert & Arabie 1985).

    Pairs of pixels that are together in both clusterings are compared with those that
    would be by chance, if clusters of the same sizes were filled at random. It is 1 for
    equal clusterings and about 0 by chance.
    """
    pairs_in_both = _count_pairs_of_pixels(contingency)
    pairs_in_first = _count_pairs_of_pixels(contingency.sum(axis=1))
    pairs_in_second = _count_pairs_of_pixels(contingency.sum(axis=0))
    all_pairs = _count_pairs_of_pixels(contingency.sum())
    expected = 0.0
    if all_pairs > 0:
        expected = pairs_in_first * pairs_in_second / all_pairs
    largest = (pairs_in_first + pairs_in_second) / 2
    if largest == expected:  # all in one cluster, or each alone, in both
        return 1.0
    return (pairs_in_both - expected) / (largest - expected)


def _count_pairs_of_pixels(counts):
    """Return the number of pairs among so many pixels, as a float.

    Pairs of 40 million pixels overflow integers.
    """
    counts = np.asarray(counts, dtype=np.float64)
    return float((counts * (counts - 1)).sum() / 2)


def jaccard(contingency, n_first, n_second):
    """Return the share of common pixels in those of either, for each pair of clusters.

    `n_first` and `n_second` are the numbers of pixels of the clusters.
    """
    n_either = np.add.outer(n_first, n_second) - contingency
    return contingency / np.maximum(n_either, 1)
