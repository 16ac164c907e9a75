# SPDX-License-Identifier: BSD-3-Clause
"""Patches hold each unit once, their radii are bounds, and skipping changes nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.som import _vectors, _winners
from skesom.som._codebook import by_feature, by_patches, nearest_units, search_scratch

DTYPES = [np.float32, np.float64]
SIZE = _vectors.patch_size


def clustered(rng, n, n_features, dtype):
    """Far-off groups with heavy tails, so that most patches are out of reach."""
    centers = 20 * rng.normal(size=(12, n_features))
    rows = centers[rng.integers(0, 12, n)] + rng.standard_t(3, (n, n_features))
    return rows.astype(dtype)


def search_all(X, codebook, n_nearest):
    """Let the kernel search without patches."""
    winners = np.empty((len(X), n_nearest), dtype=np.intp)
    distances = np.empty(len(X), dtype=X.dtype)
    n_units = len(codebook)
    _winners.find_winners(
        X,
        by_feature(codebook),
        n_units,
        *search_scratch(X, n_units, 1),
        winners,
        distances,
        1,
    )
    return winners, distances


def assert_same_search(X, codebook):
    for n_nearest in (1, 2):
        expected, expected_distances = search_all(X, codebook, n_nearest)
        winners, distances = nearest_units(X, codebook, second=n_nearest == 2)
        assert_array_equal(winners.reshape(len(X), -1), expected)
        assert_array_equal(distances, expected_distances)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [64, 65, 130, 400, 1001])
@pytest.mark.parametrize("n_features", [1, 9, 70])
def test_each_unit_is_in_one_patch_within_its_radius(n_units, n_features, dtype):
    codebook = clustered(np.random.default_rng(n_units), n_units, n_features, dtype)
    stored = by_patches(codebook)
    units = stored["units_in_patches"].reshape(-1, SIZE)
    n_patches = len(units)
    assert n_patches == -(-n_units // SIZE)
    assert_array_equal(np.sort(units[units >= 0]), np.arange(n_units))
    sizes = (units >= 0).sum(axis=1)
    assert sizes.min() >= 2
    assert np.ptp(sizes) <= 1

    n_centers = len(stored["radii"]) // SIZE
    centers = np.moveaxis(stored["patches"][:n_centers], 1, 2).reshape(
        -1, n_features + 1
    )
    members = np.moveaxis(stored["patches"][n_centers:], 1, 2)
    present = units >= 0
    assert_array_equal(members[present][:, :-1], codebook[units[present]])
    assert_array_equal(members[~present][:, -1], np.finfo(dtype).max)
    assert_allclose(
        members[present][:, -1],
        (codebook[units[present]].astype(float) ** 2).sum(axis=1) / 2,
        rtol=1e-6,
    )
    for patch in range(n_patches):
        difference = codebook[units[patch][present[patch]]].astype(float)
        difference -= centers[patch, :-1]
        farthest = np.linalg.norm(difference, axis=1).max()
        assert farthest <= stored["radii"][patch] <= farthest * (1 + 1e-6) + 1e-30
    assert (stored["radii"][n_patches:] == -np.finfo(dtype).max).all()
    assert stored["patches"].ctypes.data % 64 == 0


def test_few_units_are_not_put_into_patches():
    assert by_patches(np.zeros((63, 2))) == {}


def test_patches_are_compact():
    # Groups of 16 units in places far from each other, in any order: one patch each.
    rng = np.random.default_rng(0)
    places = np.repeat(100 * rng.normal(size=(8, 5)), SIZE, axis=0)
    codebook = rng.permutation(places + rng.uniform(-1, 1, places.shape))
    radii = by_patches(codebook)["radii"][:8]
    assert radii.max() < np.sqrt(5) * 1.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [64, 333, 1300])
@pytest.mark.parametrize("n_features", [1, 9, 50, 64, 200])
def test_patches_change_no_result(n_units, n_features, dtype):
    rng = np.random.default_rng(n_units + n_features)
    X = clustered(rng, 700, n_features, dtype)
    codebook = np.vstack(
        [X[: n_units // 2], clustered(rng, n_units, n_features, dtype)]
    )
    assert_same_search(X, codebook[:n_units] + dtype(0.25))


@pytest.mark.parametrize("dtype", DTYPES)
def test_missing_features_among_complete_rows(dtype):
    rng = np.random.default_rng(0)
    X = clustered(rng, 600, 6, dtype)
    X[rng.random(X.shape) < 0.05] = np.nan
    X[100:150] = np.nan
    assert_same_search(X, clustered(rng, 300, 6, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [0, 1e3, 1e6])
def test_units_closer_together_than_a_score_can_tell(offset, dtype):
    rng = np.random.default_rng(1)
    X = clustered(rng, 600, 4, dtype) + dtype(offset)
    spread = rng.uniform(-1, 1, (10, 50, 4)) * 10.0 ** -np.arange(10)[:, None, None]
    codebook = (X[:10, None] + spread).reshape(-1, 4).astype(dtype)
    assert_same_search(X, codebook)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_units_at_one_place(dtype):
    rng = np.random.default_rng(2)
    codebook = clustered(rng, 200, 3, dtype)
    codebook[::2] = codebook[0]
    X = np.vstack([clustered(rng, 200, 3, dtype), codebook])
    assert_same_search(X, codebook)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [-1, 1])
def test_squares_near_the_end_of_the_range(power, dtype):
    rng = np.random.default_rng(3)
    scale = np.sqrt(np.finfo(dtype).max) / 50 if power > 0 else np.finfo(dtype).tiny
    X = (clustered(rng, 300, 4, np.float64) * scale).astype(dtype)
    X[::10] *= 10
    codebook = (clustered(rng, 200, 4, np.float64) * scale).astype(dtype)
    codebook[::20] *= 20
    found = nearest_units(X, codebook, second=True)
    ends = X.astype(np.longdouble), codebook.astype(np.longdouble)
    distances = np.sqrt(((ends[0][:, None] - ends[1]) ** 2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")
    apart = np.diff(np.take_along_axis(distances, order[:, :3], 1), axis=1)
    sure = (apart > 1e-5 * distances.min(axis=1, keepdims=True)).all(axis=1)
    assert sure.mean() > 0.9
    assert_array_equal(found[0][sure], order[sure, :2])
    assert_allclose(found[1], distances.min(axis=1).astype(dtype), rtol=1e-5)


def test_a_sample_does_not_depend_on_its_neighbors():
    rng = np.random.default_rng(4)
    X = clustered(rng, 1000, 9, np.float32)
    codebook = clustered(rng, 400, 9, np.float32)
    whole = nearest_units(X, codebook)
    for size in (1, 3, 31, 33, 257):
        parts = [nearest_units(X[i : i + size], codebook) for i in range(0, 999, size)]
        for number in (0, 1):
            joined = np.concatenate([part[number] for part in parts])
            assert_array_equal(joined, whole[number][: len(joined)])
