# SPDX-License-Identifier: BSD-3-Clause
"""The spectra of clusters."""

from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from skesom.cube import Cube
from skesom.displays import ClusterSpectraDisplay
from skesom.displays.cluster_plots import push_apart
from skesom.displays.colors import cluster_palette


def draw(label_map, cube, **options):
    return ClusterSpectraDisplay.from_predictions(label_map, cube, **options)


def legend_of(display):
    return [text.get_text() for text in display.legend_.get_texts()]


@pytest.fixture
def cube(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    return Cube(rng.random((6, 8, 3)), band_names=["r", "g", "u"])


@pytest.fixture
def label_map():
    return np.repeat([[0, 0, 1, -3]], 6, axis=0).repeat(2, axis=1)


class TestLines:
    """Medians, with the quartiles around them."""

    def test_go_through_the_medians(self, galaxy, job, ax):
        label_map, options = job.predict(galaxy), {"ax": ax, "physical": False}
        display = ClusterSpectraDisplay.from_estimator(job, galaxy, **options)
        assert list(display.lines_) == list(display.areas_) == [0, 1, 2, 3]
        for label, line in display.lines_.items():
            medians = np.median(galaxy.data[label_map == label], axis=0)
            medians -= np.median(galaxy.data[label_map == -2], axis=0)  # the sky
            np.testing.assert_allclose(line.get_ydata(), medians, rtol=1e-5)
            assert to_rgba(line.get_color()) == tuple(cluster_palette(4)[label])

    def test_areas_reach_from_the_first_to_the_third_quartile(
        self, ax, cube, label_map
    ):
        area = draw(label_map, cube, ax=ax).areas_[1]
        corners = area.get_paths()[0].vertices
        for band, place in enumerate((622, 477, 355)):
            heights = corners[corners[:, 0] == place, 1]
            quartiles = np.percentile(cube.data[label_map == 1][:, band], [25, 75])
            np.testing.assert_allclose([heights.min(), heights.max()], quartiles)

    def test_of_some_clusters_without_areas(self, ax, cube, label_map):
        options = {"clusters": [1], "names": {1: "arms"}, "quartiles": False}
        display = draw(label_map, cube, ax=ax, **options)
        assert list(display.lines_) == [1]
        assert display.areas_ == {}
        assert legend_of(display) == ["arms: 33.3 %"]

    def test_200_clusters_have_a_color_bar_but_no_line_without_pixels(self, ax):
        labels = np.arange(200).reshape(10, 20)
        labels[labels == 5] = 6
        display = draw(labels, np.random.default_rng(0).random((10, 20, 3)), ax=ax)
        assert display.lines_.keys() == set(range(200)) - {5}
        assert display.color_bar_ is not None

    def test_everything_may_be_masked(self, ax, cube):
        display = draw(np.full((6, 8), -3), cube, ax=ax)
        ax.figure.draw_without_rendering()
        assert display.lines_ == {}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"clusters": [2]}, "There is no cluster 2"),
            ({"wavelengths": [1, 2, 3] * u.kg}, "unit of wavelength"),
            ({"wavelengths": [1, 2] * u.um}, "each of the 3 bands"),
        ],
    )
    def test_refuse_what_does_not_fit(self, ax, cube, label_map, options, message):
        with pytest.raises(ValueError, match=message):
            draw(label_map, cube, ax=ax, **options)


