# SPDX-License-Identifier: BSD-3-Clause
"""Three bands of a cube as a color picture."""

from itertools import permutations

import numpy as np
import pytest
from astropy import units as u
from astropy.visualization import (
    ImageNormalize,
    ManualInterval,
    MinMaxInterval,
    ZScaleInterval,
    make_lupton_rgb,
)
from matplotlib.colors import to_rgb

from skesom.cube import Cube
from skesom.cube.masking.sky import sky_statistics
from skesom.displays import rgb_image
from skesom.displays.colors import MISSING_COLOR
from skesom.displays.rgb import thinned_rgb
from skesom.io import read_cube

GRAY = np.rint(255 * np.array(to_rgb(MISSING_COLOR)))


@pytest.fixture
def cube(global_random_seed):
    """Four bands without any sky."""
    rng = np.random.default_rng(global_random_seed)
    return Cube(rng.gamma(2.0, size=(40, 50, 4)), band_names=["u", "g", "r", "i"])


def scene(shown):
    """Bands of noise, in some of which a galaxy is bright and in the others faint."""
    rng = np.random.default_rng(1)
    cube = rng.normal(size=(128, 128, len(shown)))
    cube[40:70, 40:80] += np.where(shown, 100, 2)
    return Cube(cube)


class TestBands:
    """Which band is red, which green, which blue."""

    def test_by_name_or_number_in_the_order_asked_for(self, cube):
        picture = rgb_image(cube, ["r", "u", "g"])
        np.testing.assert_array_equal(
            picture, rgb_image(cube, [0, 1, 2])[:, :, [2, 0, 1]]
        )

    def test_last_is_red_where_nothing_is_known(self, cube):
        four = scene([1, 1, 0, 1])
        np.testing.assert_array_equal(rgb_image(four), rgb_image(four, [3, 1, 0]))
        three = cube[:, :, :3].replace(band_names=["a", "b", "c"])
        np.testing.assert_array_equal(rgb_image(three), rgb_image(three, [0, 1, 2]))
        gray = rgb_image(cube[:, :, :1])
        np.testing.assert_array_equal(gray[:, :, 0], gray[:, :, 2])

    @pytest.mark.parametrize(
        "names",
        [
            *("gri", "JHK", "BVR", "jhk", ("F555W", "F814W", "F160W")),
            *(("blue", "green", "red"), "BGR", ("NUV", "r", "W1")),
            *(("2MASS/2MASS.J", "Spitzer/IRAC.I1", "p100"), ("hard", "medium", "soft")),
        ],
    )
    def test_the_reddest_pixels_are_red_in_any_order(self, names):
        # Pixels that are bright in one band each, from the shortest wavelength.
        rng = np.random.default_rng(0)
        flux = rng.normal(size=(60, 60, 3))
        for band in range(3):
            flux[20 * band + 5 : 20 * band + 15, 20:40, band] += 200
        flux[5:55, 45:55] += 200
        for order in permutations(range(3)):
            some = Cube(flux[:, :, order], band_names=[names[band] for band in order])
            picture = rgb_image(some)
            np.testing.assert_array_equal(thinned_rgb(some, None, 1), picture)
            for band, channel in ((0, 2), (2, 0)):
                spot = picture[20 * band + 5 : 20 * band + 15, 20:40].mean(axis=(0, 1))
                assert spot.argmax() == channel

    @pytest.mark.parametrize(
        "coordinates",
        [
            [700, 300, 500] * u.nm,
            [3e14, 9e14, 5e14] * u.Hz,
            [1.40, 1.43, 1.41] * u.GHz,
            [1, 7, 3] * u.keV,
            [70, -30, 50] * u.km / u.s,  # what goes away is red
        ],
    )
    def test_longest_wavelength_is_red(self, cube, coordinates):
        cube = cube[:, :, :3].replace(band_coordinates=coordinates)
        np.testing.assert_array_equal(rgb_image(cube), rgb_image(cube, [0, 2, 1]))

    def test_known_wavelengths_are_in_order_around_unknown_ones(self, cube):
        cube = cube.replace(band_names=["a", "b", "c", "d"])
        times = cube.replace(band_coordinates=[4, 3, 2, 1] * u.s)
        np.testing.assert_array_equal(rgb_image(times), rgb_image(cube))
        other = cube.replace(band_coordinates=[4, 3, np.nan, 1] * u.nm)
        np.testing.assert_array_equal(
            rgb_image(other), rgb_image(cube[["d", "b", "c", "a"]])
        )
        for names in (["g", "a", "r"], ["r", "a", "g"]):
            three = cube[:, :, :3].replace(band_names=names)
            np.testing.assert_array_equal(
                rgb_image(three), rgb_image(three, ["r", "a", "g"])
            )

    @pytest.mark.parametrize("shown", [(0, 5, 6), (2, 3, 8), (1, 4, 7)])
    def test_show_the_most_of_each_third(self, shown):
        cube = scene(np.isin(np.arange(9), shown))
        picture = rgb_image(cube, shown[::-1])
        np.testing.assert_array_equal(rgb_image(cube), picture)

    def test_channels_are_averaged_by_thirds(self, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        channels = rng.gamma(2.0, size=(40, 50, 30))
        thirds = channels.reshape(40, 50, 3, 10).mean(axis=3)
        difference = rgb_image(channels).astype(int) - rgb_image(thirds, [2, 1, 0])
        assert np.abs(difference).max() <= 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"bands": ["u", "g", "z"]}, "There is no band 'z', only u, g"),
            ({"bands": [0, 1, 4]}, "There is no band 4, only u, g"),
            ({"bands": [0, -1, 2]}, "There is no band -1, only u, g"),
            ({"bands": "u"}, "has three bands"),
            ({"bands": [0, 1, 2, 3]}, "has three bands"),
            ({"interval": "iraf"}, "interval must be 'sky', 'zscale'"),
            ({"interval": 0}, "interval must be 'sky', 'zscale'"),
            ({"interval": 101.0}, "interval must be 'sky', 'zscale'"),
            ({"stretch": "gamma"}, "stretch must be one of"),
        ],
    )
    def test_refuses_what_does_not_fit(self, cube, options, message):
        with pytest.raises(ValueError, match=message):
            rgb_image(cube, **options)


