# SPDX-License-Identifier: BSD-3-Clause
"""Convolution of lazy cubes: the values of cubes in memory, strip by strip."""

import dask
import numpy as np
import pytest
from _lazy_cubes import assert_same, lazy, no_computing
from astropy.wcs import WCS
from numpy.testing import assert_array_equal

from skesom.cube import Cube, FWHMConvolver
from skesom.cube._by_strips import fixed_strips
from skesom.cube.convolution import _beams, _filtering

ROWS = 150


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def test_frames_are_cut_by_their_size():
    def heights(*shape, **options):
        return [s.stop - s.start for s in fixed_strips(shape, **options)]

    assert heights(1500, 1000, 3) == [1500]
    assert heights(1500, 1000, 3, whole=False) == [1048, 452]  # of 2^20 pixels
    assert heights(3000, 2000, 1) == [524] * 5 + [380]
    assert heights(1500, 1000, 64) == [262] * 5 + [190]  # of 2^24 values


@pytest.fixture
def cube(rng):
    """Return noise of three bands with gaps, borders without data, and errors."""
    shape = (ROWS, 41, 3)
    data = rng.normal(5, 1, shape).astype(np.float32)
    data[rng.random(shape) < 0.05] = np.nan
    data[:9] = data[:, 35:] = np.nan
    data[60:80, :, 1] = np.nan
    errors = rng.uniform(1, 2, shape).astype(np.float32)
    errors[rng.random(shape) < 0.01] = np.nan
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return Cube(data, wcs=wcs, errors=errors, band_names=["u", "g", "r"])


@pytest.fixture
def shorter(monkeypatch):
    """Return a function that sets the rows of the strips in which work is done."""

    def set_rows(height):
        monkeypatch.setattr(_filtering, "PIXELS_PER_STRIP", height * 41)
        monkeypatch.setattr(_filtering, "LEAST_HEIGHT", 0)

    return set_rows