class TestFlux:
    """What the values are."""

    @pytest.mark.parametrize(
        ("band_units", "flux", "label"),
        [
            ([None] * 3, None, "median flux"),
            (["mJy"] * 3, None, "median flux density\n[mJy]"),
            (["mJy", "mJy", "ct"], None, "median flux in the unit of each band"),
            (["mJy", "mJy", None], None, "median flux in the unit of each band"),
            ([None] * 3, "surface brightness", "median surface brightness"),
        ],
    )
    def test_is_told_with_its_unit(self, ax, cube, label_map, band_units, flux, label):
        draw(label_map, cube.replace(band_units=band_units), flux=flux, ax=ax)
        assert ax.get_ylabel() == label

    def test_is_physical_where_all_bands_are_calibrated(self, ax, cube, label_map):
        # Pixels of 0.1 arcsec2 in which a value of 1 has the AB magnitude 22.5.
        points, scale = [22.5] * 3, (0.25, 0.4)
        calibrated = cube.replace(zero_points=points, pixel_scale=scale)
        lines = draw(label_map, calibrated, ax=ax).lines_
        jansky = 3631 * 10 ** (-0.4 * 22.5) * u.Jy
        wavelengths = [622, 477, 355] * u.nm  # r, g, u
        known = u.spectral_density(wavelengths)
        density = jansky.to(u.erg / u.s / u.cm**2 / u.AA, known) / (0.1 * u.arcsec**2)
        factors = density.to_value(1e-18 * density.unit)
        expected = factors * np.median(cube.data[label_map == 1], axis=0)
        # By wavelength, which is against the order of the cube.
        np.testing.assert_allclose(lines[1].get_xdata(), [355, 477, 622])
        np.testing.assert_allclose(lines[1].get_ydata(), expected[::-1], rtol=1e-3)
        assert ax.get_ylabel().startswith("median surface brightness\n[10")
        partly = cube.replace(zero_points=[22.5, 22.5, np.nan])
        lines = draw(label_map, partly, ax=Figure().add_subplot()).lines_
        medians = np.median(cube.data[label_map == 1], axis=0)
        np.testing.assert_allclose(lines[1].get_ydata(), medians[::-1], rtol=1e-5)


class TestScale:
    """Whether faint clusters can be told apart from bright ones."""

    @pytest.mark.parametrize(
        ("faint", "bright", "log", "scale"),
        [
            (1, 5, "auto", "linear"),
            (1, 500, "auto", "log"),
            (-1, 500, "auto", "symlog"),
            (1, 500, False, "linear"),
            (1, 5, True, "log"),
        ],
    )
    def test_follows_the_range(self, ax, label_map, faint, bright, log, scale):
        data = np.where(label_map == 0, faint, bright)[..., np.newaxis] * np.ones(3)
        draw(label_map, Cube(data), ax=ax, log=log)
        assert ax.get_yscale() == scale


class TestBands:
    """Bands side by side, where their wavelengths are unknown."""

    def test_stand_in_their_order(self, ax, cube, label_map):
        display = draw(label_map, cube.replace(band_names=["r", "g", "a"]), ax=ax)
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["r", "g", "a"]
        assert ax.get_xlabel() == "band"
        np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0, 1, 2])

    @pytest.mark.parametrize(
        ("n_bands", "length"), [(3, 9), (3, 10), (12, 1), (12, 9), (18, 1), (18, 30)]
    )
    def test_names_do_not_run_into_each_other(self, moved_ax, length, n_bands):
        names = [f"{band:x}".rjust(length, "F") for band in range(n_bands)]
        if length == 1:
            names = [chr(ord("a") + band) for band in range(n_bands)]
        cube = Cube(np.random.default_rng(0).random((2, 3, n_bands)), band_names=names)
        draw(np.zeros((2, 3), dtype=int), cube, ax=moved_ax)
        moved_ax.figure.draw_without_rendering()
        ticks = moved_ax.get_xticklabels()
        assert [tick.get_text() for tick in ticks] == names
        if ticks[0].get_rotation() == 0:
            boxes = [tick.get_window_extent() for tick in ticks]
            assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
        else:  # slanted lines of text, as far apart as the sine of their slope
            start, following = (
                tick.get_transform().transform(tick.get_position())
                for tick in ticks[:2]
            )
            apart = (following - start)[0] * np.sin(np.deg2rad(ticks[0].get_rotation()))
            assert apart > 0.8 * ticks[0].get_fontsize() * moved_ax.figure.dpi / 72


