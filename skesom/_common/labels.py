# SPDX-License-Identifier: BSD-3-Clause
"""Codes of pixels without a cluster, and the check of label maps."""

import hashlib
import os

import numpy as np

from skesom._common.lazy import is_lazy
from skesom._common.masked import filled
from skesom._common.strips import strips_of

MASKED = -3  # no data, as in scikit-learn's HDBSCAN
SKY = -2  # data, but set aside as sky


def without_mask(labels):
    """Return labels as an array; those that a mask hides are of no data."""
    return np.asarray(filled(labels, MASKED))


def check_label_map(label_map, name="label_map", *, voxels=False):
    """Return a label map, or one of voxels if allowed, as int32 after checking it."""
    if isinstance(label_map, str | os.PathLike):
        raise TypeError(
            f"{name} must be an array, got the path {os.fspath(label_map)!r}: read the "
            "file with skesom.io.read_map."
        )
    labels = without_mask(label_map)
    if labels.ndim != 2 and not (voxels and labels.ndim == 3):
        raise ValueError(
            f"{name} must have two axes (rows, columns), got {labels.ndim} axes of "
            f"shape {labels.shape}."
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integers, got {labels.dtype}.")
    if labels.size and not (
        MASKED <= labels.min() and labels.max() <= np.iinfo(np.int32).max
    ):
        raise ValueError(
            f"{name} holds labels from {labels.min()} to {labels.max()}. Clusters are "
            f"counted from 0, noise is -1, sky is {SKY} and no data is {MASKED}."
        )
    return np.ascontiguousarray(labels, dtype=np.int32)


def mark_sky(image, sky_mask):
    """Mark masked pixels of sky as such in an image of labels, in place unless lazy."""
    if sky_mask is None or image.dtype.kind not in "iu":
        return image
    if not is_lazy(image):
        sky_mask = np.asarray(sky_mask)
    n_more_axes = image.ndim - 2  # the mask has rows and columns only
    for _ in range(n_more_axes):
        sky_mask = sky_mask[..., np.newaxis]
    is_sky = image == MASKED
    is_sky &= sky_mask
    if is_lazy(image):
        return np.where(is_sky, image.dtype.type(SKY), image)
    image[is_sky] = SKY
    return image


def names_of(labels, names):
    """Return the names of labels, which are their numbers by default."""
    if not isinstance(names, dict):
        names = dict(enumerate(names or ()))
    return [str(names.get(int(label), label)) for label in labels]


def known_sums(numbers, values, n_numbers):
    """Return sum and count of the values that are known, by their numbers from 1."""
    is_known = np.isfinite(values)
    if not is_known.all():
        numbers = np.where(is_known, numbers, 0)
    # Number 0 takes what belongs nowhere, and is left out of both.
    sums = np.bincount(numbers.ravel(), values.ravel(), n_numbers + 1)
    counts = np.bincount(numbers.ravel(), minlength=n_numbers + 1)
    return sums[1:], counts[1:]


def count_clusters(label_map, n_clusters=0):
    """Return the number of pixels of each cluster of a map."""
    n_clusters = max(n_clusters, int(label_map.max(initial=-1)) + 1)
    counts = 0
    for rows in strips_of(label_map.shape, "block"):
        labels = label_map[rows]
        counts = counts + np.bincount(labels[labels >= 0], minlength=n_clusters)
    return counts


def means_by_cluster(label_map, values):
    """Return the mean of an image in each cluster, 0 in those without pixels."""
    n_clusters = int(label_map.max(initial=-1)) + 1
    sums_and_counts = 0
    for rows in strips_of(label_map.shape, "block"):
        numbers = np.maximum(label_map[rows], -1) + 1
        block = known_sums(numbers, values[rows], n_clusters)
        sums_and_counts = sums_and_counts + np.array(block)
    sums, counts = sums_and_counts
    return sums / np.maximum(counts, 1)


def ranks_by_size(sizes):
    """Return the place of each cluster by falling size, dtype int32."""
    order = np.argsort(-sizes, kind="stable")
    return np.argsort(order).astype(np.int32)


def label_map_digest(label_map):
    """Return the SHA-256 of the labels as little-endian 32-bit integers, row by row."""
    digest = hashlib.sha256()
    for row in np.asarray(label_map):
        digest.update(np.ascontiguousarray(row, dtype="<i4"))
    return digest.hexdigest()
