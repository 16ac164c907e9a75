# SPDX-License-Identifier: BSD-3-Clause
"""The pixel in the middle of the widest part of each leaf of a map."""

import numpy as np
from scipy.ndimage import distance_transform_edt


def middles_of(leaf_map, n_leaves):
    """Return the pixel of each leaf that is farthest from other leaves, or None.

    Parameters
    ----------
    leaf_map : ndarray of int of shape (n_rows, n_columns) or (n_samples,)
        Of a table, it is the first row of each leaf.
    n_leaves : int

    Returns
    -------
    middles : list of (tuple of int or None)
        None for leaves without pixels.
    """
    depths = _depths(leaf_map).ravel()
    leaves = leaf_map.ravel()
    # By leaf, then depth; of equals, the first pixel is the last one here.
    order = np.lexsort([-np.arange(len(leaves)), depths, leaves])
    ends = np.searchsorted(leaves[order], np.arange(n_leaves), side="right") - 1
    middles = []
    for leaf, end in enumerate(ends):
        pixel = None
        if end >= 0 and leaves[order[end]] == leaf:
            indices = np.unravel_index(order[end], leaf_map.shape)
            pixel = tuple(int(index) for index in indices)
        middles.append(pixel)
    return middles


def _depths(leaf_map):
    """Return the distance of each pixel from other leaves and the border, 0 of rows."""
    if leaf_map.ndim == 1:
        return np.zeros(leaf_map.shape)
    # Distances from the pixels that touch another leaf serve for all leaves.
    inner = np.ones(leaf_map.shape, dtype=bool)
    for axis in range(leaf_map.ndim):
        # Views with this axis first: what is before and after each border.
        labels = np.moveaxis(leaf_map, axis, 0)
        inner_along = np.moveaxis(inner, axis, 0)
        differs = labels[1:] != labels[:-1]
        inner_along[1:] &= ~differs
        inner_along[:-1] &= ~differs
    depths = distance_transform_edt(np.pad(inner, 1))
    return depths[(slice(1, -1),) * leaf_map.ndim]
