# SPDX-License-Identifier: BSD-3-Clause
"""Sums over the samples of each cluster, and the centers that follow from them."""

import numpy as np

from skesom.som.metric import sums_by_group


def count_labels(labels, sample_weight=None, *, n_clusters):
    """Count the samples of each cluster, or their weights; a tuple of one.

    Labels below 0 are of no cluster.
    """
    inside = labels >= 0
    weights = None if sample_weight is None else sample_weight[inside]
    return (np.bincount(labels[inside], weights, n_clusters),)


def sums_by_label(n_clusters, labels, samples):
    """Count the samples of each cluster and add them up.

    Returns
    -------
    sizes : ndarray of shape (n_clusters,)
    sums : ndarray of shape (n_clusters, n_features)
    counts : ndarray of shape (n_clusters, n_features)
        Samples that have the feature, or their weights.
    """
    (sizes,) = count_labels(labels, samples.weights, n_clusters=n_clusters)
    groups = labels.astype(np.intp)
    sums, counts = sums_by_group(samples.X, groups, n_clusters, samples.weights)
    return sizes, sums, counts


def label_and_add_up(label, n_clusters, samples, winners):
    """Label a block of samples; return the labels, and `sums_by_label` of them."""
    labels = label(samples, winners)
    return labels, *sums_by_label(n_clusters, labels, samples)


def add_up_labeled(label, n_clusters, samples, winners):
    """Return `sums_by_label` of a block of samples."""
    return sums_by_label(n_clusters, label(samples, winners), samples)


def means_of(sums, counts, dtype):
    """Return means of features, NaN for those that no sample has."""
    means = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.astype(dtype)
