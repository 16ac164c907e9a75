# SPDX-License-Identifier: BSD-3-Clause
"""unit_table: counts, means and scatters of the samples of each unit."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM, ESOM, MapRegressor, unit_table
from tests.helpers.block_sizes import cut_tables

COLUMNS = ["unit", "cluster", "count", "weight", "n_values", "mean", "scatter"]


@pytest.fixture(scope="module")
def three_units():
    """Units at 0, 4 and 10, each its own cluster."""
    return CSOM(None, shape=3, n_epochs=1, sigma=[0.01], init=[[0], [4], [10]]).fit(
        [[0.0], [4.0], [4.0], [10.0], [10.0], [10.0]]
    )


@pytest.fixture(scope="module")
def catalog():
    """A map of two features, samples with gaps, targets, weights and errors."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2)).astype(np.float32)
    csom = CSOM(3, shape=(5, 4)).fit(X[:400])
    X[rng.random(X.shape) < 0.1] = np.nan
    values = 2.4e6 + rng.normal(size=(1000, 2))
    values[rng.random(values.shape) < 0.3] = np.nan
    weights = rng.integers(0, 3, 1000) / 2
    errors = np.exp(rng.normal(size=X.shape)).astype(np.float32)
    return csom, X, values, weights, errors


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 rows, so that few samples have many."""
    cut_tables(monkeypatch, 64)


def assert_same(table, other):
    assert table.colnames == other.colnames
    for name in table.colnames:
        assert table[name].dtype == other[name].dtype
        assert_array_equal(table[name], other[name], err_msg=name)


def test_by_hand(three_units):
    X = [[0.1], [0.3], [9.0], [9.5], [11.0], [np.nan]]
    values = [1.0, 3.0, 5.0, np.nan, 11.0, 100.0]
    table = unit_table(three_units, X, values, weights=[1, 1, 1, 5, 2, 1])
    assert table.colnames == COLUMNS
    assert_array_equal(table["unit"], [0, 1, 2])
    assert_array_equal(table["cluster"], three_units.unit_labels_)
    assert_array_equal(table["count"], [2, 0, 3])
    assert_array_equal(table["weight"], [2, 0, 8])
    assert_array_equal(table["n_values"], [2, 0, 2])
    assert_allclose(table["mean"], [2, np.nan, (5 + 2 * 11) / 3])
    assert_allclose(table["scatter"], [1, np.nan, np.sqrt((4**2 + 2 * 2**2) / 3)])
    kinds = {name: table[name].dtype.kind for name in COLUMNS}
    assert "".join(kinds.values()) == "iiififf"


def test_counts_without_values(three_units):
    table = unit_table(three_units, [[0.0], [1.0], [5.0]])
    assert table.colnames == COLUMNS[:4]
    assert_array_equal(table["count"], [2, 1, 0])
    assert_array_equal(table["weight"], [2, 1, 0])


def test_a_weight_of_zero_counts_no_value(three_units):
    table = unit_table(three_units, [[0.0], [0.0]], [1.0, 9.0], weights=[1, 0])
    assert table["count"][0] == 2
    assert (table["n_values"][0], table["mean"][0], table["scatter"][0]) == (1, 1, 0)


def test_against_numpy(catalog, small_blocks):
    csom, X, values, weights, errors = catalog
    table = unit_table(csom, X, values, weights=weights, errors=errors)
    winners = csom.winners(X, errors=errors)
    assert (winners < 0).any()
    for unit in range(20):
        own = winners == unit
        assert table["count"][unit] == own.sum()
        assert_allclose(table["weight"][unit], weights[own].sum())
        for target in range(2):
            known = own & ~np.isnan(values[:, target]) & (weights > 0)
            numbers, share = values[known, target], weights[known]
            assert table["n_values"][unit, target] == known.sum()
            mean = np.average(numbers, weights=share)
            assert_allclose(table["mean"][unit, target], mean, rtol=1e-14)
            variance = np.average((numbers - mean) ** 2, weights=share)
            # Far from 0 the targets, not their sums, are what rounding limits.
            assert_allclose(table["scatter"][unit, target] ** 2, variance, rtol=1e-7)


@pytest.mark.parametrize("chunks", [50, 64, 333])
def test_dask_gives_the_same_bits(catalog, small_blocks, chunks):
    csom, X, values, weights, errors = catalog
    expected = unit_table(csom, X, values, weights=weights, errors=errors)
    found = unit_table(
        csom,
        da.from_array(X, chunks=(chunks, 2)),
        da.from_array(values, chunks=(70, 2)),
        weights=weights,  # one in memory is enough
        errors=da.from_array(errors, chunks=(chunks, 2)),
    )
    assert_same(found, expected)


def test_the_order_of_sums_is_that_of_blocks_of_rows(catalog):
    """The default blocks and smaller ones differ in rounding, and in no more."""
    csom, X, values, *_ = catalog
    whole = unit_table(csom, np.tile(X, (80, 1)), np.tile(values, (80, 1)))
    once = unit_table(csom, X, values)
    assert_array_equal(whole["count"], 80 * once["count"])
    assert_allclose(whole["mean"], once["mean"], rtol=1e-15)
    assert_allclose(whole["scatter"], once["scatter"], rtol=1e-7)


def test_units_in_place_of_samples(catalog):
    csom, X, values, weights, errors = catalog
    expected = unit_table(csom, X, values, weights=weights, errors=errors)
    winners = csom.winners(X, errors=errors).astype(np.int32)
    assert_same(unit_table(csom, winners, values, weights=weights), expected)
    lazy_winners = da.from_array(winners, chunks=99)
    assert_same(unit_table(csom, lazy_winners, values, weights=weights), expected)


def test_memory_maps_masks_and_frames(catalog, tmp_path):
    csom, X, values, weights, _ = catalog
    expected = unit_table(csom, X, values, weights=weights)
    path = tmp_path / "samples"
    X.tofile(path)
    mapped = np.memmap(path, np.float32, "r", shape=X.shape)
    masked = np.ma.masked_invalid(values)
    masked.data[masked.mask] = -99
    assert_same(unit_table(csom, mapped, masked, weights=weights), expected)
    frame = pd.DataFrame(X, columns=["u_g", "g_r"])
    of_frame = CSOM(3, shape=(5, 4)).fit(frame[:400].fillna(0))
    numbers = pd.DataFrame(values).convert_dtypes(dtype_backend="pyarrow")
    assert numbers.isna().any(axis=None)
    by_frame = unit_table(of_frame, frame, numbers, weights=pd.Series(weights))
    winners = of_frame.winners(frame)
    assert_same(by_frame, unit_table(of_frame, winners, values, weights=weights))


def test_no_samples_are_no_counts(three_units):
    table = unit_table(three_units, np.empty(0, dtype=int), np.empty(0))
    assert_array_equal(table["count"], 0)
    assert_array_equal(table["mean"], np.nan)


@pytest.mark.parametrize(
    "estimator",
    [
        ESOM(random_state=0),
        make_pipeline(StandardScaler(), CSOM(shape=(4, 4))),
        MapRegressor(CSOM(shape=(4, 4))),
    ],
)
def test_estimators_that_end_in_a_map(estimator):
    rng = np.random.default_rng(1)
    X = rng.normal(loc=50, scale=[1, 9], size=(300, 2))
    estimator.fit(X, X[:, 0])
    som, rows = estimator, X
    if hasattr(som, "steps"):
        som, rows = som[-1], som[:-1].transform(X)
    som = getattr(som, "estimator_", som)
    counts = np.bincount(som.winners(rows), minlength=len(som.codebook_))
    assert_array_equal(unit_table(estimator, X)["count"], counts)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"weights": [1, -1]}, "weights must be finite and not negative"),
            ({"weights": [1, np.nan]}, "weights must be finite and not negative"),
            ({"weights": [1.0]}, r"inconsistent numbers of samples: \[2, 1\]"),
            ({"values": [1.0, 2, 3]}, r"inconsistent numbers of samples: \[2, 3\]"),
            ({"values": [1.0, np.inf]}, "values are infinite"),
            ({"X": [[np.inf], [1]]}, "X contains infinity"),
            ({"X": [[1.0, 2], [3, 4]]}, "2 features, but CSOM is expecting 1"),
            ({"X": [0, 3]}, "ints below 3. Got int64 up to 3"),
            ({"X": [0.0, 2.0]}, "ints below 3. Got float64 up to 2.0"),
        ],
    )
    def test_messages(self, three_units, arguments, message):
        with pytest.raises(ValueError, match=message):
            unit_table(three_units, **{"X": [[1.0], [2.0]], **arguments})

    def test_what_has_no_units_to_count(self, three_units):
        X = np.random.default_rng(0).normal(size=(50, 2))
        pipeline = make_pipeline(StandardScaler(), CSOM(None, shape=(2, 2))).fit(X)
        with pytest.raises(ValueError, match="do not scale 'errors': give the map"):
            unit_table(pipeline, X, errors=np.ones(X.shape))
        with pytest.raises(ValueError, match="take no dask array"):
            unit_table(pipeline, da.from_array(X))
        of_any_length = da.from_array(np.ones((5, 1)), chunks=2)
        of_any_length = of_any_length[of_any_length[:, 0] > 0]
        with pytest.raises(ValueError, match="compute_chunk_sizes"):
            unit_table(three_units, of_any_length)
        with pytest.raises(TypeError, match="ESOM or CSOM is needed"):
            unit_table(pipeline[:1], X)
