# SPDX-License-Identifier: BSD-3-Clause
"""Leaves of pixels after a vote, from inside: no image decides which pixels move."""

import numpy as np

from skesom.maps.leaves import keep_inside


def test_pixels_move_to_the_largest_leaf_of_the_cluster_that_a_vote_gave_them():
    clusters = np.array([1, 0, 1, 0])  # leaves 0 and 2 are cluster 1
    leaves = np.array([[0, 0, 2, 1, 3, 3], [0, 1, 0, 3, -3, -2]], dtype=np.int32)
    voted = np.array([[1, 1, 1, 0, 0, 1], [0, 1, -2, 0, -3, -2]])
    kept = keep_inside(leaves.copy(), voted, clusters)
    np.testing.assert_array_equal(
        kept,
        [[0, 0, 2, 1, 3, 0], [3, 0, -2, 3, -3, -2]],
    )
