# SPDX-License-Identifier: BSD-3-Clause
"""Columns of catalogs, as frames and in the partitions of LSDB."""

import warnings

import dask
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.metrics import quantization_error
from skesom.som import CSOM, unit_columns, unit_table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of LSDB about pandas
    import lsdb

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FEATURES = ["g_r", "r_i", "mag_i"]
ERRORS = [f"{name}_error" for name in FEATURES]
WRITTEN = {"progress_bar": False, "should_write_skymap": False}
NEW = ["unit", "cluster", "distance"]


@pytest.fixture(scope="module")
def frame():
    """Objects on the sky; some lack colors, and one lacks all."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 3)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[5] = np.nan
    errors = np.exp(rng.normal(size=values.shape)).astype(np.float32)
    frame = pd.DataFrame(np.hstack([values, errors]), columns=FEATURES + ERRORS)
    z = np.where(rng.random(600) < 0.3, rng.gamma(2, 0.3, 600), np.nan)
    ra, dec = rng.uniform(10, 40, 600), rng.uniform(-20, 20, 600)
    return frame.assign(ra=ra, dec=dec, z_spec=z, name=[f"o{n}" for n in range(600)])


@pytest.fixture(scope="module")
def csom(frame):
    return CSOM(3, shape=(5, 4)).fit(frame[FEATURES].dropna())


@pytest.fixture(scope="module")
def catalog(frame, tmp_path_factory):
    """The same objects in a HATS catalog of several partitions."""
    folder = tmp_path_factory.mktemp("hats") / "objects"
    with warnings.catch_warnings(), dask.config.set(scheduler="synchronous"):
        warnings.simplefilter("ignore", DeprecationWarning)
        objects = lsdb.from_dataframe(
            frame, catalog_name="objects", partition_rows=150, margin_threshold=None
        )
        objects.write_catalog(folder, **WRITTEN)
        return lsdb.open_catalog(folder)


@pytest.fixture(autouse=True)
def _no_threads():
    with dask.config.set(scheduler="synchronous"):
        yield


def computed(catalog):
    return catalog.compute(progress_bar=False).sort_values("name")


def expected_columns(csom, X, errors=None):
    units, distances = csom.winners(X, return_distance=True, errors=errors)
    return units, csom.predict(X, errors=errors), distances


def assert_columns(frame, expected):
    assert [str(frame[name].dtype) for name in NEW] == ["int32", "int32", "float32"]
    for name, values in zip(NEW, expected, strict=True):
        assert_array_equal(frame[name].to_numpy(), values, err_msg=name)


class TestFrames:
    def test_units_clusters_and_distances(self, csom, frame):
        indexed = frame.set_index("name")
        found = unit_columns(indexed, csom)
        assert found.columns.tolist() == [*indexed.columns, *NEW]
        assert found.index.equals(indexed.index)
        assert_columns(found, expected_columns(csom, frame[FEATURES]))
        assert found.loc["o5", NEW[:2]].tolist() == [-1, -3]
        assert np.isnan(found.loc["o5", "distance"])
        assert NEW[0] not in indexed

    def test_errors(self, csom, frame):
        found = unit_columns(frame, csom, FEATURES, ERRORS)
        errors = frame[ERRORS].to_numpy()
        assert_columns(found, expected_columns(csom, frame[FEATURES], errors))
        assert (found["unit"] != unit_columns(frame, csom)["unit"]).any()

    @pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable"])
    def test_missing_values_of_other_dtypes(self, csom, frame, backend):
        converted = frame.convert_dtypes(dtype_backend=backend)
        assert converted["g_r"].isna().any()
        expected = expected_columns(csom, frame[FEATURES])
        assert_columns(unit_columns(converted, csom), expected)

    def test_a_map_without_names(self, frame):
        X = frame[FEATURES].to_numpy(np.float64)
        csom = CSOM(None, shape=(3, 3)).fit(X)
        found = unit_columns(frame, csom, FEATURES)
        units, labels, distances = expected_columns(csom, X)
        assert_columns(found, (units, labels, distances.astype(np.float32)))
        with pytest.raises(ValueError, match=r"give columns=\[...\]"):
            unit_columns(frame, csom)

    def test_other_names_than_in_training(self, csom, frame):
        renamed = frame.rename(columns={"g_r": "GR", "mag_i": "I"})
        found = unit_columns(renamed, csom, ["GR", "r_i", "I"], names=["u", "c", "d"])
        assert_array_equal(found["u"], csom.winners(frame[FEATURES]))

    def test_a_pipeline(self, frame):
        pipeline = make_pipeline(StandardScaler(), CSOM(3, shape=(4, 4)))
        pipeline.fit(frame[FEATURES])
        found = unit_columns(frame, pipeline)
        assert_array_equal(found["cluster"], pipeline.predict(frame[FEATURES]))

    def test_no_rows(self, csom, frame):
        found = unit_columns(frame[:0], csom, FEATURES, ERRORS)
        assert len(found) == 0
        assert_columns(found, ([], [], []))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"columns": ["g_r", "no", "r_i"]}, r"lacks the columns \['no'\]"),
            ({"error_columns": ["g_r", "x", "y"]}, r"lacks the columns \['x', 'y'\]"),
            ({"columns": ["g_r"]}, "has 3 features: got 1 columns and 1 error_columns"),
            ({"error_columns": ["g_r"]}, "got 3 columns and 1 error_columns"),
            ({"names": ["a", "g_r", "b"]}, r"The catalog has \['g_r'\] already"),
            ({"names": ["a", "b"]}, "must be three new columns"),
        ],
    )
    def test_columns_that_do_not_fit(self, csom, frame, arguments, message):
        with pytest.raises(ValueError, match=message):
            unit_columns(frame, csom, **arguments)

    def test_infinite_values(self, csom, frame):
        bad = frame.set_index("name").copy()
        bad.loc["o7", "r_i"] = np.inf
        with pytest.raises(
            ValueError, match="'r_i' is infinite in the row of index o7"
        ):
            unit_columns(bad, csom)


class TestLSDB:
    def test_partitions_give_what_the_whole_gives(self, catalog, csom, frame):
        assert catalog.npartitions > 2
        found = catalog.map_partitions(unit_columns, csom, FEATURES, ERRORS)
        assert [str(found.dtypes[name]) for name in NEW] == [
            "int32",
            "int32",
            "float32",
        ]
        sorted_frame = frame.sort_values("name")
        expected = unit_columns(sorted_frame, csom, FEATURES, ERRORS)
        whole = computed(found)
        assert_array_equal(whole["name"], expected["name"])
        assert_columns(whole, [expected[name] for name in NEW])

    def test_empty_partitions(self, catalog, csom):
        nothing = catalog.query("g_r > 100").map_partitions(unit_columns, csom)
        assert len(computed(nothing)) == 0
        few = catalog.query("g_r > 1.5").map_partitions(unit_columns, csom)
        assert 0 < len(computed(few)) < 100

    def test_missing_columns_are_named_before_anything_is_read(self, catalog, csom):
        with pytest.raises(ValueError, match=r"lacks the columns \['y_J'\]"):
            catalog.map_partitions(unit_columns, csom, ["g_r", "r_i", "y_J"])

    def test_columns_that_were_written(self, catalog, csom, tmp_path):
        found = catalog.map_partitions(unit_columns, csom)
        found.write_catalog(tmp_path / "units", **WRITTEN)
        again = computed(lsdb.open_catalog(tmp_path / "units"))
        expected = computed(found)
        assert_array_equal(again["unit"], expected["unit"])
        table = unit_table(csom, again["unit"], again["z_spec"])
        assert_array_equal(table["count"].sum(), (expected["unit"] >= 0).sum())

    def test_a_map_and_a_table_of_units_from_dask_arrays(self, catalog):
        tables = catalog.to_dask_dataframe()[[*FEATURES, "z_spec"]].astype(np.float32)
        lazy = tables.to_dask_array(lengths=True)
        X, z = lazy[:, :3], lazy[:, 3]
        in_memory = lazy.compute()
        csom = CSOM(None, shape=(4, 4)).fit(in_memory[:, :3])
        assert_array_equal(CSOM(None, shape=(4, 4)).fit(X).codebook_, csom.codebook_)
        table = unit_table(csom, X, z)
        expected = unit_table(csom, in_memory[:, :3], in_memory[:, 3])
        for name in expected.colnames:
            assert_array_equal(table[name], expected[name], err_msg=name)
        winners = csom.winners(in_memory[:, :3])
        known = ~np.isnan(in_memory[:, 3])
        assert_allclose(
            table["mean"][4], in_memory[(winners == 4) & known, 3].mean(), rtol=1e-6
        )

    def test_learning_from_one_partition_after_the_other(self, catalog, frame):
        csom = CSOM(None, shape=(3, 3), n_epochs=5)
        for part in catalog.to_delayed():
            csom.partial_fit(part.compute()[FEATURES].astype(np.float32))
        assert csom.feature_names_in_.tolist() == FEATURES
        assert quantization_error(frame[FEATURES], csom) < 1.1
