# SPDX-License-Identifier: BSD-3-Clause
"""CubeFlattener: the one step of a pipeline that changes the rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skesom.cube import AsinhStretch, Cube
from skesom.maps import CubeClusterer
from skesom.pixels import CubeFlattener, flatten
from skesom.som import ESOM

BANDS = ("F438W", "F657N", "F814W")


@pytest.fixture
def cube(global_random_seed):
    """Noise with a hole in all bands and a gap in one."""
    rng = np.random.default_rng(global_random_seed)
    data = rng.normal(10, 2, size=(12, 14, 3)).astype(np.float32)
    data[3:5, 6:9] = np.nan
    data[:, 13, 1] = np.nan
    return Cube(data, band_names=BANDS)


N_VALID = 12 * 14 - 2 * 3 - 12


@pytest.mark.parametrize("options", [{}, {"min_bands": 2}, {"pattern": "voxel"}])
class TestContract:
    """What scikit-learn expects of a transformer."""

    def test_all_ways_give_the_table_of_flatten(self, cube, options):
        expected, valid = flatten(cube, **options)
        cube.data.flags.writeable = False
        flattener = CubeFlattener(**options)
        parameters = flattener.get_params()
        np.testing.assert_array_equal(flattener.fit_transform(cube), expected)
        assert flattener.get_params() == parameters
        copy = pickle.loads(pickle.dumps(flattener))
        np.testing.assert_array_equal(copy.valid_, valid)
        np.testing.assert_array_equal(copy.transform(cube), expected)
        again = clone(flattener)
        assert vars(again) == parameters
        assert again.fit(cube) is again
        np.testing.assert_array_equal(again.transform(cube.data), expected)
        assert again.n_features_in_ == 3

    def test_knows_when_it_is_not_fitted(self, cube, options):
        flattener = CubeFlattener(**options)
        for method in (flattener.transform, flattener.inverse_transform):
            with pytest.raises(NotFittedError):
                method(cube)
        with pytest.raises(NotFittedError):
            flattener.get_feature_names_out()

    def test_inverse_transform_puts_rows_back(self, cube, options):
        flattener = CubeFlattener(**options)
        back = flattener.inverse_transform(flattener.fit_transform(cube))
        expected = cube.data.copy()
        expected[~flattener.valid_] = np.nan
        np.testing.assert_array_equal(back, expected)
        assert back.dtype == np.float32


class TestNames:
    """Bands become columns."""

    @pytest.mark.parametrize(
        ("pattern", "is_plain", "names"),
        [
            ("pixel", False, list(BANDS)),
            ("pixel", True, ["band 1", "band 2", "band 3"]),
            ("voxel", False, ["flux"]),
        ],
    )
    def test_columns(self, cube, pattern, is_plain, names):
        flattener = CubeFlattener(pattern).fit(cube.data if is_plain else cube)
        assert flattener.get_feature_names_out().tolist() == names
        assert is_plain or flattener.band_names_ == BANDS

    def test_pandas_output_has_band_names(self, cube):
        flattener = CubeFlattener().set_output(transform="pandas")
        frame = flattener.fit_transform(cube)
        assert isinstance(frame, pd.DataFrame)
        assert frame.columns.tolist() == list(BANDS)
        assert frame.shape == (N_VALID, 3)
        assert (frame.dtypes == np.float32).all()
        np.testing.assert_array_equal(frame.to_numpy(), flatten(cube)[0])

    def test_pandas_pipeline_passes_the_names_on(self, cube):
        pipeline = make_pipeline(
            AsinhStretch(), CubeFlattener(), StandardScaler(), KMeans(2, random_state=0)
        ).set_output(transform="pandas")
        plain = clone(pipeline).set_output(transform="default")
        labels = pipeline.fit_predict(cube)
        assert pipeline[-1].feature_names_in_.tolist() == list(BANDS)
        np.testing.assert_array_equal(labels, plain.fit_predict(cube))


class TestOtherCubes:
    """What may differ from the fitted cube, and what may not."""

    def test_another_cube_has_its_own_pixels_and_type(self, cube):
        flattener = CubeFlattener().fit(cube)
        strip = cube[2:6]
        table = flattener.transform(strip)
        np.testing.assert_array_equal(table, flatten(strip)[0])
        assert flattener.valid_.shape == (12, 14)
        with pytest.raises(ValueError, match=rf"{len(table)} rows for {N_VALID} valid"):
            flattener.inverse_transform(table)
        table = flattener.transform(np.ones((3, 50, 3)))
        assert (table.shape, table.dtype) == ((150, 3), np.float64)

    def test_refused(self, cube):
        flattener = CubeFlattener().fit(cube)
        with pytest.raises(ValueError, match=r"2 bands, .* fitted on 3 bands"):
            flattener.transform(cube[:, :, :2])
        with pytest.raises(ValueError, match="All 12 pixels are masked"):
            flattener.transform(cube[:, 13:])
        with pytest.raises(ValueError, match="min_bands=4 exceeds the 3 bands"):
            CubeFlattener(min_bands=4).fit(cube)

    @pytest.mark.parametrize(
        ("options", "name"),
        [({"pattern": "pixels"}, "pattern"), ({"min_bands": 0}, "min_bands")],
    )
    def test_parameters_are_named(self, cube, options, name):
        with pytest.raises(ValueError, match=f"'{name}' parameter of CubeFlattener"):
            CubeFlattener(**options).fit(cube)


def test_labels_of_a_pipeline_go_back_to_the_sky(cube):
    cube.data[:6] += 100
    pipeline = make_pipeline(
        CubeFlattener(min_bands=2), StandardScaler(), ESOM(n_clusters=2, random_state=0)
    )
    label_map = pipeline[0].fit(cube).inverse_transform(pipeline.fit_predict(cube))
    hole = np.zeros((12, 14), dtype=bool)
    hole[3:5, 6:9] = True
    np.testing.assert_array_equal(label_map == -3, hole)
    assert len(np.unique(label_map[:6][~hole[:6]])) == 1
    assert label_map[0, 0] != label_map[11, 0]
    np.testing.assert_array_equal(label_map[6:], label_map[11, 0])


@pytest.mark.parametrize(
    "between",
    [
        [StandardScaler(), PCA(3)],
        [RobustScaler(), PCA(2, whiten=True)],
        [QuantileTransformer(n_quantiles=50, random_state=0)],
        [StandardScaler(), FastICA(3, random_state=0)],
        [PolynomialFeatures(2, include_bias=False), StandardScaler()],
        [make_union(StandardScaler(), PCA(1))],
    ],
    ids=lambda steps: "-".join(type(step).__name__ for step in steps),
)
class TestBetweenFlattenerAndMap:
    """Any transformer of tables may stand there."""

    def test_labels_go_back_to_the_sky(self, cube, between):
        cube.data[:6] += 100
        pipeline = make_pipeline(
            CubeFlattener(), *between, ESOM(n_clusters=2, random_state=0)
        )
        labels = pipeline.fit_predict(cube)
        table = pipeline[:-1].transform(cube)
        assert pipeline[-1].codebook_.shape[1] == table.shape[1]
        label_map = pipeline[0].inverse_transform(labels)
        valid = ~np.isnan(cube.data).any(axis=2)
        np.testing.assert_array_equal(label_map == -3, ~valid)
        top = np.indices(valid.shape)[0] < 6
        assert adjusted_rand_score(top[valid], label_map[valid]) == 1
        inside = CubeClusterer(make_pipeline(*map(clone, pipeline[1:]))).fit(cube)
        assert adjusted_rand_score(labels, inside.labels_[valid]) == 1
