# SPDX-License-Identifier: BSD-3-Clause
"""Steps give a lazy cube the bits that they give the same cube in memory."""

import dask
import dask.array as da
import numpy as np
import pytest
from astropy import units
from numpy.testing import assert_array_equal, assert_equal
from scipy import ndimage

from skesom._common import strips
from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    BandBinner,
    ColorScaler,
    Cube,
    CubeMasker,
    FluxShape,
    FluxUnitConverter,
    SkyMasker,
    _by_strips,
)
from skesom.cube.flux import _color
from skesom.cube.masking import _defects, _outliers, _sky

SHAPE = (200, 150, 4)
HEIGHTS = [64, 100, 200]
PARTS = "data", "errors", "sky_mask"


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def cube(rng):
    """A galaxy, with noise, borders of NaN, gaps, lines and outliers."""
    rows, columns = np.indices(SHAPE[:2])
    light = 300 * np.exp(-np.hypot(rows - 110, columns - 80) / 12)
    data = light[:, :, np.newaxis] * [1, 1.5, 2, 1] + rng.normal(10, 2, SHAPE)
    data[:, 60, 0] -= 25  # a dead column through all strips
    data[40:140, 5:25, 1] = 0  # a gap
    data[50:75, 120:, 3] = 7.25  # a pedestal
    data[[63, 64, 99, 100], [20, 21, 30, 31], 2] += 400
    data[:3] = np.nan
    data[-4:, :30, 0] = np.nan
    data[rng.random(SHAPE) < 1e-3] = np.nan
    data = data.astype(np.float32)
    errors = np.full(SHAPE, 2, dtype=np.float32)
    names = {"band_names": list("abcd"), "band_units": ["uJy"] * 4}
    return Cube(data, errors=errors, pixel_scale=(0.5, 0.5), **names)


@pytest.fixture(params=["whole", "large"])
def size(request, monkeypatch):
    """Sizes at which a frame is worked through whole, or in strips and samples."""
    if request.param == "large":
        monkeypatch.setattr(_by_strips, "WHOLE", 2**13)
        monkeypatch.setattr(_color, "WHOLE", 2**13)
        monkeypatch.setattr(_by_strips, "PIXELS_PER_STRIP", 2**12)
        monkeypatch.setattr(_by_strips, "VALUES_IN_MEMORY", 2**16)
        monkeypatch.setattr(strips, "_HELD", 2**14)
        monkeypatch.setattr(_sky, "ENOUGH_PIXELS", 2**13)
        monkeypatch.setattr(_defects, "PIXELS_PER_BLOCK", 2**11)
        monkeypatch.setattr(_outliers, "PIXELS_PER_BLOCK", 2**11)


def lazy(cube, height):
    """Return a cube in strips of so many rows."""

    def strips(part):
        return None if part is None else da.from_array(part, (height, -1, -1))

    return cube.replace(data=strips(cube.data), errors=strips(cube.errors))


def assert_same(found, wanted):
    assert found.is_lazy
    for name in PARTS:
        part = getattr(wanted, name)
        if part is None:
            assert getattr(found, name) is None
        else:
            assert_array_equal(getattr(found, name).compute(), part)
            assert getattr(found, name).dtype == part.dtype
    for name in ("band_names", "band_units", "pixel_scale"):
        assert getattr(found, name) == getattr(wanted, name)
    assert_array_equal(found.fwhm, wanted.fwhm)


def check_step(make, cube, height):
    """Compare what a step finds and gives with that in memory."""
    step, known = make(), make()
    given = lazy(cube, height)
    wanted = known.fit_transform(cube)
    assert_same(step.fit_transform(given), wanted)
    for name, value in vars(known).items():
        if name.endswith("_"):
            assert_equal(getattr(step, name), value, err_msg=name)
    assert_same(step.transform(given), known.transform(cube))
    assert_array_equal(np.asarray(given), cube.data)  # it is left as it was
    return known


