# SPDX-License-Identifier: BSD-3-Clause
"""SuperpixelFlattener: patches as rows, and the way back to the sky."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.pixels import SuperpixelFlattener, unflatten
from skesom.som import ESOM

pytest.importorskip("skimage")

BANDS = ("F438W", "F657N", "F814W")


@pytest.fixture
def truth():
    """Three areas with a curved border."""
    rows, columns = np.indices((60, 70))
    return (np.hypot(rows, columns) > 45).astype(int) + (columns > 55)


@pytest.fixture
def cube(truth, global_random_seed):
    """Noisy fluxes of these areas."""
    rng = np.random.default_rng(global_random_seed)
    spectra = np.array([[1.0, 2, 3], [3, 1, 2], [2, 3, 1]])
    data = spectra[truth] + rng.normal(0, 0.4, (60, 70, 3))
    return Cube(data.astype(np.float32), band_names=BANDS)


@pytest.fixture
def gappy(cube):
    """The same with gaps in all bands, in one, and scattered."""
    data = cube.data.copy()
    data[20:23] = np.nan
    data[:, 60:, 1] = np.nan
    data[40:50, 10:30] = np.nan
    data[::7, ::5] = np.nan
    return cube.replace(data=data)


def purity(segments, truth):
    """Return the share of pixels in segments of their own kind."""
    table = np.zeros((segments.max() + 1, truth.max() + 1), dtype=int)
    np.add.at(table, (segments, truth), 1)
    return table.max(axis=1).sum() / truth.size


class TestSegments:
    """Which pixels belong together."""

    def test_are_connected_and_numbered_by_their_first_pixel(self, cube):
        flattener = SuperpixelFlattener(50).fit(cube)
        segments = flattener.segments_
        assert segments.dtype == np.int32
        _, first = np.unique(segments, return_index=True)
        assert (np.diff(first) > 0).all()
        for number in range(segments.max() + 1):
            assert ndimage.label(segments == number)[1] == 1

    @pytest.mark.parametrize("size", [20, 64.0, 300])
    def test_size(self, cube, size):
        sizes = SuperpixelFlattener(size).fit(cube).sizes_
        assert sizes.sum() == 60 * 70
        assert sizes.mean() == pytest.approx(size, rel=0.35)

    def test_compact_ones_are_squares(self, cube):
        segments = SuperpixelFlattener(100, compactness=1e6).fit(cube).segments_
        boxes = ndimage.find_objects(segments + 1)
        areas = np.bincount(segments.ravel())
        filled = [
            area / segments[box].size for area, box in zip(areas, boxes, strict=True)
        ]
        assert np.mean(filled) > 0.95

    def test_one_star_does_not_make_squares_of_the_rest(self, cube, truth):
        data = cube.data.copy()
        data[5, 5] = 30
        segments = SuperpixelFlattener(50).fit(data).segments_
        squares = SuperpixelFlattener(50, compactness=1e6).fit(data).segments_
        assert 1 - purity(segments, truth) < 0.5 * (1 - purity(squares, truth))

    def test_masked_pixels_belong_to_none(self, gappy):
        flattener = SuperpixelFlattener(50).fit(gappy)
        masked = np.isnan(gappy.data).any(axis=2)
        np.testing.assert_array_equal(flattener.segments_ == -3, masked)
        used = np.unique(flattener.segments_[~masked])
        np.testing.assert_array_equal(used, np.arange(len(flattener.sizes_)))
        np.testing.assert_array_equal(
            flattener.sizes_, np.bincount(flattener.segments_[~masked])
        )

    def test_what_is_masked_does_not_matter(self, gappy):
        other = gappy.replace(data=gappy.data.copy())
        partly = np.isnan(gappy.data).any(axis=2)
        other.data[partly] = np.where(np.isnan(gappy.data[partly]), np.nan, 1e4)
        np.testing.assert_array_equal(
            SuperpixelFlattener(50).fit(gappy).segments_,
            SuperpixelFlattener(50).fit(other).segments_,
        )

    @pytest.mark.parametrize("factor", [2.0**-60, 2.0**40])
    def test_units_do_not_matter(self, cube, factor):
        np.testing.assert_array_equal(
            SuperpixelFlattener().fit(cube.data * np.float32(factor)).segments_,
            SuperpixelFlattener().fit(cube).segments_,
        )


class TestTable:
    """The spectra of the segments."""

    @pytest.mark.parametrize("statistic", ["mean", "median"])
    @pytest.mark.parametrize("min_bands", [None, 2])
    def test_against_scipy(self, gappy, statistic, min_bands):
        flattener = SuperpixelFlattener(40, statistic=statistic, min_bands=min_bands)
        table = flattener.fit_transform(gappy)
        assert table.dtype == np.float32
        if min_bands is None:
            assert np.isfinite(table).all()
        for band in range(3):
            flux = gappy.data[:, :, band].astype(float)
            there = (flattener.segments_ >= 0) & ~np.isnan(flux)
            numbers = np.unique(flattener.segments_[there])
            expected = getattr(ndimage, statistic)(
                flux[there], flattener.segments_[there], numbers
            )
            np.testing.assert_allclose(table[numbers, band], expected, rtol=1e-6)
            assert np.isnan(np.delete(table[:, band], numbers)).all()

    def test_layout_does_not_matter(self, gappy):
        expected = SuperpixelFlattener().fit_transform(gappy)
        changed = np.asfortranarray(gappy.data.astype(">f4"))
        changed.flags.writeable = False
        found = SuperpixelFlattener().fit_transform(changed)
        np.testing.assert_array_equal(found, expected)

    def test_names(self, cube):
        flattener = SuperpixelFlattener().set_output(transform="pandas")
        frame = flattener.fit_transform(cube)
        assert isinstance(frame, pd.DataFrame)
        assert frame.columns.tolist() == list(BANDS)
        assert flattener.band_names_ == BANDS


class TestWayBack:
    """From rows to pixels."""

    def test_labels_and_numbers(self, gappy):
        flattener = SuperpixelFlattener(50)
        table = flattener.fit_transform(gappy)
        label_map = flattener.inverse_transform(np.arange(len(table)))
        np.testing.assert_array_equal(label_map, flattener.segments_)
        assert label_map.dtype == np.int32
        image = flattener.inverse_transform(table)
        assert image.shape == gappy.shape
        assert image.dtype == np.float32
        masked = flattener.segments_ < 0
        assert np.isnan(image[masked]).all()
        np.testing.assert_array_equal(
            image[~masked], table[flattener.segments_[~masked]]
        )

    def test_another_cube(self, gappy):
        flattener = SuperpixelFlattener(50).fit(gappy)
        strip = gappy[24:50]
        table, segments = flattener.transform(strip), flattener.segment(strip)
        assert segments.shape == (26, 70)
        assert len(table) == segments.max() + 1
        image = unflatten(table[:, 0], segments)
        assert np.isfinite(image[segments >= 0]).all()
        with pytest.raises(ValueError, match=rf"{len(table)} rows for .* segments"):
            flattener.inverse_transform(table)

    def test_segments_of_nothing(self):
        segments = np.full((2, 3), -3)
        np.testing.assert_array_equal(unflatten(np.empty(0, int), segments), segments)


class TestPipeline:
    """In place of CubeFlattener."""

    def test_maps_and_transformers_follow(self, gappy):
        pipeline = make_pipeline(
            SuperpixelFlattener(30), StandardScaler(), PCA(2), ESOM(random_state=0)
        )
        labels = pipeline.fit_predict(gappy)
        label_map = pipeline[0].inverse_transform(labels)
        np.testing.assert_array_equal(label_map == -3, np.isnan(gappy.data).any(axis=2))
        np.testing.assert_array_equal(pipeline.predict(gappy), labels)


class TestContract:
    """What scikit-learn expects."""

    def test_clone_and_pickle(self, gappy):
        flattener = SuperpixelFlattener(40, compactness=0.3, statistic="median")
        copy = clone(flattener)
        assert vars(copy) == copy.get_params() == flattener.get_params()
        table = flattener.fit_transform(gappy)
        again = pickle.loads(pickle.dumps(flattener))
        np.testing.assert_array_equal(again.transform(gappy), table)
        np.testing.assert_array_equal(clone(flattener).fit_transform(gappy), table)
        assert flattener.n_features_in_ == 3

    def test_not_fitted(self, cube):
        flattener = SuperpixelFlattener()
        for method in ("transform", "segment", "inverse_transform"):
            with pytest.raises(NotFittedError):
                getattr(flattener, method)(cube)
        with pytest.raises(NotFittedError):
            flattener.get_feature_names_out()


class TestOddCubes:
    """Small, flat and refused ones."""

    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (9, 1, 3), (4, 5, 1)])
    @pytest.mark.parametrize("size", [1, 1000])
    def test_small(self, shape, size, global_random_seed):
        data = np.random.default_rng(global_random_seed).normal(size=shape)
        flattener = SuperpixelFlattener(size)
        table = flattener.fit_transform(data)
        assert flattener.sizes_.sum() == shape[0] * shape[1]
        weighted = flattener.sizes_ @ table / flattener.sizes_.sum()
        np.testing.assert_allclose(weighted, data.mean(axis=(0, 1)), rtol=1e-9)

    def test_flat(self):
        table = SuperpixelFlattener(20).fit_transform(np.full((30, 30, 2), 7.0))
        assert len(table) > 20
        np.testing.assert_array_equal(table, 7)

    def test_one_valid_pixel(self):
        data = np.full((10, 10, 2), np.nan)
        data[3, 4] = 1, 2
        np.testing.assert_array_equal(
            SuperpixelFlattener().fit_transform(data), [[1, 2]]
        )

    def test_all_masked(self, cube):
        cube.data[:, :, 1] = np.nan
        with pytest.raises(ValueError, match=r"All 4200 pixels .* min_bands"):
            SuperpixelFlattener().fit(cube)
        table = SuperpixelFlattener(min_bands=2).fit_transform(cube)
        assert np.isnan(table[:, 1]).all()
        assert np.isfinite(table[:, [0, 2]]).all()

    def test_number_of_bands(self, cube):
        flattener = SuperpixelFlattener().fit(cube)
        with pytest.raises(ValueError, match=r"2 bands, .* fitted on 3 bands"):
            flattener.transform(cube[:, :, :2])

    @pytest.mark.parametrize(
        "options",
        [{"size": 0}, {"compactness": 0}, {"statistic": "mode"}, {"min_bands": 0}],
    )
    def test_parameters(self, cube, options):
        (name,) = options
        with pytest.raises(ValueError, match=f"'{name}' parameter of Superpixel"):
            SuperpixelFlattener(**options).fit(cube)

    def test_missing_library(self, cube, monkeypatch):
        monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
        with pytest.raises(ImportError, match=r"pip install 'skesom\[superpixels\]'"):
            SuperpixelFlattener().fit(cube)