def lobed(size):
    """Make a kernel with negative lobes, not the same up and down."""
    rows, columns = np.indices((size, size)) - size // 2
    distance = np.hypot(rows, columns)
    array = np.where(distance < size / 4, 1.0, -0.2 / (1 + distance))
    array[size // 2, size // 2] = 4
    array[-1] *= 0.5
    return array


def moffat(size, fwhm):
    """Make a point-spread function with wings."""
    rows, columns = np.indices((size, size)) - size // 2
    scale = fwhm / (2 * np.sqrt(2**0.4 - 1))
    return (1 + (rows**2 + columns**2) / scale**2) ** -2.5


CASES = {
    "sub-pixel and wide Gaussians": {"fwhm": [1.6, 2.0, 2.3], "target_fwhm": 2.5},
    "wide Gaussians": {"fwhm": [1.6, 2.0, 2.3], "target_fwhm": 6},
    "one band stays": {"fwhm": [1.6, 3.5, 2.3]},
    "elliptical beams": {"fwhm": [(3, 2, 30), (2.5, 2, 100), 2], "target_fwhm": 4},
    "measured": {"psfs": [moffat(31, 2.0), moffat(25, 3.0), moffat(41, 4.0)]},
    "ready, and taller than strips": {
        "kernels": {"u": lobed(31), "r": np.abs(lobed(45))},
        "fwhm": 2.0,
    },
}


@pytest.mark.filterwarnings("ignore:The FWHM is")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("height", [10, 64])
class TestSame:
    """Lazy cubes give the same values, however they are cut."""

    @pytest.mark.parametrize("chunk", [64, 100, ROWS])
    def test_as_in_memory(self, cube, shorter, case, height, chunk):
        shorter(height)
        convolver = FWHMConvolver(**CASES[case])
        expected = convolver.fit_transform(cube)
        assert not np.array_equal(expected.data, cube.data, equal_nan=True)
        parts = lazy(cube, chunk)
        with no_computing():
            found = convolver.fit_transform(parts)
        assert set(found.data.chunks[0][:-1]) == {height}
        assert_same(found, expected)

    def test_data_alone(self, cube, shorter, case, height):
        shorter(height)
        cube = Cube(cube.data.astype(np.float64), wcs=cube.wcs, band_names="ugr")
        convolver = FWHMConvolver(**CASES[case], n_jobs=2).fit(cube)
        expected = convolver.transform(cube).data
        array = lazy(cube, 20).data  # an array gives an array
        found = convolver.transform(array)
        assert type(found) is type(array)
        assert_array_equal(found.compute(), expected)


def test_processes(cube, shorter):
    shorter(64)
    convolver = FWHMConvolver(kernels=[lobed(9), moffat(7, 2), lobed(5)])
    expected = convolver.fit_transform(cube)
    found = convolver.fit_transform(lazy(cube, 64))
    with dask.config.set(scheduler="processes", num_workers=1):
        assert_same(found, expected)


def test_many_bands_make_lower_strips(rng, monkeypatch):
    monkeypatch.setattr(_filtering, "VALUES_PER_STRIP", 20 * 30 * 16)
    data = rng.normal(size=(90, 30, 16))
    convolver = FWHMConvolver(2.0, target_fwhm=2.1, pixel_scale=1)
    monkeypatch.setattr(_filtering, "LEAST_HEIGHT", 0)
    found = convolver.fit_transform(lazy(Cube(data), 90))
    assert found.data.chunks[0] == (20, 20, 20, 20, 10)
    assert_array_equal(found.data.compute(), convolver.fit_transform(data))


def test_bands_that_fit_need_no_work(cube):
    cube = lazy(cube.replace(fwhm=[2, 2, 2], errors=cube.errors), 64)
    found = FWHMConvolver().fit_transform(cube)
    assert found.data.name == FWHMConvolver().fit_transform(found).data.name


def test_a_lazy_cube_is_not_written_to(cube, shorter):
    shorter(64)
    before = cube.data.copy()
    convolver = FWHMConvolver([1.6, 2.0, 2.3], target_fwhm=6, copy=False)
    found = convolver.fit_transform(lazy(cube, 64)).compute()
    assert_array_equal(cube.data, before)
    assert_array_equal(found.data, convolver.fit_transform(cube).data)


class TestStars:
    """Stars are measured in the middle of large images, which is computed once."""

    @pytest.fixture
    def field(self, rng, monkeypatch):
        monkeypatch.setattr(_beams, "ENOUGH_PIXELS", 160)
        image = rng.normal(0, 0.3, (240, 180))
        rows, columns = np.indices(image.shape)
        for row in range(20, 230, 24):
            for column in range(20, 170, 24):
                place = np.array([row, column]) + rng.uniform(-2, 2, 2)
                squares = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
                image += rng.uniform(100, 500) * np.exp(-squares / (2 * 1.3**2))
        return Cube(np.stack([image, image], axis=2), pixel_scale=(1, 1))

    def test_as_in_memory(self, field):
        computed = []
        parts = lazy(field, 30)
        counted = parts.data.map_blocks(
            lambda block: computed.append(len(block)) or block, meta=field.data[:0]
        )
        known = FWHMConvolver("stars").fit(field)
        found = FWHMConvolver("stars").fit(parts.replace(data=counted))
        assert_array_equal(found.fwhm_, known.fwhm_)
        assert found.summary_ == known.summary_
        assert known.fwhm_[0] == pytest.approx(1.3 * 2.3548, rel=0.01)
        assert sum(computed) == 180  # of 240 rows; the middle 160 lie in these


def test_infinities_are_refused_where_they_are(cube):
    cube.data[77, 5, 1] = np.inf
    convolver = FWHMConvolver([1.6, 2.0, 2.3], target_fwhm=6)
    found = convolver.fit_transform(lazy(cube, 30))
    with pytest.raises(ValueError, match=r"'g' holds 1 inf.* row 77, column 5"):
        found.compute()