class TestWavelengths:
    """Bands where they belong on the axis, if that is known."""

    def test_of_the_cube(self, ax, cube, label_map):
        cube = cube.replace(band_coordinates=[620, 480, 350] * u.nm)
        line = draw(label_map, cube, ax=ax).lines_[0]
        np.testing.assert_allclose(line.get_xdata(), [350, 480, 620])
        medians = np.median(cube.data[label_map == 0], axis=0)
        np.testing.assert_allclose(line.get_ydata(), medians[::-1])
        assert ax.get_xlabel() == "wavelength [nm]"
        names = {text.get_text(): text.xy[0] for text in ax.texts}
        assert names == pytest.approx({"u": 350, "g": 480, "r": 620})

    def test_given_as_frequencies(self, ax, cube, label_map):
        frequencies = [100, 230, 345] * u.GHz
        line = draw(label_map, cube, wavelengths=frequencies, ax=ax).lines_[0]
        expected = 299792.458 / np.array([345, 230, 100])  # um GHz
        np.testing.assert_allclose(line.get_xdata(), expected)
        assert ax.get_xlabel() == "wavelength [um]"

    @pytest.mark.parametrize(
        ("places", "drawn", "label"),
        [
            ([2e5, 3e5, 4e5] * u.m / u.s, [200, 300, 400], "velocity [km / s]"),
            ([1420.0, 1421, 1422] * u.MHz, [1.42, 1.421, 1.422], "frequency [GHz]"),
            ([500.0, 2000, 6000] * u.eV, [0.5, 2, 6], "energy [keV]"),
            ([4861.0, 5007, 6563] * u.AA, [486.1, 500.7, 656.3], "wavelength [nm]"),
            ([3.4e-6, 12e-6, 22e-6] * u.m, [3.4, 12, 22], "wavelength [um]"),
        ],
    )
    def test_have_the_unit_of_their_kind(
        self, ax, cube, label_map, places, drawn, label
    ):
        cube = cube.replace(band_coordinates=places)
        line = draw(label_map, cube, ax=ax).lines_[0]
        np.testing.assert_allclose(line.get_xdata(), drawn)
        assert ax.get_xlabel() == label

    def test_unknown_in_part_say_nothing(self, ax, cube, label_map):
        cube = cube.replace(band_names=["r", "a", "u"])
        cube = cube.replace(band_coordinates=[620, np.nan, 350] * u.nm)
        draw(label_map, cube, ax=ax)
        assert ax.get_xlabel() == "band"

    def test_names_above_do_not_overlap(self, moved_ax, label_map):
        places = [500.0, 501, 502, 503, 504, 900]
        cube = Cube(np.random.default_rng(0).random((6, 8, 6)))
        draw(label_map, cube, wavelengths=places * u.nm, ax=moved_ax)
        moved_ax.figure.draw_without_rendering()
        # Of the letters, without the lines that lead to the places.
        boxes = [Text.get_window_extent(text) for text in moved_ax.texts]
        assert [text.get_text() for text in moved_ax.texts] == list(cube.band_names)
        assert all(a.x1 <= b.x0 + 1 for a, b in pairwise(boxes))

    def test_names_are_left_out_where_there_are_too_many(self, ax, label_map):
        cube = np.random.default_rng(0).random((6, 8, 90))
        draw(label_map, cube, wavelengths=np.arange(1, 91) * u.um, ax=ax)
        assert len(ax.texts) == 0
        draw(label_map, cube, ax=ax)
        assert ax.get_xlabel() == "number of the band"

    @pytest.mark.parametrize(
        ("wanted", "moved"),
        [
            ([0, 0, 0], [-1, 0, 1]),
            ([0, 5, 9], [0, 5, 9]),
            ([0, 0.5, 10], [-0.25, 0.75, 10]),
            ([3], [3]),
        ],
    )
    def test_are_moved_as_little_as_needed(self, wanted, moved):
        np.testing.assert_allclose(push_apart(np.array(wanted), 1), moved)
