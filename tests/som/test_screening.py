# SPDX-License-Identifier: BSD-3-Clause
"""Fast scores only propose the nearest units; the plain sums decide, on any processor.

The tables here make scores misleading: units closer together than a score can tell,
lengths far larger than distances, many units at one place, and values whose products
overflow.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom.som._codebook import nearest_units

DTYPES = [np.float32, np.float64]


def far_from_the_origin(rng, dtype):
    scale = 1e4 if dtype == np.float32 else 1e9
    return rng.normal(scale, 1, (600, 5)), rng.normal(scale, 1, (150, 5))


def nearly_equal_units(rng, dtype):
    units = np.repeat(rng.normal(size=(40, 5)), 5, axis=0)
    units *= 1 + rng.uniform(-4, 4, units.shape) * 1e-7
    return rng.normal(size=(600, 5)), units


def many_units_at_one_place(rng, dtype):
    units = rng.normal(size=(300, 5))
    units[::3] = units[0]
    return np.vstack([rng.normal(size=(400, 5)), units[0] + np.zeros((200, 5))]), units


def samples_on_units(rng, dtype):
    units = rng.normal(size=(90, 5))
    return np.repeat(units, 7, axis=0), units


def heavy_tails(rng, dtype):
    return rng.standard_cauchy((600, 5)), rng.standard_cauchy((300, 5))


def overflowing_products(rng, dtype):
    largest = float(np.sqrt(np.finfo(dtype).max))
    X = rng.normal(size=(600, 5)) + largest / 2
    return X, np.vstack([X[:50], X[:50] - largest / 8])


def whole_numbers(rng, dtype):
    return rng.integers(0, 9, (600, 3)) + 0.0, rng.integers(0, 9, (200, 3)) + 0.0


def wide(rng, dtype):
    return rng.normal(size=(100, 300)), rng.normal(size=(70, 300))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "table",
    [
        far_from_the_origin,
        nearly_equal_units,
        many_units_at_one_place,
        samples_on_units,
        heavy_tails,
        overflowing_products,
        whole_numbers,
        wide,
    ],
)
def test_winners_are_those_of_the_plain_sums(table, dtype, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, codebook = (part.astype(dtype) for part in table(rng, dtype))
    squared = np.zeros((len(X), len(codebook)), dtype=dtype)
    for first in range(0, X.shape[1], 64):
        part = np.zeros_like(squared)
        for feature in range(first, min(first + 64, X.shape[1])):
            part += (X[:, feature, None] - codebook[:, feature]) ** 2
        squared += part
    expected = np.argsort(squared, axis=1, kind="stable")[:, :2]

    winners, distances = nearest_units(X, codebook, second=True)
    assert_array_equal(winners, expected)
    assert_array_equal(distances, np.sqrt(squared.min(axis=1)))
    winners, distances = nearest_units(X, codebook)
    assert_array_equal(winners, expected[:, 0])
    assert_array_equal(distances, np.sqrt(squared.min(axis=1)))
