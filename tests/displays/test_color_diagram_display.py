# SPDX-License-Identifier: BSD-3-Clause
"""Colors, magnitudes and lines of pixels."""

import numpy as np
import pytest
from astropy import units as u

from skesom.cube import Cube
from skesom.cube.flux.photometry import Photometry
from skesom.displays import ColorDiagramDisplay
from skesom.displays.diagrams import choose_diagrams

BANDS = ["F336W", "F487N", "F502N", "F555W", "F657N", "F673N", "F814W"]
LENGTHS = np.array([336, 487, 502, 555, 657, 673, 814]) / 500


def cube_of(values, names=BANDS, **options):
    """A cube whose pixels all have these values, and 40 pixels with 2 % of noise."""
    noise = 1 + 0.02 * np.random.default_rng(0).standard_normal((8, 10, len(names)))
    return Cube(np.multiply(values, noise), band_names=names, **options)


def draw(cube, x, y, **options):
    labels = np.repeat([[0] * 5 + [1] * 5], 8, axis=0)
    return ColorDiagramDisplay.from_predictions(labels, cube, x=x, y=y, **options)


def center(display):
    """Middle of the axes, where the pixels are."""
    x, y = display.ax_.get_xlim(), display.ax_.get_ylim()
    return np.mean(x), np.mean(y)


class TestMagnitudes:
    """Broad bands."""

    def test_are_ab_where_bands_are_calibrated(self, ax):
        # A value of 10 at a zero point of 25 is of 22.5 mag; 0.04 arcsec2 of a pixel
        # make 22.5 - 3.49 mag per arcsec2.
        known = {"zero_points": [25] * 7, "pixel_scale": (0.2, 0.2)}
        display = draw(
            cube_of([10] * 6 + [20], **known), "F555W - F814W", "F555W", ax=ax
        )
        expected = 2.5 * np.log10(2), 22.5 + 2.5 * np.log10(0.04)
        np.testing.assert_allclose(center(display), expected, atol=0.05)
        assert ax.get_xlabel() == "F555W - F814W [AB mag]"
        assert ax.get_ylabel() == "F555W [AB mag / arcsec2]"
        assert ax.yaxis.get_inverted()

    def test_are_instrumental_else(self, ax):
        display = draw(cube_of([10] * 6 + [20]), "F555W - F814W", "F555W", ax=ax)
        np.testing.assert_allclose(center(display), (0.753, -2.5), atol=0.05)
        assert ax.get_xlabel() == "F555W - F814W [instrumental mag]"
        assert ax.get_ylabel() == "F555W [instrumental mag]"

    def test_count_from_the_sky_that_was_set_aside(self, ax):
        cube = cube_of([10] * 6 + [20])
        raised = np.concatenate([cube.data + 500] + 2 * [np.full_like(cube.data, 500)])
        labels = np.where(np.arange(24)[:, np.newaxis] < 8, 0, -2) + np.zeros((24, 10))
        axes = {"x": "F555W - F814W", "y": "F555W"}
        for subtract_sky, color in ((True, 0.753), (False, 2.5 * np.log10(520 / 510))):
            display = ColorDiagramDisplay.from_predictions(
                labels.astype(int),
                cube.replace(data=raised),
                ax=ax,
                subtract_sky=subtract_sky,
                **axes,
            )
            assert center(display)[0] == pytest.approx(color, abs=0.05)

    def test_leave_out_what_is_not_positive(self, ax):
        cube = cube_of([10] * 7)
        cube.data[0, 0, 3] = -1
        display = draw(cube, "F555W - F814W", "F336W", ax=ax)
        assert display.left_out_ == pytest.approx(1 / 80)
        assert ax.get_title(loc="left").startswith("1.2 % of the pixels left out")
        with pytest.raises(ValueError, match="No pixel has both"):
            draw(cube_of([-1] * 7), "F555W - F814W", "F336W", ax=ax)


