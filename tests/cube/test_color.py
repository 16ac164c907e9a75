# SPDX-License-Identifier: BSD-3-Clause
"""Colors beside brightness: what the scaler measures, and what it does to spectra."""

import threading

import dask.array as da
import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from skesom.cube import AsinhStretch, ColorScaler, Cube
from skesom.datasets import make_galaxy_cube
from tests.helpers.block_sizes import set_size


@pytest.fixture
def scene(global_random_seed):
    """Three bands of smooth brightness, a color in half of the frame, and noise."""
    rng = np.random.default_rng(global_random_seed)
    brightness = np.linspace(0, 10, 60 * 50).reshape(60, 50, 1)
    color = np.where(np.arange(50) < 25, -0.5, 0.5)[:, None] * [1.0, 0.0, -1.0]
    return brightness + color + rng.normal(0, 0.05, (60, 50, 3))


def test_spectra_follow_the_definition(scene):
    plain = ColorScaler(contrast=0).fit_transform(scene)
    assert_allclose(plain.mean(axis=(0, 1)), 0, atol=1e-12)
    assert_allclose(plain.std(axis=(0, 1)), 1, rtol=1e-12)
    scaler = ColorScaler(contrast=0.3, signal_to_noise=0).fit(scene)
    table = scene.reshape(-1, 3)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    variance, axes = np.linalg.eigh(np.cov(table.T, bias=True))
    variance, axes = variance[::-1], axes[:, ::-1]
    assert_allclose(scaler.variance_, variance, rtol=1e-9)
    levels = scaler.brightness_
    shares = [np.interp(table.mean(axis=1), levels, of) for of in scaler.signal_.T]
    expected = ((table @ axes) * np.transpose(shares) * variance**-0.3) @ axes.T
    scaled = scaler.transform(scene).reshape(-1, 3)
    factor = np.sum(scaled * expected) / np.sum(expected**2)
    assert_allclose(scaled, factor * expected, atol=1e-9)
    assert_allclose(scaled.var(axis=0).mean(), 1, rtol=0.1)


@pytest.mark.parametrize("with_errors", [False, True])
def test_noise_is_that_of_the_pixels(scene, with_errors):
    """Noise of .05 in each band, propagated to the scaled components."""
    errors = np.full(scene.shape, 0.05) if with_errors else None
    scaler = ColorScaler(signal_to_noise=0).fit(Cube(scene, errors=errors))
    scaled = (scene - scene.mean(axis=(0, 1))) / scene.std(axis=(0, 1))
    variance, axes = np.linalg.eigh(np.cov(scaled.reshape(-1, 3).T, bias=True))
    axes = axes[:, ::-1] / scene.std(axis=(0, 1))[:, None]
    noise = np.sum((0.05 * axes) ** 2, axis=0)
    expected = 1 - noise[:2] / variance[1:][::-1]
    rtol = 1e-9 if with_errors else 0.02
    assert_allclose(scaler.signal_[:, :2], [expected] * len(scaler.signal_), rtol=rtol)


def test_colors_shrink_where_they_are_noise(global_random_seed):
    """Two colors, in rows that fade: noise counts most in the faintest."""
    rng = np.random.default_rng(global_random_seed)
    flux = np.logspace(2, -0.5, 100)[:, None, None] * np.ones((1, 120, 3))
    flux[:, :60] *= [1.3, 1.0, 0.8]
    flux += rng.normal(0, 1, flux.shape)
    stretched = np.arcsinh(flux / 3)
    scaler = ColorScaler(signal_to_noise=0).fit(stretched)
    assert np.all(np.diff(scaler.signal_, axis=0) >= 0)
    assert scaler.signal_[0, 1] < 0.5 < 0.9 < scaler.signal_[-1, 1]
    plain, scaled = np.diff(stretched), np.diff(scaler.transform(stretched))
    faint, bright = slice(-20, None), slice(None, 20)
    shrinks = scaled[faint].std() / scaled[bright].std()
    assert shrinks < 0.7 * plain[faint].std() / plain[bright].std()


def test_errors_that_rise_with_brightness_are_believed(scene):
    """Those of photons, in fluxes that are not stretched."""
    errors = 0.01 + 0.06 * (scene - scene.min())
    scaler = ColorScaler(signal_to_noise=0).fit(Cube(scene, errors=errors))
    signal = scaler.signal_
    assert signal[-1, 1] < 0.7 < 0.9 < signal[0, 1]


def test_color_gains_on_brightness(scene):
    signal = ColorScaler(signal_to_noise=0).fit(scene).signal_
    assert np.all(signal[:, 0] > 0.99)  # brightness
    assert np.all(signal[:, 1] > 0.9)  # color
    assert np.all(signal[:, 2] < 0.3)  # the rest is noise

    def ratio(scaled):
        color = (scaled[:, :, 0] - scaled[:, :, 2]).std()
        return color / scaled.mean(axis=2).std()

    plain = ratio(ColorScaler(contrast=0).fit_transform(scene))
    assert ratio(ColorScaler().fit_transform(scene)) > 2 * plain


