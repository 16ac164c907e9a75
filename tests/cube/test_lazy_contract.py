# SPDX-License-Identifier: BSD-3-Clause
"""All steps give lazy cubes the bits that they give the same cubes in memory."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    BandBinner,
    ColorScaler,
    ComponentFilter,
    CountSmoother,
    Cube,
    CubeAligner,
    CubeMasker,
    CubeStore,
    FluxShape,
    FluxUnitConverter,
    FWHMConvolver,
    SkyMasker,
    SpatialFeatures,
)
from skesom.pixels import CubeFlattener, PixelSampler, flatten, unflatten
from skesom.pixels.flattening import valid_pixels
from tests.helpers.block_sizes import cut_convolution, cut_small
from tests.helpers.grids import make_wcs
from tests.helpers.lazy_cubes import lazy, no_computing, noise_cube

pytestmark = [
    pytest.mark.filterwarnings("ignore:The background slopes"),
    pytest.mark.filterwarnings("ignore:The FWHM is"),
    pytest.mark.filterwarnings("ignore:The errors of the cube are not used"),
]
SHAPE = (200, 90, 4)
SIP = 1.23456789012345e-4, -2.3e-5
REGION = np.zeros(SHAPE[:2], dtype=bool)
REGION[60:70, 30:80] = True


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def cube(rng):
    """A galaxy on a slope, with borders of NaN, gaps, lines and outliers."""
    rows, columns = np.indices(SHAPE[:2])
    light = 300 * np.exp(-np.hypot(rows - 110, columns - 50) / 12)
    data = light[:, :, np.newaxis] * [1, 1.5, 2, 1] + rng.normal(10, 2, SHAPE)
    data[:, 60, 0] -= 25  # a dead column through all strips
    data[40:140, 5:25, 1] = 0  # a gap
    data[50:75, 70:, 3] = 7.25  # a pedestal
    data[[63, 64, 99, 100], [20, 21, 30, 31], 2] += 400
    data[:3] = np.nan
    data[-4:, :30, 0] = np.nan
    data[rng.random(SHAPE) < 1e-3] = np.nan
    errors = rng.uniform(1, 2, SHAPE).astype(np.float32)
    errors[rng.random(SHAPE) < 0.01] = np.nan
    return Cube(
        data.astype(np.float32),
        errors=errors,
        wcs=make_wcs(SHAPE[:2], 0.5),
        band_names=list("abcd"),
        band_units=["uJy"] * 4,
    )


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


MASKED = {
    "all defects": CubeMasker(),
    "zeros, grown": CubeMasker(mask_zeros=True, grow=2.5, min_bands=2),
    "signal": CubeMasker(saturation=200, min_signal_to_noise=3, min_bands=1),
    "noise": CubeMasker(min_signal_to_noise=2, noise=3.0, mask_outliers=False),
    "gaps stay": CubeMasker(mask_zeros=False, mask_lines=False, mask_pedestal=False),
    "region and noise of each value": CubeMasker(
        exclude=REGION, noise=np.full(SHAPE, 2.5), min_signal_to_noise=1
    ),
    "sky": SkyMasker("mask"),
    "sharp sky": SkyMasker("mask", smoothing=0.6, min_bands=2),
    "sky as it is": SkyMasker("mask", smoothing=0),
    "sky if there is some": SkyMasker("auto"),
    "sky stays": SkyMasker("keep", min_bands=2),
}
FLUXES = {
    "background": BackgroundSubtractor(30),
    "uneven background": BackgroundSubtractor(30, bands="uneven"),
    "counts": CountSmoother(),
    "stretch": AsinhStretch(),
    "color": ColorScaler(),
    "components": ComponentFilter(2, max_bands=0),
    "bins": BandBinner(3),
    "shape": FluxShape(),
    "shape by a band": FluxShape("b", brightness=True),
    "units": FluxUnitConverter("mJy"),
    "two scales": SpatialFeatures(smooth=0.7, surroundings=3),
    "two scales of some bands": SpatialFeatures(min_bands=2, n_jobs=2),
    "store": CubeStore(),
    "pipeline": make_pipeline(CubeMasker(), SkyMasker("mask"), ColorScaler()),
}
CONVOLVED = {
    "sub-pixel and wide": FWHMConvolver([0.8, 1.0, 1.1, 0.9], target_fwhm=1.2),
    "wide": FWHMConvolver([0.8, 1.0, 1.2, 0.9], target_fwhm=3, n_jobs=2),
    "one stays": FWHMConvolver([0.8, 1.8, 1.2, 0.9]),
    "elliptical": FWHMConvolver([(1.5, 1, 30), (1.2, 1, 100), 1, 1], target_fwhm=2),
    "measured": FWHMConvolver(
        psfs=[moffat(31, 2.0), moffat(25, 3.0), moffat(41, 4.0), None], fwhm=1.5
    ),
    "ready, taller than strips": FWHMConvolver(
        1.0, kernels={"a": lobed(31), "c": np.abs(lobed(45))}
    ),
}
STEPS = MASKED | FLUXES | CONVOLVED


def check(make, images, *heights):
    """Compare what a function makes of images with what it makes of lazy ones."""
    wanted = make(images)
    for height in heights:
        given = lazy(images, height)
        assert_same(make(given), wanted)
        for image, memory in zip(*map(as_list, (given, images)), strict=True):
            assert_array_equal(np.asarray(image), memory.data)  # it is left as it was
    return wanted


def as_list(images):
    return images if isinstance(images, list) else [images]


def parts_of(cube):
    """All that a cube holds, but whether infinities were looked for."""
    return {n: v for n, v in vars(cube).items() if n != "_without_infinities"}


def assert_same(found, wanted):
    """Check that values are the same bits, with all that describes them."""
    if isinstance(wanted, list | tuple):
        for each in zip(found, wanted, strict=True):
            assert_same(*each)
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            assert_same(found[name], wanted[name])
    elif isinstance(wanted, Cube):
        assert found.is_lazy
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        assert_same(parts_of(found.compute()), parts_of(wanted))
    elif isinstance(wanted, np.ndarray):
        assert found.dtype == wanted.dtype
        assert_array_equal(np.asarray(found), wanted)
    elif not hasattr(wanted, "to_header"):
        assert_equal(found, wanted)


def fitted(step, images):
    """Return what a step makes of images that it is fitted to, and what it finds."""
    made = step.fit_transform(images)
    known = {n: v for n, v in vars(step).items() if n.endswith("_") and n != "cube_"}
    return made, known


def fitted_and_applied(step, images):
    """Return what a step finds, and makes of images when it is fitted and after."""
    return *fitted(step, images), step.transform(images)


def prepared(cube, name):
    """Return a cube on which a step has something to do."""
    if name.startswith("sky"):
        return CubeMasker().fit_transform(cube)
    if name == "counts":
        data = cube.data.copy()
        data[:, :, 0] = np.random.default_rng(0).poisson(0.3, SHAPE[:2])
        return cube.replace(data=data, errors=cube.errors)
    if "background" not in name:
        return cube
    pytest.importorskip("photutils")
    slope = np.linspace(0, 30, SHAPE[0], dtype=np.float32)[:, np.newaxis, np.newaxis]
    data = np.where(cube.data == 0, np.nan, cube.data) + slope
    return cube.replace(data=data, errors=cube.errors)


@pytest.mark.parametrize("name", STEPS)
def test_steps(cube, name, monkeypatch):
    cut_small(monkeypatch)
    cube = prepared(cube, name)
    made, known = check(lambda images: fitted(clone(STEPS[name]), images), cube, 7, 100)
    stays = name in ("sky stays", "store", "uneven background")  # that is even
    assert np.array_equal(made.data, cube.data, equal_nan=True) == stays
    if name == "all defects":
        wanted = "missing", "zeros", "pedestal", "lines", "outliers"
        assert all(known["summary_"][each] for each in wanted)


@pytest.mark.parametrize("name", MASKED | FLUXES)
def test_steps_of_whole_frames(cube, name):
    step = STEPS[name]
    check(lambda x: fitted_and_applied(clone(step), x), prepared(cube, name), 64)


@pytest.mark.parametrize(
    ("name", "strip"), [*zip(CONVOLVED, [10, 64, 10, 64, 10, 10], strict=True)]
)
def test_convolution_has_its_own_strips(cube, name, strip, monkeypatch):
    cut_convolution(monkeypatch, pixels=strip * SHAPE[1])
    bare = cube.data.astype(np.float64)
    convolver = STEPS[name].fit(cube)
    with no_computing():
        made = convolver.transform(lazy(cube, 30))
    assert set(made.data.chunks[0][:-1]) == {strip}
    assert_same(made, convolver.transform(cube))
    bare = Cube(bare, wcs=cube.wcs, band_names=cube.band_names)
    check(convolver.transform, bare, 100)


@pytest.mark.parametrize(
    "options", [{}, {"min_bands": 2}, {"pattern": "voxel"}, {"sky": True}]
)
def test_tables(cube, options):
    """There and back, with strips that have no pixel."""
    data = cube.data.copy()
    data[:9] = data[40:47] = np.nan
    sky_mask = np.zeros(SHAPE[:2], dtype=bool)
    sky_mask[:, :5] = True
    data[sky_mask] = np.nan
    sky_mask = sky_mask if options.pop("sky", False) else None
    cube = cube.replace(data=data, errors=cube.errors, sky_mask=sky_mask)

    def make(cube):
        table, valid = flatten(cube, **options)
        flattener = CubeFlattener(**options).fit(cube)
        labels = np.arange(len(table)) % 7
        if cube.is_lazy:
            assert 0 not in table.chunks[0]
            for chunks in (100, len(table)):
                image = unflatten(da.from_array(labels, (chunks,)), valid)
                assert_array_equal(image, unflatten(labels, valid))
            labels = da.from_array(labels, table.chunks[:1])
        return [
            *(table, valid, valid_pixels(cube, **options)),
            *(flattener.transform(cube), flattener.errors(cube)),
            *(unflatten(labels, valid), unflatten(table, valid)),
            flattener.inverse_transform(labels),
        ]

    *_, image = check(make, cube, 7, 200)
    assert (-2 in image) == (sky_mask is not None)


@pytest.mark.parametrize("method", ["random", "brightness", "blocks"])
@pytest.mark.parametrize("each_band", [False, True])
def test_samples(cube, method, each_band):
    sampler = PixelSampler(0.3, method, each_band=each_band, random_state=0)
    check(sampler.sample, cube, 7, 200)


@pytest.fixture
def cubes(rng):
    """Return cubes on four grids, two of them with errors."""
    sky = np.zeros((150, 60), dtype=bool)
    sky[50:58, 30:40] = True
    first, last = (
        noise_cube(rng, (150, 60), 0.5, names, errors=True, angle=17)
        for names in ("ab", "e")
    )
    last.data[50:58] = 7  # no gap where the others have sky
    return [
        first.replace(sky_mask=sky, errors=first.errors),
        noise_cube(rng, (130, 70), 0.6, "c", unit="Jy", sip=SIP),
        noise_cube(rng, (66, 35), 1.3, "d", shift=(1.3, -0.7)),
        last,
    ]


@pytest.mark.parametrize(
    ("method", "target"),
    [("interp", "a"), ("interp", "coarsest"), ("adaptive", "coarsest"), ("exact", "a")],
)
def test_alignment(cubes, method, target, monkeypatch):
    cut_small(monkeypatch)
    aligner = CubeAligner(target, resample=method).fit(cubes)
    wanted = check(aligner.transform, cubes, 64, 150)
    assert wanted.sky_mask.any()
    assert np.isfinite(wanted.errors[:, :, [0, 1, 4]]).any(axis=(0, 1)).all()
    with no_computing():
        found = aligner.fit_transform(lazy(cubes, 64))
    if target == "a":
        assert found.data.chunks == ((50, 50, 50), (60,), (5,))


@pytest.mark.parametrize(
    ("conserve", "n_lazy"), [("flux", 1), ("surface brightness", 3)]
)
def test_alignment_of_some_in_memory(cubes, conserve, n_lazy, monkeypatch):
    cut_small(monkeypatch)
    aligner = CubeAligner("d", conserve=conserve, n_jobs=2).fit(cubes)
    parts = lazy(cubes[:n_lazy], 64) + cubes[n_lazy:]
    assert_same(aligner.transform(parts), aligner.transform(cubes))


@pytest.mark.parametrize(("crop", "min_bands"), [("auto", None), (True, 3)])
def test_crop(cubes, crop, min_bands, monkeypatch):
    cut_small(monkeypatch)
    aligner = CubeAligner("optimal", crop=crop, min_bands=min_bands, resample="interp")
    expected = aligner.fit_transform(cubes)
    assert expected.shape[:2] < aligner.shape_
    found = aligner.transform(lazy(cubes, 64))
    assert_same(found, expected)
    assert_array_equal(found.wcs.wcs.crpix, expected.wcs.wcs.crpix)


def test_processes(cube, cubes, monkeypatch):
    """Values do not depend on where they are computed; a WCS is rounded by a pickle."""
    cut_small(monkeypatch)
    tasks = [(STEPS[n], cube) for n in ("pipeline", "ready, taller than strips")]
    tasks.append((CubeAligner("a", resample="interp"), cubes))
    wanted = [clone(step).fit_transform(images).data for step, images in tasks]
    found = [clone(s).fit_transform(lazy(images, 64)).data for s, images in tasks]
    kept = CubeStore().fit_transform(lazy(cube, 64))
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
        dask.config.set(scheduler="processes", pool=pool),
    ):
        assert_same(dask.compute(*found), wanted)
        again = CubeStore().fit_transform(kept)  # which is read and written there
    assert_same(again, cube)
