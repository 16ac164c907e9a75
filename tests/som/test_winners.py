# SPDX-License-Identifier: BSD-3-Clause
"""Nearest units and distances are those of plain sums, whatever the vector code does.

Fast scores only propose the nearest units, and patches of units are skipped; the plain
sums decide, on any processor. Some tables here make scores misleading: units closer
together than a score can tell, lengths far larger than distances, many units at one
place, and values whose products overflow.
"""

import importlib.util
import sys
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

import skesom.som
from skesom.som import _vectors, _winners
from skesom.som.codebook import (
    by_feature,
    by_patches,
    distances_to_units,
    nearest_units,
    padded,
)

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZE = _vectors.patch_size
N_AXES = _vectors.n_axes


def squared_distances(X, codebook):
    """Sums over the features in their order, 64 at a time, in the dtype of the data."""
    total = np.zeros((len(X), len(codebook)), dtype=X.dtype)
    for first in range(0, X.shape[1], 64):
        part = np.zeros_like(total)
        for feature in range(first, min(first + 64, X.shape[1])):
            part += (X[:, feature, None] - codebook[:, feature]) ** 2
        total += part
    return total


def expected_winners(squared):
    """The nearest two units, the lowest first among equals; -1 where there is none."""
    order = np.argsort(squared, axis=1, kind="stable")[:, :2]
    return np.column_stack([order, np.full((len(order), 2 - order.shape[1]), -1)])


def assert_found(X, codebook):
    """Compare all that is found with the plain sums, bit for bit."""
    squared = squared_distances(X, codebook)
    expected = expected_winners(squared)
    for second in (False, True):
        winners, distances = nearest_units(X, codebook, second=second)
        assert (winners.dtype, distances.dtype) == (np.intp, X.dtype)
        assert_array_equal(winners, expected if second else expected[:, 0])
        assert_array_equal(distances, np.sqrt(squared.min(axis=1)))
    all_distances = distances_to_units(X, codebook)
    assert all_distances.dtype == X.dtype
    assert_array_equal(all_distances, np.sqrt(squared))


def draw(seed, n_samples, n_units, n_features, dtype):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    return X, rng.normal(size=(n_units, n_features)).astype(dtype)


def clustered(rng, n, n_features, dtype):
    """Far-off groups with heavy tails, so that most patches are out of reach."""
    centers = 20 * rng.normal(size=(12, n_features))
    rows = centers[rng.integers(0, 12, n)] + rng.standard_t(3, (n, n_features))
    return rows.astype(dtype)


@every_dtype
@pytest.mark.parametrize(
    "n_units", [1, 2, 3, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129, 500]
)
def test_complete_rows(n_units, dtype):
    for n_samples, n_features in product([1, 3, 4, 263], [1, 2, 9, 50]):
        assert_found(*draw(n_units, n_samples, n_units, n_features, dtype))


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


def close_together(rng, dtype, offset=0):
    X = clustered(rng, 600, 4, dtype) + dtype(offset)
    spread = rng.uniform(-1, 1, (10, 50, 4)) * 10.0 ** -np.arange(10)[:, None, None]
    return X, (X[:10, None] + spread).reshape(-1, 4)


def close_together_far_away(rng, dtype):
    return close_together(rng, dtype, rng.choice([1e3, 1e6]))


def wide_and_close_together(rng, dtype):
    # Of five units at each place, rounding decides: the order of additions matters.
    X = clustered(rng, 300, 70, dtype)
    spread = rng.normal(size=(50, 5, 70)) * np.finfo(dtype).eps
    return X, (X[:50, None] * (1 + spread)).reshape(-1, 70)


def wide_whole_numbers(rng, dtype):
    # Offsets cost the scores their digits, and many units are as near as the nearest.
    X, units = (rng.integers(0, 2, (n, 40)) + 0.0 for n in (300, 200))
    return X + 512, units + 512


def equal_units(rng, dtype):
    return np.zeros((9, 3)), np.ones((200, 3))


@every_dtype
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
        close_together,
        close_together_far_away,
        wide_and_close_together,
        wide_whole_numbers,
        equal_units,
    ],
)
def test_tables_whose_scores_mislead(table, dtype, global_random_seed):
    X, codebook = table(np.random.default_rng(global_random_seed), dtype)
    assert_found(X.astype(dtype), codebook.astype(dtype))