def test_masked_pixels_stay_masked_and_count_for_nothing(scene):
    masked = scene.copy()
    masked[:10, :10, 1] = np.nan
    scaler = ColorScaler().fit(masked)
    assert_allclose(scaler.mean_, masked[~np.isnan(masked).any(axis=2)].mean(axis=0))
    scaled = scaler.transform(masked)
    assert np.array_equal(np.isnan(scaled), np.isnan(masked))
    bare = ColorScaler().fit(scene).transform(scene)
    assert_allclose(scaled[20:], scaler.transform(scene)[20:])
    assert bare.shape == scaled.shape


def test_bands_of_constants_noise_and_nothing(scene, global_random_seed):
    noise = np.random.default_rng(global_random_seed).normal(size=(40, 40, 2))
    assert ColorScaler().fit_transform(noise).std() > 0.5  # is scaled, and no more
    scene[:, :, 1] = 7.0
    assert_allclose(ColorScaler().fit_transform(scene)[:, :, 1], 0, atol=1e-9)
    cube = Cube(np.full((3, 4, 2), np.nan))
    with pytest.raises(ValueError, match=r"None of the 12 pixels has data in all 2"):
        ColorScaler().fit(cube)


@pytest.mark.parametrize("missing", [np.nan, np.inf, 0.0])
def test_missing_errors_do_not_count_as_free_of_noise(scene, missing):
    errors = np.full(scene.shape, 0.05)
    errors[:, :, 1] = missing  # a whole band: differences of pixels tell the noise
    scaler, plain = ColorScaler().fit(Cube(scene, errors=errors)), ColorScaler()
    np.testing.assert_array_equal(scaler.signal_, plain.fit(scene).signal_)
    errors[:] = 0.05
    whole = ColorScaler().fit(Cube(scene, errors=errors))
    errors[-30:, :, 1] = missing
    part = ColorScaler().fit(Cube(scene, errors=errors))
    assert_allclose(part.signal_[-1], whole.signal_[-1], rtol=1e-9)
    errors = part.transform(Cube(scene, errors=errors)).errors
    assert np.isfinite(errors[:30]).all()