class TestBrightness:
    """What is black, and what is bright."""

    @pytest.mark.parametrize("stretch", ["asinh", "lupton", "log", "sqrt", "linear"])
    def test_units_of_a_band_do_not_matter(self, cube, stretch):
        factors = np.array([1e13, 1, 1e-7, 1])
        other = Cube(cube.data * factors + [5e13, -4, 0, 0])
        difference = rgb_image(other, stretch=stretch).astype(int)
        difference -= rgb_image(cube, stretch=stretch)
        assert np.abs(difference).max() <= 1

    @pytest.mark.parametrize(
        ("interval", "same"),
        [
            ("zscale", ZScaleInterval()),
            ("minmax", MinMaxInterval()),
            (ManualInterval(0.5, 3.0), ManualInterval(0.5, 3.0)),
        ],
    )
    def test_intervals_are_those_of_astropy(self, cube, interval, same):
        picture = rgb_image(cube, [0, 1, 2], stretch="linear", interval=interval)
        for band in range(3):
            flux = cube.data[:, :, band]
            norm = ImageNormalize(flux, interval=same, clip=True)
            np.testing.assert_allclose(picture[:, :, band], 255 * norm(flux), atol=0.51)

    def test_percentages_cut_both_ends_and_constant_bands_are_black(self, cube):
        picture = rgb_image(cube, stretch="linear", interval=90.0)
        assert np.mean(picture == 0) == pytest.approx(0.05, abs=0.005)
        assert np.mean(picture == 255) == pytest.approx(0.05, abs=0.005)
        assert (rgb_image(np.ones((5, 5, 3)), interval="minmax") == 0).all()

    def test_lupton_is_that_of_astropy(self, cube):
        interval = ManualInterval(1.0, 3.0)
        picture = rgb_image(cube, [0, 1, 2], stretch="lupton", interval=interval)
        planes = np.moveaxis((cube.data[:, :, :3] - 1) / 2, -1, 0).astype(np.float32)
        same = make_lupton_rgb(*planes, minimum=0, stretch=0.25, Q=8)
        np.testing.assert_array_equal(picture, same)

    def test_sky_is_dark_and_its_noise_too(self):
        rng = np.random.default_rng(0)
        # Sky of a level that differs from band to band.
        flux = rng.normal(size=(128, 128, 3)) * [1, 2, 3] + [7, -900, 4e4]
        flux[60:70, 60:70] += 5000
        picture = rgb_image(flux)
        assert np.median(picture, axis=(0, 1)).max() < 60
        assert (picture[61:69, 61:69] == 255).all()

    def test_what_is_not_sky_is_gray_on_the_average(self):
        """Dust is red: it takes more of the blue light, whatever the units."""
        rng = np.random.default_rng(0)
        flux = rng.normal(size=(128, 128, 3))
        flux[20:100, 20:100] += 60
        flux[50:60, 20:100] -= [10, 30, 40]
        picture = rgb_image(flux * [1, 1e6, 3] + [0, 1e7, 5], [0, 1, 2])
        red, green, blue = np.median(picture[60:100, 20:100], axis=(0, 1))
        assert np.ptp([red, green, blue]) < 4
        red, green, blue = np.median(picture[50:60, 20:100], axis=(0, 1))
        assert red > green + 10 > blue + 20


class TestMasked:
    """Pixels that a band has no value for."""

    @pytest.mark.parametrize("stretch", ["asinh", "lupton"])
    def test_are_light_gray(self, cube, stretch):
        options = {"stretch": stretch, "interval": ManualInterval(0.0, 4.0)}
        whole = rgb_image(cube, [0, 1, 2], **options)
        cube.data[3, 4, 1] = cube.data[5:7, :, 0] = np.nan
        picture = rgb_image(cube, [0, 1, 2], **options)
        np.testing.assert_array_equal(picture[7:], whole[7:])
        gray = (picture == GRAY).all(axis=2)
        assert gray[3, 4]
        assert gray[5:7].all()
        assert np.count_nonzero(gray) == 101

    def test_a_band_without_data_is_refused(self, cube):
        cube.data[:, :, 2] = np.nan
        with pytest.raises(ValueError, match="Band 'r' has no data"):
            rgb_image(cube, ["i", "r", "g"])


@pytest.fixture(scope="module")
def nine_bands(shared_data):
    files = sorted((shared_data / "kids_viking9").glob("*.fits"))
    return read_cube(files)[::2, ::2]


@pytest.mark.parametrize("bands", [("g", "r", "i"), ("J", "H", "Ks"), ("g", "i", "Z")])
def test_the_reddest_pixels_of_shared_data_are_red(nine_bands, bands):
    fluxes = []
    for name in (bands[0], bands[-1]):
        level, noise = sky_statistics(nine_bands[name])
        fluxes.append((nine_bands[name] - level) / noise)
    blue, red = fluxes
    bright = (blue > 8) & (red > 8)
    color = np.argsort(np.log(red[bright] / blue[bright]))
    for order in permutations(bands):
        picture = rgb_image(nine_bands[list(order)], stretch="lupton").astype(int)
        redness = (picture[bright][:, 0] - picture[bright][:, 2])[color]
        tenth = len(redness) // 10
        assert redness[:tenth].mean() < -20 < 20 < redness[-tenth:].mean()
