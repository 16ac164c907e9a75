# SPDX-License-Identifier: BSD-3-Clause
"""How sure the label of a pixel is, by the runs and by the pixels beside it."""

import numpy as np

from skesom._common.strip_calls import each_block
from skesom._common.strips import around

_SIDES = (-1, 0), (0, 1), (1, 0), (0, -1)  # where the four neighbors are


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

    def mend(rows):
        inside = around(rows, 1)
        above = rows.start - inside.start
        n_rows = rows.stop - rows.start
        # A frame of pixels that are in no cluster.
        labels = np.pad(label_map[inside], 1, constant_values=-1)
        known = np.pad(agreement[inside], 1).astype(np.float64)

        def shifted(image, down, right):
            first_row = 1 + above + down
            first_column = 1 + right
            n_columns = label_map.shape[1]
            return image[first_row:, first_column:][:n_rows, :n_columns]

        own_labels = shifted(labels, 0, 0)
        total = np.zeros(own_labels.shape)
        n_neighbors = np.zeros(own_labels.shape, dtype=np.int8)
        for side in _SIDES:
            beside = shifted(labels, *side)
            n_neighbors += beside >= 0
            is_same = (beside >= 0) & (beside == own_labels)
            total += np.where(is_same, shifted(known, *side), 0)
        own = shifted(known, 0, 0)
        has_neighbors = (own_labels >= 0) & (n_neighbors > 0)
        mean = total / np.maximum(n_neighbors, 1)
        result[rows] = np.where(has_neighbors, (own + mean) / 2, own)

    each_block(mend, label_map.shape)
    return result