def test_errors_against_realisations(scene, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    scaler = ColorScaler(signal_to_noise=0).fit(scene)
    sigma = np.array([0.1, 0.2, 0.05])
    scene[0, 1, 1] = np.nan
    many = scene[:1, :2].repeat(40_000, axis=0)
    many += rng.normal(0, sigma, many.shape)
    expected = scaler.transform(many).std(axis=0)
    cube = Cube(scene[:1, :2], errors=np.broadcast_to(sigma, (1, 2, 3)))
    errors = scaler.transform(cube).errors[0]
    assert_allclose(errors, expected, rtol=0.02)
    assert np.isnan(errors[1, 1])


def test_errors_follow_the_slopes_between_levels(scene):
    """To first order, in pixels between several pairs of levels at once."""
    errors = 0.01 + 0.06 * (scene - scene.min())  # by which weights differ much
    scaler = ColorScaler(signal_to_noise=0).fit(Cube(scene, errors=errors))
    pixels, step = scene[::15, ::12].reshape(1, -1, 3), 1e-7
    sides = [
        [scaler.transform(pixels + sign * step * axis) for sign in (-1, 1)]
        for axis in np.eye(3)
    ]
    slopes = np.diff(sides, axis=1)[:, 0] / (2 * step)
    sigma = np.array([0.1, 0.2, 0.05])
    expected = np.sqrt(np.tensordot(sigma**2, slopes**2, 1))
    cube = Cube(pixels, errors=np.broadcast_to(sigma, pixels.shape))
    assert_allclose(scaler.transform(cube).errors, expected, rtol=1e-4)


def test_bands_in_another_order_give_the_same_numbers():
    cube, _ = make_galaxy_cube((48, 56), missing=0.1, random_state=0)
    cube = cube.replace(data=AsinhStretch().fit_transform(cube).data)
    cube = cube.replace(errors=np.full_like(cube.data, 0.1))
    expected = ColorScaler().fit_transform(cube)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(9)
        scaled = ColorScaler().fit_transform(cube[:, :, order])
        np.testing.assert_array_equal(scaled.data, expected.data[:, :, order])
        np.testing.assert_array_equal(scaled.errors, expected.errors[:, :, order])


def test_fewer_pixels_than_bands():
    """The same as of the frame twice, whose pixels are more than the bands."""
    rng = np.random.default_rng(0)
    spectra = rng.normal(size=(3, 90)).cumsum(axis=1)
    data = rng.normal(size=(6, 8, 3)) @ spectra + rng.normal(0, 0.1, (6, 8, 90))
    few = ColorScaler().fit(data)
    many = ColorScaler().fit(np.tile(data, (2, 1, 1)))
    assert len(few.variance_) == 47  # the mean takes one of 48 pixels
    assert len(many.variance_) == 90
    assert_allclose(few.transform(data), many.transform(data), atol=1e-6)
    scaler = ColorScaler().fit(np.ones((2, 3, 90)))  # without signal
    assert_allclose(scaler.transform(data), data - 1)


@pytest.mark.parametrize("is_smoothed", [False, True])
def test_a_band_counts_by_its_signal_above_its_noise(global_random_seed, is_smoothed):
    """A quarter of the third band is signal, also if neighbors have one noise."""
    rng = np.random.default_rng(global_random_seed)
    brightness = np.linspace(-np.sqrt(3), np.sqrt(3), 120)  # of variance 1
    noise = rng.normal(size=(400, 120))
    if is_smoothed:
        noise = ndimage.gaussian_filter(noise, 1.0)
    noise *= np.sqrt(3) / noise.std()
    cube = np.stack([np.tile(brightness, (400, 1))] * 3, axis=2)
    cube += rng.normal(0, 0.05, cube.shape)
    cube[:, :, 2] += noise
    scaler = ColorScaler().fit(cube)
    assert_allclose(scaler.band_weights_[:2], 1)
    assert scaler.band_weights_[2] == pytest.approx(1 / 3, abs=0.12)
    errors = np.full(cube.shape, 0.05)
    errors[:, :, 2] = np.hypot(0.05, np.sqrt(3))
    by_errors = ColorScaler().fit(Cube(cube, errors=errors))
    assert by_errors.band_weights_[2] == pytest.approx(1 / 3, abs=0.03)
    others = ColorScaler().fit_transform(cube)[:, :, :2]
    alone = ColorScaler().fit_transform(cube[:, :, :2])
    # The good bands are nearly what they are without the noisy one.
    assert np.corrcoef(others[:, :, 0].ravel(), alone[:, :, 0].ravel())[0, 1] > 0.97


def test_weights_are_of_bands_in_any_order(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    cube = np.linspace(-2, 2, 3600).reshape(60, 60, 1) * np.ones(3)
    cube = cube + rng.normal(0, [0.1, 4.0, 0.2], (60, 60, 3))
    weights = ColorScaler().fit(cube).band_weights_
    assert_allclose(ColorScaler().fit(cube[:, :, ::-1]).band_weights_, weights[::-1])
    assert weights.argmin() == 1


@pytest.fixture
def faint(global_random_seed):
    """Three bands of two halves of different colors, in noise, and a gap."""
    rng = np.random.default_rng(global_random_seed)
    brightness = np.linspace(0, 10, 80 * 60).reshape(80, 60, 1)
    color = np.where(np.arange(60) < 30, -0.5, 0.5)[:, None] * [1.0, 0.0, -1.0]
    scene = brightness + color + rng.normal(0, 0.8, (80, 60, 3))
    scene[40:50, 20:30] = np.nan
    return scene


@pytest.mark.parametrize("is_uneven", [False, True])
def test_faint_colors_are_averaged_and_brightness_is_not(faint, is_uneven):
    errors = np.full(faint.shape, 0.8)
    if is_uneven:  # the upper half, which is fainter, has more noise
        half = len(faint) // 2
        rng = np.random.default_rng(0)
        errors[:half] = 1.6
        more = np.sqrt(1.6**2 - 0.8**2)
        faint[:half] += rng.normal(0, more, faint[:half].shape)
    scaler = ColorScaler(signal_to_noise=2).fit(Cube(faint, errors=errors))
    widths = scaler.widths_
    assert np.all(widths[:, 0] == 0)
    assert np.all(widths[:, 1] > 0)
    assert (widths[0, 1] > widths[-1, 1]) == is_uneven
    scaled = (faint - scaler.mean_) / scaler.scale_
    scores = scaled @ scaler.components_
    valid = ~np.isnan(scores[:, :, 0])
    level = np.interp(scaled.mean(axis=2), scaler.brightness_, np.arange(len(widths)))
    rows, columns = np.indices(valid.shape)
    expected = np.empty((3, *faint.shape))
    factors = [scaler.weights_[:, number] for number in range(3)]
    for row, column in np.argwhere(valid):
        place = level[row, column]
        width = widths[int(place), 1]
        distance = (rows - row) ** 2 + (columns - column) ** 2
        weight = np.where(valid, np.exp(-distance / (2 * width**2)), 0)
        mean = np.tensordot(weight, np.nan_to_num(scores), 2) / weight.sum()
        mean[0] = scores[row, column, 0]
        steps = np.arange(len(widths))
        factor = [np.interp(place, steps, of) for of in factors]
        expected[0, row, column] = (mean * factor) @ scaler.components_.T
    transformed = scaler.transform(faint)
    assert np.array_equal(np.isnan(transformed), np.isnan(faint))
    # Gaussians are cut at four standard deviations.
    assert_allclose(transformed[valid], expected[0][valid], atol=2e-3)


def test_averages_bring_faint_colors_back(faint):
    """The two halves can be told apart: also pixels between which there is noise."""
    is_red = np.arange(60) >= 30
    found = {}
    for signal_to_noise in (0, 2):
        scaler = ColorScaler(signal_to_noise=signal_to_noise)
        scaled = scaler.fit_transform(faint)
        color = scaled[:, :, 0] - scaled[:, :, 2]
        inside = ~np.isnan(color)
        found[signal_to_noise] = np.mean(((color > 0) == is_red)[inside])
    assert found[0] < 0.85
    assert found[2] > 0.95


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(0.8, [0, 1, 2, 4, 8]), (1.25, [1, 2, 4, 8, 8])],
)
def test_widths_are_the_narrowest_that_give_the_ratio(faint, factor, expected):
    """A color of +-.5 in two bands, in noise of .8: signal .5 and noise .64.

    A Gaussian averages 4 pi sigma^2 pixels.
    """
    cube = Cube(faint, errors=np.full(faint.shape, 0.8))
    for width, wanted in zip([0, 1, 2, 4, 8], expected, strict=True):
        n_pixels = max(1, 4 * np.pi * width**2)
        ratio = factor * np.sqrt(0.5 / 0.64 * n_pixels)
        scaler = ColorScaler(signal_to_noise=ratio).fit(cube)
        assert {*scaler.widths_[:, 1]} == {wanted}
        share = 0.5 / (0.5 + 0.64 / max(1, 4 * np.pi * wanted**2))
        assert_allclose(scaler.signal_[:, 1], share, rtol=0.05)


