# SPDX-License-Identifier: BSD-3-Clause
"""Of nodes that are as near as each other the lowest comes first, in any lane."""

import numpy as np
import pytest

from skesom.som._codebook import nearest_units


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("step", [1, 2, 4, 8, 16, 32])
def test_second_nearest_of_a_tie_is_the_lowest(step, missing, dtype):
    # Units 0 and step are as far; then a nearer one comes, perhaps in the same lane.
    codebook = np.full((70, 2), 100, dtype=dtype)
    codebook[[0, step], 0] = 5
    codebook[2 * step, 0] = 3
    codebook[:, 1] = 0
    sample = np.array([[0, np.nan if missing else 0]], dtype=dtype)
    winners, distances = nearest_units(sample, codebook, second=True)
    assert winners.tolist() == [[2 * step, 0]]
    assert distances == pytest.approx(3 * np.sqrt(2 if missing else 1))
