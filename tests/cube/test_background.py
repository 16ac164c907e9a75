# SPDX-License-Identifier: BSD-3-Clause
"""BackgroundSubtractor: slopes go, sources stay."""

import sys

import numpy as np
import pytest

from skesom.cube import BackgroundSubtractor, Cube, CubeMasker, SkyMasker
from tests.helpers.sky_fields import COLORS, disc, few_sources, gradient


def bowl(size, depth):
    """Make a background that slopes and bends."""
    place = np.linspace(-1, 1, size)
    plane = np.add.outer(place, 0.3 * place**2)
    return depth * plane[:, :, np.newaxis]


def seeds(*later):
    return [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in later)]


@pytest.mark.parametrize("seed", seeds(1, 2))
@pytest.mark.parametrize("depth", [0, 3, 50])
def test_what_slopes_and_bends_goes(seed, depth):
    data = few_sources(np.random.default_rng(seed), n_bands=2)
    flat = BackgroundSubtractor().fit_transform(data + bowl(256, depth))
    left = flat - data
    assert np.ptp(np.percentile(left, [1, 99])) < 0.15  # of the noise of a pixel


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_galaxy_stays(seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((300, 300)) - 150
    galaxy = 60 * np.exp(-1.678 * np.hypot(rows, 1.4 * columns) / 20)[:, :, np.newaxis]
    data = galaxy + rng.normal(size=(300, 300, 2))
    flat = BackgroundSubtractor().fit_transform(data + bowl(300, 20))
    assert np.abs((flat - data)[galaxy[:, :, 0] > 10]).max() < 0.3


def test_range_is_that_from_border_to_border():
    plane = np.add.outer(np.arange(70.0), 2 * np.arange(90.0))[:, :, np.newaxis]
    subtractor = BackgroundSubtractor(16).fit(plane)
    np.testing.assert_allclose(subtractor.background_range_, [69 + 2 * 89], rtol=1e-9)


def test_sky_is_found_afterwards():
    data = few_sources(np.random.default_rng(0), n_bands=3)
    sloping = data + gradient(data.shape, 20)
    assert not SkyMasker().fit(sloping).masks_sky_
    with pytest.warns(UserWarning, match="slopes"):
        CubeMasker().fit(sloping)
    flat = BackgroundSubtractor().fit_transform(sloping)
    assert SkyMasker().fit(flat).masks_sky_
    assert not CubeMasker().fit(flat).background_gradient_.any()


def test_tells_the_range_and_keeps_the_rest():
    data = few_sources(np.random.default_rng(0), n_bands=2).astype(np.float32)
    data[:, :, 1:] += gradient(data.shape, 30)
    data[20:40, 30:90] = np.nan
    cube = Cube(data, errors=np.ones_like(data), fwhm=[1, 2])
    subtractor = BackgroundSubtractor()
    flat = subtractor.fit_transform(cube)
    np.testing.assert_allclose(subtractor.background_range_, [0, 30], atol=0.5)
    np.testing.assert_array_equal(np.isnan(flat.data), np.isnan(data))
    np.testing.assert_array_equal(flat.errors, cube.errors)
    assert flat.dtype == np.float32
    assert flat.fwhm.tolist() == [1, 2]


@pytest.mark.parametrize("shape", [(5, 6, 1), (40, 300, 1), (1, 90, 1), (64, 64, 1)])
def test_small_frames(shape):
    data = 7 + np.random.default_rng(0).normal(size=shape)
    flat = BackgroundSubtractor().fit_transform(data)
    assert abs(np.median(flat)) < 0.6


def test_source_everywhere():
    """Where no place is free of sources the boxes are taken as they are."""
    data = np.zeros((32, 32, 1))
    data[::2, ::2] = 100
    assert np.isfinite(BackgroundSubtractor(8).fit_transform(data)).all()


def test_refusals(monkeypatch):
    data = np.full((40, 40, 2), np.nan)
    data[:, :, 0] = 1
    with pytest.raises(ValueError, match=r"'band 2' has no background .* Leave it out"):
        BackgroundSubtractor().fit(data)
    with pytest.raises(ValueError, match="filter_size must be odd, got 2"):
        BackgroundSubtractor(filter_size=2).fit(np.zeros((9, 9, 1)))
    monkeypatch.setitem(sys.modules, "photutils.background", None)
    with pytest.raises(ImportError, match=r"pip install 'skesom\[psf\]'"):
        BackgroundSubtractor().fit(np.zeros((9, 9, 1)))


def galaxy_field(seed, half_light, rise, size=256):
    """Make three bands of a disc on a slope; return them, and what is not the slope."""
    rng = np.random.default_rng(seed)
    light = disc(size, half_light, 60)[:, :, np.newaxis] * COLORS
    truth = light + rng.normal(size=light.shape)
    return truth + gradient(truth.shape, rise), truth


def error(data, truth):
    """Return by how much the level of tiles differs from the truth, for each band."""
    tiles = (data - truth).reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))
    return np.ptp(tiles, axis=(0, 1))


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("half_light", [10, 30])
@pytest.mark.parametrize("rise", [1.5, 15])
def test_uneven_bands_are_subtracted_where_there_is_sky(seed, half_light, rise):
    data, truth = galaxy_field(seed, half_light, rise)
    subtractor = BackgroundSubtractor(bands="uneven")
    with pytest.warns(UserWarning, match="It was subtracted from: band 1 ") as caught:
        flat = subtractor.fit_transform(data)
    assert "band 2" in str(caught[0].message)
    assert subtractor.subtracted_.all()
    assert np.all(error(flat, truth) < 0.7)
    np.testing.assert_array_equal(flat, subtractor.transform(data))


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("half_light", [10, 30, 40, 60, 100])
@pytest.mark.parametrize("rise", [0, 1, 3, 15])
@pytest.mark.filterwarnings("ignore:The background slopes")
def test_auto_never_makes_it_worse(seed, half_light, rise):
    data, truth = galaxy_field(seed, half_light, rise)
    subtractor = BackgroundSubtractor(bands="uneven")
    flat = subtractor.fit_transform(data)
    assert np.all(error(flat, truth) <= error(data, truth) + 0.1)
    if half_light > 50 or rise == 0:  # the disc fills the frame, or there is no slope
        assert rise == 15 or not subtractor.subtracted_.any()
    # All boxes would have taken the disc.
    if half_light == 60:
        assert np.all(error(BackgroundSubtractor().fit_transform(data), truth) > 5)


def test_bands_that_bend_too_much_stay():
    data, truth = galaxy_field(0, 10, 10)
    data[:, :, 1] = truth[:, :, 1]
    data[:, :, 2] = galaxy_field(0, 40, 3)[0][:, :, 2]
    subtractor = BackgroundSubtractor(bands="uneven")
    text = r"subtracted from: band 1 \(10\) .* It stays in: band 3 .*as too much"
    with pytest.warns(UserWarning, match=text):
        flat = subtractor.fit_transform(data)
    assert subtractor.subtracted_.tolist() == [True, False, False]
    assert np.isnan(subtractor.background_range_).tolist() == [False, True, True]
    np.testing.assert_array_equal(flat[:, :, 1:], data[:, :, 1:])


def test_uneven_without_photutils_warns(monkeypatch):
    monkeypatch.setitem(sys.modules, "photutils.background", None)
    data, truth = galaxy_field(0, 10, 10)
    subtractor = BackgroundSubtractor(bands="uneven")
    with pytest.warns(UserWarning, match=r"It stays in: band 1 .*skesom\[psf\]"):
        np.testing.assert_array_equal(subtractor.fit_transform(data), data)
    subtractor.fit(truth)  # no warning where there is no slope