def test_clear_colors_stay_as_sharp_as_they_are(scene):
    sharp = ColorScaler(signal_to_noise=0).fit(scene)
    scaler = ColorScaler(signal_to_noise=0.5).fit(scene)
    assert scaler.works_pixelwise
    assert not np.any(scaler.widths_)
    np.testing.assert_array_equal(scaler.transform(scene), sharp.transform(scene))
    assert not ColorScaler(signal_to_noise=2).works_pixelwise  # until it is fitted


def test_errors_of_averages_against_realisations(faint, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    sigma = np.array([0.8, 1.1, 0.6])
    errors = np.broadcast_to(sigma, faint.shape)
    scaler = ColorScaler(signal_to_noise=2).fit(Cube(faint, errors=errors))
    assert np.all(scaler.widths_[:, 1] > 0)
    flat = np.full((48, 48, 3), 5.0)  # inside, far from steps between levels
    found = []
    for _ in range(40):
        noise = 0.1 * rng.normal(size=flat.shape) * sigma
        found.append(scaler.transform(flat + noise))
    cube = Cube(flat, errors=0.1 * errors[:48, :48])
    expected = scaler.transform(cube).errors[24, 24]
    assert_allclose(np.std(found, axis=(0, 1, 2)), expected, rtol=0.05)


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="one processor, so one thread")
def test_threads_start_no_others(faint, monkeypatch):
    """Strips in threads would be averaged by as many more threads each."""
    set_size(monkeypatch, "averages", values=1)
    image = np.tile(faint, (10, 1, 1))
    scaler = ColorScaler(signal_to_noise=2).fit(image)
    assert scaler.widths_.any()
    usual = threading.Thread.start
    starters = []

    def start(thread):
        starters.append(threading.current_thread())
        usual(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    scaler.transform(image)
    assert {*starters} == {threading.main_thread()}


def test_averages_do_not_depend_on_strips(faint):
    """Rows farther away than four of the widest standard deviation do not count."""
    image = np.tile(faint, (3, 1, 1))
    scaler = ColorScaler(signal_to_noise=2).fit(image)
    reach = int(4 * scaler.widths_.max() + 0.5)
    whole = scaler.transform(image)
    part = scaler.transform(image[60:200])
    inner = slice(60 + reach, 200 - reach)
    np.testing.assert_array_equal(part[reach:-reach], whole[inner])
    lazy = da.from_array(image, chunks=(37, -1, -1))
    np.testing.assert_array_equal(scaler.transform(lazy).compute(), whole)


def test_a_pixel_without_any_light_stays_finite():
    scaled = ColorScaler().fit_transform(np.zeros((1, 1, 2)))
    np.testing.assert_array_equal(scaled, np.zeros((1, 1, 2)))