@every_dtype
@pytest.mark.parametrize("n_units", [1, 2, 3, 16, 40, 64, 65, 200])
def test_ties_go_to_the_lowest_unit(n_units, dtype):
    rng = np.random.default_rng(n_units)
    X = rng.integers(0, 3, size=(300, 2)).astype(dtype)
    assert_found(X, rng.integers(0, 3, size=(n_units, 2)).astype(dtype))
    assert_found(X, np.ones((n_units, 2), dtype))


@every_dtype
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("step", [1, 2, 4, 8, 16, 32])
def test_second_nearest_of_a_tie_is_the_lowest_in_any_lane(step, missing, dtype):
    # Units 0 and step are as far; then a nearer one comes, perhaps in the same lane.
    codebook = np.full((70, 2), 100, dtype=dtype)
    codebook[[0, step], 0] = 5
    codebook[2 * step, 0] = 3
    codebook[:, 1] = 0
    sample = np.array([[0, np.nan if missing else 0]], dtype=dtype)
    winners, distances = nearest_units(sample, codebook, second=True)
    assert winners.tolist() == [[2 * step, 0]]
    assert distances == pytest.approx(3 * np.sqrt(2 if missing else 1))


@every_dtype
@pytest.mark.parametrize(
    ("n_units", "n_features"), list(product([64, 333, 1300], [1, 9, 50, 64, 200]))
)
def test_patches_change_no_result(n_units, n_features, dtype):
    rng = np.random.default_rng(n_units + n_features)
    X = clustered(rng, 300, n_features, dtype)
    others = clustered(rng, n_units, n_features, dtype)
    codebook = np.vstack([X[: n_units // 2], others])
    assert_found(X, codebook[:n_units] + dtype(0.25))


@every_dtype
@pytest.mark.parametrize(
    ("n_units", "share"), [(1, 0.4), (2, 0.4), (17, 0.4), (130, 0.4), (300, 0.05)]
)
def test_missing_features(n_units, share, dtype):
    X, codebook = draw(3, 300, n_units, 6, dtype)
    rng = np.random.default_rng(4)
    X[rng.random(X.shape) < share] = np.nan
    X[17:30:4] = np.nan
    absent = np.isnan(X).all(axis=1)
    assert absent.any()
    present = np.maximum((~np.isnan(X)).sum(axis=1), 1)
    difference = X[:, None].astype(float) - codebook
    distances = np.sqrt(np.nansum(difference**2, axis=2) * (6 / present)[:, None])
    expected = expected_winners(distances)
    expected[absent] = -1
    distances[absent] = np.nan
    rtol = 1e-12 if dtype == np.float64 else 3e-6

    winners, nearest = nearest_units(X, codebook)
    assert_array_equal(winners, expected[:, 0])
    assert_allclose(nearest, distances.min(axis=1), rtol=rtol)
    assert_array_equal(nearest_units(X, codebook, second=True)[0], expected)
    assert_allclose(distances_to_units(X, codebook), distances, rtol=rtol)


@pytest.mark.parametrize("n_units", [17, 130])
def test_distances_that_are_not_wanted(n_units):
    X, codebook = draw(8, 300, n_units, 6, np.float32)
    X[::7, 2] = np.nan
    X[50] = np.nan
    for second in (False, True):
        winners, distances = nearest_units(X, codebook, second=second, measured=False)
        assert_array_equal(winners, nearest_units(X, codebook, second=second)[0])
        assert len(distances) == 0


def test_missing_feature_is_scaled_up():
    # One of four features is there, 3 away: sqrt(3^2 * 4 / 1).
    X = np.array([[np.nan, 5.0, np.nan, np.nan]])
    assert nearest_units(X, np.array([[0.0, 2.0, 0.0, 0.0]]))[1] == [6.0]


@every_dtype
def test_rows_do_not_depend_on_their_neighbors(dtype):
    # Complete rows are taken four at a time, others alone: the bits must agree.
    rng = np.random.default_rng(4)
    X, codebook = (clustered(rng, n, 9, dtype) for n in (601, 400))
    X[::7, 3] = np.nan
    winners, distances = nearest_units(X, codebook)
    cuts = [(i, i + size) for size in (1, 3, 31, 33, 257) for i in range(0, 600, size)]
    for begin, end in [*cuts, (1, 4), (2, 6), (5, 260), (255, 258), (600, 601)]:
        some = nearest_units(np.ascontiguousarray(X[begin:end]), codebook)
        assert_array_equal(some[0], winners[begin:end])
        assert_array_equal(some[1], distances[begin:end])


@every_dtype
@pytest.mark.parametrize("magnitude", ["huge", "tiny"])
def test_magnitudes_near_the_end_of_the_range(magnitude, dtype):
    # A power of two, so that ties stay ties; squares fit with a little to spare.
    limits = np.finfo(dtype)
    exponent = limits.maxexp // 2 - 5 if magnitude == "huge" else limits.minexp // 2 + 1
    unit = dtype(2.0**exponent)
    rng = np.random.default_rng(0)
    X = (rng.integers(-4, 5, size=(100, 3)) * unit).astype(dtype)
    codebook = (rng.integers(-4, 5, size=(33, 3)) * unit).astype(dtype)
    expected = expected_winners(squared_distances(X / unit, codebook / unit))
    assert_array_equal(nearest_units(X, codebook, second=True)[0], expected)
    assert_array_equal(nearest_units(X, codebook)[0], expected[:, 0])


@every_dtype
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


@every_dtype
@pytest.mark.parametrize("n_units", [1, 2, 5, 31, 63])
def test_padding_never_wins(n_units, dtype):
    # The samples lie exactly where the padding stands, and far from every unit.
    X, codebook = draw(1, 9, n_units, 2, dtype)
    X[:] = 0
    codebook += 100
    stored = by_feature(codebook, 2 * _vectors.unit_padding)
    assert stored.shape == (3, 2 * _vectors.unit_padding)
    expected = expected_winners(squared_distances(X, codebook))
    for n_columns in (1, 2):
        winners = np.empty((9, n_columns), dtype=np.intp)
        _winners.find_winners(
            X, stored, n_units, *room(X, 1, 300), winners, np.empty(9, dtype), 1
        )
        assert_array_equal(winners, expected[:, :n_columns])


def room(X, n_threads, n_units):
    features = np.empty((n_threads, X.shape[1]), dtype=np.intc)
    return features, np.empty(
        (n_threads, _vectors.screened * padded(n_units)), dtype=X.dtype
    )


@every_dtype
def test_threads_change_nothing(dtype):
    X, codebook = draw(2, 1500, 77, 5, dtype)
    X[::11, 2] = np.nan
    X[500:700:9] = np.nan
    results = []
    for n_threads in (1, 2):
        scratch = room(X, n_threads, 77)
        winners = np.empty((len(X), 1), dtype=np.intp)
        both = np.empty((len(X), 2), dtype=np.intp)
        distances = np.empty(len(X), dtype)
        all_distances = np.empty((len(X), 77), dtype)
        stored = by_feature(codebook)
        _winners.find_winners(X, stored, 77, *scratch, both, distances, n_threads)
        _winners.find_winners(X, stored, 77, *scratch, winners, distances, n_threads)
        _winners.find_distances(X, stored, 77, *scratch, all_distances, n_threads)
        results.append((winners, both, distances, all_distances))
    for one, two in zip(*results, strict=True):
        assert_array_equal(one, two)
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="openmp"):
            assert_array_equal(nearest_units(X, codebook)[0], results[0][0][:, 0])
            assert_array_equal(distances_to_units(X, codebook), results[0][3])


@every_dtype
def test_codebook_is_stored_by_feature_and_aligned(dtype):
    codebook = draw(0, 1, 70, 3, dtype)[1]
    stored = by_feature(codebook)
    assert stored.shape == (4, 2 * _vectors.unit_padding)
    assert stored.flags.c_contiguous
    assert stored.dtype == dtype
    assert stored.ctypes.data % 64 == 0
    assert_array_equal(stored[:-1, :70].T, codebook)
    assert_allclose(stored[-1, :70], (codebook.astype(float) ** 2).sum(axis=1) / 2)
    assert_array_equal(stored[-1, 70:], np.finfo(dtype).max)


@pytest.mark.parametrize(
    ("n_units", "columns"), [(0, 1), (1, 1), (64, 1), (65, 2), (128, 2), (129, 3)]
)
def test_padded(n_units, columns):
    assert padded(n_units) == columns * _vectors.unit_padding


@every_dtype
@pytest.mark.parametrize("near", [None, 0, 1, 20, 64, 69])
def test_second_unit_is_another_one_when_squares_overflow(near, dtype):
    X = np.zeros((1, 1), dtype=dtype)
    codebook = np.full((70, 1), np.finfo(dtype).max / 4, dtype=dtype)
    if near is not None:
        codebook[near] = 1
    winners, _ = nearest_units(X, codebook, second=True)
    assert_array_equal(winners, [[near or 0, 0 if near else 1]])


def test_kernels_that_are_not_compiled(monkeypatch):
    monkeypatch.setitem(sys.modules, "skesom.som._vectors", None)
    spec = importlib.util.spec_from_file_location("som_once_more", skesom.som.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.raises(ImportError, match=r"not compiled in .*pip install -e \."):
        spec.loader.exec_module(module)


@every_dtype
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

    n_centers = len(stored["patches"]) - n_patches
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
    radii = stored["radii"].reshape(-1, n_centers * SIZE)
    assert (radii[:, n_patches:] == -np.finfo(dtype).max).all()
    assert stored["patches"].ctypes.data % 64 == 0
    apart = [
        codebook[own[own >= 0]].astype(float) - centers[patch, :-1]
        for patch, own in enumerate(units)
    ]
    if n_features < _vectors.features_for_axes:
        for patch, differences in enumerate(apart):
            farthest = np.linalg.norm(differences, axis=1).max()
            assert farthest <= radii[0, patch] <= farthest * (1 + 1e-6) + 1e-30
        return
    axes = centers[n_patches : n_patches + N_AXES].astype(float)
    assert_array_equal(axes[:, -1], 0)  # its half squared length, to the vector code
    axes = axes[:, :-1]
    assert_allclose(axes @ axes.T, np.eye(N_AXES), atol=10 * np.finfo(dtype).eps)
    places = axes @ centers[:n_patches, :-1].T.astype(float)
    rounding = 1e-6 * np.abs(places).max()
    assert_allclose(radii[2:, :n_patches], places, atol=rounding)
    for patch, differences in enumerate(apart):
        along = differences @ axes.T
        for part, radius in zip(
            (along, differences - along @ axes), radii[:2, patch], strict=True
        ):
            farthest = np.linalg.norm(part, axis=1).max()
            assert farthest - rounding <= radius <= farthest + rounding


@every_dtype
@pytest.mark.parametrize("n_axes", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("offset", [0, 1000])
def test_many_features_of_which_units_use_few(n_axes, offset, dtype):
    # What samples have apart from all units is taken off the bounds of patches.
    rng = np.random.default_rng(n_axes)
    axes = rng.normal(size=(n_axes, 100))
    codebook = (rng.normal(size=(150, n_axes)) @ axes + offset).astype(dtype)
    X = (rng.normal(size=(70, n_axes)) @ axes + offset).astype(dtype)
    for far in (0, 0.01, 1, 100):
        assert_found((X + far * rng.normal(size=X.shape)).astype(dtype), codebook)
    assert_found(np.concatenate([codebook[:32], 0 * X[:3], 1e4 * X[:3]]), codebook)


def test_few_units_are_not_put_into_patches():
    assert by_patches(np.zeros((63, 2))) == {}


def test_patches_are_compact():
    # Groups of 16 units in places far from each other, in any order: one patch each.
    rng = np.random.default_rng(0)
    places = np.repeat(100 * rng.normal(size=(8, 5)), SIZE, axis=0)
    codebook = rng.permutation(places + rng.uniform(-1, 1, places.shape))
    radii = by_patches(codebook)["radii"][:8]
    assert radii.max() < np.sqrt(5) * 1.5


@every_dtype
@pytest.mark.parametrize("n_features", [3, 9, 70])
@pytest.mark.parametrize("n_units", [12, 100, 600])
def test_lengths_of_samples_and_units_are_far_apart(n_units, n_features, dtype):
    """Short samples beside units, and the reverse, at several scales.

    All units are about as long as each other, so that their squared distances to a
    short sample differ in the last digits only. Distances are measured again in long
    double: a winner may be farther than another unit by the rounding of one sum.
    """
    rng = np.random.default_rng(n_units + n_features)
    rounding = (n_features + 4) * np.finfo(dtype).eps
    for ratio in (2.0**-22, 1e-5, 1e-3, 0.03, 30.0, 1e3, 1e5):
        for power in (-20, 0, 15):
            units = rng.normal(size=(n_units, n_features))
            units /= np.linalg.norm(units, axis=1, keepdims=True)
            X = ratio * rng.normal(size=(60, n_features))
            X, units = (np.ldexp(rows, power).astype(dtype) for rows in (X, units))
            winners, distances = nearest_units(X, units)
            exact = X[:, np.newaxis].astype(np.longdouble) - units
            squares = np.einsum("sup,sup->su", exact, exact)
            own = squares[np.arange(len(X)), winners]
            assert (own <= squares.min(axis=1) * (1 + 2 * rounding)).all()
            assert_allclose(distances, np.sqrt(own).astype(dtype), rtol=2 * rounding)
            # The same unit as by sums from the first to the last feature.
            assert_found(X, units)
