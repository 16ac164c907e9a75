# SPDX-License-Identifier: BSD-3-Clause
"""How sure the label of a pixel is, by the members and by the pixels beside it."""

import numpy as np

from skesom._common.strip_calls import each_block
from skesom._common.strips import around

# Steps to the four neighbors: rows down and columns to the right.
_STEPS_TO_NEIGHBORS = [(-1, 0), (0, 1), (1, 0), (0, -1)]


def agreement_with_neighbors(agreement, label_map):
    """Return the agreement of the members on each pixel, and of its neighbors.

    Members that see the same values agree on them, also where these are noise: runs
    agree to 100 % on single photons. Neighbors show nearly the same sky with other
    noise. So half of the result is the agreement on the pixel itself, and half the mean
    over those of its four neighbors that are in clusters: their agreement, or 0 where
    they are in another cluster than the pixel. A pixel without such neighbors keeps its
    own agreement. docs/consensus.md measures it.

    Parameters
    ----------
    agreement : ndarray of float of shape (n_rows, n_columns)
        That of the members, NaN for pixels without a label.
    label_map : ndarray of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels are in none.

    Returns
    -------
    agreement : ndarray of shape (n_rows, n_columns), dtype float32
        From 0 to 1, and NaN as before.
    """
    result = np.array(agreement, dtype=np.float32)
    n_columns = label_map.shape[1]

    def fill(rows):
        around_rows = around(rows, 1)
        n_above = rows.start - around_rows.start
        n_rows = rows.stop - rows.start
        # With a frame of pixels that are in no cluster.
        padded_labels = np.pad(label_map[around_rows], 1, constant_values=-1)
        padded_agreement = np.pad(agreement[around_rows], 1).astype(np.float64)

        def shift(padded, down, right):
            """Return what lies so far from each pixel of the rows."""
            top = 1 + n_above + down
            left = 1 + right
            return padded[top : top + n_rows, left : left + n_columns]

        labels = shift(padded_labels, 0, 0)
        own_agreement = shift(padded_agreement, 0, 0)
        total = np.zeros(labels.shape)
        n_neighbors = np.zeros(labels.shape, dtype=np.int8)
        for down, right in _STEPS_TO_NEIGHBORS:
            neighbor_labels = shift(padded_labels, down, right)
            is_in_cluster = neighbor_labels >= 0
            n_neighbors += is_in_cluster
            is_same = is_in_cluster & (neighbor_labels == labels)
            total += np.where(is_same, shift(padded_agreement, down, right), 0)
        has_neighbors = (labels >= 0) & (n_neighbors > 0)
        of_neighbors = total / np.maximum(n_neighbors, 1)
        result[rows] = np.where(
            has_neighbors, (own_agreement + of_neighbors) / 2, own_agreement
        )

    each_block(fill, label_map.shape)
    return result


def known_agreement(step):
    """Return `agreement_` of a fitted estimator of cubes; None if it says nothing.

    Members that are equal agree on all, which is no evidence: it is all NaN.
    """
    agreement = getattr(step, "agreement_", None)
    if agreement is None or np.isnan(agreement).all():
        return None
    return agreement
