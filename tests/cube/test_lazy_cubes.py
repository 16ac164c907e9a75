# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes, apart from their values: how they are cut, what is computed and told."""

import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from skesom._common.strips import cut_frame, strips_of
from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    Cube,
    CubeMasker,
    FluxUnitConverter,
    FWHMConvolver,
    SkyMasker,
)
from skesom.cube.convolution import stars
from tests.helpers.lazy_cubes import counted, lazy


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def cube(rng):
    """A source and noise in three bands with errors."""
    data = rng.normal(50, 1, (150, 41, 3)).astype(np.float32)
    data[60:90, 10:25] += 20
    data[:9] = data[:, 35:] = np.nan
    errors = rng.uniform(1, 2, data.shape).astype(np.float32)
    known = {"band_names": ["u", "g", "r"], "band_units": ["uJy"] * 3}
    return Cube(data, errors=errors, pixel_scale=(1, 1), **known)


def heights(strips):
    return [strip.stop - strip.start for strip in strips]


def test_frames_are_cut_by_their_size():
    assert heights(cut_frame((1500, 1000, 3))) == [1500]
    assert heights(cut_frame((3000, 2000, 1))) == [524] * 5 + [380]
    assert heights(cut_frame((1500, 1000, 64))) == [262] * 5 + [190]  # of 2^24 values


def test_strips_hold_pixels_or_values_or_rows():
    searched = strips_of((1500, 1000, 3), "search", multiple=64)
    assert heights(searched) == [1024, 476]  # of 2^20 pixels
    assert heights(strips_of((9000, 1000, 1), "convolve")) == [4194, 4194, 612]
    assert heights(strips_of((9000, 1000, 32), "convolve")) == [2097] * 4 + [612]
    assert heights(strips_of((150, 10**6, 1), "convolve", least=80)) == [80, 70]
    assert heights(strips_of((150, 10**6, 9))) == [64, 64, 22]


def test_nothing_left_names_the_criterion(cube):
    data = cube.data.copy()
    data[:, :, 2] = 0
    with pytest.raises(ValueError, match="'zeros'"):
        CubeMasker().fit(lazy(cube.replace(data=data), 64))


def test_empty_band_has_no_background(cube):
    pytest.importorskip("photutils")
    data = cube.data.copy()
    data[:, :, 1] = np.nan
    with pytest.raises(ValueError, match="'g' has no background"):
        BackgroundSubtractor().fit(lazy(cube.replace(data=data), 100))


def test_transform_of_sky_computes_nothing(cube):
    masker = SkyMasker("mask").fit(cube)
    unreadable = da.map_blocks(
        _fail, chunks=((100, 50), (41,), (3,)), dtype=np.float32, meta=np.empty(0)
    )
    assert masker.transform(cube.replace(data=unreadable)).is_lazy


def _fail(block_info=None):
    raise AssertionError("computed")


def test_stretch_goes_back(cube):
    stretch = AsinhStretch().fit(cube)
    stretched = stretch.transform(cube)
    back = stretch.inverse_transform(lazy(stretched, 64))
    assert_array_equal(back.data, stretch.inverse_transform(stretched).data)


def test_scene_without_noise(rng):
    """Its noise comes from steps of a sample, as that of a frame in memory."""
    smooth = ndimage.gaussian_filter(rng.normal(size=(200, 150)), 8)
    data = np.where(smooth > 0, 1000 * smooth, 0)[:, :, np.newaxis]
    cube = Cube(np.concatenate([data, 2 * data], axis=2))
    found = AsinhStretch().fit_transform(lazy(cube, 64))
    assert_array_equal(found.data, AsinhStretch().fit_transform(cube).data)


def test_step_may_be_fitted_again_before_it_computes(cube):
    stretch = AsinhStretch().fit(cube)
    wanted = stretch.transform(cube)
    found = stretch.transform(lazy(cube, 64))
    stretch.fit(cube.replace(data=2 * cube.data))
    assert_array_equal(np.asarray(found), wanted.data)


@pytest.mark.parametrize(
    "step",
    [
        AsinhStretch(copy=False),
        FluxUnitConverter("Jy", copy=False),
        FWHMConvolver([1.6, 2.0, 2.3], target_fwhm=6, copy=False),
        CubeMasker(copy=False),
    ],
)
def test_copy_false_leaves_memory_of_the_user(cube, step):
    before = cube.data.copy()
    found = np.asarray(step.fit_transform(lazy(cube, 64)))
    assert_array_equal(cube.data, before)
    assert_array_equal(found, step.fit_transform(cube).data)


def test_bands_that_fit_need_no_work(cube):
    cube = lazy(cube.replace(fwhm=[2, 2, 2], errors=cube.errors), 64)
    found = FWHMConvolver().fit_transform(cube)
    assert found.data.name == FWHMConvolver().fit_transform(found).data.name


def test_stars_are_measured_in_the_middle(rng, monkeypatch):
    """It is computed once."""
    monkeypatch.setattr(stars, "ENOUGH_PIXELS", 160)
    image = rng.normal(0, 0.3, (240, 180))
    rows, columns = np.indices(image.shape)
    for row in range(20, 230, 24):
        for column in range(20, 170, 24):
            place = np.array([row, column]) + rng.uniform(-2, 2, 2)
            squares = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
            image += rng.uniform(100, 500) * np.exp(-squares / (2 * 1.3**2))
    field = Cube(np.stack([image, image], axis=2), pixel_scale=(1, 1))
    parts, computed = counted(field, 30)
    known = FWHMConvolver("stars").fit(field)
    found = FWHMConvolver("stars").fit(parts)
    assert_array_equal(found.fwhm_, known.fwhm_)
    assert found.summary_ == known.summary_
    assert known.fwhm_[0] == pytest.approx(1.3 * 2.3548, rel=0.01)
    assert sum(computed) == 180  # of 240 rows; the middle 160 lie in these