class TestMasks:
    """CubeMasker and SkyMasker."""

    @pytest.mark.parametrize("height", HEIGHTS)
    def test_defects(self, cube, height, size):
        masker = check_step(CubeMasker, cube, height)
        for name in ("missing", "zeros", "pedestal", "lines", "outliers"):
            assert masker.summary_[name], name

    @pytest.mark.parametrize(
        "options",
        [
            {"mask_zeros": True, "grow": 2.5, "min_bands": 2},
            {"saturation": 200, "min_signal_to_noise": 3, "min_bands": 1},
            {"min_signal_to_noise": 2, "noise": 3.0, "mask_outliers": False},
            {"mask_zeros": False, "mask_lines": False, "mask_pedestal": False},
        ],
    )
    def test_options(self, cube, options, size):
        check_step(lambda: CubeMasker(**options), cube, 64)

    def test_regions_and_noise_of_each_value(self, cube, size):
        exclude = np.zeros(SHAPE[:2], dtype=bool)
        exclude[60:70, 30:90] = True
        noise = np.full(SHAPE, 2.5)
        options = {"exclude": exclude, "noise": noise, "min_signal_to_noise": 1}
        masker = check_step(lambda: CubeMasker(**options), cube, 64)
        assert masker.summary_["regions"]
        assert masker.summary_["signal_to_noise"]

    def test_counts_have_no_pedestals(self, cube, size):
        counts = cube.replace(data=np.round(cube.data / 4) * 4)
        assert check_step(CubeMasker, counts, 100).summary_["pedestal"] == 0

    def test_nothing_left_names_the_criterion(self, cube):
        data = cube.data.copy()
        data[:, :, 2] = 0
        with pytest.raises(ValueError, match="'zeros'"):
            CubeMasker().fit(lazy(cube.replace(data=data), 64))

    @pytest.mark.parametrize("height", HEIGHTS)
    @pytest.mark.parametrize("smoothing", [0, 0.6, 1.0])
    def test_sky(self, cube, height, smoothing, size):
        cube = CubeMasker().fit_transform(cube)
        masker = check_step(
            lambda: SkyMasker("mask", smoothing=smoothing), cube, height
        )
        assert masker.sky_mask_.any()

    @pytest.mark.parametrize("sky", ["auto", "keep"])
    def test_sky_that_is_kept(self, cube, sky):
        check_step(lambda: SkyMasker(sky, min_bands=2), cube, 100)

    def test_transform_of_sky_computes_nothing(self, cube):
        masker = SkyMasker("mask").fit(cube)
        unreadable = da.map_blocks(
            _fail, chunks=((100, 100), (150,), (4,)), dtype=np.float32, meta=np.empty(0)
        )
        assert masker.transform(cube.replace(data=unreadable)).is_lazy


class TestFluxes:
    """Backgrounds, units, stretches and colors."""

    @pytest.mark.filterwarnings("ignore:The background slopes")
    @pytest.mark.parametrize("height", HEIGHTS)
    @pytest.mark.parametrize("bands", ["all", "uneven"])
    def test_background(self, cube, height, bands, size):
        pytest.importorskip("photutils")
        slope = np.linspace(0, 30, 200, dtype=np.float32)[:, np.newaxis, np.newaxis]
        data = np.where(cube.data == 0, np.nan, cube.data) + slope
        sloping = cube.replace(data=data, errors=cube.errors)
        make = BackgroundSubtractor if bands == "all" else _uneven
        check_step(lambda: make(30), sloping, height)

    def test_empty_band_has_no_background(self, cube, size):
        pytest.importorskip("photutils")
        data = cube.data.copy()
        data[:, :, 1] = np.nan
        with pytest.raises(ValueError, match="'b' has no background"):
            BackgroundSubtractor().fit(lazy(cube.replace(data=data), 100))

    @pytest.mark.parametrize("height", [7, 64, 200])
    @pytest.mark.parametrize(
        "make",
        [
            AsinhStretch,
            ColorScaler,
            lambda: BandBinner(3),
            FluxShape,
            lambda: FluxShape("b", brightness=True),
            lambda: FluxUnitConverter("mJy"),
        ],
    )
    def test_pixel_by_pixel(self, cube, make, height, size):
        assert make().works_pixelwise
        check_step(make, cube, height)

    def test_stretch_goes_back(self, cube):
        stretch = AsinhStretch().fit(cube)
        stretched = stretch.transform(cube)
        back = stretch.inverse_transform(lazy(stretched, 64))
        assert_same(back, stretch.inverse_transform(stretched))

    def test_scene_without_noise(self, rng, size):
        """Its noise comes from steps of a sample, as that of a frame in memory."""
        smooth = ndimage.gaussian_filter(rng.normal(size=(200, 150)), 8)
        data = np.where(smooth > 0, 1000 * smooth, 0)[:, :, np.newaxis]
        cube = Cube(np.concatenate([data, 2 * data], axis=2))
        check_step(AsinhStretch, cube, 64)

    def test_step_may_be_fitted_again_before_it_computes(self, cube):
        stretch = AsinhStretch().fit(cube)
        wanted = stretch.transform(cube)
        found = stretch.transform(lazy(cube, 64))
        stretch.fit(cube.replace(data=2 * cube.data))
        assert_array_equal(np.asarray(found), wanted.data)

    def test_copy_false_leaves_memory_of_the_user(self, cube):
        before = cube.data.copy()
        steps = AsinhStretch(copy=False), FluxUnitConverter("Jy", copy=False)
        for step in steps:
            np.asarray(step.fit_transform(lazy(cube, 64)))
        assert_array_equal(cube.data, before)

    def test_processes(self, cube):
        sky, color = SkyMasker("mask").fit(cube), ColorScaler().fit(cube)
        found = color.transform(sky.transform(lazy(cube, 100)))
        with dask.config.set(scheduler="processes", num_workers=2):
            found = np.asarray(found)
        assert_array_equal(found, color.transform(sky.transform(cube)).data)


def _uneven(box_size):
    return BackgroundSubtractor(box_size, bands="uneven")


def _fail(block_info=None):
    raise AssertionError("computed")


def test_units_are_known(cube):
    """A lazy cube is described as one in memory."""
    stretched = AsinhStretch().fit_transform(lazy(cube, 64))
    assert stretched.band_units == (units.dimensionless_unscaled,) * 4