class TestLines:
    """Narrow bands above their continuum."""

    known = {"zero_points": [25] * 7, "pixel_scale": (0.2, 0.2)}
    # Of a flat flux per wavelength, with twice as much in H alpha.
    flat = LENGTHS**2

    @pytest.mark.parametrize(
        ("spectrum", "continua", "excess"),
        [
            ([1, 1, 1, 1, 2, 1, 1], None, 2.5 * np.log10(2)),
            (LENGTHS**-3.0, None, 0),  # a power law between two bands of continuum
            ([1, 1, 1, 4, 2, 1, 1], {"F657N": ["F814W"]}, 2.5 * np.log10(2)),
        ],
    )
    def test_have_an_excess_over_the_continuum(self, ax, spectrum, continua, excess):
        cube, axes = (
            cube_of(self.flat * spectrum, **self.known),
            ("F814W", "excess F657N"),
        )
        display = draw(cube, *axes, ax=ax, continua=continua)
        assert center(display)[1] == pytest.approx(excess, abs=0.05)
        assert ax.get_ylabel() == "excess of F657N (H alpha + [N II]) [mag]"

    def test_of_uncalibrated_bands_are_above_the_median_pixel(self, ax):
        cube = cube_of([1e3, 1, 1, 5, 7, 2, 9])
        display = draw(cube, "F555W - F814W", "excess F657N", ax=ax)
        assert center(display)[1] == pytest.approx(0, abs=0.05)
        assert ax.get_ylabel().endswith("[mag above the median pixel]")
        values = np.exp(np.random.default_rng(0).normal(size=(5, 7, 7)))
        excess = Photometry(Cube(values, band_names=BANDS)).excess("F657N")
        assert np.median(excess) == pytest.approx(0, abs=1e-12)

    def test_have_ratios_of_their_fluxes(self, ax):
        # Above a continuum of 1, H alpha has 3 and [S II] 1 per wavelength, in filters
        # of 12.1 and 11.8 nm.
        values = self.flat * [1, 2, 3, 1, 4, 2, 1]
        ratio, other = "F673N / F657N", "F502N / F487N"
        display = draw(cube_of(values, **self.known), ratio, other, ax=ax)
        expected = np.log10(11.8 / (3 * 12.1)), np.log10(2 * 6.5 / 6.0)
        np.testing.assert_allclose(center(display), expected, atol=0.06)
        assert ax.get_xlabel() == "log [S II] / (H alpha + [N II])"


class TestContours:
    """A contour for each cluster."""

    def test_hold_half_of_the_pixels(self, ax):
        rng = np.random.default_rng(0)
        data = np.exp(0.1 * rng.standard_normal((100, 100, 2)))
        cube = Cube(data, band_names=["g", "r"])
        labels = np.zeros((100, 100), dtype=int)
        shown = {"x": "g", "y": "r", "ax": ax}
        display = ColorDiagramDisplay.from_predictions(labels, cube, **shown)
        (path,) = display.contours_[0].get_paths()
        points = -2.5 * np.log10(data.reshape(-1, 2))
        assert path.contains_points(points).mean() == pytest.approx(0.5, abs=0.05)

    def test_are_of_clusters_that_are_chosen_and_not_tiny(self, ax):
        cube = cube_of([1] * 7)
        labels = np.zeros((8, 10), dtype=int)
        labels[0, :4] = 1
        labels[4:] = 2
        axes = {"x": "F336W", "y": "F814W", "ax": ax, "clusters": [1, 2]}
        display = ColorDiagramDisplay.from_predictions(labels, cube, **axes)
        assert list(display.contours_) == [2]

    def test_are_of_the_cube_that_is_clustered(self, galaxy, job, ax):
        axes = {"x": "F336W - F814W", "y": "F814W", "ax": ax}
        display = ColorDiagramDisplay.from_estimator(job, galaxy, **axes)
        # A tiny cluster has no contour.
        assert {0, 1, 2} <= set(display.contours_) <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    "axis", ["F110W", "F336W + F814W", "excess F814W", "F814W / F336W", "F336W - a"]
)
def test_unknown_axes_are_refused(axis, ax):
    with pytest.raises(ValueError, match="must be a band, 'A - B'"):
        draw(cube_of([1] * 7), axis, "F814W", ax=ax)


class TestChoice:
    """The diagrams that bands allow."""

    @pytest.mark.parametrize(
        ("names", "kinds"),
        [
            (BANDS, ["color_magnitude", "color_color", "line_excess", "line_ratio"]),
            (["g", "r", "i"], ["color_magnitude", "color_color"]),
            (["r", "Halpha", "i"], ["color_magnitude", "line_excess"]),
            (["r", "i"], ["color_magnitude"]),
            (["r"], []),
            (["a", "b", "c"], []),
        ],
    )
    def test_follows_the_bands(self, names, kinds):
        assert list(choose_diagrams(cube_of([1] * len(names), names))) == kinds

    def test_is_none_of_channels_and_has_no_lines_without_continua(self):
        places = np.linspace(400, 900, 60) * u.nm
        cube = Cube(np.ones((2, 2, 60)), band_coordinates=places)
        assert choose_diagrams(cube) == {}
        found = choose_diagrams(cube_of([1] * 7), "none")
        assert list(found) == ["color_magnitude", "color_color"]
