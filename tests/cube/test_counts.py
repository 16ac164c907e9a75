# SPDX-License-Identifier: BSD-3-Clause
"""Bands of few photons: which ones are smoothed, how far, and what stays."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from skesom.cube import CountSmoother, Cube, CubeAligner
from tests.helpers.grids import make_wcs


def photons(rate, shape=(96, 80), seed=0):
    """Poisson counts as an image."""
    rate = np.broadcast_to(rate, shape)
    return np.random.default_rng(seed).poisson(rate).astype(np.float64)


def source(shape=(96, 80)):
    """A rate that falls by a factor of a thousand from a source."""
    rows, columns = np.indices(shape)
    return 0.02 + 20 * np.exp(-np.hypot(rows - 40, columns - 30) / 5)


@pytest.mark.parametrize("step", [1.0, 0.37])
def test_the_flux_is_kept(step):
    """Also around gaps, and of counts divided by an exposure."""
    image = photons(source())
    image[20:30, 50:70] = np.nan
    cube = Cube(step * image[:, :, np.newaxis], band_names=["X"])
    smoothed = CountSmoother().fit_transform(cube)
    assert_allclose(np.nansum(smoothed.data), np.nansum(cube.data), rtol=1e-9)
    assert_array_equal(np.isnan(smoothed.data), np.isnan(cube.data))
    assert smoothed.band_names == ("X",)


def test_rates_of_exposures_that_differ_over_the_image():
    """As in a GALEX tile: counts by exposures of 180 s, 5 % shorter at a side."""
    counts = photons(source())
    exposure = 180 * np.linspace(0.95, 1, counts.shape[1])
    rates = Cube((counts / exposure)[:, :, np.newaxis].astype(np.float32))
    smoother = CountSmoother().fit(rates)
    assert smoother.counts_[0] == pytest.approx(counts.mean(), rel=0.03)
    smoothed = smoother.transform(rates)
    assert_array_equal(smoothed.data, smoother.fit_transform(rates).data)
    assert_allclose(smoothed.data.sum(), rates.data.sum(), rtol=1e-5)
    far = source() < 0.03
    assert smoothed.data[far].std() < 0.3 * rates.data[far].std()


def test_flat_photons_reach_the_signal_to_noise():
    """Of a rate of .3, kernels of a variance of .3 / 36 leave a scatter of .05."""
    image = photons(0.3, (240, 240))[:, :, np.newaxis]
    smoother = CountSmoother(signal_to_noise=6).fit(image)
    smoothed = smoother.transform(image)[40:-40, 40:-40]
    assert smoother.counts_[0] == pytest.approx(image.mean())
    assert smoother.reached_[0] == 1
    scatter = smoothed.std() / smoothed.mean()
    assert 1 / 12 < scatter < 1 / 5  # widths rise by steps, and are chosen by chance
    needed = np.sqrt(36 / (4 * np.pi * 0.3)) * np.sqrt(8 * np.log(2))
    assert needed / np.sqrt(2) < smoother.fwhm_[0] < needed * np.sqrt(2)


def test_bright_parts_stay_sharp():
    rate = source()
    image = photons(rate)
    smoothed = CountSmoother().fit_transform(image[:, :, np.newaxis])[:, :, 0]
    rows, columns = np.indices(image.shape)
    near = np.hypot(rows - 40, columns - 30) < 4
    assert smoothed[near].mean() > 0.8 * rate[near].mean()
    far = rate < 0.03
    assert smoothed[far].std() < 0.3 * image[far].std()


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).normal(size=(60, 60)),
        np.random.default_rng(0).poisson(0.2, (60, 60)) - 1.0,
        np.random.default_rng(0).poisson(20, (60, 60)) * 1.0,
        (np.hypot(*(np.indices((60, 60)) - 30)) < 20) * 1.0,
        np.indices((60, 60))[0] // 12 * 1.0,
        np.zeros((60, 60)),
        np.random.default_rng(0).exponential(size=(60, 60)),
        np.random.default_rng(0).exponential(size=(60, 60)).clip(1) - 1,
    ],
    ids=[
        "noise",
        "negative",
        "many",
        "mask",
        "classes",
        "nothing",
        "no integers",
        "zeros and no integers",
    ],
)
def test_bands_that_do_not_hold_photons_stay(image):
    cube = Cube(np.stack([image, photons(0.4, (60, 60))], axis=2))
    smoother = CountSmoother()
    smoothed = smoother.fit_transform(cube)
    assert np.isnan(smoother.counts_[0])
    assert_array_equal(smoothed.data[:, :, 0], image)
    assert smoother.counts_[1] > 0
    alone = Cube(image[:, :, np.newaxis])
    assert CountSmoother().fit_transform(alone).data is alone.data


def test_errors_are_those_of_the_smoothed_counts():
    """Against the scatter of many realisations of one rate."""
    image = photons(0.5, (64, 64))[:, :, np.newaxis]
    errors = np.full(image.shape, np.sqrt(0.5))
    smoothed = CountSmoother(3).fit_transform(Cube(image, errors=errors))
    inner = slice(20, -20)
    expected = smoothed.data[inner, inner].std()
    mean_error = smoothed.errors[inner, inner].mean()
    assert mean_error == pytest.approx(expected, rel=0.5)
    assert mean_error < 0.4 * np.sqrt(0.5)


def test_a_band_that_tells_little_is_named():
    cube = Cube(photons(0.002)[:, :, np.newaxis], band_names=["chandra"])
    with pytest.warns(UserWarning, match="'chandra' has 0.00.* leave it out"):
        CountSmoother().fit(cube)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CountSmoother().fit(photons(0.4)[:, :, np.newaxis])


def test_other_images_are_smoothed_by_the_bands_of_fit():
    first = photons(0.3, seed=0)[:, :, np.newaxis]
    second = photons(0.3, seed=1)[:, :, np.newaxis]
    smoother = CountSmoother().fit(first)
    assert_array_equal(smoother.transform(first), smoother.fit_transform(first))
    assert smoother.transform(second).std() < 0.3 * second.std()
    many = 20 + second  # no longer sparse, but of that band
    assert smoother.transform(many).shape == many.shape


def test_cubes_of_several_grids():
    cubes = [
        Cube(photons(0.3, (40, 40))[:, :, np.newaxis], band_names=["X"]),
        Cube(np.random.default_rng(0).normal(size=(30, 30, 1)), band_names=["r"]),
    ]
    smoother = CountSmoother().fit(cubes)
    smoothed = smoother.transform(cubes)
    assert smoother.counts_[0] > 0
    assert np.isnan(smoother.counts_[1])
    assert smoothed[1] is cubes[1]
    assert smoothed[0].data.std() < 0.3 * cubes[0].data.std()


def test_photons_are_smoothed_before_they_are_resampled():
    """Afterwards no value is a whole number of counts any more."""
    exposure = 180 * np.linspace(0.95, 1, 60)
    rates = (photons(0.3, (60, 60)) / exposure)[:, :, np.newaxis]
    finer = np.random.default_rng(0).normal(size=(90, 90, 1))
    cubes = [
        Cube(rates, wcs=make_wcs((60, 60), 1.5), band_names=["FUV"]),
        Cube(finer, wcs=make_wcs((90, 90), 1.1), band_names=["r"]),
    ]
    cubes = [cube.replace(band_units=["MJy / sr"]) for cube in cubes]
    aligner = CubeAligner("r", crop=True)
    not_smoothed = aligner.fit_transform(cubes)
    assert np.isnan(CountSmoother().fit(not_smoothed).counts_).all()
    steps = make_pipeline(CountSmoother(), aligner)
    smoothed = steps.fit_transform(cubes)
    assert steps[0].counts_[0] > 0
    assert smoothed["FUV"].std() < 0.3 * not_smoothed["FUV"].std()
    assert smoothed["FUV"].mean() == pytest.approx(not_smoothed["FUV"].mean(), rel=0.02)
